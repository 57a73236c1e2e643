package mqtt

import (
	"context"
	"errors"
	"net"
	"sync"
)

// ErrRefused is what dialling a closed MemListener returns.
var ErrRefused = errors.New("connection refused")

// MemListener accepts in-memory links: a net.Listener for Session, and for an
// http.Server too.
type MemListener struct {
	name    MemAddr
	backlog chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// NewMemListener returns a listener of that name which holds up to backlog links
// that nobody has accepted yet; below 1 means 128. When it is full, Dial waits.
func NewMemListener(name string, backlog int) *MemListener {
	if backlog < 1 {
		backlog = 128
	}
	return &MemListener{name: MemAddr(name), backlog: make(chan net.Conn, backlog), closed: make(chan struct{})}
}

// Dial opens a link to the listener. It waits while the backlog is full, as a TCP
// client does, until ctx ends or the listener closes (ErrRefused).
func (l *MemListener) Dial(ctx context.Context) (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, l.refuse("dial", ErrRefused)
	default:
	}
	client, server := Pipe()
	select {
	case l.backlog <- server:
	case <-l.closed:
		return nil, l.refuse("dial", ErrRefused)
	case <-ctx.Done():
		return nil, l.refuse("dial", context.Cause(ctx))
	}
	select {
	case <-l.closed: // it may have been too late for Close to see the link
		client.Close()
		return nil, l.refuse("dial", ErrRefused)
	default:
		return client, nil
	}
}

// DialContext is Dial in the form that http.Transport and others ask for; both
// names are ignored.
func (l *MemListener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	return l.Dial(ctx)
}

// Accept returns the next link's server end, or net.ErrClosed after Close.
func (l *MemListener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, l.refuse("accept", net.ErrClosed)
	default:
	}
	select {
	case c := <-l.backlog:
		return c, nil
	case <-l.closed:
		return nil, l.refuse("accept", net.ErrClosed)
	}
}

// Close ends Accept and Dial and closes the links that nobody accepted. It may
// be called twice.
func (l *MemListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	for {
		select {
		case c := <-l.backlog:
			c.Close()
		default:
			return nil
		}
	}
}

// Addr returns the listener's name.
func (l *MemListener) Addr() net.Addr { return l.name }

func (l *MemListener) refuse(op string, err error) error {
	return &net.OpError{Op: op, Net: memNetwork, Addr: l.name, Err: err}
}
