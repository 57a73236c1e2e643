package world

import (
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
)

// Pause has the hub rest from the instant At on for a time: what devices say
// arrives and waits, in order, and what the hub wanted to do waits with it.
// Operators' commands are carried out all the same. Pauses that overlap are
// one.
type Pause struct {
	At  sim.Time
	For time.Duration
}

// hubTrouble is what is wrong with the hub, and how it is played.
type hubTrouble struct {
	pauses []Pause
	slow   time.Duration
	busy   sim.Time      // until when it is at what it took in last
	back   sim.Time      // until when it is down
	held   []sim.Message // to the hub, which rests or is busy
}

// Befall has something happen to the hub now; see fault.Course. Slow holds
// until it is called again.
func (w *World) Befall(h fault.Hub) {
	w.digest.befall(w.now, h)
	t := &w.hubs
	t.slow = h.Slow
	if h.Drop || h.Restart > 0 {
		if h.Restart > 0 {
			t.held = nil // it was in the memory of the process that ends
		}
		for n := range w.links {
			w.shut(uint32(n))
		}
	}
	if h.Restart > 0 {
		t.back = max(t.back, w.now.Add(h.Restart))
		t.pauses = append(t.pauses, Pause{w.now, h.Restart})
	}
	if h.Pause > 0 {
		t.pauses = append(t.pauses, Pause{w.now, h.Pause})
	}
	w.arm(hubKey, w.hubDue())
}

// shut has the hub close a connection that it knows.
func (w *World) shut(n uint32) {
	l := &w.links[n]
	if l.heard == 0 {
		if l.up && l.conn > l.gone && !w.silent(n, l.conn) {
			w.cut(n, sim.ReasonLost) // one that has not said who it is yet
		}
		return
	}
	conn := l.heard
	l.heard, l.gone = 0, max(l.gone, conn)
	w.stepHub(sim.Input{Kind: sim.Received, Msg: sim.Message{
		Kind: sim.Close, Device: w.devices[n].ID(), Conn: conn, Status: int32(sim.ReasonShutdown), Due: w.now}})
	if l.up && l.conn == conn && !w.silent(n, conn) {
		w.tellDevice(n, conn, sim.ReasonLost)
	}
}

// rests returns until when the hub rests, 0 if it does not.
func (w *World) rests() sim.Time {
	end := sim.Time(0)
	for again := true; again; { // a pause that begins within another goes on
		again = false
		for _, p := range w.hubs.pauses {
			if to := p.At.Add(p.For); p.At <= max(w.now, end) && to > max(w.now, end) {
				end, again = to, true
			}
		}
	}
	return end
}

// ready is from when on the hub takes in what devices say; 0: now.
func (w *World) ready() sim.Time {
	at := w.rests()
	if w.hubs.slow > 0 && w.hubs.busy > w.now {
		at = max(at, w.hubs.busy)
	}
	return at
}

// hear lets the hub take in what has arrived: later, while it rests or is
// busy.
func (w *World) hear(m sim.Message) {
	if t := &w.hubs; len(t.pauses) > 0 || t.slow > 0 || len(t.held) > 0 {
		t.held = append(t.held, m)
		w.resume()
		w.arm(hubKey, w.hubDue())
		return
	}
	w.stepHub(sim.Input{Kind: sim.Received, Msg: m})
}

// hubDue is when the hub is to be woken: for what it wants to do, or for what
// has waited.
func (w *World) hubDue() sim.Time {
	due := w.hub.Deadline()
	if len(w.hubs.held) > 0 {
		due = min(due, w.ready())
	}
	return due
}

// resume lets the hub take in what has waited, as far as it is ready to.
func (w *World) resume() {
	t := &w.hubs
	for len(t.held) > 0 && w.ready() == 0 {
		m := t.held[0]
		t.held = t.held[1:]
		if len(t.held) == 0 {
			t.held = nil
		}
		if t.slow > 0 {
			t.busy = max(w.now, t.busy).Add(t.slow)
		}
		w.stepHub(sim.Input{Kind: sim.Received, Msg: m})
	}
}

// wakeHub lets the hub do what is due: later, while it rests.
func (w *World) wakeHub() {
	if end := w.rests(); end > 0 {
		w.arm(hubKey, end)
		return
	}
	if len(w.hubs.held) > 0 && w.ready() == 0 {
		w.resume()
		w.arm(hubKey, w.hubDue())
		return
	}
	w.stepHub(sim.Input{Kind: sim.Wake})
}
