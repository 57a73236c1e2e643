package device

import (
	"slices"
	"strconv"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/sas"
)

// link is the state of a device's link to its hub.
//
//	unborn -> starting -> dialing -> opened -> accepted -> online
//	             ^           ^         |          |          |
//	             |           +-- back-off <-- lost, refused -+
//	          booting <------------- reboot (from any state)
type link uint8

const (
	linkUnborn   link = iota // the first Step has not come
	linkStarting             // until the first dial
	linkBooting              // down for a reboot
	linkGone                 // up again, but never to be seen
	linkBackoff              // waiting to dial again
	linkDialing              // the driver opens the link
	linkOpened               // CONNECT is unanswered
	linkAccepted             // SUBSCRIBE is unanswered
	linkOnline
)

// linked says whether there is a connection.
func (d *Device) linked() bool { return d.link >= linkOpened }

// linkDue does what the end of the link's present state brings.
func (d *Device) linkDue() {
	switch d.link {
	case linkStarting, linkBooting:
		d.start()
	case linkBackoff:
		d.dial()
	case linkOpened, linkAccepted:
		d.hangUp(sim.ReasonTimeout)
		d.backOff(false)
	case linkOnline: // the token runs out
		d.hangUp(sim.ReasonNormal)
		d.want(d.at)
	default:
		d.linkAt = sim.Never
	}
}

// start starts the device's software.
func (d *Device) start() {
	if d.link == linkStarting {
		d.born = d.at
	}
	d.started, d.linkAt = d.at, sim.Never
	for _, f := range d.model.starting {
		f(d)
	}
	if d.condition.NeverReconnects && d.link == linkBooting {
		d.link = linkGone
		return
	}
	d.want(d.at)
}

// want opens the link that is wanted from the instant since.
func (d *Device) want(since sim.Time) {
	d.wanted = since
	d.Note(sim.EventDevice, "connecting")
	d.dial()
}

// dial asks for the link. The driver answers with Opened or Close, however
// long that takes: there is no timeout.
func (d *Device) dial() {
	d.link, d.linkAt = linkDialing, sim.Never
	d.out.Dial = true
}

// receive takes what came over the link. What is not of the present
// connection is dropped.
func (d *Device) receive(m *sim.Message) {
	switch m.Kind {
	case sim.Opened:
		d.opened(m.Conn)
		return
	case sim.Close:
		d.closed(m)
		return
	}
	if m.Conn != d.conn || !d.linked() {
		return
	}
	if m.Kind == sim.Call && d.hangs() {
		d.Note(sim.EventDrop, "call: the device hangs")
		return
	}
	switch m.Kind {
	case sim.Accept:
		d.accepted(m)
	case sim.Subscribed:
		if d.link == linkAccepted {
			d.online()
		}
	case sim.TelemetryAck:
		d.acknowledged(m)
	case sim.TwinAnswer:
		d.twinAnswered(m)
	case sim.Desired:
		d.desiredChanged(m)
	case sim.Call:
		if d.link >= linkAccepted {
			d.called(m)
		}
	case sim.Cloud:
		if d.link >= linkAccepted {
			d.commanded(m)
		}
	}
}

// opened sends CONNECT on a new link. A link that is not wanted any more is
// closed again.
func (d *Device) opened(conn uint32) {
	if d.link != linkDialing || conn <= d.conn {
		if conn > d.conn {
			d.out.Send = append(d.out.Send, sim.Message{Kind: sim.Close, Device: d.id, Conn: conn, Due: d.at})
		}
		return
	}
	p := d.Profile()
	d.conn, d.link, d.linkAt = conn, linkOpened, d.now.Add(p.ConnectTimeout)
	d.asked, d.open = 0, 0
	d.Note(sim.EventLink, "opened")
	expiry := d.epoch.Date(d.now) + sim.Date(p.TokenLifetime/time.Second)
	token := sas.Sign(sas.DeviceResource(d.host, d.id), d.key, expiry, "")
	d.send(sim.Message{
		Kind:   sim.Connect,
		Status: int32(d.keepAlive() / time.Second),
		ID:     1, // a clean session: the device subscribes anew in each
		Name:   d.host,
		Body:   []byte(token),
		Due:    d.wanted,
	})
}

