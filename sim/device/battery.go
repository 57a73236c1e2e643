package device

import (
	"strconv"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// The battery loses 1 % every 10 s, from 100 to 0, and is then full again.
// [Azure IoT Hub device management preview, simulated device of April 2016]
// Its level and the clock are functions of time: they are computed when they
// are read or their report is due, and never wake the device for themselves.
const (
	drainPeriod = 10 * time.Second
	drainSteps  = 101
)

// drained is the battery's level at an instant.
func (d *Device) drained(at sim.Time) int {
	return 100 - int(max(0, at.Sub(d.born))/drainPeriod%drainSteps)
}

// drains is when the level is next another one than at the given instant.
func (d *Device) drains(at sim.Time) sim.Time {
	passed := max(0, at.Sub(d.born)) / drainPeriod
	return d.born.Add((passed + 1) * drainPeriod)
}

// draining says whether the level changes by itself.
func (d *Device) draining() bool {
	if !d.model.draining {
		return false
	}
	_, own := d.stored(BatteryLevel)
	return !own
}

// clock is the device's civil time in seconds, by what is stored of it: how
// far it was set away from the true time.
func (d *Device) clock(offset string) int64 {
	n, _ := strconv.ParseInt(offset, 10, 64)
	return int64(d.epoch.Date(d.at)) + n
}
