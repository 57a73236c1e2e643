package mqtt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// encode returns the bytes of packets one after the other.
func encode(t testing.TB, ps ...Packet) []byte {
	t.Helper()
	var b []byte
	for _, p := range ps {
		var err error
		if b, err = p.AppendTo(b); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func TestSessionOrder(t *testing.T) {
	connect := Packet{Kind: Connect, ClientID: "a"}
	for _, c := range []struct {
		name string
		send []Packet
		good int    // packets read before the error
		err  string // what it holds
	}{
		{"CONNECT comes first", []Packet{{Kind: Pingreq}}, 0, "MQTT-3.1.0-1"},
		{"and once", []Packet{connect, connect}, 1, "MQTT-3.1.0-2"},
		{"CONNACK is the server's", []Packet{connect, {Kind: Connack}}, 1, "sent by a client"},
		{"SUBACK is the server's", []Packet{connect, {Kind: Suback, ID: 1, Codes: []byte{0}}}, 1, "sent by a client"},
		{"UNSUBACK is the server's", []Packet{connect, {Kind: Unsuback, ID: 1}}, 1, "sent by a client"},
		{"PINGRESP is the server's", []Packet{{Kind: Pingresp}}, 0, "sent by a client"},
		{"QoS 2 is for the caller to refuse", []Packet{connect, {Kind: Publish, QoS: 2, ID: 1, Topic: "t"}, {Kind: Pubrel, ID: 1}}, 3, "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, z := Pipe()
			s := NewSession(z, 0)
			a.Write(encode(t, c.send...))
			a.Close()
			n := 0
			for {
				_, err := s.Read()
				if err == nil {
					n++
					continue
				}
				if n != c.good || !bytes.Contains([]byte(err.Error()), []byte(c.err)) {
					t.Errorf("%d packets, then %v; want %d, then %q", n, err, c.good, c.err)
				}
				break
			}
			s.Close()
		})
	}
}

func TestSessionSend(t *testing.T) {
	a, z := Pipe()
	s := NewSession(z, 0)
	var want []byte
	for i := range 100 {
		p := Packet{Kind: Publish, Topic: fmt.Sprint("t/", i), Payload: make([]byte, i)}
		if err := s.Send(&p); err != nil {
			t.Fatal(err)
		}
		want = append(want, encode(t, p)...)
		ack := encode(t, Packet{Kind: Puback, ID: uint16(i + 1)})
		if err := s.SendBytes(ack); err != nil {
			t.Fatal(err)
		}
		want = append(want, ack...)
	}
	if err := s.Send(&Packet{Kind: Publish, Topic: "#"}); !errors.Is(err, ErrMalformed) {
		t.Errorf("Send of a bad packet: %v", err)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(a, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("what arrived is not what was sent, in order: %v", err)
	}
	s.Close()
	if err := s.Send(&Packet{Kind: Pingresp}); err != ErrClosed {
		t.Errorf("Send after Close: %v; want ErrClosed", err)
	}
	s.Wait()
}

// TestSessionSlowConsumer: nobody reads; Send never waits, and the queue's bound
// in messages or bytes ends the connection.
func TestSessionSlowConsumer(t *testing.T) {
	for _, c := range []struct {
		name    string
		payload int
		least   int // packets sent before the error: the queue and what the link holds
		most    int
	}{
		{"messages", 10, QueueMessages, QueueMessages + ringBound/10 + 1},
		{"bytes", 64 << 10, QueueBytes/(64<<10) - 1, QueueBytes/(64<<10) + 2},
		{"one large packet fits an empty queue", 600 << 10, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, z := Pipe()
				s := NewSession(z, 0)
				p := Packet{Kind: Publish, Topic: "t", Payload: make([]byte, c.payload)}
				start, n := time.Now(), 0
				var err error
				for {
					if err = s.Send(&p); err != nil {
						break
					}
					n++
				}
				if err != ErrSlowConsumer || n < c.least || n > c.most {
					t.Errorf("%d sent, then %v; want %d to %d, then ErrSlowConsumer", n, err, c.least, c.most)
				}
				if waited := time.Since(start); waited != 0 {
					t.Errorf("Send waited %v", waited)
				}
				if _, err := s.Read(); err != ErrSlowConsumer {
					t.Errorf("Read: %v; want ErrSlowConsumer", err)
				}
				if err := s.Send(&p); err != ErrSlowConsumer {
					t.Errorf("Send again: %v; want ErrSlowConsumer", err)
				}
				s.Wait()
				a.Close()
			})
		})
	}
}

