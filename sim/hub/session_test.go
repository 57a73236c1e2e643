package hub_test

import (
	"testing"
	"testing/quick"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// accepts says CONNECT and returns CONNACK's return code and session present
// flag, and which connections the hub closes over it.
func (d *desk) accepts(id sim.DeviceID, clean uint64) (code int32, present bool, closed []uint32) {
	d.t.Helper()
	d.conn++
	d.out.Reset()
	d.hub.Step(d.now, sim.Input{Kind: sim.Received, Msg: sim.Message{
		Kind: sim.Connect, Device: id, Conn: d.conn, ID: clean, Body: []byte(token(id, key, d.now, time.Hour))}}, &d.out)
	code = -1
	for _, m := range d.out.Send {
		switch {
		case m.Kind == sim.Accept && m.Conn == d.conn:
			code, present = m.Status, m.ID == 1
		case m.Kind == sim.Close:
			closed = append(closed, m.Conn)
		}
	}
	return code, present, closed
}

func (d *desk) lost(id sim.DeviceID) {
	d.say(sim.Message{Kind: sim.Close, Device: id, Conn: d.conn, Status: int32(sim.ReasonLost)})
}

// TestSessionPresent: CONNACK tells whether session state was stored, which a
// clean session forgets and an empty session is. [MQTT-3.2.2-1] [MQTT-3.2.2-2]
// [MQTT-3.1.2-6]
func TestSessionPresent(t *testing.T) {
	d := newDesk(t, "a")
	for i, x := range []struct {
		clean uint64
		want  bool
	}{
		{0, false}, // the first
		{0, true},  // nothing subscribed to, and stored all the same
		{1, false}, // forgets it
		{0, false}, // and keeps nothing
		{0, true},
	} {
		code, present, _ := d.accepts("a", x.clean)
		if code != 0 || present != x.want {
			t.Errorf("CONNECT %d: code %d, present %t; want 0, %t", i+1, code, present, x.want)
		}
		d.lost("a")
	}
}

// TestPersistentSession: what is subscribed to in a persistent session holds
// in the next connection, without SUBSCRIBE, and what is given up does not; a
// takeover keeps it too. [MQTT-3.1.2-4]
func TestPersistentSession(t *testing.T) {
	d := newDesk(t, "a")
	c := d.connect("a", 0, sim.AllFeatures)
	d.say(sim.Message{Kind: sim.Unsubscribe, Device: "a", Conn: c, ID: uint64(sim.FeatureDesired), Status: 8})
	d.accepts("a", 0)
	d.say(sim.Message{Kind: sim.GetTwin, Device: "a", Conn: d.conn, Name: "r"})
	if n := len(d.out.Send); n != 1 || d.out.Send[0].Kind != sim.TwinAnswer {
		t.Errorf("a twin answer without SUBSCRIBE: %v; want one", d.out.Send)
	}
	d.must(hub.Invoke{ID: "a", Method: "m"})
	if n := len(d.out.Send); n != 1 || d.out.Send[0].Kind != sim.Call || d.out.Send[0].Conn != d.conn {
		t.Errorf("a call without SUBSCRIBE: %v; want one, on connection %d", d.out.Send, d.conn)
	}
	d.accepts("a", 1)
	d.accepts("a", 0)
	if _, err := d.do(hub.Invoke{ID: "a", Method: "m"}); err != nil || len(d.out.Send) != 0 {
		t.Errorf("a clean session between left %v", d.out.Send)
	}
}

// TestWill: a will is telemetry when the connection ends in any way but
// DISCONNECT, once, and is gone with its connection. [MQTT-3.1.2-8]
// [MQTT-3.1.2-10] [MQTT-3.14.4-3]
func TestWill(t *testing.T) {
	type end func(d *desk)
	closes := func(why sim.Reason) end {
		return func(d *desk) {
			d.say(sim.Message{Kind: sim.Close, Device: "a", Conn: d.conn, Status: int32(why)})
		}
	}
	for name, x := range map[string]struct {
		end  end
		want uint64
	}{
		"DISCONNECT":    {closes(sim.ReasonNormal), 0},
		"link lost":     {closes(sim.ReasonLost), 1},
		"slow consumer": {closes(sim.ReasonSlowConsumer), 1},
		"protocol":      {func(d *desk) { d.say(sim.Message{Kind: sim.Accept, Device: "a", Conn: d.conn}) }, 1},
		"takeover":      {func(d *desk) { d.accepts("a", 1) }, 1},
		"disabled":      {func(d *desk) { d.must(hub.SetStatus{ID: "a", Disabled: true}) }, 1},
		"deleted":       {func(d *desk) { d.must(hub.Unregister{ID: "a"}) }, 1},
		"token expired": {func(d *desk) { d.to(d.now + 2*3600*second) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, "a")
			d.accepts("a", 1)
			d.say(sim.Message{Kind: sim.Will, Device: "a", Conn: d.conn, Name: "n=1", Body: []byte("gone")})
			x.end(d)
			d.lost("a") // says it again
			n := *d.must(hub.GetCounters{}).Counters
			if n.Wills != x.want || n.Telemetry != x.want {
				t.Errorf("%d wills, %d telemetry messages; want %d of each", n.Wills, n.Telemetry, x.want)
			}
		})
	}
}

