package scenarios

import (
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

const durationPattern = `^[0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h)([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))*$`

// durationText reads a duration, which always has a unit, and says what to
// write when it has none.
func durationText(s string) (d time.Duration, wrong, hint string) {
	s = strings.TrimSpace(s)
	if x, ok := decimal(s); ok {
		hint = "write a unit: 5s, 250ms, 2m or 1h"
		if x.Sign() >= 0 && len(s) <= 12 {
			hint = fmt.Sprintf("write %ss, %sms or %sm", s, s, s)
		}
		return 0, fmt.Sprintf("the duration %s has no unit", s), hint
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		hint = "write a number and a unit: 5s, 250ms, 2m or 1h"
		for _, u := range [...]struct{ got, want string }{{"second", "s"}, {"minute", "m"}, {"sec", "s"}, {"min", "m"}, {"hour", "h"}, {"msec", "ms"}, {"day", "h"}, {"d", "h"}} {
			if number := strings.TrimRight(strings.ToLower(s), "s"); strings.HasSuffix(number, u.got) {
				if x, ok := decimal(strings.TrimSpace(strings.TrimSuffix(number, u.got))); ok && x.IsInt() && x.Sign() >= 0 {
					if strings.HasPrefix(u.got, "d") {
						x.Mul(x, big.NewRat(24, 1))
					}
					hint = fmt.Sprintf("write %s%s", x.Num(), u.want)
					break
				}
			}
		}
		return 0, fmt.Sprintf("%s is not a duration", quote(s)), hint
	}
	if d < 0 {
		return 0, fmt.Sprintf("the duration %s is below 0", s), ""
	}
	return d, "", ""
}

// durationOf is a duration within bounds.
func durationOf(least, most time.Duration) kind[time.Duration] {
	return kind[time.Duration]{
		schema: &schema{types: []string{"string"}, pattern: durationPattern, help: fmt.Sprintf("a duration from %s to %s", brief(least), brief(most))},
		read: func(r *reader, n *node) (time.Duration, bool) {
			s, ok := scalar(r, n, "a duration")
			if !ok {
				return 0, false
			}
			d, wrong, hint := durationText(s)
			if wrong != "" {
				r.complain(n.at, hint, "%s", wrong)
				return 0, false
			}
			if d < least || d > most {
				r.complain(n.at, "", "the duration must be %s to %s, is %s", brief(least), brief(most), brief(d))
				return 0, false
			}
			return d, true
		},
	}
}

// brief prints a duration without zero parts: 1h instead of 1h0m0s.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// anyDuration is a duration up to 292 years.
var anyDuration = durationOf(0, 1<<63-1)

// distKind is a distribution of durations.
var distKind = kind[sim.Dist]{
	schema: &schema{types: []string{"string"}, pattern: `^[0-9p]`, help: "a duration `5s`, a range `1s..3s` or quantiles `p0=1s p50=2s p99=10s`"},
	read: func(r *reader, n *node) (sim.Dist, bool) {
		s, ok := scalar(r, n, "a distribution of durations")
		if !ok {
			return sim.Dist{}, false
		}
		if !strings.Contains(s, "..") && !strings.Contains(s, "=") {
			d, wrong, hint := durationText(s)
			if wrong != "" {
				r.complain(n.at, hint, "%s", wrong)
				return sim.Dist{}, false
			}
			return sim.Always(d), true
		}
		d, err := sim.ParseDist(s)
		if err != nil {
			r.complain(n.at, "", "%s", err)
			return sim.Dist{}, false
		}
		return d, true
	},
}

// span is a range of durations.
type span struct{ low, high time.Duration }

// spanKind is a range `1s..60s`; one duration is both ends.
var spanKind = kind[span]{
	schema: &schema{types: []string{"string"}, pattern: `^[0-9]`, help: "a range of durations `1s..60s`"},
	read: func(r *reader, n *node) (span, bool) {
		s, ok := scalar(r, n, "a range of durations")
		if !ok {
			return span{}, false
		}
		low, high, two := strings.Cut(s, "..")
		if !two {
			high = low
		}
		l, wrong, hint := durationText(low)
		if wrong == "" {
			var h time.Duration
			if h, wrong, hint = durationText(high); wrong == "" {
				if h < l {
					r.complain(n.at, "write the smaller one first", "the range %s goes down", s)
					return span{}, false
				}
				return span{l, h}, true
			}
		}
		r.complain(n.at, hint, "%s", wrong)
		return span{}, false
	},
}

// sizeUnits are the units of sizes in bytes, longest names first.
var sizeUnits = [...]struct {
	name  string
	bytes int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
	{"KB", 1e3}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1},
}

