package world

import "github.com/flotilla-sim/flotilla/sim"

// link is a device's connection to the hub.
type link struct {
	conn    uint32 // number of the last one
	up      bool   // the device's end is open
	rand    sim.Rand
	hub     sim.Time // when the last message to the hub arrives
	device  sim.Time // when the last message to the device arrives
	fetched sim.Time // when the last answer of a download arrives
}

// toHub returns when a message sent now arrives: never before an earlier one.
func (l *link) toHub(now sim.Time, latency sim.Dist) sim.Time {
	l.hub = max(l.hub, now.Add(latency.Draw(&l.rand)))
	return l.hub
}

func (l *link) toDevice(now sim.Time, latency sim.Dist) sim.Time {
	l.device = max(l.device, now.Add(latency.Draw(&l.rand)))
	return l.device
}

// dial opens a new connection: a handshake there and back.
func (w *World) dial(n uint32) {
	l := &w.links[n]
	l.conn++
	l.up = true
	there := w.cfg.Latency.Draw(&l.rand)
	at := l.toDevice(w.now.Add(there), w.cfg.Latency)
	w.queue.push(at, event{what: toDevice, dev: n, msg: sim.Message{
		Kind: sim.Opened, Device: w.devices[n].ID(), Conn: l.conn, Due: w.now}})
}

// arrives says whether a message to a device still finds its connection; a
// Close ends it.
func (w *World) arrives(n uint32, m *sim.Message) bool {
	l := &w.links[n]
	if !l.up || m.Conn != l.conn {
		return false
	}
	if m.Kind == sim.Close {
		l.up = false
	}
	return true
}
