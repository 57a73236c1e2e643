package live

import (
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// Clock is a run's clock: monotonic time since its start. One run has one
// clock; stage and bundled hub read the same.
type Clock struct{ start time.Time }

// StartClock starts a clock: this is Time 0.
func StartClock() Clock { return Clock{time.Now()} }

// Now is the present instant of the run.
func (c Clock) Now() sim.Time { return sim.Time(time.Since(c.start)) }

// Epoch is the civil instant of Time 0.
func (c Clock) Epoch() sim.Epoch { return sim.Epoch(c.start.UnixNano()) }
