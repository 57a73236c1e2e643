package record

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The range and precision of every histogram.
const (
	// Highest is the largest measurement, in ns; what is above is clamped to
	// it and counted. It is a day because that is the longest a job may last.
	Highest = int64(24 * time.Hour)

	// Resolution is the lowest discernible value in ns: values below it are
	// kept, but not told apart once there are more than RawSamples of them.
	Resolution = int64(time.Microsecond)

	// Digits is the number of significant decimal digits.
	Digits = 3

	// RawSamples is how many values of one device and metric are kept as they
	// are before they become a histogram: below it a histogram is larger.
	RawSamples = 64
)

func newPacked() *hdrhistogram.PackedHistogram {
	return hdrhistogram.NewPacked(Resolution, Highest, Digits)
}

func newDense() *hdrhistogram.Histogram {
	return hdrhistogram.New(Resolution, Highest, Digits)
}

// clamp puts v into the range and says whether it was outside.
func clamp(v int64) (int64, bool) {
	switch {
	case v < 0:
		return 0, true
	case v > Highest:
		return Highest, true
	}
	return v, false
}

// sum is a sum of values that cannot overflow: 128 bits.
type sum struct{ hi, lo uint64 }

func (s *sum) add(v uint64) {
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, v, 0)
	s.hi += carry
}

func (s *sum) merge(t sum) {
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, t.lo, 0)
	s.hi += t.hi + carry
}

// int64 is the sum, or the largest number there is if it is above.
func (s sum) int64() int64 {
	if s.hi > 0 || s.lo > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(s.lo)
}

// mean is the sum divided by n, rounded down; every value summed is below
// 2^63, so the quotient is too.
func (s sum) mean(n int64) int64 {
	if n <= 0 {
		return 0
	}
	q, _ := bits.Div64(s.hi, s.lo, uint64(n))
	return int64(q)
}

// exact is what stays exact however many values there are.
type exact struct {
	count    int64
	min, max int64
	sum      sum
}

func (e *exact) add(v int64) {
	if e.count == 0 || v < e.min {
		e.min = v
	}
	e.max = max(e.max, v)
	e.count++
	e.sum.add(uint64(v))
}

func (e *exact) merge(f exact) {
	if f.count == 0 {
		return
	}
	if e.count == 0 || f.min < e.min {
		e.min = f.min
	}
	e.max = max(e.max, f.max)
	e.count += f.count
	e.sum.merge(f.sum)
}

// series is the values of one device and metric. While there are at most
// RawSamples they are raw: one byte of count, then a varint each, which for
// latencies is 3 to 5 bytes against 8. The zero value is empty. Values given
// to it are in range.
type series struct {
	raw    []byte
	packed *packed // not nil: raw is gone
}

type packed struct {
	exact
	hist *hdrhistogram.PackedHistogram
}

func (s *series) count() int64 {
	switch {
	case s.packed != nil:
		return s.packed.count
	case len(s.raw) > 0:
		return int64(s.raw[0])
	}
	return 0
}

func (s *series) add(v int64) {
	if s.packed == nil && s.count() == RawSamples {
		s.pack()
	}
	if p := s.packed; p != nil {
		p.add(v)
		mustRecord(p.hist.RecordValue(v))
		return
	}
	if cap(s.raw)-len(s.raw) < binary.MaxVarintLen64 {
		// Growth by a quarter: doubling, as append does, would cost a large
		// fleet more in slack than the values themselves.
		room := append([]byte(nil), make([]byte, len(s.raw)+len(s.raw)/4+binary.MaxVarintLen64+1)...)
		n := copy(room, s.raw)
		s.raw = room[:max(n, 1)]
	}
	s.raw = binary.AppendUvarint(s.raw, uint64(v))
	s.raw[0]++
}

// values calls f with every raw value in order of arrival.
func (s *series) values(f func(v int64)) {
	if len(s.raw) == 0 {
		return
	}
	for b := s.raw[1:]; len(b) > 0; {
		v, n := binary.Uvarint(b)
		f(int64(v))
		b = b[n:]
	}
}

// pack turns raw values into a histogram. They are recorded in ascending
// order, in which the sparse histogram only appends.
func (s *series) pack() {
	all := make([]int64, 0, RawSamples)
	s.values(func(v int64) { all = append(all, v) })
	slices.Sort(all)
	p := &packed{hist: newPacked()}
	for _, v := range all {
		p.add(v)
		mustRecord(p.hist.RecordValue(v))
	}
	s.packed, s.raw = p, nil
}

// distribution returns the values as they are now. With a packed histogram it
// is the series' own, so the result lives no longer than the lock that guards
// the series; raw values are copied to room.
func (s *series) distribution(room *[RawSamples]int64) Distribution {
	if p := s.packed; p != nil {
		return Distribution{exact: p.exact, hist: p.hist}
	}
	values := sorted(room[:0])
	s.values(func(v int64) { values = append(values, v) })
	slices.Sort(values)
	d := Distribution{hist: values}
	for _, v := range values {
		d.exact.add(v)
	}
	return d
}

// sorted is a histogram of few values: it answers as an HDR histogram of the
// same range and precision does, without building one.
type sorted []int64

func (s sorted) ValueAtPercentile(p float64) int64 {
	if len(s) == 0 {
		return 0
	}
	rank := int(p/100*float64(len(s)) + 0.5)
	v := s[min(max(rank, 1), len(s))-1]
	if p <= 0 {
		return v &^ width(v)
	}
	return v | width(v)
}

// width is the number of values in v's bucket less one: buckets are
// 2^bucketUnit wide up to 2^(bucketUnit+bucketDigits), then twice as wide for
// every power of two.
// [hdrhistogram-go: getBucketIndex, sizeOfEquivalentValueRange]
func width(v int64) int64 {
	return 1<<max(bucketUnit, bits.Len64(uint64(v))-bucketDigits) - 1
}

// The geometry of buckets that Resolution and Digits give.
const (
	bucketUnit   = 9  // 2^9 is the largest power of two not above Resolution
	bucketDigits = 11 // 2^11 is the smallest power of two not below 2*10^Digits
)

// mustRecord: values are clamped before, so a refusal is a broken invariant.
func mustRecord(err error) {
	if err != nil {
		panic("record: " + err.Error())
	}
}
