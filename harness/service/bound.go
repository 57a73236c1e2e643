package service

import (
	"container/list"
	"net"
	"sync"
	"sync/atomic"

	"github.com/flotilla-sim/flotilla/harness/machine"
)

// spareFiles are the files a process wants beside its connections.
const spareFiles = 64

// share is how many connections each of two kinds of listeners may have.
func share() int {
	files := machine.Look().FilesSoft
	if files <= 0 {
		files = 1024
	}
	return int(max(8, (files-spareFiles)/2))
}

// gate bounds the connections of listeners. With one too many, the one that
// has been open longest without a word from its peer is closed; if all have
// spoken, the newcomer is. So thousands who connect and say nothing keep no
// device out.
type gate struct {
	most int

	mu     sync.Mutex
	open   int
	silent list.List // of *gatedConn, longest open first

	closed atomic.Uint64 // to make room, or for want of it
}

func (g *gate) over(l net.Listener) net.Listener { return &gatedListener{l, g} }

// enter takes a connection in, or refuses it.
func (g *gate) enter(c *gatedConn) bool {
	g.mu.Lock()
	var oldest *gatedConn
	full := g.open >= g.most
	if first := g.silent.Front(); full && first != nil {
		oldest = first.Value.(*gatedConn)
		g.leave(oldest)
		full = false
	}
	if !full {
		g.open++
		c.place = g.silent.PushBack(c)
	}
	g.mu.Unlock()
	if oldest != nil || full {
		g.closed.Add(1)
	}
	if oldest != nil {
		oldest.Conn.Close() // its reader finds out
	}
	return !full
}

// leave forgets a connection; mu is held.
func (g *gate) leave(c *gatedConn) {
	if !c.left {
		c.left = true
		g.open--
	}
	g.speaks(c)
}

// speaks takes a connection out of the silent ones; mu is held.
func (g *gate) speaks(c *gatedConn) {
	if c.place != nil {
		g.silent.Remove(c.place)
		c.place = nil
	}
}

type gatedListener struct {
	net.Listener
	gate *gate
}

func (l *gatedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &gatedConn{Conn: conn, gate: l.gate}
		if l.gate.enter(c) {
			return c, nil
		}
		if t, ok := conn.(*net.TCPConn); ok {
			t.SetLinger(0)
		}
		conn.Close()
	}
}

type gatedConn struct {
	net.Conn
	gate  *gate
	heard atomic.Bool

	place *list.Element // among the silent; gate.mu
	left  bool          // gate.mu
}

func (c *gatedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && !c.heard.Load() {
		c.heard.Store(true)
		c.gate.mu.Lock()
		c.gate.speaks(c)
		c.gate.mu.Unlock()
	}
	return n, err
}

func (c *gatedConn) Close() error {
	c.gate.mu.Lock()
	c.gate.leave(c)
	c.gate.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite ends what this side says, as a refused device is to read it.
func (c *gatedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return net.ErrClosed
}
