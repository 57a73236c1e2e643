package hubd

import (
	"bytes"
	"context"
	"errors"
	"net"
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
	*mqtt.MemListener
	gate  chan struct{} // Read waits for it once shut is closed
	shut  chan struct{}
	links int
}

func (l *lateListener) Accept() (net.Conn, error) {
	c, err := l.MemListener.Accept()
	if l.links++; err == nil && l.links == 1 {
		c = &lateLink{c, l}
	}
	return c, err
}

type lateLink struct {
	net.Conn
	l *lateListener
}

func (c *lateLink) PeerClosed() bool { return c.Conn.(leaver).PeerClosed() }

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
		late := &lateListener{MemListener: mqtt.NewMemListener("late", 0), gate: make(chan struct{}), shut: make(chan struct{})}
		if err := h.Listen(late); err != nil {
			t.Fatal(err)
		}
		h.link = late.Dial
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
