package live

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/flotilla-sim/flotilla/sim"
)

// link is one connection of a device: its reader and its sender.
type link struct {
	number uint32
	conn   Conn
	gone   chan struct{} // closed when the device or its sender has ended the link: the reader waits for the mailbox no more
	once   sync.Once
	slot   *semaphore.Weighted // the place among connects under way, kept until the hub has accepted
	freed  atomic.Bool

	mu      sync.Mutex
	queue   []queued
	sending bool // a sender runs
	ended   bool // nothing is sent any more
}

type queued struct {
	msg sim.Message
	at  sim.Time
}

func newLink(c Conn, number uint32, slot *semaphore.Weighted) *link {
	return &link{number: number, conn: c, slot: slot, gone: make(chan struct{})}
}

// open starts the reader.
func (l *link) open(p *player) {
	s, box, id := p.stage, p.box, p.id
	s.group.Go(func() error {
		defer l.leave()
		for {
			m, err := l.conn.Receive()
			if err != nil {
				l.free()
				l.conn.Close()
				lost := sim.Message{Kind: sim.Close, Device: id, Conn: l.number, Status: int32(sim.ReasonLost)}
				box.Put(item{in: sim.Input{Kind: sim.Received, Msg: lost}}, l.gone)
				return nil
			}
			if m.Kind == sim.Accept {
				l.free()
			}
			m.Conn = l.number
			if !box.Put(item{in: sim.Input{Kind: sim.Received, Msg: m}}, l.gone) {
				return nil
			}
		}
	})
}

// leave ends what the reader holds and waits for the connection's own
// goroutines.
func (l *link) leave() {
	l.cut()
	if w, ok := l.conn.(Waiter); ok {
		w.Wait()
	}
}

// send queues m for the sender and starts one if none runs. When the queue is
// full telemetry is dropped; for anything else the link is cut, of which the
// reader tells the device.
func (l *link) send(s *Stage, m sim.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.ended:
		return
	case m.Kind == sim.Close:
		l.ended = true // it is the last; the bound is not for it
	case len(l.queue) < sendQueue:
	case m.Kind == sim.Telemetry:
		s.gauges.dropped.Add(1)
		return
	default:
		l.ended = true
		l.queue = nil
		s.gauges.overrun.Add(1)
		l.conn.Close()
		return
	}
	l.queue = append(l.queue, queued{m, s.cfg.Now()})
	if !l.sending {
		l.sending = true
		s.group.Go(func() error { l.drain(s); return nil })
	}
}

// drain sends what is queued and ends when nothing is.
func (l *link) drain(s *Stage) {
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.sending = false
			l.mu.Unlock()
			return
		}
		q := l.queue[0]
		n := copy(l.queue, l.queue[1:])
		l.queue[n] = queued{}
		l.queue = l.queue[:n]
		l.mu.Unlock()

		s.gauges.send.add(s.cfg.Now().Sub(q.at))
		err := l.conn.Send(q.msg)
		if q.msg.Kind == sim.Close {
			l.cut()
			return
		}
		if err != nil {
			l.conn.Close() // the reader hears of it and tells the device
			l.mu.Lock()
			l.ended, l.sending, l.queue = true, false, nil
			l.mu.Unlock()
			return
		}
	}
}

// cut ends the link at once. It does not wait.
func (l *link) cut() {
	l.once.Do(func() {
		l.free()
		l.conn.Close()
		close(l.gone)
	})
}

// free gives the place among connects under way to the next.
func (l *link) free() {
	if l.freed.CompareAndSwap(false, true) {
		l.slot.Release(1)
	}
}
