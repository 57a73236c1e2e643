package live

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
)

// weather is what goes wrong at times, on a stage: one goroutine follows the
// course, and tells each device in its turn.
type weather struct {
	mu      sync.Mutex
	course  fault.Course
	players []*player     // by the device's number; nil: not there yet
	kick    chan struct{} // holds a token when the course has changed
	begun   bool          // the goroutine runs
}

// Befall has faults come at their times.
func (s *Stage) Befall(_ context.Context, spells []fault.Spell) error {
	w := &s.weather
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, x := range spells {
		if x.Scope == fault.OnHub && s.cfg.Target.Befall == nil {
			return fmt.Errorf("fault %s: the target's hub cannot play faults: %w", x.Name, errors.ErrUnsupported)
		}
		if err := s.plays(x.Conditions); err != nil {
			return fmt.Errorf("fault %s: %w", x.Name, err)
		}
		w.course.Add(x)
	}
	s.follow()
	return nil
}

// Relieve ends the faults of a name.
func (s *Stage) Relieve(_ context.Context, name string) error {
	s.weather.mu.Lock()
	defer s.weather.mu.Unlock()
	s.weather.course.Clear(s.cfg.Now(), name)
	s.follow()
	return nil
}

// plays says whether the target can have that go wrong.
func (s *Stage) plays(c fault.Conditions) error {
	if c.Download != (fault.Download{}) && s.cfg.Target.Afflict == nil {
		return fmt.Errorf("the target's package server cannot play faults: %w", errors.ErrUnsupported)
	}
	if (c.Client != (fault.Client{}) || c.Link != (fault.Link{})) && s.cfg.Target.DialOver == nil {
		return fmt.Errorf("faults of a client and of its link need a target whose links can be wrapped: %w", errors.ErrUnsupported)
	}
	return nil
}

// follow starts the goroutine, or has it look again; mu is held.
func (s *Stage) follow() {
	w := &s.weather
	if !w.begun {
		w.begun, w.kick = true, make(chan struct{}, 1)
		s.group.Go(func() error { return s.blow() })
	}
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// blow follows the course until the stage stops.
func (s *Stage) blow() error {
	w := &s.weather
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		w.mu.Lock()
		now := s.cfg.Now()
		var hub []fault.Hub
		w.course.Step(now, func(n uint64, cut bool) {
			if n >= uint64(len(w.players)) || w.players[n] == nil {
				return // it is not there yet
			}
			c := w.course.At(n, w.players[n].base)
			c.Link.Cut = cut
			w.players[n].befall(c)
		}, func(h fault.Hub) { hub = append(hub, h) })
		next := w.course.Deadline()
		w.mu.Unlock()
		for _, h := range hub {
			s.cfg.Target.Befall(h)
		}
		var due <-chan time.Time
		if next != sim.Never {
			timer.Reset(max(0, next.Sub(s.cfg.Now())))
			due = timer.C
		}
		select {
		case <-w.kick:
		case <-due:
		case <-s.stop:
			return nil
		}
	}
}

// befall brings a device what is wrong with it from now on. A cut and what its
// link has is played at once, the rest in its turn.
func (p *player) befall(c fault.Conditions) {
	if r := p.road; r != nil {
		r.set(c.Link)
	}
	c.Link = fault.Link{}
	p.coming.Store(&c)
	p.wake()
}

// changes has the device hear what is wrong with it from now on.
func (p *player) changes(c *fault.Conditions) {
	p.client = c.Client // of the next connection
	p.wild = c.Device.Flood > 0
	if c.Download != p.download {
		p.download = c.Download
		p.stage.cfg.Target.Afflict(p.id, c.Download) // Befall has seen to it that there is one; it knows every device
	}
	p.step(p.stage.cfg.Now(), sim.Input{Kind: sim.Afflicted, Condition: &c.Device})
}

// road is how a device whose link may go wrong gets to its hub.
type road struct {
	mu    sync.Mutex
	link  fault.Link
	cable *cable // the latest
	rand  sim.Rand
}

// set has conditions hold from now on.
func (r *road) set(link fault.Link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	cut := link.Cut
	link.Cut = false
	changed := link != r.link
	r.link = link
	if r.cable == nil {
		return
	}
	if cut {
		r.cable.sever()
	}
	if changed {
		r.cable.set(link)
	}
}

// errNoRoad is why a connection cannot be opened.
var errNoRoad = errors.New("connection refused: a fault of the link")

// walk is the handshake: it takes as long as there and back, or is refused.
func (r *road) walk(ctx context.Context, now sim.Time) error {
	const handshake = 40 // bytes
	r.mu.Lock()
	link := r.link
	var there, back fault.Path
	there.Set(link)
	back.Set(link)
	d1, ok1 := there.Carry(now, handshake, &r.rand)
	d2, ok2 := back.Carry(now, handshake, &r.rand)
	r.mu.Unlock()
	if d := d1 + d2; d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if link.Refuse || !ok1 || !ok2 {
		return errNoRoad
	}
	return nil
}

// lay puts a cable over a link.
func (r *road) lay(c net.Conn, s *Stage) net.Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cable = newCable(c, r.link, sim.NewRand(r.rand.Uint64(), 0), s.cfg.Now, s.stop, func(f func()) {
		s.group.Go(func() error { f(); return nil })
	})
	if r.link.Refuse { // since the handshake
		r.cable.sever()
	}
	return r.cable
}