// TestSessionAcknowledgements: more of them at once than messages may wait are no
// reason to close; without end they are.
func TestSessionAcknowledgements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, z := Pipe()
		s := NewSession(z, 0)
		ack := Packet{Kind: Puback, ID: 1}
		for i := range 10 * QueueMessages {
			if err := s.Send(&ack); err != nil {
				t.Fatalf("PUBACK %d: %v", i, err)
			}
		}
		n := 0
		for s.Send(&ack) == nil {
			n++
		}
		if n > (QueueBytes+ringBound)/4 {
			t.Errorf("%d PUBACKs in the queue", n)
		}
		s.Wait()
	})
}

// TestSessionStuckPeer: one packet that a peer does not take ends the connection
// after SessionWriteTimeout.
func TestSessionStuckPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, z := Pipe()
		s := NewSession(z, 0)
		start := time.Now()
		s.Send(&Packet{Kind: Publish, Topic: "t", Payload: make([]byte, 2*ringBound)})
		_, err := s.Read()
		if took := time.Since(start); err != ErrSlowConsumer || took != SessionWriteTimeout {
			t.Errorf("Read: %v after %v; want ErrSlowConsumer after %v", err, took, SessionWriteTimeout)
		}
		s.Wait()
	})
}

// TestSessionLastWords: what a peer said before it closed is read, though
// something could not be sent to it any more.
func TestSessionLastWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, z := Pipe()
		s := NewSession(z, 0)
		words := encode(t, Packet{Kind: Connect, ClientID: "a", CleanSession: true}, Packet{Kind: Publish, Topic: "answer"})
		a.Write(words)
		a.Close()
		s.Send(&Packet{Kind: Publish, Topic: "too late"})
		s.Wait()
		if err := s.Send(&Packet{Kind: Pingresp}); err == nil {
			t.Error("Send to a peer that has closed: no error")
		}
		for _, want := range []Kind{Connect, Publish} {
			if p, err := s.Read(); err != nil || p.Kind != want {
				t.Errorf("Read: %s, %v; want %s", p.Kind, err, want)
			}
		}
		if _, err := s.Read(); err == nil {
			t.Error("Read after the end: no error")
		}
		s.Close()
	})
}

func TestSessionCloseAfterFlush(t *testing.T) {
	t.Run("what is queued arrives", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a, z := Pipe()
			s := NewSession(z, 0)
			p := Packet{Kind: Publish, Topic: "t", Payload: make([]byte, 3*ringBound)}
			s.Send(&p)
			s.Send(&Packet{Kind: Connack, Code: 5})
			s.CloseAfterFlush(time.Minute)
			if err := s.Send(&p); err != ErrClosed {
				t.Errorf("Send afterwards: %v; want ErrClosed", err)
			}
			got, err := io.ReadAll(a)
			if want := encode(t, p, Packet{Kind: Connack, Code: 5}); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, %v; want %d", len(got), err, len(want))
			}
			a.Close()
			if _, err := s.Read(); err != io.EOF {
				t.Errorf("Read: %v; want EOF", err)
			}
			s.Close()
			s.Wait()
		})
	})
	for name, reads := range map[string]bool{"a peer that does not close is closed": true, "a peer that does not read is closed": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, z := Pipe()
				s := NewSession(z, 0)
				start := time.Now()
				s.Send(&Packet{Kind: Publish, Topic: "t", Payload: make([]byte, 2*ringBound)})
				s.CloseAfterFlush(3 * time.Second)
				if reads {
					io.ReadAll(a)
				}
				_, err := s.Read()
				if took := time.Since(start); err != ErrClosed || took != 3*time.Second {
					t.Errorf("Read: %v after %v; want ErrClosed after 3 s", err, took)
				}
				s.Wait()
			})
		})
	}
	t.Run("over TCP, with bytes of the peer unread", func(t *testing.T) {
		b := newTCPBroker(t, &broker{code: RefusedNotAllowed})
		defer b.stop()
		c, err := b.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Write(encode(t, Packet{Kind: Connect, ClientID: "a"}))
		c.Write(encode(t, Packet{Kind: Publish, Topic: "t", Payload: make([]byte, 200<<10)}))
		got, err := io.ReadAll(c)
		if want := encode(t, Packet{Kind: Connack, Code: 5}); err != nil || !bytes.Equal(got, want) {
			t.Errorf("% x, %v; want % x", got, err, want)
		}
	})
}

