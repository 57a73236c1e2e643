package zone

import (
	"cmp"
	"math"
	"math/bits"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// Instant is a point in civil time: Nanos, 0 to 999,999,999, after the
// beginning of the second Date.
type Instant struct {
	Date  sim.Date
	Nanos int32
}

// The instants there are: years 0001 to 9999 in UTC, what RFC 3339 can write.
const (
	minDate sim.Date = -62135596800 // 0001-01-01T00:00:00Z
	maxDate sim.Date = 253402300799 // 9999-12-31T23:59:59Z
)

const (
	nanos = int64(time.Second)
	day   = 24 * 60 * 60 // seconds
)

// At returns the civil instant of a run's Time.
func At(e sim.Epoch, t sim.Time) Instant {
	n := (int64(e)%nanos + int64(t)%nanos) % nanos
	if n < 0 {
		n += nanos
	}
	return Instant{e.Date(t), int32(n)}
}

// Time returns the run's Time of the instant: 0 for what was before the
// epoch, Never for what lies beyond the clock's 292 years.
func (i Instant) Time(e sim.Epoch) sim.Time {
	from := At(e, 0)
	if i.Compare(from) <= 0 {
		return 0
	}
	sec, nsec := int64(i.Date-from.Date), int64(i.Nanos-from.Nanos)
	if nsec < 0 {
		sec, nsec = sec-1, nsec+nanos
	}
	if sec > math.MaxInt64/nanos {
		return sim.Never
	}
	return sim.Time(sec * nanos).Add(time.Duration(nsec))
}

// Compare returns -1 if i is before o, 0 if they are the same, else +1.
func (i Instant) Compare(o Instant) int {
	return cmp.Or(cmp.Compare(i.Date, o.Date), cmp.Compare(i.Nanos, o.Nanos))
}

// String writes the instant as in RFC 3339, in UTC, with as many digits of
// the fraction as are needed.
func (i Instant) String() string {
	return time.Unix(int64(i.Date), int64(i.Nanos)).UTC().Format(time.RFC3339Nano)
}

// valid says whether the instant is one of the years 0001 to 9999.
func (i Instant) valid() bool { return i.Date >= minDate && i.Date <= maxDate }

// before returns the last instant before i.
func (i Instant) before() Instant {
	if i.Nanos > 0 {
		return Instant{i.Date, i.Nanos - 1}
	}
	return Instant{i.Date - 1, int32(nanos - 1)}
}

// plus returns i plus n times d, false if that is after the year 9999; n and
// d must not be below 0. The product may have more than 64 bits: n seconds
// are counted up to 300 thousand million.
func (i Instant) plus(n int64, d time.Duration) (Instant, bool) {
	hi, lo := bits.Mul64(uint64(n), uint64(d))
	lo, carry := bits.Add64(lo, uint64(i.Nanos), 0)
	hi += carry
	if hi >= uint64(nanos) {
		return Instant{}, false // above 2^64 seconds
	}
	sec, nsec := bits.Div64(hi, lo, uint64(nanos))
	if sec > uint64(maxDate-minDate) {
		return Instant{}, false
	}
	sum := Instant{i.Date + sim.Date(sec), int32(nsec)}
	return sum, sum.valid()
}

// times returns how often d, at least a second, fits between i and a later
// instant, both valid.
func (i Instant) times(d time.Duration, later Instant) int64 {
	sec, nsec := uint64(later.Date-i.Date), int64(later.Nanos-i.Nanos)
	if nsec < 0 {
		sec, nsec = sec-1, nsec+nanos
	}
	hi, lo := bits.Mul64(sec, uint64(nanos))
	lo, carry := bits.Add64(lo, uint64(nsec), 0)
	n, _ := bits.Div64(hi+carry, lo, uint64(d))
	return int64(n)
}
