package reports

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/flotilla-sim/flotilla/harness/record"
)

// Duration writes a duration for people, three significant digits below a
// minute and two units above: 0s, 870ns, 1.23ms, 45.6s, 1m05s, 3h20m, 2d04h.
// Two digits of precision beyond the third would be noise: histograms have
// three.
func Duration(d time.Duration, o Options) string {
	if d < 0 {
		return "-" + Duration(-max(d, -math.MaxInt64), o)
	}
	micro := "µs"
	if o.ASCII {
		micro = "us"
	}
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{time.Nanosecond, "ns"}, {time.Microsecond, micro}, {time.Millisecond, "ms"}, {time.Second, "s"}} {
		limit := 1000 * u.unit
		if u.unit == time.Second {
			limit = time.Minute
		}
		// 999.6 of a unit would be written 1000: it is 1 of the next.
		if text, ok := three(int64(d), int64(u.unit), int64(limit)); ok {
			if d == 0 {
				return "0s"
			}
			return text + u.name
		}
	}
	pair := func(big, small time.Duration, names string) string {
		n := int64(d / small)
		if d%small >= small/2 {
			n++
		}
		per := int64(big / small)
		return fmt.Sprintf("%d%c%02d%c", n/per, names[0], n%per, names[1])
	}
	switch {
	case d < time.Hour-time.Second/2:
		return pair(time.Minute, time.Second, "ms")
	case d < 24*time.Hour-time.Minute/2:
		return pair(time.Hour, time.Minute, "hm")
	}
	return pair(24*time.Hour, time.Hour, "dh")
}

// three writes n/unit with three significant digits, trailing zeros kept
// below 100; not ok if the rounded number reaches limit.
func three(n, unit, limit int64) (string, bool) {
	if n >= limit || unit == 1 {
		return strconv.FormatInt(n, 10), n < limit
	}
	for decimals, step := 2, unit/100; ; decimals, step = decimals-1, step*10 {
		r := (n + step/2) / step * step // rounded to the last digit written
		if r >= limit {
			return "", false
		}
		if r < 10*pow10(2-decimals)*unit || decimals == 0 {
			text := strconv.FormatInt(r/unit, 10)
			if decimals > 0 {
				text += fmt.Sprintf(".%0*d", decimals, r%unit/step)
			}
			return text, true
		}
	}
}

func pow10(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}

// Bytes writes a size for people, binary units: 0 B, 512 B, 1.50 KiB, 12.3 MiB.
func Bytes(n int64) string {
	if n < 0 {
		return "-" + Bytes(-max(n, -math.MaxInt64))
	}
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	f, units := float64(n), []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	for i, u := range units {
		f /= 1024
		if f < 1023.5 || i == len(units)-1 {
			return significant(f) + " " + u
		}
	}
	return ""
}

// significant writes f with three significant digits.
func significant(f float64) string {
	switch {
	case f < 9.995:
		return strconv.FormatFloat(f, 'f', 2, 64)
	case f < 99.95:
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return Count(int64(f + 0.5))
}

// Count writes a number with commas between thousands: 1,234,567.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Plural writes a count and its noun: 1 device, 6 devices.
func Plural(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + one + "s"
}

// clean makes foreign text safe to print on one line of a terminal: control
// characters, which could move the cursor or change colours, and bytes that
// are no UTF-8 are written as Go escapes; so is all but ASCII, if asked.
func clean(s string, o Options) string {
	safe := func(r rune) bool {
		return r >= ' ' && r < 0x7f || r > 0x7f && !o.ASCII && strconv.IsPrint(r) && r != '\uFFFD'
	}
	if strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if safe(r) {
			b.WriteRune(r)
		} else {
			q := strconv.QuoteToASCII(s[:n])
			b.WriteString(q[1 : len(q)-1])
		}
		s = s[n:]
	}
	return b.String()
}

// quantity writes a metric's value; one that is no duration is a plain number.
func quantity(v int64, unit string, o Options) string {
	if unit == "ns" {
		return Duration(time.Duration(v), o)
	}
	return Count(v)
}

// befallen says whom a fault befalls; show is how a group's name is written.
func befallen(f record.Fault, show func(string) string) string {
	switch {
	case f.Devices == 0:
		return "the hub"
	case f.Group == "":
		return Plural(int64(f.Devices), "device")
	}
	return Plural(int64(f.Devices), "device") + " of group " + show(f.Group)
}
