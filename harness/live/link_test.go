package live

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/flotilla-sim/flotilla/harness/mailbox"
	"github.com/flotilla-sim/flotilla/sim"
)

// pausedConn is a connection whose Send waits until it may go on.
type pausedConn struct {
	gate   chan struct{} // receives once for each message that goes out
	closed chan struct{}
	once   sync.Once

	mu   sync.Mutex
	sent []string
}

func newPausedConn() *pausedConn {
	return &pausedConn{gate: make(chan struct{}), closed: make(chan struct{})}
}

var errOver = errors.New("over")

func (c *pausedConn) Send(m sim.Message) error {
	select {
	case <-c.gate:
	case <-c.closed:
		return errOver
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = append(c.sent, m.String())
	return nil
}

func (c *pausedConn) Receive() (sim.Message, error) {
	<-c.closed
	return sim.Message{}, errOver
}

func (c *pausedConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

// wharf is a link over a pausedConn with all it needs.
func wharf() (*Stage, *player, *link, *pausedConn) {
	s := &Stage{cfg: Config{Now: func() sim.Time { return 0 }}, group: new(errgroup.Group), connects: semaphore.NewWeighted(1)}
	s.connects.TryAcquire(1)
	p := &player{stage: s, id: "d", box: mailbox.New[item](mailboxSize), number: 1}
	c := newPausedConn()
	p.link = newLink(c, 1, s.connects)
	p.link.open(p)
	return s, p, p.link, c
}

// TestQueueFull: when a peer does not read, telemetry is dropped and counted,
// anything else closes the link, which the device hears of.
func TestQueueFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p, l, c := wharf()
		telemetry := sim.Message{Kind: sim.Telemetry, Device: "d", Conn: 1}
		l.send(s, telemetry)
		synctest.Wait() // the sender holds the first
		for range sendQueue + 10 {
			l.send(s, telemetry)
		}
		if got := s.Generator(); got.TelemetryDropped != 10 || got.LinksOverrun != 0 {
			t.Errorf("after %d messages: %+v; want 10 dropped", sendQueue+11, got)
		}
		l.send(s, sim.Message{Kind: sim.Answer, Device: "d", Conn: 1, ID: 1})
		if got := s.Generator(); got.LinksOverrun != 1 {
			t.Errorf("after an answer: %+v; want the link overrun", got)
		}
		synctest.Wait()
		if x := p.box.Take(nil); len(x) != 1 || x[0].in.Msg.String() != "close d#1 lost" {
			t.Errorf("the device heard %v; want the link's end", x)
		}
		l.send(s, telemetry) // of no use any more
		l.cut()
		s.group.Wait()
		if len(c.sent) != 0 {
			t.Errorf("sent %q", c.sent)
		}
		if !s.connects.TryAcquire(1) {
			t.Error("the place among connects under way was not given back")
		}
	})
}

// TestCloseIsLast: what was said before a Close leaves before it, nothing
// after it.
func TestCloseIsLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, l, c := wharf()
		l.send(s, sim.Message{Kind: sim.Answer, Device: "d", Conn: 1, ID: 1})
		l.send(s, sim.Message{Kind: sim.Close, Device: "d", Conn: 1, Status: int32(sim.ReasonReboot)})
		l.send(s, sim.Message{Kind: sim.Answer, Device: "d", Conn: 1, ID: 2})
		for range 2 {
			c.gate <- struct{}{}
		}
		s.group.Wait()
		if want := []string{"answer d#1 id=1", "close d#1 reboot"}; !slices.Equal(c.sent, want) {
			t.Errorf("sent %q; want %q", c.sent, want)
		}
	})
}

// TestReaderWaits: a device that takes nothing from its mailbox holds up its
// own reader, until its link ends, and nothing is lost before.
func TestReaderWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Stage{cfg: Config{Now: func() sim.Time { return 0 }}, group: new(errgroup.Group), connects: semaphore.NewWeighted(1)}
		s.connects.TryAcquire(1)
		p := &player{stage: s, id: "d", box: mailbox.New[item](mailboxSize), number: 1}
		c := &floodConn{pausedConn: newPausedConn()}
		l := newLink(c, 1, s.connects)
		l.open(p)
		synctest.Wait()
		if p.box.Len() != mailboxSize || c.given != mailboxSize+1 {
			t.Errorf("%d in the mailbox, %d received; want %d and one more", p.box.Len(), c.given, mailboxSize)
		}
		l.cut()
		s.group.Wait() // the reader waits for its connection's end too
	})
}