// TestConnectThrottle: so many new connections a second, of all devices and of
// one, and as many at once; one more is refused with return code 3, closed,
// and leaves the present connection alone. It costs nothing: waiting as long
// as the rate says is enough.
func TestConnectThrottle(t *testing.T) {
	for _, x := range []struct {
		name string
		cfg  hub.Config
		ids  []sim.DeviceID
		want int // of 100 CONNECTs at once
	}{
		{"hub", hub.Config{Connects: 10, DeviceConnects: -1}, []sim.DeviceID{"a", "b", "c"}, 10},
		{"device", hub.Config{DeviceConnects: 5}, []sim.DeviceID{"a"}, 5},
		{"each device has its own", hub.Config{DeviceConnects: 5}, []sim.DeviceID{"a", "b", "c"}, 15},
		{"default", hub.Config{}, []sim.DeviceID{"a"}, hub.DefaultDeviceConnects},
		{"none", hub.Config{DeviceConnects: -1}, []sim.DeviceID{"a"}, 100},
	} {
		t.Run(x.name, func(t *testing.T) {
			x.cfg.Epoch, x.cfg.Seed = sim.DefaultEpoch, 1
			d := &desk{t: t, hub: hub.New(x.cfg)}
			for _, id := range x.ids {
				d.must(hub.Register{ID: id, PrimaryKey: key})
			}
			accepted := 0
			for i := range 100 {
				id := x.ids[i%len(x.ids)]
				switch code, _, closed := d.accepts(id, 1); code {
				case 0:
					accepted++
				case 3:
					if len(closed) != 1 || closed[0] != d.conn {
						t.Fatalf("refused connection %d; closed are %v", d.conn, closed)
					}
				default:
					t.Fatalf("return code %d", code)
				}
			}
			n := *d.must(hub.GetCounters{}).Counters
			if accepted != x.want || n.Throttled != uint64(100-x.want) || n.Refused != n.Throttled || n.Connected != len(x.ids) {
				t.Errorf("%d accepted, counted %+v; want %d, the others throttled, and every device connected", accepted, n, x.want)
			}
			if x.want == 100 {
				return
			}
			rate := max(x.cfg.Connects, x.cfg.DeviceConnects)
			if rate <= 0 {
				rate = hub.DefaultDeviceConnects
			}
			d.now += second / sim.Time(rate)
			if code, _, _ := d.accepts(x.ids[0], 1); code != 0 {
				t.Errorf("return code %d after the wait that the rate asks for", code)
			}
			if code, _, _ := d.accepts(x.ids[0], 1); code != 3 {
				t.Errorf("return code %d for one more; want 3", code)
			}
		})
	}
}

// TestConnectThrottleRate: however they are spread, no more are admitted than
// a second's worth and what the rate gives meanwhile.
func TestConnectThrottleRate(t *testing.T) {
	f := func(rates uint8, gaps []uint16) bool {
		rate := 1 + int(rates%50)
		d := &desk{t: t, hub: hub.New(hub.Config{Epoch: sim.DefaultEpoch, DeviceConnects: rate})}
		d.must(hub.Register{ID: "a", PrimaryKey: key})
		accepted := 0
		for _, gap := range gaps {
			d.now += sim.Time(gap%100) * sim.Time(time.Millisecond)
			if code, _, _ := d.accepts("a", 1); code == 0 {
				accepted++
			}
			if bound := rate + int(int64(d.now)*int64(rate)/int64(second)); accepted > bound {
				t.Logf("rate %d: %d accepted within %s; the bound is %d", rate, accepted, d.now, bound)
				return false
			}
		}
		return true
	}
	if err := quick.Check(f, &quick.Config{MaxCount: 50}); err != nil {
		t.Error(err)
	}
}
