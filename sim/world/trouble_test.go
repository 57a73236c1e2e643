package world_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/world"
)

const s = sim.Time(time.Second)

// site is a world of a few devices, each with a message a second, and what was
// traced and observed of it.
type site struct {
	*world.World
	t     *testing.T
	trace strings.Builder
	acks  []sim.Observation
}

func newSite(t *testing.T, devices int, base string, change func(*device.Profile)) *site {
	t.Helper()
	x := &site{t: t}
	x.World = world.New(world.Config{
		Seed: 1, Latency: sim.Always(10 * time.Millisecond), Trace: func(b []byte) { x.trace.Write(b) },
		Observe: func(list []sim.Observation) {
			for _, o := range list {
				if o.Metric == sim.MetricTelemetryAck || o.Metric == sim.MetricConnect {
					x.acks = append(x.acks, o)
				}
			}
		},
	})
	key := []byte("a key of at least sixteen bytes")
	p := device.NewProfile()
	p.Start, p.TelemetryPeriod, p.KeepAlive = sim.Always(0), time.Second, 20*time.Second
	p.BackoffMin, p.BackoffMax = 100*time.Millisecond, time.Second
	change(p)
	for i := range devices {
		id := sim.DeviceID(fmt.Sprintf("d%d", i))
		if _, err := x.Do(hub.Register{ID: id, PrimaryKey: key}); err != nil {
			t.Fatal(err)
		}
		if err := x.Add(device.Config{ID: id, Number: uint64(i), Key: key, Profile: p}, x.parse(base)); err != nil {
			t.Fatal(err)
		}
	}
	return x
}

func (x *site) parse(text string) (c fault.Conditions) {
	x.t.Helper()
	if text == "" {
		return c
	}
	c, err := fault.Parse(text)
	if err != nil {
		x.t.Fatal(err)
	}
	return c
}

// afflict has a fault hold for device i from now on, "" none.
func (x *site) afflict(i int, text string) {
	x.t.Helper()
	if err := x.Afflict(i, x.parse(text)); err != nil {
		x.t.Fatal(err)
	}
}

func (x *site) counters() hub.Counters {
	x.t.Helper()
	r, err := x.Do(hub.GetCounters{})
	if err != nil {
		x.t.Fatal(err)
	}
	return *r.Counters
}

// latencies are those of a metric between two instants: the shortest and
// the longest, and how many there are.
func (x *site) latencies(m sim.Metric, from, to sim.Time) (least, most time.Duration, n int) {
	for _, o := range x.acks {
		if o.Metric == m && o.At > from && o.At <= to {
			if n++; n == 1 || o.Latency() < least {
				least = o.Latency()
			}
			most = max(most, o.Latency())
		}
	}
	return least, most, n
}

// ordered holds the trace against what a link is: on each connection the hub
// takes in telemetry in the order in which it was said, and after the first
// message that is missing there is none.
func (x *site) ordered() (messages int) {
	x.t.Helper()
	last := map[string]uint64{} // device#connection -> the instant its latest message was planned at
	for line := range strings.Lines(x.trace.String()) {
		_, rest, ok := strings.Cut(line, " hub telemetry ")
		if !ok {
			continue
		}
		conn, rest, _ := strings.Cut(rest, " id=")
		id, _, _ := strings.Cut(rest, " ")
		n, err := strconv.ParseUint(id, 10, 64)
		if err != nil {
			x.t.Fatal(line)
		}
		if before := last[conn]; n <= before || before > 0 && n != before+uint64(time.Second) {
			x.t.Errorf("%s: message of %d ns comes after that of %d ns", conn, n, before)
		}
		last[conn] = n
		messages++
	}
	return messages
}

func keep(*device.Profile) {}

// TestLatencyInTime: a delay comes and goes at its instants, for whom it is
// for, and nothing overtakes: what was said under the delay comes first.
func TestLatencyInTime(t *testing.T) {
	x := newSite(t, 2, "", keep)
	x.Advance(10 * s)
	x.afflict(0, "latency=300ms")
	x.Advance(20 * s)
	x.afflict(0, "")
	x.Advance(30 * s)
	for _, w := range []struct {
		from, to    sim.Time
		least, most time.Duration
	}{
		{1 * s, 10 * s, 20 * time.Millisecond, 20 * time.Millisecond},
		{12 * s, 20 * s, 20 * time.Millisecond, 620 * time.Millisecond},
		{22 * s, 30 * s, 20 * time.Millisecond, 20 * time.Millisecond},
	} {
		least, most, n := x.latencies(sim.MetricTelemetryAck, w.from, w.to)
		if least != w.least || most != w.most || n < 12 {
			t.Errorf("%s to %s: %d acknowledged after %s to %s; want %s to %s", w.from, w.to, n, least, most, w.least, w.most)
		}
	}
	x.ordered()
}

