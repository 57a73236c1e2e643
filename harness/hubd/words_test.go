package hubd

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flotilla-sim/flotilla/harness/mailbox"
	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// lateListener accepts links of which the first is read late: what comes over
// it waits at a gate, as before a reader that has no processor.
type lateListener struct {
	net.Listener
	gate  chan struct{} // Read waits for it once shut is closed
	shut  chan struct{}
	links int
}

func (l *lateListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if l.links++; err == nil && l.links == 1 {
		c = &lateLink{c, l}
	}
	return c, err
}

type lateLink struct {
	net.Conn
	l *lateListener
}

func (c *lateLink) PeerClosed() bool { return peerClosed(c.Conn) }

func (c *lateLink) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	select {
	case <-c.l.shut:
		<-c.l.gate
	default:
	}
	return n, err
}

// TestLastWords: a device answers, closes its link and is back before the hub's
// reader has come to the answer: the answer counts, the new session follows.
// Without the wait of Server.after the takeover fails the call.
func TestLastWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		defer h.close()
		mem := mqtt.NewMemListener("late", 0)
		late := &lateListener{Listener: mem, gate: make(chan struct{}), shut: make(chan struct{})}
		if err := h.Listen(late); err != nil {
			t.Fatal(err)
		}
		h.link = mem.Dial
		h.register("d")
		d := h.join("d", mqtt.ConnectLean)
		ticket := h.do(hub.Invoke{ID: "d", Method: "reboot"}).Ticket
		d.hears("call d#0 id=1 reboot null")
		close(late.shut)
		d.say(sim.Message{Kind: sim.Answer, ID: 1, Status: 202})
		d.say(sim.Message{Kind: sim.Close, Status: int32(sim.ReasonReboot)})
		d.leave()

		back := h.dial("d", mqtt.ConnectLean)
		go back.Send(sim.Message{Kind: sim.Connect, Device: "d", Name: host, Body: h.token("d", key), ID: 1, Status: 60})
		synctest.Wait() // all that can happen has
		if list := h.Settled(); len(list) != 0 {
			t.Errorf("before the answer was read: %+v", list)
		}
		close(late.gate)
		back.hears("accept d#0")
		if list := h.Settled(); len(list) != 1 || list[0].Ticket != ticket || list[0].Err != nil || list[0].Reply.Status != 202 {
			t.Errorf("Settled = %+v; want the device's answer 202", list)
		}
		back.leave()
	})
}

// TestLastWordsOverTCP is TestLastWords over sockets, of which Linux alone knows
// whether the other end has closed them, or has reset them.
func TestLastWordsOverTCP(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a socket does not tell")
	}
	for name, reset := range map[string]bool{"closed": false, "reset": true} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			defer h.close()
			l, err := mqtt.Listen(t.Context(), "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			late := &lateListener{Listener: l, gate: make(chan struct{}), shut: make(chan struct{})}
			if err := h.Listen(late); err != nil {
				t.Fatal(err)
			}
			h.link = mqtt.TCP{Addr: l.Addr().String(), Reset: reset}.Dial
			h.register("d")
			d := h.join("d", mqtt.ConnectLean)
			h.mu.Lock()
			first := h.latest["d"]
			h.mu.Unlock()
			ticket := h.do(hub.Invoke{ID: "d", Method: "reboot"}).Ticket
			d.hears("call d#0 id=1 reboot null")
			close(late.shut)
			d.say(sim.Message{Kind: sim.Answer, ID: 1, Status: 202})
			d.say(sim.Message{Kind: sim.Close, Status: int32(sim.ReasonReboot)})
			d.leave()
			open := sync.OnceFunc(func() { close(late.gate) })
			defer open()
			back := h.dial("d", mqtt.ConnectLean)
			go back.Send(sim.Message{Kind: sim.Connect, Device: "d", Name: host, Body: h.token("d", key), ID: 1, Status: 60})
			hang := time.After(time.Minute)
			for tick := time.Tick(time.Millisecond); ; {
				h.mu.Lock()
				waits := first.waiting != nil
				h.mu.Unlock()
				if waits {
					break
				}
				if list := h.Settled(); len(list) != 0 {
					t.Fatalf("before the answer was read: %+v", list)
				}
				select {
				case <-tick:
				case <-hang:
					t.Fatal("the second session does not wait for what was said over the first")
				}
			}
			open()
			back.hears("accept d#0")
			if list := h.Settled(); len(list) != 1 || list[0].Ticket != ticket || list[0].Err != nil || list[0].Reply.Status != 202 {
				t.Errorf("Settled = %+v; want the device's answer 202", list)
			}
			back.leave()
		})
	}
}

// TestPeerClosed: whether the other end of a socket has closed is known as soon
// as it has, and what it said before can be read still.
func TestPeerClosed(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a socket does not tell")
	}
	l, err := mqtt.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, reset := range []bool{false, true} {
		here, err := mqtt.TCP{Addr: l.Addr().String(), Reset: reset}.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		there, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := here.Write([]byte("bye")); err != nil {
			t.Fatal(err)
		}
		secret := tls.Server(there, nil)
		if peerClosed(there) || peerClosed(secret) {
			t.Errorf("reset %t: said to be closed before it is", reset)
		}
		here.Close()
		if !peerClosed(there) || !peerClosed(secret) {
			t.Errorf("reset %t: closed, and nobody knows", reset)
		}
		if b, _ := io.ReadAll(there); string(b) != "bye" {
			t.Errorf("reset %t: read %q; want the last words", reset, b)
		}
		there.Close()
		if peerClosed(there) {
			t.Errorf("reset %t: a socket that is closed here knows nothing", reset)
		}
	}
}

// TestReaderNeverWrites: a device pings without end and reads no answer: its
// reader goes on reading, so that the bound of the answers' queue ends it.
func TestReaderNeverWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		defer h.close()
		h.register("d")
		r := h.enter(h.connect("d", 0))
		pings := bytes.Repeat([]byte{byte(mqtt.Pingreq) << 4, 0}, 400_000)
		if _, err := r.Write(pings); err == nil {
			t.Error("all pings were taken; want the connection closed")
		}
		r.Close()
		synctest.Wait()
		if n := h.Counters(); n.SlowConsumers != 1 {
			t.Errorf("%+v; want one slow consumer", n)
		}
	})
}

// TestAskedOfAFullHub: who asks a hub whose mailbox is full waits no longer
// than his context.
func TestAskedOfAFullHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{box: mailbox.New[item](1)}
		s.box.Put(item{}, nil) // and nobody takes it
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Do(ctx, hub.GetCounters{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Do = %v; want the context's end", err)
		}
	})
}
