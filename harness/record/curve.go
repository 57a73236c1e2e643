package record

import "math"

// Percentile is a point of a metric's distribution: P percent of all values
// do not exceed Value.
type Percentile struct {
	P     float64 `json:"p"`
	Value int64   `json:"value"` // in the metric's unit
}

// The steps of a curve: stepsPerHalf to halve the distance to 100 %, so that
// the tail has as many points as the body; at most so many halvings.
// [HdrHistogram: "percentile ticks per half distance"]
const (
	stepsPerHalf = 5
	maxHalvings  = 17 // 99.9992 %
)

// Curve returns the percentiles from 0 to 100 in steps that halve the distance
// to 100 again and again, as far as there are values to tell them apart: at
// most 86 points, none for an empty distribution. Values never descend.
func (d *Distribution) Curve() []Percentile {
	if d.count == 0 {
		return nil
	}
	list := make([]Percentile, 0, stepsPerHalf*maxHalvings+1)
	for half := range maxHalvings {
		rest := math.Ldexp(100, -half) // exact: so are the percentiles
		if rest*float64(d.count) < 100 {
			break // less than one value is above
		}
		for i := range stepsPerHalf {
			p := 100 - rest + rest*float64(i)/(2*stepsPerHalf)
			list = append(list, Percentile{p, d.Percentile(p)})
		}
	}
	return append(list, Percentile{100, d.Max()})
}
