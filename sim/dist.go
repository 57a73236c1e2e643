package sim

import (
	"fmt"
	"strings"
	"time"
)

// Dist is a distribution of durations, drawn by integer arithmetic alone so
// that every machine draws the same. The zero value is always 0.
//
// Its text is `5s` (always), `1s..3s` (uniform) or quantiles `p0=1s p50=2s
// p99=10s` (straight lines between them; the first must be p0, what lies
// beyond the last equals it; percent may have two decimals).
type Dist struct {
	points []point
	text   string
}

type point struct {
	at    int64 // in 1/10000
	value time.Duration
}

// Always returns the distribution that draws d.
func Always(d time.Duration) Dist {
	return Dist{points: []point{{0, d}}, text: d.String()}
}

// Uniform returns the distribution that draws from low to high.
func Uniform(low, high time.Duration) Dist {
	return Dist{points: []point{{0, low}, {10000, high}}, text: low.String() + ".." + high.String()}
}

// ParseDist reads a distribution's text.
func ParseDist(s string) (Dist, error) {
	bad := func(what string) (Dist, error) {
		return Dist{}, fmt.Errorf("distribution %q: %s; write `5s`, `1s..3s` or `p0=1s p50=2s p99=10s`", s, what)
	}
	if low, high, ok := strings.Cut(s, ".."); ok {
		l, err1 := time.ParseDuration(strings.TrimSpace(low))
		h, err2 := time.ParseDuration(strings.TrimSpace(high))
		if err1 != nil || err2 != nil || strings.HasPrefix(high, ".") { // 1s...3s would end at .3s
			return bad("not two durations with units")
		}
		if l < 0 || h < l {
			return bad("the bounds must not be below 0 and the second not below the first")
		}
		return Uniform(l, h), nil
	}
	if !strings.Contains(s, "=") {
		d, err := time.ParseDuration(strings.TrimSpace(s))
		if err != nil {
			return bad("not a duration with a unit")
		}
		if d < 0 {
			return bad("must not be below 0")
		}
		return Always(d), nil
	}
	var d Dist
	for _, f := range strings.Fields(s) {
		name, value, _ := strings.Cut(f, "=")
		at, ok := percent(name)
		v, err := time.ParseDuration(value)
		if !ok || err != nil || v < 0 {
			return bad(fmt.Sprintf("%q is not a quantile", f))
		}
		if n := len(d.points); n == 0 && at != 0 {
			return bad("the first quantile must be p0")
		} else if n > 0 && (at <= d.points[n-1].at || v < d.points[n-1].value) {
			return bad("quantiles must ascend")
		}
		d.points = append(d.points, point{at, v})
	}
	d.text = strings.Join(strings.Fields(s), " ")
	return d, nil
}

// percent reads p0 to p100 with at most two decimals, in 1/10000.
func percent(s string) (int64, bool) {
	s, ok := strings.CutPrefix(s, "p")
	whole, frac, dot := strings.Cut(s, ".")
	if !ok || whole == "" || len(whole) > 3 || dot && (frac == "" || len(frac) > 2) {
		return 0, false
	}
	var n int64
	for _, c := range whole + (frac + "00")[:2] {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, n <= 10000
}

// Draw takes one duration; a distribution that always gives the same draws
// nothing from r.
func (d Dist) Draw(r *Rand) time.Duration {
	switch len(d.points) {
	case 0:
		return 0
	case 1:
		return d.points[0].value
	}
	const steps = 1 << 20 // of the whole range: finer than 1/10000
	u := r.N(steps + 1)
	for i := 1; i < len(d.points); i++ {
		a, b := d.points[i-1], d.points[i]
		from, to := a.at*steps/10000, b.at*steps/10000
		if u <= to {
			if to == from {
				return b.value
			}
			span := int64(b.value - a.value)
			return a.value + time.Duration(span/(to-from)*(u-from)+span%(to-from)*(u-from)/(to-from))
		}
	}
	return d.points[len(d.points)-1].value
}

// Max returns the longest duration d can draw.
func (d Dist) Max() time.Duration {
	if len(d.points) == 0 {
		return 0
	}
	return d.points[len(d.points)-1].value
}

// String returns the distribution's text.
func (d Dist) String() string {
	if len(d.points) == 0 {
		return "0s"
	}
	return d.text
}
