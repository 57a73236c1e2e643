package hubd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flotilla-sim/flotilla/harness/mailbox"
	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// The bounds of a server.
const (
	mailboxSize           = 4096
	maxTickets            = 100_000
	DefaultConnectTimeout = 20 * time.Second
	flushTimeout          = 2 * time.Second // for what is still to be said on a connection that is closed
	acceptPause           = 50 * time.Millisecond
)

// Config makes a server. Hub and Now are needed.
type Config struct {
	Hub   *hub.Hub        // the server's from now on: nobody else may touch it
	Now   func() sim.Time // the run's clock; this is where time enters
	Hosts []string        // the names devices may call the hub by; none: any

	// Observe gets what the hub measured and noted, from the owner's
	// goroutine: it must be quick and must not keep the slice.
	Observe func([]sim.Observation)

	ConnectTimeout time.Duration // from the open connection to CONNECT; 0: DefaultConnectTimeout

	Inflow int     // messages per second that one connection may say; 0: DefaultInflow; below 0: no bound
	Pauses []Pause // when the hub rests
}

// Counters count what the server has seen beside what the hub counts.
type Counters struct {
	Opened        uint64 // connections
	Refused       uint64 // CONNECT packets that the hub was not asked about
	Silent        uint64 // closed: nothing heard for too long
	SlowConsumers uint64 // closed: the peer did not read
	Protocol      uint64 // closed: the peer broke the protocol
	Flooding      uint64 // closed: the peer said more than Config.Inflow
	Lost          uint64 // ended by the peer, or by the network, without DISCONNECT
	TurnedAway    uint64 // closed as soon as they were open: the hub was down
	MailboxHigh   uint64 // most items taken from the mailbox at once; 4,096 is full
}

// Server runs a hub. Its methods may be called from anywhere.
type Server struct {
	cfg   Config
	box   *mailbox.Box[item]
	wheel *mqtt.Wheel
	limit int // of tickets open or not read

	opened, refused, silent, slow, protocol, flooding, lost, high atomic.Uint64

	turned atomic.Uint64
	back   atomic.Int64 // until when the hub is down
	cost   atomic.Int64 // of each message, nanoseconds

	mu        sync.Mutex
	closing   bool
	listeners []net.Listener
	conns     map[*conn]struct{}
	latest    map[sim.DeviceID]*conn // of each device, the one that connected last
	settled   []Settled

	ready   chan struct{} // holds a token when settled is no longer empty
	quit    chan struct{} // closed: the owner ends
	closed  chan struct{} // closed by Close: the owner rests no more
	accepts sync.WaitGroup
	readers sync.WaitGroup
	owned   sync.WaitGroup
}

// New makes a server and starts its owner. Close ends it.
func New(cfg Config) (*Server, error) {
	if cfg.Hub == nil || cfg.Now == nil {
		return nil, errors.New("hub server: Hub and Now are needed")
	}
	if cfg.Observe == nil {
		cfg.Observe = func([]sim.Observation) {}
	}
	if cfg.ConnectTimeout <= 0 {
		cfg.ConnectTimeout = DefaultConnectTimeout
	}
	if cfg.Inflow == 0 {
		cfg.Inflow = DefaultInflow
	}
	s := &Server{
		cfg: cfg, box: mailbox.New[item](mailboxSize), wheel: mqtt.NewWheel(0), limit: maxTickets, conns: map[*conn]struct{}{}, latest: map[sim.DeviceID]*conn{},
		ready: make(chan struct{}, 1), quit: make(chan struct{}), closed: make(chan struct{}),
	}
	s.owned.Go(newOwner(s).run)
	return s, nil
}

// Listen accepts connections from l, which is the server's from now on.
func (s *Server) Listen(l net.Listener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		l.Close()
		return errShutdown
	}
	s.listeners = append(s.listeners, l)
	s.accepts.Go(func() { s.accept(l) })
	return nil
}

// ListenTCP listens on a TCP address of the loopback interface, "127.0.0.1:0"
// for any port, and returns the address.
func (s *Server) ListenTCP(ctx context.Context, addr string) (net.Addr, error) {
	l, err := mqtt.Listen(ctx, addr)
	if err != nil {
		return nil, err
	}
	return l.Addr(), s.Listen(l)
}

// ListenTLS is ListenTCP with TLS over it. The handshake counts as part of the
// time to CONNECT.
func (s *Server) ListenTLS(ctx context.Context, addr string, cfg *tls.Config) (net.Addr, error) {
	l, err := mqtt.Listen(ctx, addr)
	if err != nil {
		return nil, err
	}
	return l.Addr(), s.Listen(tls.NewListener(l, cfg))
}

func (s *Server) accept(l net.Listener) {
	for {
		link, err := l.Accept()
		if err == nil {
			if s.down() {
				s.turned.Add(1)
				drop(link)
				continue
			}
			s.serve(link)
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		pause := time.NewTimer(acceptPause) // out of descriptors, say: others may close
		select {
		case <-pause.C:
		case <-s.quit:
			pause.Stop()
			return
		}
	}
}

// Counters says what the server has seen.
func (s *Server) Counters() Counters {
	return Counters{
		Opened: s.opened.Load(), Refused: s.refused.Load(), Silent: s.silent.Load(), SlowConsumers: s.slow.Load(),
		Protocol: s.protocol.Load(), Flooding: s.flooding.Load(), Lost: s.lost.Load(), TurnedAway: s.turned.Load(), MailboxHigh: s.high.Load(),
	}
}

// errShutdown is what is answered from Close on.
var errShutdown = &hub.Error{Code: hub.CodeShutdown, Message: "the hub is shutting down"}

// Close ends the server: first what was asked of the hub is answered with
// hub.CodeShutdown, then every connection is closed. It returns when all the
// server's goroutines have ended; if ctx ends first, it returns ctx's error
// and they end later.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	first := !s.closing
	s.closing = true
	listeners := s.listeners
	s.listeners = nil
	s.mu.Unlock()
	for _, l := range listeners {
		l.Close()
	}
	if first {
		close(s.closed)
		s.box.Force(item{stop: true})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.accepts.Wait()
		if first {
			s.mu.Lock()
			for c := range s.conns {
				c.session.Fail(errHubClosed)
			}
			s.mu.Unlock()
			s.readers.Wait()
			s.wheel.Stop()
			s.box.Close()
			close(s.quit)
		}
		s.owned.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("hub server: %w", context.Cause(ctx))
	}
}
