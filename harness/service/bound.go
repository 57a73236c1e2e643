package service

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
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

// crowd bounds the connections of an HTTP server. Those without a request
// under way wait in line; when there is one connection too many, the one that
// has waited longest is closed, as a server's keep-alive always may.
// [RFC 9112, section 9.5] So ten thousand who connect and say nothing cost one
// another their place, and not the one who has something to ask.
type crowd struct {
	most int

	mu    sync.Mutex
	idle  list.List // of net.Conn, longest idle first
	place map[net.Conn]*list.Element
	all   int

	shed atomic.Uint64 // closed to make room
}

func newCrowd(most int) *crowd {
	return &crowd{most: most, place: map[net.Conn]*list.Element{}}
}

// watch is an http.Server's ConnState.
func (c *crowd) watch(conn net.Conn, s http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.place[conn]; e != nil {
		c.idle.Remove(e)
		delete(c.place, conn)
	}
	switch s {
	case http.StateNew:
		c.all++
		c.place[conn] = c.idle.PushBack(conn)
		if c.all > c.most {
			oldest := c.idle.Remove(c.idle.Front()).(net.Conn)
			delete(c.place, oldest)
			c.shed.Add(1)
			cut(oldest)
		}
	case http.StateIdle:
		c.place[conn] = c.idle.PushBack(conn)
	case http.StateClosed, http.StateHijacked:
		c.all--
	}
}

// cut closes a connection without a word, for which TLS would wait.
func cut(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	c.Close()
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