// TestOrder: whatever a link does, what is said on one connection arrives in
// order and without a gap.
func TestOrder(t *testing.T) {
	for _, f := range []string{"jitter=10s", "loss=30%", "latency=p0=1ms p50=2s p99=20s", "bandwidth=200B/s", "flapping=7s"} {
		x := newSite(t, 5, f, keep)
		x.Advance(300 * s)
		if n := x.ordered(); n < 200 {
			t.Errorf("%s: %d messages arrived", f, n)
		}
		if f == "jitter=10s" && x.counters().Accepted != 5 {
			t.Errorf("%s: %+v; want no connection lost", f, x.counters())
		}
	}
}

// TestPartition: what is on its way at the cut is gone, the hub hears of the
// end at once, nobody connects until the end, and then everybody does.
func TestPartition(t *testing.T) {
	x := newSite(t, 3, "", keep)
	x.Advance(10 * s)
	for i := range 2 {
		x.afflict(i, "partition")
	}
	if n := x.counters(); n.Connected != 1 || n.Closed != 2 || x.Links().Lost != 2 {
		t.Errorf("cut: %+v, %+v; want 1 connected", n, x.Links())
	}
	x.Advance(20 * s)
	if n := x.counters(); n.Connected != 1 || n.Accepted != 3 || n.Stale != 0 {
		t.Errorf("before the end: %+v", n)
	}
	for i := range 2 {
		x.afflict(i, "")
	}
	x.Advance(30 * s)
	if n := x.counters(); n.Connected != 3 || n.Accepted != 5 || n.Stale != 0 {
		t.Errorf("after the end: %+v", n)
	}
	if _, most, _ := x.latencies(sim.MetricConnect, 20*s, 30*s); most < 9*time.Second || most > 11*time.Second {
		t.Errorf("the last connect took %s; want the partition", most)
	}
	x.ordered()
}

// TestCutMidway: a link that is cut while much is on its way delivers what
// comes before, and none of the rest, to either side; one cut while it opens is
// opened again.
func TestCutMidway(t *testing.T) {
	x := newSite(t, 1, "latency=5s", keep)
	x.Advance(7 * s) // the handshake is on its way back
	cut := x.parse("latency=5s")
	cut.Link.Cut = true
	if err := x.Afflict(0, cut); err != nil {
		t.Fatal(err)
	}
	x.Advance(60 * s)
	before := x.ordered()
	if x.counters().Connected != 1 || before < 3 {
		t.Fatalf("%+v, %d messages; want it connected", x.counters(), before)
	}
	if err := x.Afflict(0, cut); err != nil {
		t.Fatal(err)
	}
	x.Advance(64 * s) // what was on its way would have come by now
	if n := x.ordered(); n != before {
		t.Errorf("%d messages arrived after the cut", n-before)
	}
	if n := x.counters(); n.Connected != 0 || n.Stale != 0 {
		t.Errorf("after the cut: %+v", n)
	}
}

// TestHalfOpen: after the silence has begun the hub gives the connection up one
// and a half keep-alive times after it last heard of the device, the device
// ten seconds after its keep-alive; without keep-alive neither does.
func TestHalfOpen(t *testing.T) {
	x := newSite(t, 1, "", keep)
	x.Advance(10 * s)
	x.afflict(0, "half-open=5s") // silent at 15 s
	x.Advance(44 * s)
	if n := x.counters(); n.Connected != 1 || n.Telemetry != 14 {
		t.Errorf("in the silence: %+v; want 14 messages and a session", n)
	}
	x.Advance(46 * s) // heard last at 14.x s, of 20 s once and a half
	if n := x.counters(); n.Connected != 1 || n.Accepted != 2 || x.Links().Silent != 1 {
		t.Errorf("after 46 s: %+v, %+v; want it given up and opened anew", n, x.Links())
	}
	x.afflict(0, "")
	x.Advance(200 * s)
	if n := x.counters(); n.Accepted != 2 && n.Accepted != 3 || n.Connected != 1 || n.Stale != 0 {
		t.Errorf("healed: %+v", n)
	}

	x = newSite(t, 1, "half-open=5s", func(p *device.Profile) { p.KeepAlive = 0 })
	x.Advance(1000 * s)
	if n := x.counters(); n.Connected != 1 || n.Accepted != 1 || x.Links().Silent != 0 {
		t.Errorf("without keep-alive: %+v, %+v; want nobody to notice", n, x.Links())
	}
}

