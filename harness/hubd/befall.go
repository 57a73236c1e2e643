package hubd

import (
	"net"
	"slices"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
)

// Befall has something happen to the hub: see fault.Course. It does not wait.
// How slow the hub is, and that it takes no connection while it is down, holds
// from now on; what else happens, happens in the owner's turn.
func (s *Server) Befall(h fault.Hub) {
	s.cost.Store(int64(h.Slow))
	if h.Restart > 0 {
		s.back.Store(int64(max(sim.Time(s.back.Load()), s.cfg.Now().Add(h.Restart))))
	}
	s.box.Force(item{befall: &h})
}

// down says whether the hub is down.
func (s *Server) down() bool {
	back := s.back.Load()
	return back != 0 && s.cfg.Now() < sim.Time(back)
}

// drop closes a link that nobody has said anything on.
func drop(link net.Conn) {
	if t, ok := link.(interface{ NetConn() net.Conn }); ok {
		link = t.NetConn() // TLS has nothing to say yet either
	}
	if t, ok := link.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	link.Close()
}

// befall is Befall in the owner's turn.
func (o *owner) befall(h fault.Hub) {
	now := o.cfg.Now()
	if h.Drop || h.Restart > 0 {
		o.dropAll()
	}
	if h.Restart > 0 {
		o.pauses = append(slices.Clip(o.pauses), Pause{now, h.Restart})
	}
	if h.Pause > 0 {
		o.pauses = append(slices.Clip(o.pauses), Pause{now, h.Pause})
	}
}

// dropAll ends all connections, in order of their numbers, and what is in the
// mailbox of them is dropped.
func (o *owner) dropAll() {
	o.mu.Lock()
	conns := make([]*conn, 0, len(o.conns))
	for c := range o.conns { // any order: all are ended
		conns = append(conns, c)
	}
	o.mu.Unlock()
	for _, c := range conns {
		c.ended.Store(true)
		c.session.Fail(errHubClosed)
		c.decided()
	}
	numbers := make([]uint32, 0, len(o.links))
	for n := range o.links { // any order: sorted below
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		c := o.links[n]
		delete(o.links, n)
		o.hub.Step(o.cfg.Now(), sim.Input{Kind: sim.Received, Msg: sim.Message{
			Kind: sim.Close, Device: c.topics.Device(), Conn: n, Status: int32(sim.ReasonShutdown)}}, &o.out)
		o.carry()
	}
}

// work lets pass what a message costs. Timers run late by a little: the next
// message, if it has waited, is not begun later for it.
func (o *owner) work() {
	cost := time.Duration(o.cost.Load())
	if cost == 0 {
		o.busy = 0
		return
	}
	now := o.cfg.Now()
	if o.busy == 0 {
		o.busy = now
	}
	if o.idle {
		o.idle, o.busy = false, max(o.busy, now)
	}
	if o.busy = o.busy.Add(cost); o.busy > now {
		o.rest(o.busy.Sub(now))
	}
}
