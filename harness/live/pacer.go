package live

import (
	"sync"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// pacer wakes devices at the instants they asked for: one heap of due times
// and one runtime timer for the whole fleet, because a timer for each device
// costs memory at rest and each of its firings a pass through the scheduler.
// What has come due in the meantime is woken in one go; timers below a
// millisecond are late by that anyway.
type pacer struct {
	now  func() sim.Time
	kick chan struct{} // holds a token when the earliest due time has moved forward

	mu      sync.Mutex
	due     sim.Timers // key: place in devices
	devices []*player
	next    sim.Time // what the pacer sleeps until
}

// wakesAtOnce is how many devices are woken before others may ask for their
// next instant.
const wakesAtOnce = 256

func newPacer(now func() sim.Time) *pacer {
	return &pacer{now: now, kick: make(chan struct{}, 1), next: sim.Never}
}

// join gives p its place; nothing is due yet.
func (c *pacer) join(p *player) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.place = uint32(len(c.devices))
	c.devices = append(c.devices, p)
}

// arm has p woken at that instant, in place of what it asked for before.
func (c *pacer) arm(p *player, at sim.Time) {
	c.mu.Lock()
	c.due.Set(p.place, at)
	earlier := at < c.next
	if earlier {
		c.next = at
	}
	c.mu.Unlock()
	if earlier {
		select {
		case c.kick <- struct{}{}:
		default:
		}
	}
}

// run wakes who is due until stop closes.
func (c *pacer) run(stop <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	batch := make([]*player, 0, wakesAtOnce)
	for {
		next := c.take(&batch)
		for _, p := range batch {
			p.wake()
		}
		wait := time.Hour
		switch {
		case len(batch) == wakesAtOnce:
			wait = 0
		case next != sim.Never:
			wait = max(0, next.Sub(c.now()))
		}
		if wait == 0 {
			select {
			case <-stop:
				return
			default:
				continue
			}
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-c.kick:
		case <-stop:
			return
		}
	}
}

// take puts those who are due into batch and returns the next due time.
func (c *pacer) take(batch *[]*player) sim.Time {
	*batch = (*batch)[:0]
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(*batch) < wakesAtOnce {
		key, ok := c.due.Pop(now)
		if !ok {
			break
		}
		*batch = append(*batch, c.devices[key])
	}
	c.next = c.due.Next()
	return c.next
}

// wakeAll wakes everybody who has joined.
func (c *pacer) wakeAll() {
	c.mu.Lock()
	list := c.devices
	c.mu.Unlock()
	for _, p := range list {
		p.wake()
	}
}
