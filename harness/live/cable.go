package live

import (
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
)

// cable is a link under conditions: what is written to one end of it comes out
// at the other as fault.Path says. It is the device's end; behind it lies the
// link that works, to which one goroutine writes and from which one reads,
// each when it is time.
//
// Everything is stamped as it comes, and goes on its way while what came
// before is on its own: a delay holds back nothing but what it delays. Each
// direction holds up to Window bytes under a rate, and up to depth without:
// then who writes waits, and who writes to the other end is left to the link's
// own bounds.
//
// A cable that is cut ends both ways at once, and what is on its way is gone.
// One that goes silent takes everything and gives nothing, and its Close does
// not reach the other end: that has to find out by itself.
type cable struct {
	net.Conn
	now  func() sim.Time
	stop <-chan struct{} // closed when the run ends

	mu      sync.Mutex
	changed chan struct{} // closed and made anew by whatever may let somebody go on
	rand    sim.Rand
	link    fault.Link
	out, in lane
	readBy  time.Time // deadlines
	writeBy time.Time
	cut     bool // it is over: both ends are told
	silent  bool
	closed  bool // by its device
	timers  [2]*time.Timer
}

// depth is how many bytes a direction holds that has no rate: so many that a
// delay does not become a bound of throughput for what devices say.
const depth = 4 << 20

// lane is one direction.
type lane struct {
	path  fault.Path
	queue []parcel
	bytes int
	last  sim.Time // when the last parcel arrives
	ended error    // why nothing more comes: behind the queue
}

// parcel is what was written in one piece; nil: the loss too many, at which the
// cable is cut.
type parcel struct {
	at   sim.Time
	data []byte
}

// newCable puts a cable over a link. start runs its goroutines.
func newCable(c net.Conn, link fault.Link, rand sim.Rand, now func() sim.Time, stop <-chan struct{}, start func(func())) *cable {
	b := &cable{Conn: c, now: now, stop: stop, changed: make(chan struct{}), rand: rand}
	b.set(link)
	start(b.send)
	start(b.receive)
	return b
}

// set has conditions hold from now on; the age of the connection counts from
// now, too.
func (b *cable) set(link fault.Link) {
	b.mu.Lock()
	defer b.mu.Unlock()
	link.Cut, link.Refuse = false, false
	b.link = link
	b.out.path.Set(link)
	b.in.path.Set(link)
	for i, t := range b.timers {
		if t != nil {
			t.Stop()
			b.timers[i] = nil
		}
	}
	if b.cut || b.closed {
		return
	}
	if link.Flap > 0 {
		b.timers[0] = time.AfterFunc(link.Flap, b.sever)
	}
	if link.HalfOpen > 0 {
		b.timers[1] = time.AfterFunc(link.HalfOpen, b.hush)
	}
	b.wake()
}

// wake lets everybody who waits look again; mu is held.
func (b *cable) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// sever cuts the cable: both ends hear of it at once.
func (b *cable) sever() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.silent {
		return // there is nothing left to cut
	}
	b.end()
}

// end ends it; mu is held.
func (b *cable) end() {
	if b.cut {
		return
	}
	b.cut = true
	b.out.queue, b.in.queue = nil, nil
	for _, t := range b.timers {
		if t != nil {
			t.Stop()
		}
	}
	slam(b.Conn)
	b.wake()
}

// hush has the cable go silent: what is on its way is gone, and nobody is
// told.
func (b *cable) hush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cut || b.closed {
		return
	}
	b.silent = true
	b.out.queue, b.in.queue = nil, nil
	b.out.bytes, b.in.bytes = 0, 0
	b.wake()
}

// slam closes a link without waiting for the peer: of a TLS connection the
// socket, without the alert.
func slam(c net.Conn) {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = t.NetConn()
	}
	c.Close()
}

// put stamps what is handed over to a lane; mu is held.
func (b *cable) put(l *lane, data []byte) {
	now := b.now()
	delay, survives := l.path.Carry(now, len(data), &b.rand)
	l.last = max(l.last, now.Add(delay))
	if !survives {
		data = nil
	}
	l.queue = append(l.queue, parcel{l.last, data})
	l.bytes += len(data)
	b.wake()
}

// bound is how many bytes a lane holds; mu is held.
func (b *cable) bound() int {
	if b.link.Rate > 0 {
		return fault.Window
	}
	return depth
}