func TestSessionLevel(t *testing.T) {
	b := newBroker(&broker{})
	defer b.stop()
	for _, hello := range []string{"10 0e 00 06 'MQIsdp' 03 02 00 00 00 00", "10 0d 00 04 'MQTT' 05 02 00 00 00 00 00"} {
		c, err := b.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.Write(wireBytes(t, hello))
		got, err := io.ReadAll(c)
		if want := encode(t, Packet{Kind: Connack, Code: RefusedLevel}); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: % x, %v; want % x", hello, got, err, want)
		}
		c.Close()
	}
}

// TestWheel: silence ends a connection within a tick and a half after its time
// and not before; any packet counts; keep-alive 0 and long ones mean MaxSilence.
func TestWheel(t *testing.T) {
	for _, c := range []struct {
		keepAlive uint16
		packets   []time.Duration // when the client says something
		end       time.Duration   // the silence's end
	}{
		{1, nil, 1500 * time.Millisecond},
		{60, nil, 90 * time.Second},
		{60, []time.Duration{45 * time.Second, 80 * time.Second}, 170 * time.Second},
		{60, []time.Duration{89 * time.Second, 178 * time.Second, 179 * time.Second}, 269 * time.Second},
		{1177, nil, 1765500 * time.Millisecond},
		{1178, nil, MaxSilence},
		{65535, nil, MaxSilence},
		{0, nil, MaxSilence},
		{0, []time.Duration{1000 * time.Second, 2500 * time.Second}, 2500*time.Second + MaxSilence},
	} {
		t.Run(fmt.Sprint(c.keepAlive, c.packets), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := NewWheel(0)
				a, z := Pipe()
				s := NewSession(z, 0)
				s.opened = true
				start := time.Now()
				w.Add(s, c.keepAlive)
				for _, at := range c.packets {
					time.AfterFunc(at, func() { a.Write([]byte{0xc0, 0}) })
				}
				var err error
				for err == nil {
					_, err = s.Read()
				}
				took := time.Since(start)
				if err != ErrKeepAlive || took < c.end || took > c.end+3*DefaultTick/2 {
					t.Errorf("Read: %v after %v; want ErrKeepAlive after %v", err, took, c.end)
				}
				w.Stop()
			})
		})
	}
}

func TestWheelAddRemove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWheel(0)
		sessions := make([]*Session, 20)
		for i := range sessions {
			_, z := Pipe()
			sessions[i] = NewSession(z, 0)
			w.AddFor(sessions[i], time.Second)
		}
		for i, s := range sessions {
			switch i % 4 {
			case 0:
				w.Remove(s)
			case 1:
				w.Add(s, 20) // 30 s instead
			case 2:
				s.Close()
				w.Add(s, 20) // too late
			}
		}
		check := func(at string, want func(i int) error) {
			t.Helper()
			for i, s := range sessions {
				if got := s.Err(); got != want(i) {
					t.Errorf("%s: session %d: %v; want %v", at, i, got, want(i))
				}
			}
		}
		<-time.After(5 * time.Second)
		check("5 s", func(i int) error { return []error{nil, nil, ErrClosed, ErrKeepAlive}[i%4] })
		<-time.After(time.Minute)
		check("65 s", func(i int) error { return []error{nil, ErrKeepAlive, ErrClosed, ErrKeepAlive}[i%4] })
		w.mu.Lock()
		for _, s := range w.slots {
			if s != nil {
				t.Error("a session is still on the wheel")
			}
		}
		w.mu.Unlock()
		w.Stop()
		w.Stop()
		for _, s := range sessions {
			s.Close()
		}
	})
}

func TestListen(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "localhost:0", "[::1]:0", "127.8.8.8:0"} {
		l, err := Listen(t.Context(), addr)
		if err != nil {
			if addr != "[::1]:0" { // a machine without IPv6
				t.Errorf("Listen(%q): %v", addr, err)
			}
			continue
		}
		if !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
			t.Errorf("Listen(%q) listens on %v", addr, l.Addr())
		}
		l.Close()
	}
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.com:1883", "127.0.0.1", ""} {
		if l, err := Listen(t.Context(), addr); err == nil {
			t.Errorf("Listen(%q) listens on %v; want an error", addr, l.Addr())
			l.Close()
		}
	}
}
