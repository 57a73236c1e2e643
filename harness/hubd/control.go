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
	view    bool        // instead of a command: a snapshot
}

type answer struct {
	reply hub.Reply
	view  hub.View
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
	a := s.request(ctx, &request{command: c, answer: make(chan answer, 1), wait: wait})
	return a.reply, a.err
}

// View takes a snapshot of the hub, to be read on the caller's goroutine for as
// long as it likes. Errors are as Do's.
func (s *Server) View(ctx context.Context) (hub.View, error) {
	a := s.request(ctx, &request{view: true, answer: make(chan answer, 1)})
	return a.view, a.err
}

// request hands a request to the owner and waits for its answer.
func (s *Server) request(ctx context.Context, r *request) answer {
	if !s.box.Put(item{ask: r}, ctx.Done()) {
		if ctx.Err() != nil {
			return answer{err: r.left(ctx)}
		}
		return answer{err: errShutdown}
	}
	select {
	case a := <-r.answer:
		return a
	case <-ctx.Done():
		return answer{err: r.left(ctx)}
	}
}

// left says that a caller's context has ended.
func (r *request) left(ctx context.Context) error {
	if r.view {
		return fmt.Errorf("hub: view: %w", context.Cause(ctx))
	}
	return fmt.Errorf("hub: %T: %w", r.command, context.Cause(ctx))
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
	if r.view {
		r.answer <- answer{view: o.hub.View()}
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
		r.answer <- answer{reply: reply, err: err}
	}
	o.carry()
}

func opensTicket(c hub.Command) bool {
	switch c := c.(type) {
	case hub.Invoke:
		return true
	case hub.SubmitJob:
		return !c.Forget
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
		r.answer <- answer{reply: reply, err: err}
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