// wait lets go of mu until something changes, or until an instant of the run,
// or a deadline; zero values: neither.
func (b *cable) wait(until sim.Time, deadline time.Time) {
	changed := b.changed
	var due <-chan time.Time
	if until > 0 || !deadline.IsZero() {
		left := time.Duration(1<<63 - 1)
		if until > 0 {
			left = until.Sub(b.now())
		}
		if !deadline.IsZero() {
			left = min(left, time.Until(deadline))
		}
		t := time.NewTimer(max(0, left))
		defer t.Stop()
		due = t.C
	}
	b.mu.Unlock()
	select {
	case <-changed:
	case <-due:
	}
	b.mu.Lock()
}

// send writes what the device says to the link, each piece when it arrives.
func (b *cable) send() {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := &b.out
	for {
		switch {
		case b.cut:
			return
		case b.silent && b.closed:
			b.linger()
			return
		case len(l.queue) == 0 && b.closed:
			b.end()
			return
		case len(l.queue) == 0:
			b.wait(0, time.Time{})
		case l.queue[0].at > b.now():
			b.wait(l.queue[0].at, time.Time{})
		default:
			p := l.queue[0]
			l.queue = l.queue[1:]
			if p.data == nil {
				b.end()
				return
			}
			l.bytes -= len(p.data)
			b.wake()
			b.mu.Unlock()
			_, err := b.Conn.Write(p.data)
			b.mu.Lock()
			if err != nil && !b.silent {
				b.end()
				return
			}
		}
	}
}

// linger keeps a silent link open that its device has closed, until the other
// end closes it or the run ends; mu is held.
func (b *cable) linger() {
	for !b.cut && b.in.ended == nil {
		changed := b.changed
		b.mu.Unlock()
		select {
		case <-changed:
		case <-b.stop:
			b.mu.Lock()
			b.end()
			return
		}
		b.mu.Lock()
	}
	b.end()
}

// receive reads what the link brings.
func (b *cable) receive() {
	buf := make([]byte, 4<<10)
	for {
		n, err := b.Conn.Read(buf)
		b.mu.Lock()
		l := &b.in
		if n > 0 && !b.silent && !b.cut {
			b.put(l, append([]byte(nil), buf[:n]...))
			for l.bytes > b.bound() && !b.cut && !b.closed && !b.silent {
				b.wait(0, time.Time{})
			}
		}
		if err != nil {
			l.ended = err
			b.wake()
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
	}
}

// Read gives what has arrived.
func (b *cable) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := &b.in
	for {
		switch {
		case b.closed:
			return 0, net.ErrClosed
		case b.cut:
			return 0, b.lost("read")
		case !b.readBy.IsZero() && !time.Now().Before(b.readBy):
			return 0, os.ErrDeadlineExceeded
		case len(l.queue) == 0 && l.ended != nil && !b.silent:
			return 0, l.ended
		case len(l.queue) == 0:
			b.wait(0, b.readBy)
		case l.queue[0].at > b.now():
			b.wait(l.queue[0].at, b.readBy)
		case l.queue[0].data == nil:
			b.end()
		default:
			n := copy(p, l.queue[0].data)
			l.bytes -= n
			if l.queue[0].data = l.queue[0].data[n:]; len(l.queue[0].data) == 0 {
				l.queue = l.queue[1:]
			}
			b.wake()
			return n, nil
		}
	}
}

// Write takes what is to be sent, and waits for room.
func (b *cable) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := &b.out
	for {
		switch {
		case b.closed:
			return 0, net.ErrClosed
		case b.cut:
			return 0, b.lost("write")
		case b.silent:
			return len(p), nil // as a socket's buffer would
		case !b.writeBy.IsZero() && !time.Now().Before(b.writeBy):
			return 0, os.ErrDeadlineExceeded
		case l.bytes > b.bound():
			b.wait(0, b.writeBy)
		case len(p) == 0:
			return 0, nil
		default:
			b.put(l, append([]byte(nil), p...))
			return len(p), nil
		}
	}
}

func (b *cable) lost(op string) error {
	return &net.OpError{Op: op, Net: b.Conn.LocalAddr().Network(), Err: syscall.ECONNRESET}
}

// Close is the device's: what it has said is still on its way.
func (b *cable) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	for _, t := range b.timers {
		if t != nil {
			t.Stop()
		}
	}
	b.in.queue = nil
	b.wake()
	return nil
}

// SetDeadline, SetReadDeadline and SetWriteDeadline are the cable's own.
func (b *cable) SetDeadline(t time.Time) error {
	return b.deadline(func() { b.readBy, b.writeBy = t, t })
}

// SetReadDeadline is part of net.Conn.
func (b *cable) SetReadDeadline(t time.Time) error { return b.deadline(func() { b.readBy = t }) }

// SetWriteDeadline is part of net.Conn.
func (b *cable) SetWriteDeadline(t time.Time) error { return b.deadline(func() { b.writeBy = t }) }

func (b *cable) deadline(set func()) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	set()
	b.wake()
	return nil
}
