package live_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flotilla-sim/flotilla/harness/hubd"
	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// TestOneBadDevice: one device whose callback never returns, one that never
// reads, one that floods, one that half-closes. Its connection is closed and
// counted, again and again, and nobody else hears a difference: in a bubble a
// stall anywhere is time that passes, so that a rule of waiting that is broken
// shows as silence of the healthy ones.
func TestOneBadDevice(t *testing.T) {
	const (
		healthy = 20
		watched = 30 * time.Second
	)
	for _, x := range []struct {
		fault  string
		closed func(hubd.Counters) uint64
		least  uint64
	}{
		{"stuck-device", func(c hubd.Counters) uint64 { return c.SlowConsumers }, 2},
		{"never-reads", func(c hubd.Counters) uint64 { return c.SlowConsumers }, 2},
		{"flooding=1500/s", func(c hubd.Counters) uint64 { return c.Flooding }, 2},
		{"half-close", func(c hubd.Counters) uint64 { return c.Lost }, 20},
	} {
		for _, c := range connectors {
			t.Run(x.fault+"/"+c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := open(t, c.connect, "mem")
					defer h.close()
					p := quick()
					p.TelemetryPeriod = time.Second
					ids := make([]sim.DeviceID, healthy)
					for i := range ids {
						ids[i] = sim.DeviceID(fmt.Sprintf("well%02d", i))
					}
					h.add(p, nil, ids...)
					conditions, err := fault.Parse(x.fault)
					if err != nil {
						t.Fatal(err)
					}
					h.add(p, map[sim.DeviceID]fault.Conditions{"bad": conditions}, "bad")

					// Everybody is called, the bad one with more than its share.
					payload := []byte(`"` + strings.Repeat("x", 8<<10) + `"`)
					for end := h.Now().Add(watched); h.Now() < end; {
						for range 20 {
							h.invoke("bad", payload)
						}
						for _, id := range ids {
							h.invoke(id, []byte(`{"resources":["/3/0/15"]}`))
						}
						h.until(h.Now().Add(time.Second))
					}
					if got := x.closed(h.server.Counters()); got < x.least {
						t.Errorf("its connection was closed and counted %d times; want %d and more: %+v", got, x.least, h.server.Counters())
					}
					for _, id := range ids {
						if got := h.silence(id, sim.MetricTelemetryAck); got > 2*time.Second {
							t.Errorf("%s heard nothing for %s; want 2s at most", id, got)
						}
						if got := h.worst(id); got > 100*time.Millisecond {
							t.Errorf("%s waited %s for an answer", id, got)
						}
					}
					if n := h.do(hub.GetCounters{}).Counters; n.Connected < healthy {
						t.Errorf("%d devices connected; want the healthy %d", n.Connected, healthy)
					}
				})
			})
		}
	}
}

// TestFloodIsDropped: what a flooding device's own queue cannot take is
// dropped and counted, and its lateness is not the generator's.
func TestFloodIsDropped(t *testing.T) {
	h := open(t, mqtt.ConnectPaho, "mem")
	c, err := fault.Parse("flooding=1000000/s")
	if err != nil {
		t.Fatal(err)
	}
	p := quick()
	p.TelemetryPeriod = 100 * time.Millisecond
	h.add(p, map[sim.DeviceID]fault.Conditions{"bad": c}, "well", "bad")
	for h.server.Counters().Flooding == 0 {
		h.wait(10 * time.Millisecond)
	}
	h.close()
	g := h.Generator()
	if g.TelemetryDropped == 0 || g.Planned != g.Sent+g.Dropped {
		t.Errorf("planned %d, sent %d, dropped %d, of these %d in front of a full queue; want some, and no gap", g.Planned, g.Sent, g.Dropped, g.TelemetryDropped)
	}
	if g.WakeLag.Count > 1000 {
		t.Errorf("%d wakes were measured; want those of the healthy device", g.WakeLag.Count)
	}
}

// invoke calls a method of a device and forgets it.
func (h *theatre) invoke(id sim.DeviceID, payload []byte) {
	h.t.Helper()
	if _, err := h.Hub().Do(h.t.Context(), hub.Invoke{ID: id, Method: "dm.read", Payload: payload}); err != nil {
		h.t.Fatalf("invoke %s: %v", id, err)
	}
}

// until lets time pass, whatever settles.
func (h *theatre) until(end sim.Time) {
	h.t.Helper()
	for h.Now() < end {
		if _, err := h.Advance(h.t.Context(), end); err != nil {
			h.t.Fatal(err)
		}
	}
}

// silence is the longest time between two measurements of a metric of a
// device, from the first on, until now.
func (h *theatre) silence(id sim.DeviceID, m sim.Metric) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	var last sim.Time
	var longest time.Duration
	for _, o := range h.seen {
		if o.Device == id && o.Metric == m {
			if last > 0 {
				longest = max(longest, o.At.Sub(last))
			}
			last = o.At
		}
	}
	if last == 0 {
		h.t.Errorf("%s: no %s was measured", id, sim.Metrics[m].Name)
	}
	return max(longest, h.Now().Sub(last))
}

// worst is the longest latency of a device.
func (h *theatre) worst(id sim.DeviceID) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	var worst time.Duration
	for _, o := range h.seen {
		if o.Device == id && o.Metric != sim.NoMetric {
			worst = max(worst, o.Latency())
		}
	}
	return worst
}
