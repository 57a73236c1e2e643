package world

import (
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
)

// link is a device's connection to the hub.
type link struct {
	conn    uint32 // number of the last one
	heard   uint32 // number of the one the hub knows; 0: none
	gone    uint32 // number of the last one that was cut: what of it is on its way is gone
	up      bool   // the device's end is open
	number  uint64 // of its device
	rand    sim.Rand
	hub     sim.Time // when the last message to the hub arrives
	device  sim.Time // when the last message to the device arrives
	fetched sim.Time // when the last answer of a download arrives
	wrong   *trouble // nil: it is healthy
}

// LinkCounts counts what became of connections, in the words in which a live
// hub's server does.
type LinkCounts struct {
	Lost          uint64 // ended without DISCONNECT
	Silent        uint64 // given up: nothing heard for one and a half keep-alive times
	SlowConsumers uint64 // given up: too much waited for them
	TurnedAway    uint64 // not opened: the hub was down
}

// Links returns the counts of connections.
func (w *World) Links() LinkCounts { return w.counts }

// overhead is what a message is longer on the wire than its name and body,
// roughly: the MQTT header and what a topic has beside the name.
const overhead = 40 // bytes

// latency is how long a message that is sent now takes on a healthy link.
func (w *World) latency(l *link) time.Duration { return w.cfg.Latency.Draw(&l.rand) }

// toHub sends what a device says on its open link.
func (w *World) toHub(n uint32, m *sim.Message) {
	l := &w.links[n]
	takes, survives := w.latency(l), true
	if t := l.wrong; t != nil {
		if m.Kind == sim.Connect {
			t.beat = time.Duration(m.Status) * time.Second
		}
		if t.silent == m.Conn {
			if m.Kind == sim.Close {
				l.up, l.gone = false, m.Conn
			}
			return
		}
		if m.Kind == sim.Telemetry && t.up.Waiting(w.now) > fault.Window {
			w.out.Note(w.now, m.Device, sim.EventDrop, "telemetry: link full")
			w.out.Observe[len(w.out.Observe)-1].Value = 1
			return
		}
		var more time.Duration
		more, survives = t.up.Carry(w.now, len(m.Name)+len(m.Body)+overhead, &t.rand)
		takes += more
	}
	if m.Kind == sim.Close {
		l.up = false
	}
	l.hub = max(l.hub, w.now.Add(takes)) // never before an earlier one
	if !survives {
		w.queue.push(l.hub, event{what: linkDue, dev: n, why: breaks, msg: sim.Message{Conn: m.Conn}})
		return
	}
	w.queue.push(l.hub, event{what: toHub, dev: n, msg: *m})
}

// toDevice sends what the hub says.
func (w *World) toDevice(n uint32, m *sim.Message) {
	l := &w.links[n]
	if m.Kind == sim.Close && m.Conn == l.heard {
		l.heard = 0
	}
	takes, survives := w.latency(l), true
	if t := l.wrong; t != nil {
		if t.silent == m.Conn && t.silent != 0 {
			return
		}
		if t.down.Waiting(w.now) > fault.Window+sendQueue {
			w.counts.SlowConsumers++
			w.queue.push(w.now, event{what: linkDue, dev: n, why: overruns, msg: sim.Message{Conn: m.Conn}})
			return
		}
		var more time.Duration
		more, survives = t.down.Carry(w.now, len(m.Name)+len(m.Body)+overhead, &t.rand)
		takes += more
	}
	l.device = max(l.device, w.now.Add(takes))
	if !survives {
		w.queue.push(l.device, event{what: linkDue, dev: n, why: breaks, msg: sim.Message{Conn: m.Conn}})
		return
	}
	w.queue.push(l.device, event{what: toDevice, dev: n, msg: *m})
}

// sendQueue is how many bytes a hub lets wait for one connection. [harness/mqtt:
// a session's queue]
const sendQueue = 512 << 10

// dial opens a new connection: a handshake there and back.
func (w *World) dial(n uint32) {
	l := &w.links[n]
	l.conn++
	l.up = true
	takes := w.latency(l) + w.latency(l)
	kind, status := sim.Opened, int32(0)
	if t := l.wrong; t != nil {
		if t.link.Refuse {
			kind, status = sim.Close, int32(sim.ReasonRefused)
		}
		for _, p := range [...]*fault.Path{&t.up, &t.down} {
			more, survives := p.Carry(w.now, overhead, &t.rand)
			takes += more
			if !survives {
				kind, status = sim.Close, int32(sim.ReasonRefused)
			}
		}
	}
	if w.now < w.hubs.back {
		w.counts.TurnedAway++
		kind, status = sim.Close, int32(sim.ReasonRefused)
	}
	l.device = max(l.device, w.now.Add(takes))
	w.queue.push(l.device, event{what: toDevice, dev: n, msg: sim.Message{
		Kind: kind, Status: status, Device: w.devices[n].ID(), Conn: l.conn, Due: w.now}})
	if kind == sim.Opened {
		w.age(n, l.device)
	}
}

// arrives says whether a message to a device still finds its connection; a
// Close ends it.
func (w *World) arrives(n uint32, m *sim.Message) bool {
	l := &w.links[n]
	if !l.up || m.Conn != l.conn || l.wrong != nil && l.wrong.silent == m.Conn {
		return false
	}
	if m.Kind == sim.Close {
		l.up = false
	}
	return true
}

// reaches says whether a message to the hub still finds its connection.
func (w *World) reaches(n uint32, m *sim.Message) bool {
	l := &w.links[n]
	if m.Conn <= l.gone || l.wrong != nil && l.wrong.silent == m.Conn {
		return false
	}
	switch m.Kind {
	case sim.Connect:
		l.heard = m.Conn
	case sim.Close:
		if l.heard == m.Conn {
			l.heard = 0
		}
		if sim.Reason(m.Status) != sim.ReasonNormal {
			w.counts.Lost++
		}
	}
	if t := l.wrong; t != nil {
		t.last = w.now
	}
	return true
}
