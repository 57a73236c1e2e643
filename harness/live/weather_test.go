package live_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// at makes a spell of a fault over devices by their numbers, none for the hub.
func at(t *testing.T, text string, begin, end time.Duration, who ...uint64) fault.Spell {
	t.Helper()
	r, c, err := fault.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	s := fault.Spell{Name: r.Name, Scope: r.Scope, Conditions: c, Begin: sim.Time(begin), End: sim.Time(end), Who: fault.Who{List: who}}
	if end == 0 {
		s.End = sim.Never
	}
	return s
}

// befall has spells come over a theatre with four devices, a to d, each with a
// message a second; rough says that their links may go wrong.
func (h *theatre) befall(keepAlive time.Duration, spells ...fault.Spell) {
	h.t.Helper()
	if err := h.Befall(h.t.Context(), spells); err != nil {
		h.t.Fatal(err)
	}
	p := quick()
	p.TelemetryPeriod, p.KeepAlive = time.Second, keepAlive
	ids := []sim.DeviceID{"a", "b", "c", "d"}
	if err := h.Add(h.t.Context(), scenarios.Group{Name: "g", Count: 4, Member: func(i int) scenarios.Member {
		return scenarios.Member{ID: ids[i], Profile: p, FirmwareVersion: "1.0", Rough: i < 2}
	}}); err != nil {
		h.t.Fatal(err)
	}
}

// between returns the latencies of a device's telemetry acknowledged between
// two instants: the shortest, the longest, and how many.
func (h *theatre) between(id sim.DeviceID, m sim.Metric, from, to time.Duration) (least, most time.Duration, n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range h.seen {
		if o.Device == id && o.Metric == m && o.At > sim.Time(from) && o.At <= sim.Time(to) {
			if n++; n == 1 || o.Latency() < least {
				least = o.Latency()
			}
			most = max(most, o.Latency())
		}
	}
	return least, most, n
}

const second = time.Second

// TestWeather: faults come and go at their times over open connections, with
// both clients, for whom they are for and nobody else.
func TestWeather(t *testing.T) {
	for _, c := range connectors {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, c.connect, "mem")
				defer h.close()
				h.befall(time.Minute,
					at(t, "latency=300ms", 10*second, 20*second, 0),
					at(t, "partition", 30*second, 40*second, 0, 1),
					at(t, "flapping=3s", 50*second, 60*second-1, 1),
					at(t, "flooding=50/s", 70*second, 80*second, 3),
				)
				h.until(sim.Time(29 * second))
				for _, w := range []struct {
					from, to, least, most time.Duration
				}{{0, 10 * second, 0, 0}, {12 * second, 20 * second, 600 * time.Millisecond, 600 * time.Millisecond}, {22 * second, 29 * second, 0, 0}} {
					if least, most, n := h.between("a", sim.MetricTelemetryAck, w.from, w.to); least != w.least || most != w.most || n < 7 {
						t.Errorf("%s to %s: %d acknowledged after %s to %s; want %s to %s", w.from, w.to, n, least, most, w.least, w.most)
					}
				}
				h.until(sim.Time(39 * second))
				if n := h.do(hub.GetCounters{}).Counters; n.Connected != 2 || n.Accepted != 4 || h.server.Counters().Lost != 2 {
					t.Errorf("partition: %+v, %+v; want 2 connected", n, h.server.Counters())
				}
				h.until(sim.Time(49 * second))
				if n := h.do(hub.GetCounters{}).Counters; n.Connected != 4 || n.Accepted != 6 {
					t.Errorf("after the partition: %+v; want 4 connected", n)
				}
				h.until(sim.Time(69 * second))
				if n := h.do(hub.GetCounters{}).Counters; n.Connected != 4 || n.Accepted < 8 || n.Accepted > 9 {
					t.Errorf("after flapping: %+v; want two or three connections more", n)
				}
				before := h.do(hub.GetCounters{}).Counters.Telemetry
				h.until(sim.Time(80 * second))
				if n := h.do(hub.GetCounters{}).Counters.Telemetry - before; n < 450 || n > 600 {
					t.Errorf("%d messages in the flood", n)
				}
				if _, most, n := h.between("c", sim.MetricTelemetryAck, 0, 80*second); most != 0 || n != 80 {
					t.Errorf("c: %d messages, the longest took %s; want 80 at once", n, most)
				}
			})
		})
	}
}

