package live_test

import (
	"testing"

	"github.com/flotilla-sim/flotilla/harness/live"
	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/sas"
)

// TestTarget runs the conformance kit over every target there is.
func TestTarget(t *testing.T) {
	for _, c := range connectors {
		for _, transport := range []string{"mem", "tcp"} {
			t.Run(c.name+"/"+transport, func(t *testing.T) {
				h := open(t, c.connect, transport)
				defer h.close()
				conform(t, h.target, h.epoch)
			})
		}
	}
}

// conform is the conformance kit: what a Target's connections and control
// plane have to do, one thing after the other.
func conform(t *testing.T, target live.Target, epoch sim.Epoch) {
	k := &kit{t: t, target: target, epoch: epoch, key: []byte("a key of at least sixteen bytes")}
	k.do(hub.Register{ID: "kit", PrimaryKey: k.key})

	t.Run("connect", func(t *testing.T) {
		wrong := k.dial()
		k.say(wrong, sim.Message{Kind: sim.Connect, Name: host, Body: k.token([]byte("some other key, long enough")), ID: 1})
		if m := k.hear(wrong, sim.Accept); m.Status != 5 {
			t.Errorf("wrong key: accept with status %d; want 5", m.Status)
		}
		k.drop(wrong)
		c := k.join()
		k.say(c, sim.Message{Kind: sim.GetTwin, Name: "1"})
		if m := k.hear(c, sim.TwinAnswer); m.Status != 200 || m.Name != "1" {
			t.Errorf("twin: %s", m)
		}
		k.leave(c)
	})
	t.Run("telemetry", func(t *testing.T) {
		c := k.join()
		for id := uint64(1); id <= 20; id++ {
			k.say(c, sim.Message{Kind: sim.Telemetry, ID: id, Body: []byte("21.5")})
		}
		for id := uint64(1); id <= 20; id++ {
			if m := k.hear(c, sim.TelemetryAck); m.ID != id {
				t.Errorf("acknowledged %d; want %d", m.ID, id)
			}
		}
		k.leave(c)
	})
	t.Run("call", func(t *testing.T) {
		c := k.join()
		ticket := k.do(hub.Invoke{ID: "kit", Method: "a.method", Payload: []byte(`[1]`)}).Ticket
		m := k.hear(c, sim.Call)
		if m.Name != "a.method" || string(m.Body) != `[1]` {
			t.Errorf("call: %s", m)
		}
		k.say(c, sim.Message{Kind: sim.Answer, ID: m.ID, Status: 202, Body: []byte(`{"ok":true}`)})
		if s := k.settled(ticket); s.Err != nil || s.Reply.Status != 202 || string(s.Reply.Payload) != `{"ok":true}` {
			t.Errorf("answer: %d %s, %v", s.Reply.Status, s.Reply.Payload, s.Err)
		}
		k.leave(c)
	})
	t.Run("patch", func(t *testing.T) {
		c := k.join()
		k.do(hub.PatchTwin{ID: "kit", Desired: doc.MustParse(`{"speed":3}`)})
		if m := k.hear(c, sim.Desired); m.ID == 0 || doc.MustParse(string(m.Body)).Get("speed").Text() != "3" {
			t.Errorf("desired: %s", m)
		}
		k.say(c, sim.Message{Kind: sim.Report, Name: "2", Body: []byte(`{"speed":3}`)})
		if m := k.hear(c, sim.TwinAnswer); m.Status != 204 || m.Name != "2" || m.ID == 0 {
			t.Errorf("report: %s", m)
		}
		if got := k.do(hub.GetDevice{ID: "kit"}).Device.Reported.Get("speed").Text(); got != "3" {
			t.Errorf("reported speed %q; want 3", got)
		}
		k.leave(c)
	})
	t.Run("loss", func(t *testing.T) {
		c := k.join()
		ticket := k.do(hub.Invoke{ID: "kit", Method: "lost"}).Ticket
		k.hear(c, sim.Call)
		k.say(c, sim.Message{Kind: sim.Close, Status: int32(sim.ReasonReboot)})
		if s := k.settled(ticket); s.Err == nil {
			t.Errorf("a call over a lost connection: %+v", s.Reply)
		}
		k.drop(c)
		old := k.join()
		fresh := k.join()
		if m, err := old.Receive(); err == nil {
			t.Errorf("the connection taken over heard %s", m)
		}
		k.drop(old)
		k.leave(fresh)
	})
}

type kit struct {
	t      *testing.T
	target live.Target
	epoch  sim.Epoch
	key    []byte
}

func (k *kit) do(c hub.Command) hub.Reply {
	k.t.Helper()
	r, err := k.target.Hub.Do(k.t.Context(), c)
	if err != nil {
		k.t.Fatalf("%T: %v", c, err)
	}
	return r
}

func (k *kit) token(key []byte) []byte {
	return []byte(sas.Sign(sas.DeviceResource(host, "kit"), key, k.epoch.Date(0)+3600, ""))
}

func (k *kit) dial() live.Conn {
	k.t.Helper()
	c, err := k.target.Dial(k.t.Context(), "kit")
	if err != nil {
		k.t.Fatal(err)
	}
	return c
}

func (k *kit) join() live.Conn {
	k.t.Helper()
	c := k.dial()
	k.say(c, sim.Message{Kind: sim.Connect, Name: host, Body: k.token(k.key), ID: 1, Status: 60})
	if m := k.hear(c, sim.Accept); m.Status != 0 {
		k.t.Fatalf("refused: %s", m)
	}
	k.say(c, sim.Message{Kind: sim.Subscribe, ID: uint64(sim.AllFeatures), Status: 1})
	k.hear(c, sim.Subscribed)
	return c
}

func (k *kit) say(c live.Conn, m sim.Message) {
	k.t.Helper()
	m.Device = "kit"
	if err := c.Send(m); err != nil {
		k.t.Fatalf("%s: %v", m, err)
	}
}

func (k *kit) hear(c live.Conn, kind sim.Kind) sim.Message {
	k.t.Helper()
	m, err := c.Receive()
	if err != nil || m.Kind != kind {
		k.t.Fatalf("heard %q, %v; want %s", m, err, kind)
	}
	return m
}

func (k *kit) settled(ticket uint64) scenarios.Settled {
	k.t.Helper()
	for {
		for _, s := range k.target.Settled() {
			if s.Ticket == ticket {
				return s
			}
		}
		select {
		case <-k.target.Ready:
		case <-k.t.Context().Done():
			k.t.Fatalf("ticket %d has not settled", ticket)
		}
	}
}

// leave says goodbye.
func (k *kit) leave(c live.Conn) {
	k.t.Helper()
	k.say(c, sim.Message{Kind: sim.Close, Status: int32(sim.ReasonNormal)})
	k.drop(c)
}

// drop closes and waits.
func (k *kit) drop(c live.Conn) {
	c.Close()
	if w, ok := c.(live.Waiter); ok {
		w.Wait()
	}
}
