package device

import (
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// volatile is what a device at work has beside its state; a reboot loses all
// of it, a device at rest has none.
type volatile struct {
	calls    []call // of the present session, and mute ones, in order of arrival
	timers   []timer
	activity activity
	download *download
	unsent   doc.Value // root properties to report in the next session; absent: none
	late     []late    // answers
}

type timer struct {
	at sim.Time
	do func(*Device)
}

type activity struct {
	name string
	at   sim.Time // Never: none
	do   func(*Device)
}

func (d *Device) atWork() *volatile {
	if d.busy == nil {
		d.busy = &volatile{activity: activity{at: sim.Never}}
	}
	return d.busy
}

func (b *volatile) idle() bool {
	return len(b.calls) == 0 && len(b.timers) == 0 && b.activity.name == "" && b.download == nil && b.unsent.IsAbsent() && len(b.late) == 0
}

// alarm is when the first timer is due.
func (b *volatile) alarm() sim.Time {
	at := sim.Never
	for i := range b.timers {
		at = min(at, b.timers[i].at)
	}
	return at
}

// maxTimers is how many timers of After a device can have.
const maxTimers = 256

// After calls f after a duration, counted from the planned instant of what is
// being done. A reboot forgets it. There can be 256 at a time; one more is
// dropped and noted.
func (d *Device) After(wait time.Duration, f func(*Device)) {
	b := d.atWork()
	if len(b.timers) == maxTimers {
		d.Note(sim.EventDrop, "timer: 256 are set already")
		return
	}
	b.timers = append(b.timers, timer{d.at.Add(wait), f})
}

func (d *Device) timerDue() {
	b := d.busy
	first := 0
	for i := range b.timers {
		if b.timers[i].at < b.timers[first].at {
			first = i
		}
	}
	f := b.timers[first].do
	b.timers = append(b.timers[:first], b.timers[first+1:]...)
	f(d)
}

// Begin makes the device busy with something that takes a while and then calls
// done. A device does one such thing at a time: Begin takes the place of what
// was begun before, a reboot ends it. The name must not be "".
func (d *Device) Begin(name string, takes time.Duration, done func(*Device)) {
	d.atWork().activity = activity{name, d.at.Add(d.slowed(name, takes)), done}
}

// Activity returns the name of what the device is busy with, "" for nothing.
func (d *Device) Activity() string {
	if d.busy == nil {
		return ""
	}
	return d.busy.activity.name
}

// Abandon ends what was begun, without its end being called.
func (d *Device) Abandon() {
	if d.busy != nil {
		d.busy.activity = activity{at: sim.Never}
	}
}

func (d *Device) activityDue() {
	f := d.busy.activity.do
	d.Abandon()
	f(d)
}

// UntilTick returns how long it is to the next tick of a clock that ticks
// every period since the device's software started: above 0, at most period.
func (d *Device) UntilTick(period time.Duration) time.Duration {
	return period - max(0, d.Since(d.started))%period
}
