package world

import (
	"fmt"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

// counter is a package server with one package, and what devices were told at
// the end of their tries.
type counter struct {
	*server
	uri  string
	size uint64
	now  sim.Time
	ends map[uint32]string
}

func openCounter(rate int64) *counter {
	c := &counter{server: newServer(rate), ends: map[uint32]string{}}
	p := pack.New(pack.Spec{Name: "fw", Version: "3.0", Size: 100_000, Seed: 1})
	c.uri, c.size = c.publish(p), uint64(p.Len())
	return c
}

// get begins a try.
func (c *counter) get(dev uint32, from uint64) {
	c.request(c.now, dev, sim.Fetch{ID: 1, URL: c.uri, From: from})
	c.hear()
}

// to lets time go on.
func (c *counter) to(t sim.Time) {
	for c.deadline() <= t {
		c.now = max(c.now, c.deadline())
		c.step(c.now)
		c.hear()
	}
	c.now = t
}

func (c *counter) hear() {
	for _, a := range c.answers {
		if a.fetched.Done {
			c.ends[a.dev] = ended(time.Duration(c.now), a.fetched.Status, a.fetched.Have)
		}
	}
	c.answers = c.answers[:0]
}

// ended is the end of a try, its time to ten microseconds: the service of an
// uplink is counted in pieces of bytes.
func ended(at time.Duration, status int32, have uint64) string {
	return fmt.Sprintf("%s %d %d", at.Round(10*time.Microsecond), status, have)
}

// TestSlowDownload: a slow download has its own rate, takes nothing of the
// uplink the others share, and is never faster than that.
func TestSlowDownload(t *testing.T) {
	c := openCounter(1_000_000)
	c.condition(1, fault.Download{Rate: 10_000})
	c.condition(2, fault.Download{Rate: 5_000_000})
	for dev := range uint32(5) {
		c.get(dev, 0)
	}
	c.to(sim.Time(time.Minute))
	shared := 3 * time.Duration(c.size) * time.Microsecond
	for dev, want := range map[uint32]time.Duration{ // any order: each for itself
		0: shared, 3: shared, 4: shared,
		1: time.Duration(c.size) * 100 * time.Microsecond,
		2: time.Duration(c.size) * time.Microsecond,
	} {
		if got, want := c.ends[dev], ended(want, 200, c.size); got != want {
			t.Errorf("device %d ended %q; want %q", dev, got, want)
		}
	}
	if c.sharing != 0 || c.active != 0 || c.counts.PeakDownloads != 5 {
		t.Errorf("%d share, %d are active, %d were; want 0, 0, 5", c.sharing, c.active, c.counts.PeakDownloads)
	}
}

// TestSlowAndCut: a cut comes when its byte would; the rest follows at the same
// rate.
func TestSlowAndCut(t *testing.T) {
	c := openCounter(1_000_000)
	d := fault.Download{Rate: 10_000, CutAt: 500, Cuts: 1}
	c.condition(0, d)
	c.get(0, 0)
	c.to(sim.Time(time.Minute))
	half := uint64(d.CutPlace(int64(c.size)))
	if got, want := c.ends[0], ended(time.Duration(half)*100*time.Microsecond, 200, half); got != want {
		t.Errorf("cut: %q; want %q", got, want)
	}
	c.get(0, half)
	c.to(sim.Time(2 * time.Minute))
	if got, want := c.ends[0], ended(time.Minute+time.Duration(c.size-half)*100*time.Microsecond, 206, c.size); got != want {
		t.Errorf("resumed: %q; want %q", got, want)
	}
}

// TestRefused: tries are refused before they are served or cut, are counted
// through a change of something else, and a new condition counts anew.
func TestRefused(t *testing.T) {
	c := openCounter(1_000_000)
	d := fault.Download{Status: 503, Refusals: 2, CutAt: 100, Cuts: 1}
	c.condition(0, d)
	for i, want := range []string{"0s 503 0", "0s 503 0"} {
		c.get(0, 0)
		if c.ends[0] != want {
			t.Errorf("try %d: %q; want %q", i, c.ends[0], want)
		}
		c.condition(0, d) // the same one: nothing begins anew
	}
	c.get(0, 0)
	c.to(sim.Time(time.Second))
	cut := d.CutPlace(int64(c.size))
	if want := ended(time.Duration(cut)*time.Microsecond, 200, uint64(cut)); c.ends[0] != want {
		t.Errorf("third try: %q; want it cut, %q", c.ends[0], want)
	}
	c.condition(0, fault.Download{Status: 404, Refusals: fault.Forever})
	c.get(0, 0)
	if c.ends[0] != "1s 404 0" {
		t.Errorf("another condition: %q; want a 404", c.ends[0])
	}
	c.condition(0, fault.Download{})
	c.get(0, 0)
	c.to(sim.Time(2 * time.Second))
	if c.counts.Refused != 3 || c.counts.Downloads != 1 || c.counts.Cut != 1 || c.counts.Requests != 5 {
		t.Errorf("counted %+v", c.counts)
	}
}

func TestTakes(t *testing.T) {
	for _, x := range []struct {
		bytes, rate int64
		want        time.Duration
	}{
		{0, 100, 0}, {1, 100, 10 * time.Millisecond}, {1, 3, 333_333_334}, {1 << 62, 1, 1<<63 - 1}, {1 << 62, 1 << 62, time.Second},
		{1e9 - 1, 1e9, time.Second - 1},
	} {
		if got := takes(x.bytes, x.rate); got != x.want {
			t.Errorf("takes(%d, %d) = %s; want %s", x.bytes, x.rate, got, x.want)
		}
	}
}