// TestNarrowLink: beyond what a link's buffer holds telemetry is dropped and
// counted, and a device to which too much is said is closed.
func TestNarrowLink(t *testing.T) {
	x := newSite(t, 1, "bandwidth=100B/s", func(p *device.Profile) { p.TelemetrySize = 1000 })
	x.Advance(1000 * s)
	if n := x.counters(); n.Telemetry < 80 || n.Telemetry > 100 {
		t.Errorf("%d messages of 1,000 bytes came over 100 B/s in 1,000 s", n.Telemetry)
	}
	if _, most, _ := x.latencies(sim.MetricTelemetryAck, 0, 1000*s); most > 700*time.Second {
		t.Errorf("one waited for %s; want no more than 64 KiB in front of it", most)
	}
	for range 200 {
		if _, err := x.Do(hub.Invoke{ID: "d0", Method: "m", Payload: []byte(`"` + strings.Repeat("x", 10_000) + `"`)}); err != nil {
			t.Fatal(err)
		}
	}
	x.Advance(1001 * s)
	if n := x.Links().SlowConsumers; n == 0 {
		t.Error("2 MB were said to it and it was not closed")
	}
}

// TestHubSlow: a message costs its time, one after the other; what is due
// otherwise, and what operators ask, does not wait.
func TestHubSlow(t *testing.T) {
	x := newSite(t, 4, "", keep)
	x.Advance(10*s + s/4)
	x.Befall(fault.Hub{Slow: 400 * time.Millisecond})
	x.Advance(20*s + s/4)
	if n := x.counters(); n.Telemetry > 40+25+4 {
		t.Errorf("%d messages; want 25 in ten seconds", n.Telemetry-40)
	}
	if _, most, _ := x.latencies(sim.MetricTelemetryAck, 10*s, 20*s); most < 3*time.Second || most > 6*time.Second {
		t.Errorf("the longest took %s; want the queue", most)
	}
	x.Befall(fault.Hub{})
	x.Advance(22 * s)
	least, most, _ := x.latencies(sim.MetricTelemetryAck, 21*s, 22*s)
	if most != 20*time.Millisecond || least != most {
		t.Errorf("afterwards: %s to %s; want 20ms", least, most)
	}
	if n := x.ordered(); n < 80 {
		t.Errorf("%d messages; want all", n)
	}
}

// TestHubDrops: every session ends at once, and every device is back; with a
// restart it is away for its time, and what it had waiting is forgotten.
func TestHubDrops(t *testing.T) {
	x := newSite(t, 4, "", keep)
	x.Advance(10 * s)
	x.Befall(fault.Hub{Drop: true})
	if n := x.counters(); n.Connected != 0 || n.Closed != 4 {
		t.Errorf("dropped: %+v", n)
	}
	x.Advance(12 * s)
	if n := x.counters(); n.Connected != 4 || n.Accepted != 8 || n.Stale != 0 || x.Links().Lost != 0 {
		t.Errorf("after 2 s: %+v %+v; want all back", n, x.Links())
	}
	x.Befall(fault.Hub{Restart: 5 * time.Second})
	x.Advance(17*s - 1)
	if n := x.counters(); n.Connected != 0 || n.Accepted != 8 || x.Links().TurnedAway < 8 {
		t.Errorf("down: %+v %+v", n, x.Links())
	}
	x.Advance(19 * s)
	if n := x.counters(); n.Connected != 4 || n.Accepted != 12 || n.Stale != 0 {
		t.Errorf("back: %+v", n)
	}
	x.ordered()
}

// TestTroubleIsTheSame: with everything going wrong, the same seed gives the
// same run.
func TestTroubleIsTheSame(t *testing.T) {
	run := func(loss string) string {
		x := newSite(t, 6, loss, keep)
		for i, f := range []string{"half-open=3s", "flapping=4s", "partition", "jitter=1s", "refused", "bandwidth=500B/s"} {
			x.Advance(sim.Time(i+1) * 20 * s)
			x.afflict(i, f)
			x.Befall(fault.Hub{Slow: time.Duration(i) * time.Millisecond, Drop: i == 3, Restart: time.Duration(i) * time.Second})
		}
		x.Advance(300 * s)
		return x.Digest()
	}
	a, b, c := run("loss=20%"), run("loss=20%"), run("loss=21%")
	if a != b || a == c {
		t.Errorf("digests %s, %s and with another loss %s", a, b, c)
	}
}
