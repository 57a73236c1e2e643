package live

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/flotilla-sim/flotilla/sim"
)

// link is one connection of a device: its reader and its sender.
type link struct {
	number uint32
	conn   Conn
	gone   chan struct{} // closed when the device or its sender has ended the link: the reader waits for the mailbox no more
	once   sync.Once
	wait   func()              // starts who waits for the connection's goroutines, after its end; nil: the reader does
	slot   *semaphore.Weighted // the place among connects under way, kept until the hub has accepted
	freed  atomic.Bool         // it was accepted, or has ended
	wild   bool                // its device floods: how late it is says nothing

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

// open has what comes in put into the device's mailbox: by the connection
// itself if it can, else by a reader.
func (l *link) open(p *player) {
	s := p.stage
	if c, ok := l.conn.(Pusher); ok {
		l.wait = func() { s.group.Go(func() error { l.await(); return nil }) }
		c.Push(func(m sim.Message, ended <-chan struct{}) { l.take(p, m, ended) }, func() { l.lost(p) })
		return
	}
	s.group.Go(func() error {
		defer l.await()
		defer l.cut()
		for {
			m, err := l.conn.Receive()
			if err != nil {
				l.free()
				l.conn.Close()
				p.box.Put(l.end(p.id), l.gone)
				return nil
			}
			if m.Kind == sim.Accept {
				l.free()
			}
			m.Conn = l.number
			if !p.box.Put(item{in: sim.Input{Kind: sim.Received, Msg: m}}, l.gone) {
				return nil
			}
		}
	})
}

// take puts what the connection pushes into the mailbox, and waits for room
// until ended closes.
func (l *link) take(p *player, m sim.Message, ended <-chan struct{}) {
	if m.Kind == sim.Accept {
		l.free()
	}
	m.Conn = l.number
	x := item{in: sim.Input{Kind: sim.Received, Msg: m}}
	if ended == nil {
		p.box.Force(x)
	} else {
		p.box.Put(x, ended)
	}
}

// lost tells the device that the connection has ended.
func (l *link) lost(p *player) {
	l.free()
	p.box.Force(l.end(p.id)) // one a link
}

// end is what a device is told of the end of its link.
func (l *link) end(id sim.DeviceID) item {
	return item{in: sim.Input{Kind: sim.Received, Msg: sim.Message{Kind: sim.Close, Device: id, Conn: l.number, Status: int32(sim.ReasonLost)}}}
}

// await waits for the connection's own goroutines.
func (l *link) await() {
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
		if m.Kind != sim.Close {
			s.gauges.unsaid.Add(1)
		}
		return
	case m.Kind == sim.Close:
		l.ended = true // it is the last; the bound is not for it
	case len(l.queue) < sendQueue:
	case m.Kind == sim.Telemetry:
		s.gauges.dropped.Add(1)
		return
	default:
		s.gauges.unsaid.Add(1)
		l.drop(s)
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

// drop takes nothing more and counts what is not going to be said; mu is held.
func (l *link) drop(s *Stage) {
	l.ended = true
	for i := range l.queue {
		if l.queue[i].msg.Kind != sim.Close {
			s.gauges.unsaid.Add(1)
		}
	}
	l.queue = nil
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

		if !l.wild {
			now := s.cfg.Now()
			s.gauges.send.add(now.Sub(q.at))
			switch q.msg.Kind {
			case sim.Connect, sim.Close: // due since before there was a link
			default:
				s.gauges.say.add(now.Sub(q.msg.Due))
			}
		}
		err := l.conn.Send(q.msg)
		if q.msg.Kind == sim.Close {
			l.cut()
			return
		}
		if err == nil {
			s.gauges.sent.Add(1)
			continue
		}
		s.gauges.unsaid.Add(1)
		l.conn.Close() // the reader hears of it and tells the device
		l.mu.Lock()
		l.drop(s)
		l.sending = false
		l.mu.Unlock()
		return
	}
}

// until waits for the link's end, at most for d and while ctx lives.
func (l *link) until(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-l.gone:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// cut ends the link at once. It does not wait. It is called by who is waited
// for when the stage closes.
func (l *link) cut() {
	l.once.Do(func() {
		l.free()
		l.conn.Close()
		close(l.gone)
		if l.wait != nil {
			l.wait()
		}
	})
}

// free gives the place among connects under way to the next.
func (l *link) free() {
	if l.freed.CompareAndSwap(false, true) {
		l.slot.Release(1)
	}
}
