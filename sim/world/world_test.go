package world_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/pack"
	"github.com/flotilla-sim/flotilla/sim/world"
)

// TestInvariants plays random fleets, faults and jobs and holds, over every
// event and at the end, what must always be true (package job's own test holds
// the counts of a job after every step).
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(rt, "devices")
		p := device.NewProfile()
		p.Firmware = rapid.SampledFrom([]string{"standard", "standard", "simple", "edison"}).Draw(rt, "firmware")
		p.Start, p.FirmwarePMin = sim.Uniform(0, 3*time.Second), 0
		p.Boot, p.Flash = sim.Uniform(time.Second, 20*time.Second), sim.Uniform(0, 10*time.Second)
		p.Answer = sim.Uniform(0, time.Second)
		p.TelemetryPeriod = time.Duration(rapid.IntRange(0, 30).Draw(rt, "telemetry")) * time.Second
		j := judge{rt: rt, version: map[sim.DeviceID]string{}, state: map[sim.DeviceID]string{}, child: map[string]string{}}
		w := world.New(world.Config{
			Seed: rapid.Uint64().Draw(rt, "seed"), Observe: j.observe,
			Latency: sim.Uniform(0, time.Duration(rapid.IntRange(0, 2000).Draw(rt, "latency"))*time.Millisecond),
			Uplink:  int64(rapid.IntRange(1000, 10_000_000).Draw(rt, "uplink")),
		})
		faults := []string{"", "", "", "", "cut-for-good=20%", "hangs=flashing", "crashes=flashing", "crashes=downloaded@3s", "power-loss=brick",
			"rejects=503@downloaded", "late-answer=2s", "slow-download=1KB/s", "server-error=always", "fixed-backoff=10ms"}
		for _, r := range fault.Recipes {
			if r.Scope == fault.OnDevice && !r.LiveOnly && r.Name != "flooding" {
				faults = append(faults, r.Name)
			}
		}
		var ids []sim.DeviceID
		for i := range n {
			id := sim.DeviceID(fmt.Sprint("d", i))
			ids = append(ids, id)
			if _, err := w.Do(hub.Register{ID: id, PrimaryKey: key}); err != nil {
				rt.Fatal(err)
			}
			var c fault.Conditions
			if f := rapid.SampledFrom(faults).Draw(rt, "fault"); f != "" {
				c, _ = fault.Parse(f)
			}
			if err := w.Add(device.Config{ID: id, Number: uint64(i), Key: key, Profile: p, FirmwareVersion: "1.0"}, c); err != nil {
				rt.Fatal(err)
			}
		}
		uri := w.Publish(pack.New(pack.Spec{Name: "fw", Version: "3.0", Size: 4 << 10}))
		open := map[uint64]bool{}
		for i := range rapid.IntRange(1, 4).Draw(rt, "jobs") {
			s := job.Spec{ID: fmt.Sprint("j", i), Targets: ids, Kind: rapid.SampledFrom([]string{
				"firmwareUpdate", "rebootDevice", "factoryResetDevice", "updateDeviceConfiguration", "readDeviceProperties"}).Draw(rt, "kind")}
			s.PackageURI, s.Configuration, s.Names = uri, `{"pmin":1}`, []string{"Timezone"}
			s.Timeout = time.Duration(rapid.IntRange(1, 300).Draw(rt, "timeout")) * time.Second
			s.InFlight = rapid.IntRange(0, 4).Draw(rt, "inFlight")
			r, err := w.Do(hub.SubmitJob{Spec: s})
			if err != nil {
				rt.Fatal(err)
			}
			open[r.Ticket] = true
			for _, x := range w.Advance(w.Now() + sim.Time(rapid.IntRange(0, 60).Draw(rt, "gap"))*sim.Time(time.Second)) {
				delete(open, x.Ticket)
			}
			if rapid.IntRange(0, 5).Draw(rt, "cancel") == 0 {
				if _, err := w.Do(hub.CancelJob{ID: s.ID}); err != nil {
					rt.Fatal(err)
				}
			}
		}
		for end := w.Now() + sim.Time(20*time.Minute); w.Now() < end; {
			for _, x := range w.Advance(end) {
				if !open[x.Ticket] {
					rt.Fatalf("ticket %d settled twice or was never given out", x.Ticket)
				}
				delete(open, x.Ticket)
				if c := x.Reply.Job.Counts; c.Running+c.Pending != 0 || c.Succeeded+c.Failed+c.Cancelled != n {
					rt.Fatalf("job %s ended with %+v of %d", x.Reply.Job.ID, c, n)
				}
			}
		}
		if len(open) != 0 {
			rt.Fatalf("tickets %v never settled, after every timeout", open)
		}
		c := *must(w.Do(hub.GetCounters{})).Counters
		if c.Answers > c.Calls {
			rt.Fatalf("%d calls had %d answers", c.Calls, c.Answers)
		}
	})
}

func must(r hub.Reply, err error) hub.Reply {
	if err != nil {
		panic(err)
	}
	return r
}

// judge follows what is observed.
type judge struct {
	rt      *rapid.T
	last    sim.Time
	version map[sim.DeviceID]string
	state   map[sim.DeviceID]string // firmware update state
	child   map[string]string       // job and device -> state
}