// sizeOf is a number of bytes within bounds: `256KiB`, `1.5MB`, `300B`; a
// plain whole number is bytes.
func sizeOf(least, most int64) kind[int64] {
	return kind[int64]{
		schema: &schema{types: []string{"string", "integer"}, pattern: `^[0-9]+(\.[0-9]+)? ?(KiB|MiB|GiB|KB|kB|MB|GB|B)?$`, help: fmt.Sprintf("a size from %s to %s", sizeText(least), sizeText(most))},
		read: func(r *reader, n *node) (int64, bool) {
			s, ok := scalar(r, n, "a size")
			if !ok {
				return 0, false
			}
			digits, unit := strings.TrimSpace(s), int64(1)
			for _, u := range sizeUnits {
				if rest, ok := strings.CutSuffix(digits, u.name); ok {
					digits, unit = strings.TrimSpace(rest), u.bytes
					break
				}
			}
			x, ok := decimal(digits)
			if !ok {
				r.complain(n.at, "write a number and a unit: 300B, 256KiB, 1MB, 2GiB", "%s is not a size", quote(s))
				return 0, false
			}
			x.Mul(x, new(big.Rat).SetInt64(unit))
			if !x.IsInt() || !x.Num().IsInt64() {
				r.complain(n.at, "", "the size %s is not a whole number of bytes", s)
				return 0, false
			}
			b := x.Num().Int64()
			if b < least || b > most {
				r.complain(n.at, "", "the size must be %s to %s, is %s", sizeText(least), sizeText(most), s)
				return 0, false
			}
			return b, true
		},
	}
}

// sizeText prints a number of bytes with the largest binary unit that divides
// it.
func sizeText(b int64) string {
	for _, u := range [...]int{2, 1, 0} {
		if b >= sizeUnits[u].bytes && b%sizeUnits[u].bytes == 0 {
			return fmt.Sprintf("%d%s", b/sizeUnits[u].bytes, sizeUnits[u].name)
		}
	}
	return fmt.Sprintf("%dB", b)
}

// rateKind is so many a second, `2000/s` or `0.5/s`, in thousandths.
var rateKind = kind[int64]{
	schema: &schema{types: []string{"string"}, pattern: `^[0-9]+(\.[0-9]+)?/s$`, help: "a rate from 0.001/s to 1000000/s"},
	read: func(r *reader, n *node) (int64, bool) {
		s, ok := scalar(r, n, "a rate")
		if !ok {
			return 0, false
		}
		digits, unit := strings.CutSuffix(strings.TrimSpace(s), "/s")
		x, ok := decimal(strings.TrimSpace(digits))
		switch {
		case ok && !unit:
			r.complain(n.at, fmt.Sprintf("write %s/s", s), "the rate %s has no unit", s)
			return 0, false
		case !ok:
			r.complain(n.at, "write so many a second: 2000/s", "%s is not a rate", quote(s))
			return 0, false
		}
		x.Mul(x, big.NewRat(1000, 1))
		if !x.IsInt() || x.Cmp(big.NewRat(1, 1)) < 0 || x.Cmp(big.NewRat(1e9, 1)) > 0 {
			r.complain(n.at, "", "the rate must be 0.001/s to 1000000/s in steps of 0.001/s, is %s", s)
			return 0, false
		}
		return x.Num().Int64(), true
	},
}

// epochKind is the civil instant a run begins at.
var epochKind = kind[sim.Epoch]{
	schema: &schema{types: []string{"string"}, pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}(T.*)?$`, help: "a date or an RFC 3339 instant, years 1678 to 2261"},
	read: func(r *reader, n *node) (sim.Epoch, bool) {
		s, ok := scalar(r, n, "epoch")
		if !ok {
			return 0, false
		}
		for _, layout := range [...]string{time.DateOnly, time.RFC3339Nano} {
			if t, err := time.ParseInLocation(layout, s, time.UTC); err == nil {
				if y := t.UTC().Year(); y < 1678 || y > 2261 {
					r.complain(n.at, "", "the epoch must lie in the years 1678 to 2261, is %s", s)
					return 0, false
				}
				return sim.Epoch(t.UnixNano()), true
			}
		}
		r.complain(n.at, "write 2026-01-01 or 2026-01-01T00:00:00Z", "%s is not an instant", quote(s))
		return 0, false
	},
}
