package fault_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
)

func TestParseLinkAndHub(t *testing.T) {
	link := func(l fault.Link) fault.Conditions { return fault.Conditions{Link: l} }
	onHub := func(h fault.Hub) fault.Conditions { return fault.Conditions{Hub: h} }
	for _, x := range []struct {
		text string
		want fault.Conditions
		err  string
	}{
		{"latency", link(fault.Link{Latency: "200ms"}), ""},
		{"latency=1m", link(fault.Link{Latency: "1m0s"}), ""},
		{"latency=50ms..2s", link(fault.Link{Latency: "50ms..2s"}), ""},
		{"latency=p0=10ms  p50=50ms p99=2s", link(fault.Link{Latency: "p0=10ms p50=50ms p99=2s"}), ""},
		{"latency=2s..50ms", fault.Conditions{}, "the second not below the first"},
		{"latency=1s..2m", fault.Conditions{}, "from 1ms to 1m"},
		{"latency=0s", fault.Conditions{}, "from 1ms to 1m"},
		{"latency=p50=1s", fault.Conditions{}, "must be p0"},
		{"latency=-5ms", fault.Conditions{}, "out of range"},
		{"jitter=20ms", link(fault.Link{Jitter: 20 * time.Millisecond}), ""},
		{"jitter=20ms..30ms", fault.Conditions{}, "is no duration"},
		{"loss", link(fault.Link{Loss: 50}), ""},
		{"loss=0.1%", link(fault.Link{Loss: 1}), ""},
		{"loss=100%", fault.Conditions{}, "from 0.1% to 99.9%"},
		{"loss=5", fault.Conditions{}, "write `5%`"},
		{"bandwidth", link(fault.Link{Rate: 10_000}), ""},
		{"bandwidth=64KiB/s", link(fault.Link{Rate: 65_536}), ""},
		{"bandwidth=500B/s", link(fault.Link{Rate: 500}), ""},
		{"bandwidth=1MB/s", link(fault.Link{Rate: 1_000_000}), ""},
		{"bandwidth=500/s", fault.Conditions{}, "write `500B/s` or `500KB/s`"},
		{"bandwidth=99B/s", fault.Conditions{}, "from 100B/s to 1000MB/s"},
		{"bandwidth=2000MB/s", fault.Conditions{}, "from 100B/s to 1000MB/s"},
		{"bandwidth=1.5KB/s", fault.Conditions{}, "whole bytes a second"},
		{"bandwidth=fast", fault.Conditions{}, "whole bytes a second"},
		{"half-open=1m", link(fault.Link{HalfOpen: time.Minute}), ""},
		{"half-open=0s", fault.Conditions{}, "from 1ms to 24h"},
		{"flapping=1s", link(fault.Link{Flap: time.Second}), ""},
		{"flapping=1ms", fault.Conditions{}, "from 10ms to 24h"},
		{"partition", link(fault.Link{Cut: true, Refuse: true}), ""},
		{"partition=5s", fault.Conditions{}, "takes no argument"},
		{"refused", link(fault.Link{Refuse: true}), ""},
		{"reconnect-storm", link(fault.Link{Cut: true}), ""},
		{"hub-slow=10us", onHub(fault.Hub{Slow: 10 * time.Microsecond}), ""},
		{"hub-slow=1us", fault.Conditions{}, "from 10us to 10s"},
		{"hub-drops", onHub(fault.Hub{Drop: true}), ""},
		{"hub-restart=1m", onHub(fault.Hub{Restart: time.Minute}), ""},
		{"hub-restart=1h", fault.Conditions{}, "from 10ms to 10m"},
		{"half-opened", fault.Conditions{}, `did you mean "half-open"`},
	} {
		got, err := fault.Parse(x.text)
		switch {
		case x.err == "" && (err != nil || got != x.want):
			t.Errorf("Parse(%q) = %+v, %v; want %+v", x.text, got, err, x.want)
		case x.err != "" && (err == nil || !strings.Contains(err.Error(), x.err)):
			t.Errorf("Parse(%q): error %v; want one with %q", x.text, err, x.err)
		}
	}
}