type floodConn struct {
	*pausedConn
	given int
}

func (c *floodConn) Receive() (sim.Message, error) {
	c.given++
	return sim.Message{Kind: sim.TelemetryAck, Device: "d"}, nil
}

func TestMeter(t *testing.T) {
	var m meter
	if got := m.lag(); got != (Lag{}) {
		t.Errorf("nothing: %+v", got)
	}
	for range 99 {
		m.add(3_000) // 3 us
	}
	m.add(5_000_000)
	m.add(-1)
	if got, want := m.lag(), (Lag{Count: 101, P50: 4_000, P99: 4_000, Max: 5_000_000}); got != want {
		t.Errorf("lag = %+v; want %+v", got, want)
	}
}

// TestLastWordsFirst: a device that answers, closes its link and dials again
// says so in that order, however late its sender is; a peer that takes nothing
// holds it up for lastWords, not for ever.
func TestLastWordsFirst(t *testing.T) {
	for _, taken := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s, p, l, c := wharf()
			l.free() // the hub has accepted it
			dialled := make(chan time.Time, 1)
			s.cfg.Target.Dial = func(context.Context, sim.DeviceID) (Conn, error) {
				dialled <- time.Now()
				return nil, errOver
			}
			s.connects = semaphore.NewWeighted(1)
			s.life = func(f func(context.Context)) { s.group.Go(func() error { f(t.Context()); return nil }) }
			s.span = func() (context.Context, context.CancelFunc) { return context.WithCancel(t.Context()) }
			p.send(sim.Message{Kind: sim.Answer, Device: "d", Conn: 1, ID: 1})
			p.send(sim.Message{Kind: sim.Close, Device: "d", Conn: 1, Status: int32(sim.ReasonReboot)})
			start := time.Now()
			p.dial()
			synctest.Wait()
			if len(dialled) > 0 {
				t.Errorf("dialled while what the device had said was still on its way: %q", c.sent)
			}
			want := lastWords
			if taken {
				want = 0
				c.gate <- struct{}{}
				c.gate <- struct{}{}
			}
			if got := (<-dialled).Sub(start); got != want {
				t.Errorf("taken %t: dialled after %s; want %s", taken, got, want)
			}
			if taken && len(c.sent) != 2 {
				t.Errorf("sent %q", c.sent)
			}
			c.Close()
			s.group.Wait()
		})
	}
}

// TestGivenUp: a device that gives a link up which the hub has not accepted yet
// dials again at once, whatever is still being said on it.
func TestGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p, _, c := wharf()
		dialled := make(chan time.Time, 1)
		s.cfg.Target.Dial = func(context.Context, sim.DeviceID) (Conn, error) {
			dialled <- time.Now()
			return nil, errOver
		}
		s.life = func(f func(context.Context)) { s.group.Go(func() error { f(t.Context()); return nil }) }
		s.span = func() (context.Context, context.CancelFunc) { return context.WithCancel(t.Context()) }
		p.send(sim.Message{Kind: sim.Connect, Device: "d", Conn: 1})
		p.send(sim.Message{Kind: sim.Close, Device: "d", Conn: 1, Status: int32(sim.ReasonLost)})
		start := time.Now()
		p.dial()
		if got := (<-dialled).Sub(start); got != 0 {
			t.Errorf("dialled after %s; want at once", got)
		}
		s.group.Wait()
		if g := s.Generator(); g.Planned != g.Sent+g.Dropped || len(c.sent) > 0 {
			t.Errorf("planned %d, sent %d, dropped %d; sent %q", g.Planned, g.Sent, g.Dropped, c.sent)
		}
	})
}

// TestPusherWaits: a connection that gives what it hears itself waits for room
// in the mailbox, and no longer than it lives.
func TestPusherWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p, l, c := wharf()
		ended, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for range mailboxSize + 1 {
				l.take(p, sim.Message{Kind: sim.TelemetryAck, Device: "d"}, ended)
			}
		}()
		synctest.Wait()
		select {
		case <-done:
			t.Errorf("%d in the mailbox; want %d, and the connection waiting", p.box.Len(), mailboxSize)
		default:
		}
		close(ended)
		<-done
		if n := p.box.Len(); n != mailboxSize {
			t.Errorf("%d in the mailbox; want %d", n, mailboxSize)
		}
		l.cut()
		c.Close()
		s.group.Wait()
	})
}
