package hub

import (
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// throttle admits so many events a second, and as many at once after a second
// of rest. It holds one instant: that at which all its events so far, one
// after the other at the allowed rate, would be through (the generic cell rate
// algorithm of ITU-T I.371, "virtual scheduling"). What is not admitted costs
// nothing.
type throttle struct{ through sim.Time }

// admits says whether one more event may be now; rate below 1: any number.
func (t *throttle) admits(now sim.Time, rate int) bool {
	return rate < 1 || t.through <= now.Add(time.Second-time.Second/time.Duration(rate))
}

// charge counts one event.
func (t *throttle) charge(now sim.Time, rate int) {
	if rate >= 1 {
		t.through = max(t.through, now).Add(time.Second / time.Duration(rate))
	}
}
