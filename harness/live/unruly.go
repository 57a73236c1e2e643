package live

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
)

// unruly is a connection whose client misbehaves as fault.Client says, from
// the moment its subscriptions are granted. Below it lies the socket, a wire,
// which misbehaves with it.
//
// A client that is stuck is a Receive that does not return: the connection's
// own bounds fill up behind it, as behind any callback that waits for ever.
// Only Close lets it go, because a run has to end.
type unruly struct {
	Conn
	wire   *wire
	faults fault.Client
	online bool // Receive's: the session is up
	closed chan struct{}
	once   sync.Once
}

func newUnruly(c Conn, w *wire, faults fault.Client) *unruly {
	return &unruly{Conn: c, wire: w, faults: faults, closed: make(chan struct{})}
}

// Receive passes on what comes until the session is up. Messages that overtake
// the grant are the first ones a stuck client does not give away.
func (u *unruly) Receive() (sim.Message, error) {
	silent := u.faults.Stuck || u.faults.NeverReads // what a client has read ahead does not come either
	for {
		if u.online && silent {
			<-u.closed
		}
		m, err := u.Conn.Receive()
		switch {
		case err != nil:
			return m, err
		case m.Kind == sim.Subscribed && !u.online:
			u.begin()
		case m.Kind != sim.Accept && silent && !u.online:
			continue
		}
		return m, nil
	}
}

// begin has the client misbehave.
func (u *unruly) begin() {
	u.online = true
	if u.faults.NeverReads {
		u.wire.deafen()
	}
	if u.faults.HalfCloses {
		u.wire.halfClose()
	}
}

// Close lets a stuck client go.
func (u *unruly) Close() error {
	u.once.Do(func() { close(u.closed) })
	return u.Conn.Close()
}

// Wait waits for the connection's goroutines.
func (u *unruly) Wait() {
	if w, ok := u.Conn.(Waiter); ok {
		w.Wait()
	}
}

// wire is the socket of a client that misbehaves. It never lies to its client:
// what cannot be sent any more is taken and forgotten, as a socket's buffer
// would, and what is not read stays where it is.
type wire struct {
	net.Conn
	deaf   atomic.Bool
	mute   atomic.Bool
	closed chan struct{}
	once   sync.Once
}

// over puts the wire around a link.
func (w *wire) over(c net.Conn) net.Conn {
	w.Conn, w.closed = c, make(chan struct{})
	return w
}

// deafen has the client read nothing more; a Read that waits in the link takes
// what comes next with it.
func (w *wire) deafen() { w.deaf.Store(true) }

// halfClose tells the peer that nothing more will come.
func (w *wire) halfClose() {
	w.mute.Store(true)
	if c, ok := w.Conn.(interface{ CloseWrite() error }); ok {
		c.CloseWrite()
	}
}

func (w *wire) Read(b []byte) (int, error) {
	if !w.deaf.Load() {
		n, err := w.Conn.Read(b)
		if !w.deaf.Load() {
			return n, err
		}
	}
	<-w.closed
	return 0, net.ErrClosed
}

func (w *wire) Write(b []byte) (int, error) {
	if w.mute.Load() {
		return len(b), nil
	}
	n, err := w.Conn.Write(b)
	if err != nil && w.mute.Load() { // shut down under its hands
		return len(b), nil
	}
	return n, err
}

// SetWriteDeadline sets none for what goes nowhere.
func (w *wire) SetWriteDeadline(t time.Time) error {
	if err := w.Conn.SetWriteDeadline(t); err != nil && !w.mute.Load() {
		return err
	}
	return nil
}

// CloseWrite is the client's own; a link that cannot is closed.
func (w *wire) CloseWrite() error {
	if c, ok := w.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return w.Close()
}

// Close closes the link without waiting for the peer: of a TLS connection the
// socket, without the alert.
func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	if t, ok := w.Conn.(interface{ NetConn() net.Conn }); ok {
		return t.NetConn().Close()
	}
	return w.Conn.Close()
}
