package hubd

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// rest has the house's hub rest. Nobody has said anything yet.
func (h *house) rest(p ...Pause) {
	h.t.Helper()
	h.close()
	old := h.cfg
	old.Pauses, old.Hub = p, hub.New(hub.Config{Hosts: []string{host}, Epoch: h.epoch, Seed: 1})
	s, err := New(old)
	if err != nil {
		h.t.Fatal(err)
	}
	h.Server, h.mem = s, mqtt.NewMemListener("hub", 0)
	h.link = h.mem.Dial
	if err := s.Listen(h.mem); err != nil {
		h.t.Fatal(err)
	}
}

// TestPause: while the hub rests everything waits, more than its mailbox
// holds too; then it is taken in, in order, and nothing is lost. Pauses that
// overlap are one.
func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		h.rest(Pause{sim.Time(10 * time.Second), 2 * time.Second}, Pause{sim.Time(11 * time.Second), 2 * time.Second})
		defer h.close()
		h.register("d")
		d := h.join("d", mqtt.ConnectLean)
		defer d.leave()
		start := time.Now()
		answered := func(id uint64, after time.Duration) {
			t.Helper()
			d.say(sim.Message{Kind: sim.Telemetry, ID: id, Body: []byte("1")})
			if m, err := d.Receive(); err != nil || m.ID != id || time.Since(start) != after {
				t.Errorf("heard %q, %v after %s; want the acknowledgement of %d after %s", m, err, time.Since(start), id, after)
			}
		}
		answered(1, 0)
		<-time.After(10500 * time.Millisecond)
		answered(2, 13*time.Second)
		<-time.After(time.Hour)
		answered(3, time.Hour+13*time.Second)
	})
}

// TestPauseFillsTheMailbox: readers wait, and nothing is lost.
func TestPauseFillsTheMailbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		h.rest(Pause{sim.Time(10 * time.Second), 2 * time.Second})
		defer h.close()
		h.register("d")
		d := h.join("d", mqtt.ConnectLean)
		defer d.leave()
		<-time.After(11 * time.Second)
		const many = mailboxSize + 1000
		said := make(chan struct{})
		go func() {
			defer close(said)
			for id := range uint64(many) {
				d.say(sim.Message{Kind: sim.Telemetry, Body: []byte("1"), ID: 1 + id})
			}
		}()
		for id := range uint64(many) {
			if m, err := d.Receive(); err != nil || m.Kind != sim.TelemetryAck || m.ID != 1+id {
				t.Fatalf("heard %q, %v; want the acknowledgement of %d", m, err, 1+id)
			}
		}
		<-said
		if n := h.Counters(); n.MailboxHigh != mailboxSize || n.SlowConsumers != 0 {
			t.Errorf("%+v; want a full mailbox and nobody closed", n)
		}
	})
}

// TestPauseEnds: a hub that rests can be closed, and who asks it something
// waits no longer than his context.
func TestPauseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		h.rest(Pause{sim.Time(time.Second), time.Hour})
		<-time.After(2 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := h.Do(ctx, hub.GetCounters{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Do = %v; want the context's error", err)
		}
		start := time.Now()
		h.close()
		if got := time.Since(start); got != 0 {
			t.Errorf("Close took %s", got)
		}
	})
}

// TestInflow: who says more than a connection may is closed and counted; who
// says as much as it may is not, and a burst after a pause is forgiven.
func TestInflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		h.cfg.Inflow = 100
		defer h.close()
		h.register("much", "enough")
		enough := h.join("enough", mqtt.ConnectLean)
		defer enough.leave()
		much := h.join("much", mqtt.ConnectLean)
		defer much.leave()
		talk := func(d *device, n int) (said int) {
			for said = range n {
				if d.Send(sim.Message{Kind: sim.Telemetry, Device: d.id, ID: 1, Body: []byte("1")}) != nil {
					return said
				}
				if _, err := d.Receive(); err != nil {
					return said
				}
			}
			return n
		}
		if got := talk(much, 2000); got < 490 || got > 500 { // the last acknowledgements go with the connection
			t.Errorf("%d messages at once were taken; want 5 s of 100", got)
		}
		for range 20 {
			if got := talk(enough, 100); got != 100 {
				t.Errorf("%d messages a second were taken; want 100", got)
			}
			<-time.After(time.Second)
		}
		<-time.After(20 * time.Second)
		if got := talk(enough, 500); got != 500 {
			t.Errorf("%d messages were taken after a pause; want 500", got)
		}
		if n := h.Counters(); n.Flooding != 1 {
			t.Errorf("%+v; want one closed for flooding", n)
		}
	})
}
