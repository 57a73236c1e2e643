package mqtt

import (
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Pipe returns the two ends of an in-memory link. Each is a whole net.Conn, as a
// TCP connection would be, but for what only a network can do:
//
//   - A direction holds up to 64 KiB; a writer waits for room. A Write of any size
//     arrives in one piece, however many write at once.
//   - Read and write deadlines work, set before or during the call, and also hold
//     for a writer that waits for another.
//   - Close wakes everybody. What was written before it stays readable; then the
//     other end reads io.EOF. Writing to an end that has closed is io.ErrClosedPipe,
//     and what it has not read is gone. Using an end after its own Close is
//     net.ErrClosed.
//   - CloseWrite ends one direction only.
//   - TryWrite writes what can be written without waiting.
//   - PeerClosed says that nothing more will be written at the other end.
//
// A link has no goroutine, and no memory but its struct while it holds no bytes.
// It may be used inside a testing/synctest bubble: whoever waits on it waits
// durably, and it shares nothing but plain buffers with other links.
func Pipe() (client, server net.Conn) {
	l := new(wire)
	l.id = links.Add(1)
	l.up.init()
	l.down.init()
	l.client = pipeEnd{wire: l, in: &l.down, out: &l.up}
	l.server = pipeEnd{wire: l, in: &l.up, out: &l.down}
	return &l.client, &l.server
}

// links numbers the links of the process, for their addresses.
var links atomic.Uint64

// wire is a Pipe, in one piece of memory.
type wire struct {
	id             uint64
	up, down       half // client to server, server to client
	client, server pipeEnd
}

// half is one direction of a link. All waiting is done on its two condition
// variables and every change wakes all who wait there, so that no wake-up can be
// given to somebody who has no use for it: a Signal that meets a writer whose
// deadline has passed would be lost for the next writer.
type half struct {
	mu       sync.Mutex
	ring     ring
	writing  bool      // a Write is in the middle of its bytes; others wait
	wend     bool      // the writing end has closed: EOF once drained
	rend     bool      // the reading end has closed: writing is an error
	readable sync.Cond // readers wait here
	writable sync.Cond // writers wait here
	readBy   deadline
	writeBy  deadline
}

func (h *half) init() {
	h.readable.L = &h.mu
	h.writable.L = &h.mu
}

// deadline is a point in time, and a timer only while somebody waits for it.
type deadline struct {
	at    time.Time // zero: none
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

// arm makes sure that whoever waits on c wakes at the deadline.
func (d *deadline) arm(c *sync.Cond) {
	if d.at.IsZero() || d.timer != nil {
		return
	}
	var t *time.Timer
	t = time.AfterFunc(time.Until(d.at), func() {
		c.L.Lock()
		if d.timer == t {
			d.timer = nil // were the clock set back, the waiter arms another
		}
		c.Broadcast()
		c.L.Unlock()
	})
	d.timer = t
}

func (d *deadline) set(at time.Time) {
	d.stop()
	d.at = at
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}

// read is where most goroutines of a large fleet are parked, so it and what
// calls it keep their frames small: no defer here.
func (h *half) read(b []byte) (n int, err error) {
	h.mu.Lock()
	for {
		switch {
		case h.rend:
			err = net.ErrClosed
		case h.readBy.passed():
			err = os.ErrDeadlineExceeded
		case len(b) == 0:
		case h.ring.n > 0:
			n = h.ring.read(b)
			h.writable.Broadcast()
		case h.wend:
			err = io.EOF
		default:
			h.readBy.arm(&h.readable)
			h.readable.Wait()
			continue
		}
		h.mu.Unlock()
		return n, err
	}
}

func (h *half) write(b []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	mine := false
	for {
		switch {
		case h.wend:
			err = net.ErrClosed
		case h.rend:
			err = io.ErrClosedPipe
		case h.writeBy.passed():
			err = os.ErrDeadlineExceeded
		case !mine && h.writing:
		default:
			if k := h.ring.write(b[n:]); k > 0 {
				n += k
				h.readable.Broadcast()
			}
			mine = true
		}
		if err != nil || mine && n == len(b) {
			if mine {
				h.writing = false
				h.writable.Broadcast()
			}
			return n, err
		}
		if mine {
			h.writing = true
		}
		h.writeBy.arm(&h.writable)
		h.writable.Wait()
	}
}

// tryWrite writes all of b if that needs no waiting, else nothing.
func (h *half) tryWrite(b []byte) bool {
	h.mu.Lock()
	ok := !h.wend && !h.rend && !h.writing && len(b) <= ringBound-h.ring.n
	if ok {
		h.ring.write(b)
		h.readable.Broadcast()
	}
	h.mu.Unlock()
	return ok
}

// endWrite closes the half from its writing end.
func (h *half) endWrite() {
	h.mu.Lock()
	h.wend = true
	h.writeBy.stop()
	h.wake()
	h.mu.Unlock()
}

// endRead closes the half from its reading end.
func (h *half) endRead() {
	h.mu.Lock()
	h.rend = true
	h.ring.drop()
	h.readBy.stop()
	h.wake()
	h.mu.Unlock()
}

func (h *half) wake() {
	h.readable.Broadcast()
	h.writable.Broadcast()
}

// pipeEnd is one end of a link.
type pipeEnd struct {
	wire    *wire
	in, out *half
}

func (e *pipeEnd) Read(b []byte) (int, error) {
	n, err := e.in.read(b)
	if err != nil && err != io.EOF {
		err = e.wrap("read", err)
	}
	return n, err
}

func (e *pipeEnd) Write(b []byte) (int, error) {
	n, err := e.out.write(b)
	if err != nil {
		err = e.wrap("write", err)
	}
	return n, err
}

// TryWrite writes all of b and says true, or, where a Write would wait or fail,
// nothing and says false.
func (e *pipeEnd) TryWrite(b []byte) bool { return e.out.tryWrite(b) }

// Close ends both directions. A second Close does nothing.
func (e *pipeEnd) Close() error {
	e.out.endWrite()
	e.in.endRead()
	return nil
}

// PeerClosed says that the other end writes nothing more: what is unread is all
// there is to come.
func (e *pipeEnd) PeerClosed() bool {
	e.in.mu.Lock()
	defer e.in.mu.Unlock()
	return e.in.wend
}

// CloseWrite ends the direction away from this end: the other end reads io.EOF
// after what was written, and can still write.
func (e *pipeEnd) CloseWrite() error {
	e.out.endWrite()
	return nil
}

func (e *pipeEnd) SetDeadline(t time.Time) error {
	if err := e.SetReadDeadline(t); err != nil {
		return err
	}
	return e.SetWriteDeadline(t)
}

func (e *pipeEnd) SetReadDeadline(t time.Time) error {
	h := e.in
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rend {
		return e.wrap("set", net.ErrClosed)
	}
	h.readBy.set(t)
	h.readable.Broadcast()
	return nil
}

func (e *pipeEnd) SetWriteDeadline(t time.Time) error {
	h := e.out
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.wend {
		return e.wrap("set", net.ErrClosed)
	}
	h.writeBy.set(t)
	h.writable.Broadcast()
	return nil
}

func (e *pipeEnd) LocalAddr() net.Addr  { return e.addr(e == &e.wire.client) }
func (e *pipeEnd) RemoteAddr() net.Addr { return e.addr(e != &e.wire.client) }

func (e *pipeEnd) addr(client bool) net.Addr {
	if client {
		return MemAddr("client-" + strconv.FormatUint(e.wire.id, 10))
	}
	return MemAddr("server-" + strconv.FormatUint(e.wire.id, 10))
}

func (e *pipeEnd) wrap(op string, err error) error {
	return &net.OpError{Op: op, Net: memNetwork, Source: e.LocalAddr(), Addr: e.RemoteAddr(), Err: err}
}

// MemAddr is the address of an in-memory listener, or of an end of a link.
type MemAddr string

const memNetwork = "mem"

// Network returns "mem".
func (a MemAddr) Network() string { return memNetwork }
func (a MemAddr) String() string  { return string(a) }