func TestMergeLinkAndHub(t *testing.T) {
	for _, x := range []struct {
		faults string
		want   fault.Conditions
	}{
		{"latency=1s latency=5ms jitter=1s jitter=5ms loss=5% loss=1%", fault.Conditions{Link: fault.Link{Latency: "5ms", Jitter: time.Second, Loss: 50}}},
		{"bandwidth=1KB/s bandwidth=5KB/s flapping=1m flapping=1s half-open half-open=1h", fault.Conditions{Link: fault.Link{Rate: 1000, Flap: time.Second, HalfOpen: 5 * time.Second}}},
		{"refused reconnect-storm latency=1s", fault.Conditions{Link: fault.Link{Refuse: true, Cut: true, Latency: "1s"}}},
		{"hub-slow=1ms hub-slow=5ms hub-drops hub-restart=1s hub-paused", fault.Conditions{Hub: fault.Hub{Slow: 5 * time.Millisecond, Drop: true, Restart: time.Second, Pause: 2 * time.Second}}},
	} {
		var all []fault.Conditions
		for name := range strings.FieldsSeq(x.faults) {
			c, err := fault.Parse(name)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
		if got := fault.Merge(all...); got != x.want {
			t.Errorf("%s:\n%+v\nwant\n%+v", x.faults, got, x.want)
		}
	}
}

// TestDelayIsNoThrottle: a thousand messages at one instant over a link that
// takes 200 ms longer all take 200 ms longer, and so do those behind them.
func TestDelayIsNoThrottle(t *testing.T) {
	var p fault.Path
	p.Set(fault.Link{Latency: "200ms"})
	r := sim.NewRand(1, 1)
	for i := range 2000 {
		now := sim.Time(i/1000) * sim.Time(time.Millisecond)
		if d, ok := p.Carry(now, 1<<20, &r); d != 200*time.Millisecond || !ok {
			t.Fatalf("message %d takes %s longer, %t; want 200ms", i, d, ok)
		}
	}
	if n := p.Waiting(0); n != 0 {
		t.Errorf("%d bytes wait", n)
	}
}

// TestRate holds the arithmetic of a narrow link against counting its bytes
// out one by one.
func TestRate(t *testing.T) {
	const rate = 1000 // a byte a millisecond
	random := rand.New(rand.NewPCG(1, 2))
	var p fault.Path
	p.Set(fault.Link{Rate: rate})
	r := sim.NewRand(1, 1)
	var now, out int64 // ms: out is when the last byte so far has left
	for i := range 1000 {
		now += random.Int64N(300)
		size := random.Int64N(200)
		for range size {
			out = max(out, now) + 1
		}
		leaves := max(out, now)
		d, ok := p.Carry(sim.Time(now)*sim.Time(time.Millisecond), int(size), &r)
		if want := time.Duration(leaves-now) * time.Millisecond; d != want || !ok {
			t.Fatalf("message %d of %d bytes at %d ms takes %s; want %s", i, size, now, d, want)
		}
		if got, want := p.Waiting(sim.Time(now)*sim.Time(time.Millisecond)), max(0, out-now); got != want {
			t.Fatalf("%d bytes wait; want %d", got, want)
		}
	}
}

// TestLoss: so many messages come late as segments are lost, each by one of
// TCP's waits, nine in ten of them by the first; and the more segments a message has, the more often it is late.
func TestLoss(t *testing.T) {
	const n = 100_000
	late := func(bytes, loss int) (share float64, waits map[time.Duration]int, dead int) {
		var p fault.Path
		p.Set(fault.Link{Loss: loss})
		r := sim.NewRand(1, 1)
		waits = map[time.Duration]int{}
		for range n {
			d, ok := p.Carry(0, bytes, &r)
			waits[d]++
			if !ok {
				dead++
			}
		}
		return float64(n-waits[0]) / n, waits, dead
	}
	share, waits, dead := late(100, 100)
	if share < 0.095 || share > 0.105 || dead > 0 {
		t.Errorf("%.4f are late, %d break; want 0.1 and none", share, dead)
	}
	for d, count := range waits { // any order: each for itself
		ok := false
		for k := range 9 {
			ok = ok || d == 200*time.Millisecond*(1<<k-1)
		}
		if !ok {
			t.Errorf("%d messages are late by %s", count, d)
		}
	}
	if first := float64(waits[200*time.Millisecond]) / n; first < 0.085 || first > 0.095 {
		t.Errorf("%.4f are late by the first wait; want 0.09", first)
	}
	if share, _, _ := late(14600, 100); share < 0.64 || share > 0.66 { // 1 - 0.9^10
		t.Errorf("%.4f of messages of ten segments are late; want 0.65", share)
	}
	_, waits, dead = late(100, 999)
	if share := float64(dead) / n; share < 0.99 || share > 0.995 { // 0.999^8
		t.Errorf("%.4f of the connections break; want 0.992", share)
	}
	if longest := waits[51*time.Second]; longest < dead {
		t.Errorf("%d break after 51 s; want all %d", longest, dead)
	}
}

func TestWho(t *testing.T) {
	for _, x := range []struct {
		who  fault.Who
		want string
	}{
		{fault.Who{}, "[] 0"},
		{fault.Who{First: 2, Count: 3}, "[2 3 4] 3"},
		{fault.Who{List: []uint64{1, 5}}, "[1 5] 2"},
		{fault.Who{Count: 7, List: []uint64{}}, "[] 0"},
	} {
		has := []uint64{}
		for n := range uint64(8) {
			if x.who.Has(n) {
				has = append(has, n)
			}
		}
		if got := fmt.Sprint(has, x.who.Len()); got != x.want {
			t.Errorf("%+v: %s; want %s", x.who, got, x.want)
		}
	}
}

// TestCourse plays a timetable and writes down who is told what.
func TestCourse(t *testing.T) {
	var c fault.Course
	spell := func(text string, who fault.Who, begin, end time.Duration) {
		r, conditions, err := fault.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		to := sim.Time(end)
		if end < 0 {
			to = sim.Never
		}
		c.Add(fault.Spell{Name: r.Name, Scope: r.Scope, Who: who, Begin: sim.Time(begin), End: to, Conditions: conditions})
	}
	const s = time.Second
	spell("latency=1s", fault.Who{First: 1, Count: 2}, 1*s, 5*s)
	spell("jitter=2s", fault.Who{List: []uint64{2, 3}}, 2*s, -1)
	spell("partition", fault.Who{List: []uint64{2}}, 3*s, 4*s)
	spell("reconnect-storm", fault.Who{Count: 4}, 3*s, 3*s)
	spell("hub-slow=5ms", fault.Who{}, 3*s, 8*s)
	spell("hub-slow=2ms", fault.Who{}, 3*s, -1)
	spell("hub-drops", fault.Who{}, 6*s, 6*s)
	var log strings.Builder
	step := func(now sim.Time) {
		fmt.Fprintf(&log, "%s:", now)
		c.Step(now, func(n uint64, cut bool) {
			l := c.At(n, fault.Conditions{Link: fault.Link{Loss: 7}}).Link
			fmt.Fprintf(&log, " %d", n)
			if cut {
				log.WriteString(" cut")
			}
			if l.Latency != "" {
				log.WriteString(" latency")
			}
			if l.Jitter != 0 {
				log.WriteString(" jitter")
			}
			if l.Refuse {
				log.WriteString(" refuse")
			}
			if l.Loss != 7 || l.Cut {
				log.WriteString(" BASE LOST OR CUT AGAIN")
			}
			log.WriteString(";")
		}, func(h fault.Hub) { fmt.Fprintf(&log, " hub %+v;", h) })
		log.WriteByte('\n')
	}
	for c.Deadline() != sim.Never {
		step(c.Deadline())
	}
	fmt.Fprintf(&log, "clear %d and %d\n", c.Clear(sim.Time(9*s), "jitter"), c.Clear(sim.Time(9*s), "latency"))
	step(sim.Time(9 * s))
	spell("jitter=2s", fault.Who{First: 0, Count: 1}, 20*s, 30*s)
	fmt.Fprintf(&log, "clear %d\n", c.Clear(sim.Time(10*s), ""))
	step(sim.Time(10 * s))
	step(sim.Time(40 * s))
	want := `1s: 1 latency; 2 latency;
2s: 2 latency jitter; 3 jitter;
3s: 0 cut; 1 cut latency; 2 cut latency jitter refuse; 3 cut jitter; hub {Pause:0s Slow:5ms Drop:false Restart:0s};
4s: 2 latency jitter;
5s: 1; 2 jitter;
6s: hub {Pause:0s Slow:5ms Drop:true Restart:0s};
8s: hub {Pause:0s Slow:2ms Drop:false Restart:0s};
clear 1 and 0
9s: 2; 3;
clear 2
10s: 0; hub {Pause:0s Slow:0s Drop:false Restart:0s};
40s:
`
	if log.String() != want {
		t.Errorf("got\n%s\nwant\n%s", log.String(), want)
	}
}
