package hubd

import (
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// Pause has the owner rest from the instant At on for a time: nothing is taken
// from the mailbox and nothing is said, while connections stay and readers
// wait, as in a long garbage collection or a failover. Pauses that overlap are
// one.
type Pause struct {
	At  sim.Time
	For time.Duration
}

// pause rests if a pause has begun. Only Close ends one early.
func (o *owner) pause() {
	for {
		end := sim.Time(0)
		now := o.cfg.Now()
		for _, p := range o.pauses {
			if p.At <= now && p.At.Add(p.For) > now {
				end = max(end, p.At.Add(p.For))
			}
		}
		if end == 0 || o.stopping {
			return
		}
		if !o.rest(end.Sub(now)) {
			return
		}
	}
}

// rest lets time pass; false says that the server is closed.
func (o *owner) rest(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-o.closed:
		return false
	}
}

// begins is when the next pause does; sim.Never without one.
func (o *owner) begins() sim.Time {
	next, now := sim.Never, o.cfg.Now()
	for _, p := range o.pauses {
		if p.At > now {
			next = min(next, p.At)
		}
	}
	return next
}