// TestSilence: a connection in memory that goes silent is found by its
// keep-alive, at the hub's end and at the device's.
func TestSilence(t *testing.T) {
	for _, c := range connectors {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, c.connect, "mem")
				defer h.close()
				h.befall(10*second, at(t, "half-open=5s", 20*second, 26*second, 0))
				h.until(sim.Time(38 * second))
				if n := h.do(hub.GetCounters{}).Counters; n.Connected != 4 || n.Accepted != 4 {
					t.Errorf("in the silence: %+v; want that nobody knows", n)
				}
				h.until(sim.Time(41 * second))
				if n := h.server.Counters().Silent; n != 1 {
					t.Errorf("%d connections were given up; want 1 after 15 s", n)
				}
				h.until(sim.Time(70 * second))
				if n := h.do(hub.GetCounters{}).Counters; n.Connected != 4 || n.Accepted != 5 {
					t.Errorf("afterwards: %+v; want a new connection", n)
				}
			})
		})
	}
}

// TestHubWeather: what befalls the hub comes at its time, and what a step
// begins is ended by a step.
func TestHubWeather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, mqtt.ConnectLean, "mem")
		defer h.close()
		h.befall(time.Minute, at(t, "hub-drops", 10*second, 10*second), at(t, "hub-restart=5s", 20*second, 20*second))
		h.until(sim.Time(15 * second))
		if n := h.do(hub.GetCounters{}).Counters; n.Connected != 4 || n.Accepted != 8 {
			t.Errorf("after the drop: %+v", n)
		}
		h.until(sim.Time(30 * second))
		if n := h.do(hub.GetCounters{}).Counters; n.Connected != 4 || n.Accepted != 12 || h.server.Counters().TurnedAway < 4 {
			t.Errorf("after the restart: %+v %+v", n, h.server.Counters())
		}
		for _, id := range []sim.DeviceID{"a", "b", "c", "d"} {
			if least, _, n := h.between(id, sim.MetricConnect, 20*second, 30*second); n != 1 || least < 4*second {
				t.Errorf("%s connected %d times, after %s; want once, after the restart", id, n, least)
			}
		}
		if err := h.Befall(t.Context(), []fault.Spell{at(t, "hub-slow=500ms", 30*second, 0), at(t, "latency=2s", 0, 0, 1)}); err != nil {
			t.Fatal(err)
		}
		h.until(sim.Time(40 * second))
		_, most, _ := h.between("c", sim.MetricTelemetryAck, 30*second, 40*second)
		if most < 3*second {
			t.Errorf("with a slow hub the longest took %s; want a queue", most)
		}
		for _, name := range []string{"hub-slow", ""} {
			if err := h.Relieve(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		h.until(sim.Time(50 * second))
		for _, id := range []sim.DeviceID{"b", "c"} {
			if _, most, n := h.between(id, sim.MetricTelemetryAck, 46*second, 50*second); most != 0 || n < 3 {
				t.Errorf("%s: afterwards %d, the longest took %s; want none", id, n, most)
			}
		}
	})
}

// TestLinkOverTCP: the same over sockets, with real time: links that are cut
// again and again end for the hub, and the others stay.
func TestLinkOverTCP(t *testing.T) {
	for _, f := range []string{"flapping=100ms", "loss=20%", "latency=20ms", "bandwidth=20KB/s"} {
		t.Run(f, func(t *testing.T) {
			t.Parallel()
			h := open(t, mqtt.ConnectPaho, "tcp")
			p := quick()
			p.BackoffMin, p.BackoffMax, p.TelemetryPeriod = 10*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
			c, err := fault.Parse(f)
			if err != nil {
				t.Fatal(err)
			}
			h.add(p, map[sim.DeviceID]fault.Conditions{"bad": c}, "well", "bad")
			done := func() bool {
				if c.Link.Flap > 0 {
					return h.server.Counters().Lost >= 3
				}
				_, most, n := h.between("bad", sim.MetricTelemetryAck, 0, time.Hour)
				return n >= 20 && (c.Link.Latency == "" || most >= 40*time.Millisecond) && (c.Link.Loss == 0 || most >= 200*time.Millisecond)
			}
			for !done() {
				h.wait(10 * time.Millisecond)
			}
			h.close()
		})
	}
}
