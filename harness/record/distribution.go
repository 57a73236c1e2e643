package record

// Distribution is the values of one metric at one instant, of a device or a
// fleet. It does not change when more is recorded.
type Distribution struct {
	exact
	clamped int64
	hist    interface{ ValueAtPercentile(float64) int64 }
}

// Count returns how many values there are.
func (d *Distribution) Count() int64 { return d.count }

// Clamped returns how many of a fleet's values were outside of the range and
// put to its bound; it is not known per device.
func (d *Distribution) Clamped() int64 { return d.clamped }

// Min returns the smallest value, exact, 0 if there is none.
func (d *Distribution) Min() int64 { return d.min }

// Max returns the largest value, exact, 0 if there is none.
func (d *Distribution) Max() int64 { return d.max }

// Mean returns the mean, exact but for being rounded down; 0 if there is no
// value.
func (d *Distribution) Mean() int64 { return d.sum.mean(d.count) }

// Percentile returns the value that p percent (0 to 100) of all values do not
// exceed: the upper end of its bucket, but never beyond Min and Max. It is
// rounded as hdrhistogram-go does: the value of rank p/100*Count+0.5, rounded
// down.
func (d *Distribution) Percentile(p float64) int64 {
	if d.count == 0 {
		return 0
	}
	return min(max(d.hist.ValueAtPercentile(p), d.min), d.max)
}
