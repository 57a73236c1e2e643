package reports

import (
	"math"
	"strings"

	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/sim"
)

// curves are the latencies of all metrics by percentile: one small chart
// each. They share the axis of percentiles; each has its own of latencies.
type curves struct {
	X       []tick
	GridX   string // path of the lines at the marks
	Metrics []curve
}

// curve is one metric's chart.
type curve struct {
	Name   string
	About  string // what is measured
	Count  string
	Y      []tick
	Grid   string // path of the lines at the marks of Y
	Line   string // path
	Points []point
}

// point is a value that the chart names.
type point struct {
	Name, Value string
	Left, Top   string // percent of the chart
}

// maxPercentileAt is how far an axis reaches: 99.9995 %.
const maxPercentileAt = 5.3

// newCurves draws the metrics that are durations and have a distribution; nil
// if none has.
func newCurves(s *record.Summary) *curves {
	var names []string
	end := 1.0
	for _, name := range metricNames(s) {
		if m := s.Metrics[name]; m.Unit == "ns" && len(m.Percentiles) > 0 && m.Count > 0 {
			names = append(names, name)
			end = max(end, topAt(m.Count))
		}
	}
	if len(names) == 0 {
		return nil
	}
	c := &curves{X: percentileTicks(end)}
	for _, t := range c.X {
		c.GridX += "M" + decimal(t.At*side) + " 0V" + decimal(side)
	}
	for _, name := range names {
		c.Metrics = append(c.Metrics, newCurve(name, s.Metrics[name], end))
	}
	return c
}

// newCurve draws a metric on an axis of percentiles that ends at end.
func newCurve(name string, m record.Metric, end float64) curve {
	low, high := m.Max, m.Max
	for _, p := range m.Percentiles {
		low, high = min(low, p.Value), max(high, p.Value)
	}
	scale := newLogScale(low, high)
	v := curve{Name: name, About: aboutMetric(name), Count: Count(m.Count), Y: scale.ticks()}
	for _, t := range v.Y {
		v.Grid += "M0 " + decimal(side-t.At*side) + "H" + decimal(side)
	}
	top := topAt(m.Count)
	x := func(p float64) float64 {
		if p >= 100 { // the highest value has no percentile below 100
			return top / end
		}
		return min(percentileAt(p), top) / end
	}
	var line strings.Builder
	for i, p := range m.Percentiles {
		line.WriteByte("ML"[min(i, 1)])
		line.WriteString(decimal(x(p.P)*side) + " " + decimal(side-scale.at(p.Value)*side))
	}
	v.Line = line.String()
	for _, p := range []struct {
		name  string
		p     float64
		value int64
	}{{"p50", 50, m.P50}, {"p99", 99, m.P99}, {"max", 100, m.Max}} {
		v.Points = append(v.Points, point{p.name, quantity(p.value, m.Unit, Options{}), decimal(x(p.p) * 100), decimal(100 - scale.at(p.value)*100)})
	}
	return v
}

// topAt is where the highest of n values is drawn: in the middle of the last
// n-th, as far as the axis reaches.
func topAt(n int64) float64 { return min(math.Log10(2*float64(n)), maxPercentileAt) }

// metricNames are the metrics of a summary in the order of sim.Metrics; those
// of another build come last, by name.
func metricNames(s *record.Summary) []string {
	var names []string
	known := make(map[string]bool)
	for _, info := range sim.Metrics[sim.NoMetric+1:] {
		known[info.Name] = true
		if _, ok := s.Metrics[info.Name]; ok {
			names = append(names, info.Name)
		}
	}
	for _, name := range sorted(s.Metrics) {
		if !known[name] {
			names = append(names, name)
		}
	}
	return names
}

func aboutMetric(name string) string {
	for _, info := range sim.Metrics[sim.NoMetric+1:] {
		if info.Name == name {
			return info.Help
		}
	}
	return ""
}
