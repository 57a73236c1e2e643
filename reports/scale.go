package reports

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"
)

// tick is a mark on an axis: where, from 0 to 1 along it, and what it says.
type tick struct {
	At   float64
	Text string
}

// countTicks are whole numbers from 0 to at most top, four or five of them.
func countTicks(top int) []tick {
	if top <= 0 {
		return []tick{{0, "0"}}
	}
	step := 1
	for i := 0; top/step > 5; i++ {
		step = step / []int{1, 2, 5}[i%3] * []int{2, 5, 10}[i%3]
	}
	var list []tick
	for n := 0; n <= top; n += step {
		list = append(list, tick{float64(n) / float64(top), Count(int64(n))})
	}
	return list
}

// timeSteps are the distances between marks of a time axis that people count
// in.
var timeSteps = []time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	day, 2 * day, 7 * day, 14 * day, 28 * day, 91 * day, 364 * day,
}

const day = 24 * time.Hour

// timeTicks are instants from 0 to at most end, at most seven of them.
func timeTicks(end time.Duration) []tick {
	step := timeSteps[0]
	for i := 0; end/step > 6; i++ {
		if i < len(timeSteps) {
			step = timeSteps[i]
		} else {
			step *= 2
		}
	}
	var list []tick
	for d := time.Duration(0); d <= end; d += step {
		list = append(list, tick{float64(d) / float64(max(end, 1)), round(d)})
	}
	return list
}

// round writes a round duration as short as it is: 0, 50ms, 1.5s, 1m30s, 2d.
func round(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	if d > time.Second && d < time.Minute {
		return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s"
	}
	text := ""
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "µs"}, {time.Nanosecond, "ns"}} {
		if n := d / u.unit; n > 0 {
			text += strconv.FormatInt(int64(n), 10) + u.name
			d -= n * u.unit
		}
	}
	return text
}

// logScale is a logarithmic axis of durations.
type logScale struct{ low, high float64 } // log10 of nanoseconds

// newLogScale spans from and to with a little room beyond both, and at least a
// factor of ten, so that what hardly varies looks like it.
func newLogScale(from, to int64) logScale {
	s := logScale{math.Log10(float64(max(from, 1))), math.Log10(float64(max(to, from, 1)))}
	room := max((1-(s.high-s.low))/2, (s.high-s.low)*0.06)
	return logScale{max(s.low-room, 0), max(s.high+room, 1)}
}

// at is where a duration lies, from 0 to 1.
func (s logScale) at(ns int64) float64 {
	return min(max((math.Log10(float64(max(ns, 1)))-s.low)/(s.high-s.low), 0), 1)
}

// logSteps are the durations that a logarithmic axis names first: powers of
// ten up to seconds, what people count in above.
var (
	logSteps = []time.Duration{1, 10, 100, time.Microsecond, 10 * time.Microsecond, 100 * time.Microsecond, time.Millisecond, 10 * time.Millisecond,
		100 * time.Millisecond, time.Second, 10 * time.Second, time.Minute, 10 * time.Minute, time.Hour, day}
	logFineSteps = []time.Duration{2 * time.Second, 5 * time.Second, 20 * time.Second, 30 * time.Second, 2 * time.Minute, 5 * time.Minute,
		20 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour}
)

// ticks are the marks of the scale, no two of them too near to be read: where
// there would be fewer than three, finer ones are added.
func (s logScale) ticks() []tick {
	const apart = 0.1
	var list []tick
	add := func(d time.Duration) {
		x := (math.Log10(float64(d)) - s.low) / (s.high - s.low)
		near := func(t tick) bool { return math.Abs(t.At-x) < apart }
		if x >= 0 && x <= 1 && !slices.ContainsFunc(list, near) {
			list = append(list, tick{x, round(d)})
		}
	}
	for _, d := range logSteps {
		add(d)
	}
	if len(list) < 3 {
		for _, d := range logSteps {
			if d < time.Second {
				add(2 * d)
				add(5 * d)
			}
		}
		for _, d := range logFineSteps {
			add(d)
		}
	}
	slices.SortFunc(list, func(a, b tick) int { return cmp.Compare(a.At, b.At) })
	return list
}

// percentileAt is where a percentile lies on an axis that halves the distance
// to 100 % again and again: 0 for 0 %, 1 for 90 %, 2 for 99 %.
func percentileAt(p float64) float64 { return math.Log10(100 / (100 - p)) }

// percentileSteps are the percentiles that an axis marks. The first has no
// name: it would run into the second.
var percentileSteps = []struct {
	p    float64
	text string
}{{0, ""}, {50, "50"}, {90, "90"}, {99, "99"}, {99.9, "99.9"}, {99.99, "99.99"}, {99.999, "99.999"}}

// percentileTicks are the marks of an axis that ends at percentileAt(p) = end.
func percentileTicks(end float64) []tick {
	var list []tick
	for _, s := range percentileSteps {
		if x := percentileAt(s.p); x <= end+1e-9 {
			list = append(list, tick{x / end, s.text})
		}
	}
	return list
}
