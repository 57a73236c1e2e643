package world

import (
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// Pause has the hub rest from the instant At on for a time: what devices say
// arrives and waits, in order, and what the hub wanted to do waits with it.
// Operators' commands are carried out all the same. Pauses that overlap are
// one.
type Pause struct {
	At  sim.Time
	For time.Duration
}

// rests returns until when the hub rests, 0 if it does not.
func (w *World) rests() sim.Time {
	end := sim.Time(0)
	for again := true; again; { // a pause that begins within another goes on
		again = false
		for _, p := range w.cfg.Pauses {
			if to := p.At.Add(p.For); p.At <= max(w.now, end) && to > max(w.now, end) {
				end, again = to, true
			}
		}
	}
	return end
}

// hear lets the hub take in what has arrived: later, while it rests.
func (w *World) hear(m sim.Message) {
	if len(w.cfg.Pauses) > 0 {
		if end := w.rests(); end > 0 {
			w.held = append(w.held, m)
			w.wakes.Set(hubKey, end)
			return
		}
		w.resume()
	}
	w.stepHub(sim.Input{Kind: sim.Received, Msg: m})
}

// hubDue is when the hub is to be woken: for what it wants to do, or for what
// has waited.
func (w *World) hubDue() sim.Time {
	due := w.hub.Deadline()
	if len(w.held) > 0 {
		due = min(due, w.rests())
	}
	return due
}

// resume lets the hub take in what has waited.
func (w *World) resume() {
	held := w.held
	w.held = nil
	for _, m := range held {
		w.stepHub(sim.Input{Kind: sim.Received, Msg: m})
	}
}

// wakeHub lets the hub do what is due: later, while it rests.
func (w *World) wakeHub() {
	if len(w.cfg.Pauses) > 0 {
		if end := w.rests(); end > 0 {
			w.wakes.Set(hubKey, end)
			return
		}
		if len(w.held) > 0 {
			w.resume() // which arms the hub anew
			return
		}
	}
	w.stepHub(sim.Input{Kind: sim.Wake})
}
