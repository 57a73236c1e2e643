package device

import (
	"math"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// What a condition does to a device is here, but for what is one word at its
// place: never-reconnects and back-off in link.go, a flood in telemetry.go, no
// storage and the like in firmware.go.

// afflict sets what is wrong with the device from now on.
func (d *Device) afflict(c *sim.Condition) {
	hung, flood := d.hangs(), d.condition.Flood != c.Flood
	d.condition, d.trap = c, disarmed
	if flood && d.link == linkOnline { // the next telemetry has another period from now on
		d.telemetry = 0
		d.planTelemetry()
	}
	if d.link == linkGone && !c.NeverReconnects && c.Updating.PowerLoss != sim.Bricks {
		d.want(d.now)
	}
	if hung && !d.hangs() {
		d.goOn()
	}
}

// goOn has a device that hung do what has come due, now: what it did not do
// was not late, it was not done. A download's end may have passed by.
func (d *Device) goOn() {
	b := d.busy
	if b == nil {
		return
	}
	for i := range b.calls {
		b.calls[i].at = max(b.calls[i].at, d.now)
	}
	for i := range b.timers {
		b.timers[i].at = max(b.timers[i].at, d.now)
	}
	b.activity.at = max(b.activity.at, d.now)
	if l := b.download; l != nil && l.id != 0 {
		d.fetch()
	} else if l != nil {
		l.resume = max(l.resume, d.now)
	}
}

// Condition is what is wrong with the device.
func (d *Device) Condition() sim.Condition { return *d.condition }

// phase is where the device is in its firmware.
func (d *Device) phase() sim.Phase {
	activity := d.Activity()
	switch state := d.Int(FirmwareUpdateState); {
	case activity == flashing, activity == resetting:
		return sim.PhaseFlashing
	case state == StateDownloading && (activity != "" || d.Downloading()):
		return sim.PhaseDownloading
	case state == StateDownloaded:
		return sim.PhaseDownloaded
	}
	return sim.PhaseIdle
}

// hangs says whether nothing goes on in the device but its link.
func (d *Device) hangs() bool {
	in := d.condition.Updating.Hangs
	return in != 0 && in&d.phase() != 0
}

// trap is when a phase ends in a crash.
type trap struct {
	at    sim.Time
	phase sim.Phase // that was last looked at; 0: none since the start
}

var disarmed = trap{at: sim.Never}

// setTrap looks whether the device has come into another phase, and when that
// is to end badly. Where a crash comes in the middle of a download, that is
// when its first bytes have come (spoilt); a package that only lies there has
// no middle: it crashes after a second.
func (d *Device) setTrap() {
	u := &d.condition.Updating
	if u.Crashes == 0 && u.PowerLoss == sim.PowerStays || d.link == linkBooting || d.link == linkGone {
		return
	}
	p := d.phase()
	if p == d.trap.phase {
		return
	}
	d.trap = trap{sim.Never, p}
	switch {
	case p == sim.PhaseFlashing && (u.PowerLoss != sim.PowerStays || u.Crashes&p != 0 && u.After == 0):
		d.trap.at = d.at.Add(max(0, d.busy.activity.at.Sub(d.at)) / 2)
	case u.Crashes&p == 0, u.After == 0 && p == sim.PhaseDownloading:
	case u.After == 0:
		d.trap.at = d.at.Add(time.Second)
	default:
		d.trap.at = d.at.Add(max(u.After, time.Millisecond))
	}
}

// trapDue is the crash. A device that rolls back has the firmware it had
// before, and nothing of the update but its package's name.
func (d *Device) trapDue() {
	loss := d.condition.Updating.PowerLoss
	if d.trap.phase != sim.PhaseFlashing {
		loss = sim.PowerStays
	}
	switch loss {
	case sim.PowerStays:
		d.Note(sim.EventDevice, "crashed")
		d.fall()
		d.boot()
	case sim.RollsBack:
		d.Note(sim.EventDevice, "power lost, rolls back")
		d.fall()
		d.boot()
		d.SetFirmwareUpdateResult(ResultNone)
		d.SetFirmwareUpdateState(StateIdle)
	case sim.Bricks:
		d.Note(sim.EventDevice, "power lost, bricked")
		d.fall()
	}
}

// spoilt says whether what a download says is not heard: the device hangs, or
// it crashes at its first bytes.
func (d *Device) spoilt(f *sim.Fetched) bool {
	u := &d.condition.Updating
	if u.Hangs == 0 && u.Crashes == 0 {
		return false
	}
	if u.Crashes&sim.PhaseDownloading != 0 && u.After == 0 && f.Have > 0 {
		d.bytes(f.Have, "downloading")
		d.trapDue()
		return true
	}
	return d.hangs()
}

// readURI is the URI as the device reads it: a damaged one has no scheme.
func (d *Device) readURI(uri string) string {
	if d.condition.Updating.BadURI {
		return "?" + uri
	}
	return uri
}

// slowed is how long an activity takes.
func (d *Device) slowed(name string, takes time.Duration) time.Duration {
	if n := time.Duration(d.condition.Updating.SlowFlash); n > 1 && (name == flashing || name == resetting) {
		return min(takes, math.MaxInt64/n) * n
	}
	return takes
}

// late is an answer that leaves later.
type late struct {
	at  sim.Time
	msg sim.Message
}

// maxLate is how many answers wait in a device whose answers come late; one
// more is dropped and noted.
const maxLate = 64

// lateAnswer is when the first of them is due.
func (b *volatile) lateAnswer() sim.Time {
	if len(b.late) == 0 {
		return sim.Never
	}
	return b.late[0].at
}

// sendLate sends it. Its connection is the present one: calls are numbered
// anew in each, and unlink forgets what is late.
func (d *Device) sendLate() {
	b := d.busy
	m := b.late[0].msg
	b.late = append(b.late[:0], b.late[1:]...)
	for range d.condition.Answering.Copies + 1 {
		d.send(m)
	}
}

// forgetLate forgets them all: their connection has ended.
func (d *Device) forgetLate() {
	if d.busy != nil {
		d.busy.late = nil
	}
}

// carryOutBadly is carryOut for a device whose answers go wrong.
func (d *Device) carryOutBadly(c *call, body []byte) {
	a := d.condition.Answering
	i := len(d.out.Send)
	if a.Late == 0 {
		for range a.Copies + 1 {
			d.send(sim.Message{Kind: sim.Answer, ID: c.id})
		}
	}
	var status int32
	var answer doc.Value
	if a.Rejects != 0 && a.In&d.phase() != 0 {
		status, answer = a.Rejects, refusal("", Errorf(a.Rejects, "rejected"))
	} else {
		status, answer = d.invoke(c.name, body)
	}
	if answer.IsAbsent() {
		answer = doc.Object()
	}
	text := answer.JSON()
	if a.Malformed {
		text = text[:len(text)-1]
	}
	if a.Late == 0 {
		for k := range d.out.Send[i:][:a.Copies+1] {
			d.out.Send[i+k].Status, d.out.Send[i+k].Body = status, text
		}
		if d.down {
			d.Note(sim.EventDevice, "answering")
		}
		return
	}
	b := d.atWork()
	if len(b.late) == maxLate {
		d.Note(sim.EventDrop, "answer: 64 wait already")
		return
	}
	b.late = append(b.late, late{d.at.Add(a.Late), sim.Message{Kind: sim.Answer, ID: c.id, Status: status, Body: text}})
}
