package hub

import (
	"fmt"

	"github.com/flotilla-sim/flotilla/sim"
)

// ticket is a command that is answered later.
type ticket struct {
	settled bool
	reply   Reply
	err     error
}

// open draws a ticket.
func (h *Hub) open() (uint64, error) {
	if len(h.tickets) >= h.cfg.MaxTickets {
		return 0, &Error{CodeTooMany, fmt.Sprintf("%d commands wait for their answers; the limit is reached, try again later", len(h.tickets))}
	}
	h.last++
	h.tickets[h.last] = ticket{}
	return h.last, nil
}

func (h *Hub) settle(n uint64, r Reply, err error, out *sim.Outbox) {
	if t, ok := h.tickets[n]; ok && !t.settled {
		h.tickets[n] = ticket{true, r, err}
		out.Settled = append(out.Settled, n)
	}
}

// Take returns the answer of a settled ticket, once.
func (h *Hub) Take(n uint64) (Reply, error) {
	t, ok := h.tickets[n]
	if !ok || !t.settled {
		return Reply{}, &Error{CodeState, fmt.Sprintf("ticket %d is not settled", n)}
	}
	delete(h.tickets, n)
	return t.reply, t.err
}

// OpenTickets returns how many commands wait for their answers or to be
// taken.
func (h *Hub) OpenTickets() int { return len(h.tickets) }
