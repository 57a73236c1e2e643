package hubd

import "github.com/flotilla-sim/flotilla/sim"

// The bounds of what one connection may say: more than any device does, and
// far less than the owner can take in, so that one device's loop is not
// everybody's. A hub allows a burst and then refuses. [Azure IoT Hub: "IoT Hub
// quotas and throttling", traffic shaping]
const (
	DefaultInflow = 1000 // messages per second
	inflowBurst   = 5    // seconds of it that may come at once, after a pause say
)

// inflow counts what a connection says, in messages that it has left. It is
// its reader's.
type inflow struct {
	left float64
	last sim.Time
}

// admit counts one message, of rate per second, and says whether the
// connection may go on.
func (f *inflow) admit(now sim.Time, rate int) bool {
	if rate <= 0 {
		return true
	}
	most := float64(rate) * inflowBurst
	if f.last == 0 {
		f.left = most
	} else {
		f.left = min(most, f.left+now.Sub(f.last).Seconds()*float64(rate))
	}
	f.last = max(now, 1)
	f.left--
	return f.left >= 0
}
