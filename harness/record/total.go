package record

import (
	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/flotilla-sim/flotilla/sim"
)

// denseFrom is the number of values from which a shard's total is worth an
// array of all buckets (some 220 KB): recording into it costs a few
// nanoseconds whatever was recorded before, and a fleet is merged by adding
// arrays instead of walking every device.
const denseFrom = 4096

// total is the values of one metric over all devices of a shard.
type total struct {
	exact
	clamped int64
	span    span // of all values
	ramp    span // of each device's first value
	packed  *hdrhistogram.PackedHistogram
	dense   *hdrhistogram.Histogram // not nil: packed is gone
}

func (t *total) add(v int64) {
	t.exact.add(v)
	if t.dense != nil {
		mustRecord(t.dense.RecordValue(v))
		return
	}
	if t.packed == nil {
		t.packed = newPacked()
	}
	mustRecord(t.packed.RecordValue(v))
	if t.count >= denseFrom {
		t.dense = newDense()
		t.packed.MergeInto(t.dense)
		t.packed = nil
	}
}

// into adds the total's buckets to h.
func (t *total) into(h *hdrhistogram.Histogram) {
	switch {
	case t.dense != nil:
		h.Merge(t.dense)
	case t.packed != nil:
		t.packed.MergeInto(h)
	}
}

// span is from when to when something was going on, and how many times.
type span struct {
	count       int64
	first, last sim.Time // planned instant of the earliest, end of the latest
}

func (s *span) add(due, at sim.Time) {
	if s.count == 0 || due < s.first {
		s.first = due
	}
	s.last = max(s.last, at)
	s.count++
}

func (s *span) merge(t span) {
	if t.count == 0 {
		return
	}
	if s.count == 0 || t.first < s.first {
		s.first = t.first
	}
	s.last = max(s.last, t.last)
	s.count += t.count
}

// perSecond is the mean rate; 0 if everything happened at one instant.
func (s span) perSecond() float64 {
	d := s.last.Sub(s.first)
	if s.count == 0 || d <= 0 {
		return 0
	}
	return float64(s.count) / d.Seconds()
}