func (j *judge) observe(list []sim.Observation) {
	for _, o := range list {
		if o.Metric != sim.NoMetric && o.Value < 0 {
			j.rt.Fatalf("a latency is %d: %+v", o.Value, o)
		}
		switch o.Event {
		case sim.EventChild:
			id := o.Job + " " + string(o.Device)
			word, _, _ := strings.Cut(o.Text, ":")
			was := j.child[id]
			if was == "completed" || was == "failed" || was == "cancelled" || was == "running" && word == "pending" {
				j.rt.Fatalf("child %s went from %s to %s", id, was, word)
			}
			j.child[id] = word
		case sim.EventResource:
			if v, ok := strings.CutPrefix(o.Text, "FirmwareVersion="); ok {
				if v == "3.0" && j.state[o.Device] != "3" {
					j.rt.Fatalf("%s is at %s without having downloaded it (state %s)", o.Device, v, j.state[o.Device])
				}
				j.version[o.Device] = v
			}
			if v, ok := strings.CutPrefix(o.Text, "FirmwareUpdateState="); ok {
				j.state[o.Device] = v
			}
		}
		if o.At < j.last {
			j.rt.Fatalf("time went back from %s to %s", j.last, o.At)
		}
		j.last = o.At
	}
}

// TestSameSeedSameRun: the digest is a function of the seed, and the trace is
// what it covers.
func TestSameSeedSameRunDigest(t *testing.T) {
	play := func(seed uint64) (digest, trace string) {
		h := sha256.New()
		w, ids := fleet(t, 20, campaignProfile(), world.Config{Seed: seed, Trace: func(b []byte) { h.Write(b) }})
		uri := w.Publish(pack.New(pack.Spec{Name: "fw", Version: "3.0", Size: 1000}))
		must(w.Do(hub.SubmitJob{Spec: job.Spec{ID: "fw", Kind: "firmwareUpdate", Targets: ids, PackageURI: uri}}))
		for w.Now() < sim.Time(5*time.Minute) {
			w.Advance(sim.Time(5 * time.Minute))
		}
		return w.Digest(), hex.EncodeToString(h.Sum(nil))
	}
	a, trace := play(1)
	b, _ := play(1)
	c, _ := play(2)
	if a != b || a == c || a != trace {
		t.Errorf("digests: seed 1 %s and %s, its trace %s, seed 2 %s", a, b, trace, c)
	}
}

// TestUplinkIsShared: n downloads at once take n times as long as one, and
// all end together; one that comes later does not hold the others up more than
// its share.
func TestUplinkIsShared(t *testing.T) {
	took := func(n int) (first, last time.Duration) {
		p := campaignProfile()
		p.Start, p.Answer = sim.Always(0), sim.Always(0)
		var times []time.Duration
		w, ids := fleet(t, n, p, world.Config{Seed: 1, Latency: sim.Always(time.Millisecond), Uplink: 1_000_000, Observe: func(list []sim.Observation) {
			for _, o := range list {
				if o.Metric == sim.MetricDownload {
					times = append(times, o.Latency())
				}
			}
		}})
		w.Advance(sim.Time(time.Second))
		uri := w.Publish(pack.New(pack.Spec{Name: "fw", Version: "3.0", Size: 100_000}))
		must(w.Do(hub.SubmitJob{Spec: job.Spec{Kind: "firmwareUpdate", Targets: ids, PackageURI: uri}}))
		w.Advance(sim.Time(time.Hour))
		if len(times) != n {
			t.Fatalf("%d devices, %d downloads", n, len(times))
		}
		return times[0], times[n-1]
	}
	one, _ := took(1)
	first, last := took(50)
	if one < 100*time.Millisecond || one > 104*time.Millisecond {
		t.Errorf("100 kB at 1 MB/s took %s; want 100 ms and two latencies", one)
	}
	if first < 5*time.Second || last > 5*time.Second+20*time.Millisecond {
		t.Errorf("50 downloads took %s to %s; want all of them 5 s", first, last)
	}
}

// TestLinkIsInOrder: whatever the latencies, what a device sends arrives in
// its order; what is under way to the side that closed is gone.
func TestLinkIsInOrder(t *testing.T) {
	p := campaignProfile()
	p.Start, p.TelemetryPeriod = sim.Always(0), 10*time.Millisecond
	var trace strings.Builder
	w, _ := fleet(t, 1, p, world.Config{Seed: 3, Latency: sim.Uniform(0, 200*time.Millisecond), Trace: func(b []byte) { trace.Write(b) }})
	w.Advance(sim.Time(5 * time.Second))
	last, seen := uint64(0), 0
	for line := range strings.Lines(trace.String()) {
		f := strings.Fields(line)
		if f[1] != "hub" || f[2] != "telemetry" {
			continue
		}
		var id uint64
		if _, err := fmt.Sscanf(f[4], "id=%d", &id); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if id <= last {
			t.Fatalf("telemetry %d arrives after %d", id, last)
		}
		last = id
		seen++
	}
	if seen < 300 {
		t.Errorf("%d messages arrived; want some 450", seen)
	}
}
