package mqtt

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// broker is a minimal server of Sessions, the clients' partner in tests. It
// acknowledges, answers pings, and sends a message published to "echo/..." back
// to its sender on "back/...".
type broker struct {
	l     net.Listener
	dial  func(context.Context) (net.Conn, error)
	wheel *Wheel

	code    byte                                   // of CONNACK
	present bool                                   // session present
	mute    bool                                   // answers nothing but CONNECT
	filter  func(f Filter) byte                    // SUBACK code; nil: the QoS asked for
	greet   []Packet                               // sent after CONNACK
	saw     func(s *Session, p Packet) (done bool) // looks at every packet first

	wg       sync.WaitGroup
	mu       sync.Mutex
	sessions []*Session
	packets  []Packet // all that came in
	errs     []error  // how the sessions ended
}

// newBroker starts a broker on in-memory links; stop it with its stop.
func newBroker(b *broker) *broker {
	m := NewMemListener("broker", 16)
	b.l, b.dial = m, m.Dial
	return b.start()
}

func newTCPBroker(t *testing.T, b *broker) *broker {
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.l, b.dial = l, TCP{Addr: l.Addr().String(), Reset: true}.Dial
	return b.start()
}

func (b *broker) start() *broker {
	b.wheel = NewWheel(0)
	b.wg.Go(func() {
		for {
			c, err := b.l.Accept()
			if err != nil {
				return
			}
			s := NewSession(c, 0)
			b.mu.Lock()
			b.sessions = append(b.sessions, s)
			b.mu.Unlock()
			b.wg.Go(func() { b.serve(s) })
		}
	})
	return b
}

func (b *broker) serve(s *Session) {
	b.wheel.AddFor(s, 30*time.Second)
	for {
		p, err := s.Read()
		if err == ErrLevel {
			s.Send(&Packet{Kind: Connack, Code: RefusedLevel})
			s.CloseAfterFlush(time.Second)
			continue
		}
		if err != nil {
			s.Close()
			s.Wait()
			b.mu.Lock()
			b.errs = append(b.errs, err)
			b.mu.Unlock()
			return
		}
		b.mu.Lock()
		b.packets = append(b.packets, p)
		b.mu.Unlock()
		if b.saw == nil || !b.saw(s, p) {
			b.answer(s, p)
		}
	}
}

func (b *broker) answer(s *Session, p Packet) {
	if b.mute && p.Kind != Connect {
		return
	}
	switch p.Kind {
	case Connect:
		code := b.code // the test may change it once CONNACK is there
		s.Send(&Packet{Kind: Connack, Code: code, SessionPresent: b.present})
		if code != Accepted {
			s.CloseAfterFlush(time.Second)
			return
		}
		b.wheel.Add(s, p.KeepAlive)
		for _, g := range b.greet {
			s.Send(&g)
		}
	case Publish:
		if p.QoS == 1 {
			s.Send(&Packet{Kind: Puback, ID: p.ID})
		}
		if rest, ok := strings.CutPrefix(p.Topic, "echo/"); ok {
			p.Topic = "back/" + rest
			s.Send(&p)
		}
	case Subscribe:
		a := Packet{Kind: Suback, ID: p.ID}
		for _, f := range p.Filters {
			code := f.QoS
			if b.filter != nil {
				code = b.filter(f)
			}
			a.Codes = append(a.Codes, code)
		}
		s.Send(&a)
	case Unsubscribe:
		s.Send(&Packet{Kind: Unsuback, ID: p.ID})
	case Pingreq:
		s.Send(&Packet{Kind: Pingresp})
	case Disconnect:
		s.Close()
	}
}

// stop ends everything and returns what came in and how the sessions ended.
func (b *broker) stop() ([]Packet, []error) {
	b.l.Close()
	b.mu.Lock()
	for _, s := range b.sessions {
		s.Close()
	}
	b.mu.Unlock()
	b.wg.Wait()
	b.wheel.Stop()
	return b.packets, b.errs
}

// count returns how many of the packets are of the kind.
func count(packets []Packet, k Kind) (n int) {
	for _, p := range packets {
		if p.Kind == k {
			n++
		}
	}
	return n
}
