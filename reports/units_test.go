package reports

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		in   time.Duration
		want string
	}{
		{0, "0s"}, {1, "1ns"}, {999, "999ns"}, {1000, "1.00µs"}, {1004, "1.00µs"}, {1005, "1.01µs"}, {9994, "9.99µs"}, {9995, "10.0µs"},
		{99_949, "99.9µs"}, {99_950, "100µs"}, {999_499, "999µs"}, {999_500, "1.00ms"}, {1_234_567, "1.23ms"}, {45_600 * time.Microsecond, "45.6ms"},
		{999_600 * time.Microsecond, "1.00s"}, {2300 * time.Millisecond, "2.30s"}, {59_940 * time.Millisecond, "59.9s"}, {59_960 * time.Millisecond, "1m00s"},
		{time.Minute, "1m00s"}, {65 * time.Second, "1m05s"}, {time.Hour - time.Second, "59m59s"}, {time.Hour - time.Millisecond, "1h00m"},
		{3*time.Hour + 20*time.Minute, "3h20m"}, {24*time.Hour - time.Second, "1d00h"}, {52 * time.Hour, "2d04h"},
		{-1500 * time.Microsecond, "-1.50ms"}, {math.MaxInt64, "106752d00h"}, {math.MinInt64, "-106752d00h"},
	} {
		if got := Duration(c.in, Options{}); got != c.want {
			t.Errorf("Duration(%d) = %s; want %s", c.in, got, c.want)
		}
		if got, want := Duration(c.in, Options{ASCII: true}), strings.ReplaceAll(c.want, "µ", "u"); got != want {
			t.Errorf("Duration(%d) in ASCII = %s; want %s", c.in, got, want)
		}
	}
}

// Below a minute what is written is within half a digit of what is meant, and
// can be read back.
func TestDurationIsNear(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := time.Duration(rapid.Int64Range(1, int64(59*time.Second)).Draw(rt, "d"))
		text := Duration(d, Options{})
		back, err := time.ParseDuration(text)
		if err != nil {
			rt.Fatalf("%s of %d: %v", text, d, err)
		}
		if diff := (back - d).Abs(); diff > d/199 {
			rt.Fatalf("%d is written %s, which is %d away", d, text, diff)
		}
		if n := strings.Count(strings.TrimRight(text, "nµms"), "") - 1; n > 4 {
			rt.Fatalf("%d is written %s: more than three digits", d, text)
		}
	})
}

func TestBytes(t *testing.T) {
	for _, c := range []struct {
		in   int64
		want string
	}{
		{0, "0 B"}, {1023, "1023 B"}, {1024, "1.00 KiB"}, {1536, "1.50 KiB"}, {61_234, "59.8 KiB"}, {1_048_000, "1,023 KiB"},
		{1_048_300, "1.00 MiB"}, {6 << 18, "1.50 MiB"}, {26_214_400_000, "24.4 GiB"}, {math.MaxInt64, "8.00 EiB"}, {-2048, "-2.00 KiB"}, {math.MinInt64, "-8.00 EiB"},
	} {
		if got := Bytes(c.in); got != c.want {
			t.Errorf("Bytes(%d) = %s; want %s", c.in, got, c.want)
		}
	}
}

func TestCount(t *testing.T) {
	for _, c := range []struct {
		in   int64
		want string
	}{{0, "0"}, {999, "999"}, {1000, "1,000"}, {1234567, "1,234,567"}, {-1000, "-1,000"}, {-999, "-999"}, {math.MinInt64, "-9,223,372,036,854,775,808"}} {
		if got := Count(c.in); got != c.want {
			t.Errorf("Count(%d) = %s; want %s", c.in, got, c.want)
		}
	}
}

func TestClean(t *testing.T) {
	for _, c := range []struct{ in, utf8, ascii string }{
		{"Device11-7ce4a850", "Device11-7ce4a850", "Device11-7ce4a850"},
		{"größer", "größer", `gr\u00f6\u00dfer`},
		{"\x1b[2J", `\x1b[2J`, `\x1b[2J`},
		{"a\r\nb\tc\x00", `a\r\nb\tc\x00`, `a\r\nb\tc\x00`},
		{"\xffx\xef", `\xffx\xef`, `\xffx\xef`},
		{"\u202e\u200b\u2028", `\u202e\u200b\u2028`, `\u202e\u200b\u2028`},
		{`"quoted" \ 100%s`, `"quoted" \ 100%s`, `"quoted" \ 100%s`},
		{"\x7f\u0085", `\x7f\u0085`, `\x7f\u0085`},
	} {
		if got := clean(c.in, Options{}); got != c.utf8 {
			t.Errorf("clean(%q) = %s; want %s", c.in, got, c.utf8)
		}
		if got := clean(c.in, Options{ASCII: true}); got != c.ascii {
			t.Errorf("clean(%q) in ASCII = %s; want %s", c.in, got, c.ascii)
		}
	}
}
