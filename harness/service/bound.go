package service

import (
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

// gate bounds the connections of listeners: one too many is closed at once.
type gate struct {
	most   int64
	open   atomic.Int64
	closed atomic.Uint64 // at once
}

func (g *gate) over(l net.Listener) net.Listener { return &gatedListener{l, g} }

type gatedListener struct {
	net.Listener
	gate *gate
}

func (l *gatedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.gate.open.Add(1) <= l.gate.most {
			return &gatedConn{Conn: c, gate: l.gate}, nil
		}
		l.gate.open.Add(-1)
		l.gate.closed.Add(1)
		if t, ok := c.(*net.TCPConn); ok {
			t.SetLinger(0)
		}
		c.Close()
	}
}

type gatedConn struct {
	net.Conn
	gate *gate
	once sync.Once
}

func (c *gatedConn) Close() error {
	c.once.Do(func() { c.gate.open.Add(-1) })
	return c.Conn.Close()
}

// CloseWrite ends what this side says, as a refused device is to read it.
func (c *gatedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return net.ErrClosed
}