// accepted takes the hub's answer to CONNECT.
func (d *Device) accepted(m *sim.Message) {
	if d.link != linkOpened {
		return
	}
	if m.Status != 0 {
		d.Note(sim.EventConnect, "refused "+strconv.Itoa(int(m.Status)))
		d.hangUp(sim.ReasonUnauthorized)
		d.backOff(false)
		return
	}
	d.Note(sim.EventConnect, "accepted")
	d.Measure(sim.MetricConnect, d.wanted)
	if d.downAt != sim.Never {
		d.Measure(sim.MetricRebootToReconnect, d.downAt)
		d.downAt = sim.Never
	}
	d.Note(sim.EventDevice, "running")
	d.tries = 0
	d.link, d.linkAt = linkAccepted, d.now.Add(d.Profile().ConnectTimeout)
	features := sim.AllFeatures
	if len(d.Profile().Commands) > 0 {
		features |= sim.FeatureC2D | sim.FeatureC2DAck
	}
	d.send(sim.Message{Kind: sim.Subscribe, ID: uint64(features), Status: 1})
}

// online begins the session: the twin is asked for, everything observed is
// reported, then behaviours have their say.
func (d *Device) online() {
	d.link = linkOnline
	d.linkAt = d.now.Add(d.Profile().TokenLifetime / 4 * 3)
	d.getTwin()
	d.reportAll()
	d.greeting = true
	for _, f := range d.model.connected {
		f(d)
	}
	d.greeting = false
	d.reportUnsent()
	d.planTelemetry()
}

// closed takes the end of a link, or that it could not be opened.
func (d *Device) closed(m *sim.Message) {
	switch {
	case d.link == linkDialing && (m.Conn == 0 || m.Conn > d.conn):
		d.conn = max(d.conn, m.Conn)
		d.Note(sim.EventLink, sim.Reason(m.Status).String())
		d.backOff(false)
	case d.linked() && m.Conn == d.conn:
		had := d.link >= linkAccepted
		d.unlink()
		d.Note(sim.EventLink, sim.Reason(m.Status).String())
		d.backOff(had)
	}
}

// hangUp ends the connection from the device's side.
func (d *Device) hangUp(why sim.Reason) {
	d.send(sim.Message{Kind: sim.Close, Status: int32(why)})
	d.Note(sim.EventLink, "closed by the device")
	d.unlink()
}

// unlink forgets what belongs to the session. Calls not yet answered are
// forgotten with it, before they had any effect; commands that nobody waits for
// an answer to are not.
func (d *Device) unlink() {
	d.forgetLate()
	d.link, d.linkAt = linkBackoff, sim.Never
	d.getting, d.open, d.dirty = false, 0, 0
	if d.busy != nil {
		d.busy.calls = slices.DeleteFunc(d.busy.calls, func(c call) bool { return !c.mute })
	}
}

// backOff waits before the next dial: doubling from BackoffMin to BackoffMax,
// of which a random half is left out, so that a fleet does not come back in
// step. After a session the link is wanted from the end of the wait; a link
// wanted before stays wanted from then, waits included.
func (d *Device) backOff(had bool) {
	wait := d.pause(d.tries)
	d.tries = min(d.tries+1, 63)
	d.link, d.linkAt = linkBackoff, d.now.Add(wait)
	if had {
		d.wanted = d.linkAt
		d.Note(sim.EventDevice, "connecting")
	}
}

// pause draws the wait after so many failures; a condition may have another
// way of waiting.
func (d *Device) pause(failures uint8) time.Duration {
	low, wait := d.Profile().BackoffMin, d.Profile().BackoffMax
	switch r := &d.condition.Reconnecting; r.Way {
	case sim.BackoffNone:
		return sim.MinBackoff
	case sim.BackoffFixed:
		return r.Min
	case sim.BackoffExponential:
		low, wait = r.Min, r.Max
	}
	if failures < 40 && low<<failures < wait && low<<failures > 0 {
		wait = low << failures
	}
	return wait/2 + time.Duration(d.rand.N(int64(wait-wait/2)+1))
}

// goDown is the reboot: what is volatile is lost, the link is dropped without
// a word, and the device is away for as long as it boots.
func (d *Device) goDown() {
	for _, f := range d.model.rebooting {
		f(d)
	}
	d.fall()
	d.boot()
}

// fall is what a reboot, a crash and a loss of power have in common.
func (d *Device) fall() {
	d.Note(sim.EventDevice, "down")
	if d.linked() {
		d.hangUp(sim.ReasonReboot)
	}
	d.CancelDownload()
	d.busy, d.dirty, d.telemetry, d.sequence, d.trap = nil, 0, 0, 0, disarmed
	d.downAt, d.tries = d.at, 0
	d.link, d.linkAt = linkGone, sim.Never
}

// boot has the device come back from a fall.
func (d *Device) boot() {
	d.link, d.linkAt = linkBooting, d.at.Add(d.Draw(d.Profile().Boot))
	d.Note(sim.EventDevice, "booting")
}
