package hubd

import (
	"context"
	"fmt"

	"github.com/flotilla-sim/flotilla/sim/hub"
)

// request is something asked of the hub.
type request struct {
	command hub.Command
	answer  chan answer // capacity 1: the owner never waits, and who no longer waits is no bother
	wait    bool        // for the ticket's answer, not its number
}

type answer struct {
	reply hub.Reply
	err   error
}

// Settled is the answer to a ticket.
type Settled struct {
	Ticket uint64
	Reply  hub.Reply
	Err    error
}

// Do asks the hub to carry out a command and returns its reply at once. When
// the reply has a ticket, the ticket's answer comes by Settled. Errors are
// *hub.Error, or ctx's when it ends first: the command may be carried out all
// the same then.
func (s *Server) Do(ctx context.Context, c hub.Command) (hub.Reply, error) {
	return s.ask(ctx, c, false)
}

// Call is Do that waits for the ticket's answer and returns that. A caller
// whose ctx ends is forgotten: the work goes on and its answer is dropped.
func (s *Server) Call(ctx context.Context, c hub.Command) (hub.Reply, error) {
	return s.ask(ctx, c, true)
}

func (s *Server) ask(ctx context.Context, c hub.Command, wait bool) (hub.Reply, error) {
	r := &request{command: c, answer: make(chan answer, 1), wait: wait}
	if !s.box.Put(item{ask: r}, ctx.Done()) {
		if ctx.Err() != nil {
			return hub.Reply{}, fmt.Errorf("hub: %T: %w", c, context.Cause(ctx))
		}
		return hub.Reply{}, errShutdown
	}
	select {
	case a := <-r.answer:
		return a.reply, a.err
	case <-ctx.Done():
		return hub.Reply{}, fmt.Errorf("hub: %T: %w", c, context.Cause(ctx))
	}
}

// Settled gives the answers of Do's tickets that have come since it was last
// called, in order. It does not wait; Ready receives after some have come.
// Who uses tickets must read their answers: those not read count as open.
func (s *Server) Settled() []Settled {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.settled
	s.settled = nil
	return list
}

// Ready receives after answers have come for Settled.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// do carries out what was asked.
func (o *owner) do(r *request) {
	if o.stopping {
		r.answer <- answer{err: errShutdown}
		return
	}
	if n := o.unread() + len(o.tickets); n >= o.limit && opensTicket(r.command) {
		r.answer <- answer{err: &hub.Error{Code: hub.CodeTooMany, Message: fmt.Sprintf("%d commands wait for their answers or to have them read; try again later", n)}}
		return
	}
	reply, err := o.hub.Do(o.cfg.Now(), r.command, &o.out)
	if err == nil && reply.Ticket != 0 {
		o.tickets[reply.Ticket] = r // before carry, which may settle it
	}
	if err != nil || reply.Ticket == 0 || !r.wait {
		r.answer <- answer{reply, err}
	}
	o.carry()
}

func opensTicket(c hub.Command) bool {
	switch c.(type) {
	case hub.Invoke, hub.SubmitJob:
		return true
	}
	return false
}

func (o *owner) unread() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.settled)
}

// settle hands a ticket's answer on.
func (o *owner) settle(n uint64, reply hub.Reply, err error) {
	if r := o.tickets[n]; r != nil {
		delete(o.tickets, n)
		o.Server.answer(n, r, reply, err)
	}
}

// answer gives a ticket's answer to who waits for it.
func (s *Server) answer(n uint64, r *request, reply hub.Reply, err error) {
	if r.wait {
		r.answer <- answer{reply, err}
		return
	}
	s.mu.Lock()
	s.settled = append(s.settled, Settled{n, reply, err})
	s.mu.Unlock()
	select {
	case s.ready <- struct{}{}:
	default:
	}
}
