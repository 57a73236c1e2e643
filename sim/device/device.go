package device

import (
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// Device is one device. It is driven from one goroutine at a time.
//
// It is kept small for fleets of a million: what it has in common with others
// lies in the Model, what only busy devices have in parts that are there while
// needed. Nothing in it is a map, a timer object or a closure at rest.
type Device struct {
	id    sim.DeviceID
	model *Model
	host  string
	key   []byte
	epoch sim.Epoch
	rand  sim.Rand

	// Persistent: kept over a reboot.

	factory   []slot      // what differs from the model when it leaves the factory; never changed
	slots     []slot      // what was changed since
	kept      *persistent // nil: nothing
	desired   uint64      // version of desired properties applied
	starts    sim.Time    // not before this instant
	born      sim.Time    // first start
	condition *sim.Condition
	trap      trap

	// The link (link.go).

	link    link
	tries   uint8 // dials since the last session
	conn    uint32
	linkAt  sim.Time // when the link's state ends by itself
	wanted  sim.Time // since when the device wants the session it has not got
	downAt  sim.Time // when it went down for the reboot it has not come back from; Never
	started sim.Time // last start of its software

	// The session: gone with the link.

	asked     uint16 // twin requests made on this connection, for their ids
	open      uint16 // of them unanswered
	getting   bool   // a GetTwin is unanswered
	greeting  bool   // each change is reported for itself, at once
	down      bool   // Reboot was called in the present turn
	level     int8   // battery level last reported
	dirty     set    // changed and not reported
	sent      [2]sim.Time
	telemetry sim.Time // when the next is due, 0: not planned yet
	sequence  uint32   // of telemetry
	fetches   uint32   // downloads begun, for their ids

	busy *volatile // nil: nothing to do

	// The present turn: set while Step runs.

	now sim.Time    // the driver's
	at  sim.Time    // the planned instant of what is being done, at most now
	out *sim.Outbox // nil outside Step
}

// New makes a device. Its first Step, which it wants at once (Deadline is 0),
// is its creation; it dials after Profile.Start. The configuration must be
// valid: New panics on a profile that Validate refuses and on values that
// CheckValues refuses.
func New(c Config) *Device {
	d := &Device{
		id:     c.ID,
		model:  c.Profile.Model(),
		host:   c.Host,
		key:    c.Key,
		epoch:  c.Epoch,
		rand:   sim.NewRand(c.Seed, sim.ActorDevice+c.Number),
		trap:   disarmed,
		starts: c.Starts,
		downAt: sim.Never,
	}
	d.condition = &d.model.healthy
	if c.Condition != d.model.healthy {
		condition := c.Condition
		d.condition = &condition
	}
	for _, complaint := range CheckValues("values", c.Values) {
		panic("device " + string(c.ID) + ": " + complaint.Error())
	}
	n := len(c.Values)
	if c.FirmwareVersion != "" || c.Profile.Firmware == FirmwareSimple {
		n++
	}
	if n > 0 {
		d.factory = make([]slot, 0, n)
	}
	for _, v := range c.Values {
		r, _ := Named(v.Name)
		value, _ := r.Parse(v.Value)
		d.factory = put(d.factory, r, value.text)
	}
	switch {
	case c.FirmwareVersion != "":
		d.factory = put(d.factory, FirmwareVersion, c.FirmwareVersion)
	case c.Profile.Firmware == FirmwareSimple && find(d.factory, FirmwareVersion) < 0 &&
		d.model.defaults[FirmwareVersion] == table[FirmwareVersion].Initial && d.rand.N(2) == 1:
		d.factory = put(d.factory, FirmwareVersion, "2.0") // the sample starts as 1.0 or 2.0 at random
	}
	return d
}

// ID returns the device's id.
func (d *Device) ID() sim.DeviceID { return d.id }

// Model returns the device's object table.
func (d *Device) Model() *Model { return d.model }

// Profile returns the device's profile.
func (d *Device) Profile() *Profile { return d.model.profile }

// maxUnits bounds the due work of one Step; what is left is done in the next.
const maxUnits = 64

// Step tells the device what happened. What was due before comes first, then
// the input, then what has become due by it.
func (d *Device) Step(now sim.Time, in sim.Input, out *sim.Outbox) {
	d.now, d.at, d.out = now, now, out
	if d.link == linkUnborn {
		d.link, d.linkAt = linkStarting, max(now, d.starts).Add(d.Draw(d.Profile().Start))
	}
	left := d.work(maxUnits)
	d.at = now
	switch in.Kind {
	case sim.Received:
		d.receive(&in.Msg)
	case sim.Downloaded:
		if in.Fetched != nil {
			d.fetched(in.Fetched)
		}
	case sim.Afflicted:
		if in.Condition != nil {
			d.afflict(in.Condition)
		}
	}
	d.settle()
	if in.Kind != sim.Wake {
		d.work(left)
	}
	if d.busy != nil && d.busy.idle() {
		d.busy = nil
	}
	d.out = nil
}

// Deadline returns when the device next wants a Step.
func (d *Device) Deadline() sim.Time {
	at, _ := d.next()
	return at
}

// unit is a piece of due work.
type unit uint8

const (
	unitLink unit = iota
	unitCall
	unitActivity
	unitTimer
	unitResume
	unitNotify
	unitTelemetry
	unitLate
	unitTrap
)

// next returns the earliest piece of work and when it is due; of those at the
// same instant the first in the order of the units.
func (d *Device) next() (sim.Time, unit) {
	if d.link == linkUnborn {
		return 0, unitLink
	}
	at, what := d.linkAt, unitLink
	if d.trap.at < at {
		at, what = d.trap.at, unitTrap
	}
	if b := d.busy; b != nil && !d.hangs() {
		if t := b.call(); t < at {
			at, what = t, unitCall
		}
		if b.activity.at < at {
			at, what = b.activity.at, unitActivity
		}
		if t := b.alarm(); t < at {
			at, what = t, unitTimer
		}
		if b.download != nil && b.download.resume < at {
			at, what = b.download.resume, unitResume
		}
	}
	if d.link == linkOnline {
		if t := d.notifyDue(); t < at {
			at, what = t, unitNotify
		}
		if d.telemetry != 0 && d.telemetry < at {
			at, what = d.telemetry, unitTelemetry
		}
		if d.busy != nil {
			if t := d.busy.lateAnswer(); t < at {
				at, what = t, unitLate
			}
		}
	}
	return at, what
}

// work does what is due, in order, at most limit pieces of it, and returns how
// many more it might have done.
func (d *Device) work(limit int) int {
	for ; limit > 0; limit-- {
		at, what := d.next()
		if at > d.now {
			break
		}
		d.at = at
		switch what {
		case unitLink:
			d.linkDue()
		case unitCall:
			d.callDue()
		case unitActivity:
			d.activityDue()
		case unitTimer:
			d.timerDue()
		case unitResume:
			d.resumeDue()
		case unitNotify:
			d.notify()
		case unitTelemetry:
			d.sendTelemetry()
		case unitLate:
			d.sendLate()
		case unitTrap:
			d.trapDue()
		}
		d.settle()
	}
	return limit
}

// settle does what a callback asked for but must not happen inside it.
func (d *Device) settle() {
	if d.down {
		d.goDown()
		d.down = false
	}
	d.setTrap()
}

// The rest is what behaviours are made of, with store.go, timer.go and
// download.go.

// Now returns the planned instant of what is being done. It is not later than
// the driver's now, and earlier where the driver is.
func (d *Device) Now() sim.Time { return d.at }

// Since returns how long ago an instant was.
func (d *Device) Since(t sim.Time) time.Duration { return d.at.Sub(t) }

// Started returns when the device's software last started.
func (d *Device) Started() sim.Time { return d.started }

// Online says whether the device has a session in which it can report.
func (d *Device) Online() bool { return d.link == linkOnline }

// Draw draws a duration from the device's own random stream.
func (d *Device) Draw(dist sim.Dist) time.Duration { return dist.Draw(&d.rand) }

// Note puts down an event.
func (d *Device) Note(e sim.Event, text string) { d.out.Note(d.now, d.id, e, text) }

// Measure puts down a latency that began at the instant since.
func (d *Device) Measure(m sim.Metric, since sim.Time) { d.out.Measure(d.now, d.id, m, since) }

// Reboot takes the device down as soon as the callback that calls it has
// returned and, if that is in answer to a method, the answer is sent.
func (d *Device) Reboot() { d.down = true }

// send sends a message on the present connection.
func (d *Device) send(m sim.Message) {
	m.Device, m.Conn = d.id, d.conn
	if m.Due == 0 {
		m.Due = d.at
	}
	d.out.Send = append(d.out.Send, m)
}
