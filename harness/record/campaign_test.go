package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/sim"
)

// Sums do not depend on the order of changes, on how they are spread over
// tracks or on when parts were made wider.
func TestTrack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type change struct {
			at sim.Time
			n  int32
		}
		var all []change
		var tracks [3]track
		var merged track
		for range rapid.IntRange(1, 60).Draw(rt, "changes") {
			// Any magnitude, from 1 ns to a year.
			c := change{sim.Time(rapid.Int64Range(0, 1<<rapid.IntRange(0, 55).Draw(rt, "bits")).Draw(rt, "at")), int32(rapid.IntRange(-3, 3).Draw(rt, "n"))}
			all = append(all, c)
			tracks[rapid.IntRange(0, 2).Draw(rt, "track")].add(rowRunning, c.at, c.n)
		}
		for i := range tracks {
			merged.merge(&tracks[i])
		}
		var highest sim.Time
		for _, c := range all {
			highest = max(highest, c.at)
		}
		width := merged.width()
		if int64(highest) >= width*MaxBuckets || width > firstWidth && int64(highest) < width*MaxBuckets/2 {
			rt.Fatalf("parts of %d ns for a last change at %d", width, highest)
		}
		sum := int32(0)
		for i, n := range merged.changes[rowRunning] {
			sum += n
			want := int32(0)
			for _, c := range all {
				if int64(c.at) < int64(i+1)*width {
					want += c.n
				}
			}
			if sum != want {
				rt.Fatalf("at the end of part %d of %d ns: %d; want %d of %v", i, width, sum, want, all)
			}
		}
	})
}

// TestActivity follows one device through everything it can go through.
func TestActivity(t *testing.T) {
	r := New(Options{Shards: 1})
	r.shards[0].track.add(rowRunning, 0, 0)
	for _, c := range []struct {
		event sim.Event
		text  string
		want  phase
	}{
		{sim.EventDevice, "connecting", offline},
		{sim.EventLink, "opened", offline},
		{sim.EventConnect, "refused 5", offline},
		{sim.EventLink, "closed by the device", offline},
		{sim.EventConnect, "accepted", connected},
		{sim.EventDevice, "running", connected},
		{sim.EventResource, "FirmwareUpdateState=2", downloading},
		{sim.EventLink, "connection lost", offline},
		{sim.EventDevice, "connecting", offline},
		{sim.EventConnect, "accepted", downloading},
		{sim.EventResource, "FirmwareUpdateState=3", downloaded},
		{sim.EventExecute, "UpdateFirmware 400", downloaded},
		{sim.EventExecute, "UpdateFirmware", applying},
		{sim.EventDevice, "down", rebooting},
		{sim.EventLink, "closed by the device", rebooting},
		{sim.EventDevice, "booting", rebooting},
		{sim.EventDevice, "connecting", offline},
		{sim.EventConnect, "accepted", applying},
		{sim.EventResource, "FirmwareVersion=3.0", applying},
		{sim.EventResource, "FirmwareUpdateState=1", connected},
		{sim.EventResource, "FirmwareUpdateState=2", downloading},
		{sim.EventDevice, "down", rebooting}, // a download does not survive
		{sim.EventConnect, "accepted", connected},
		{sim.EventResource, "FirmwareUpdateState=3", downloaded},
		{sim.EventExecute, "FactoryReset", connected},
		{sim.EventDrop, "telemetry: offline", connected},
	} {
		r.Observe([]sim.Observation{{At: 1, Device: "d", Event: c.event, Text: c.text}})
		s := &r.shards[0]
		if got := s.devices["d"].phase; got != c.want {
			t.Fatalf("after %s %q: %s; want %s", sim.Events[c.event].Name, c.text, DeviceStates[got], DeviceStates[c.want])
		}
		for p := connected; p < phases; p++ {
			want := int32(0)
			if p == c.want {
				want = 1
			}
			if got := s.track.changes[p][0]; got != want {
				t.Fatalf("after %s %q: %d devices %s; want %d", sim.Events[c.event].Name, c.text, got, DeviceStates[p], want)
			}
		}
	}
}

// TestCampaign against a twin that looks at every event at the end of every
// part of time, over fleets whose parts of jobs run, wait, fail and are tried
// again.
func TestCampaign(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type seen struct {
			at    sim.Time
			state string
		}
		events := map[string][]seen{} // of a part of a job
		r := New(Options{Shards: 4, MaxEvents: -1})
		end := sim.Time(rapid.Int64Range(1, int64(48*time.Hour)).Draw(rt, "end"))
		jobs := []Job{}
		begun := map[string]sim.Time{}
		devices := rapid.IntRange(1, 5).Draw(rt, "devices")
		for j := range rapid.IntRange(1, 3).Draw(rt, "jobs") {
			id := fmt.Sprint("job", j)
			at := sim.Time(rapid.Int64Range(0, int64(end)-1).Draw(rt, "submitted"))
			begun[id] = at
			r.Observe([]sim.Observation{{At: at, Event: sim.EventJob, Job: id, Text: "pending"}, {At: at, Event: sim.EventJob, Job: id, Text: "running"}})
			jobs = append(jobs, Job{ID: id, Devices: &JobDevices{Total: devices}}, Job{ID: id + "/x", ParentID: id})
			for d := range devices {
				now, state := at, "pending"
				for range 12 {
					next := map[string][]string{
						"pending":                    {"pending", "running", "cancelled"},
						"pending: try 1 failed: why": {"running", "cancelled", "running"},
						"running":                    {"completed", "failed: why", "pending: try 1 failed: why", "running"},
					}[state]
					now += sim.Time(rapid.Int64Range(0, int64(end-now)).Draw(rt, "wait"))
					if len(next) == 0 || now >= end {
						break
					}
					state = rapid.SampledFrom(next).Draw(rt, "state")
					r.Observe([]sim.Observation{{At: now, Device: sim.DeviceID(fmt.Sprint("d", d)), Event: sim.EventChild, Job: id, Text: state}})
					events[fmt.Sprint(id, d)] = append(events[fmt.Sprint(id, d)], seen{now, strings.SplitN(state, ":", 2)[0]})
				}
			}
		}
		c := r.campaign(end, devices, jobs)
		if c == nil {
			for _, list := range events {
				for _, e := range list {
					if e.state != "pending" {
						rt.Fatalf("no campaign of %v", events)
					}
				}
			}
			return
		}
		n := int((int64(end) + c.BucketNs - 1) / c.BucketNs)
		if n > MaxBuckets || c.EndNs != int64(end) {
			rt.Fatalf("%d parts of %d ns until %d; want until %d", n, c.BucketNs, c.EndNs, end)
		}
		got := map[string][]int{}
		for _, s := range c.Children {
			got[s.State] = s.Counts
			if len(s.Counts) != n {
				rt.Fatalf("%s: %d counts; want %d", s.State, len(s.Counts), n)
			}
		}
		for i := range n {
			want := map[string]int{}
			until := sim.Time(int64(i+1) * c.BucketNs)
			for id, at := range begun {
				for d := range devices {
					state := "pending"
					for _, e := range events[fmt.Sprint(id, d)] {
						if e.at < until {
							state = e.state
						}
					}
					if at < until {
						want[state]++
					}
				}
			}
			for _, state := range ChildStates {
				have := 0
				if got[state] != nil {
					have = got[state][i]
				}
				if have != want[state] {
					rt.Fatalf("%d parts %s at the end of part %d of %d ns; want %d\n%v", have, state, i, c.BucketNs, want[state], events)
				}
			}
		}
	})
}

// Many shards and one know the same, and every device is in one state.
func TestCampaignShards(t *testing.T) {
	var want []byte
	for _, shards := range []int{1, 8} {
		r := New(Options{Shards: shards, MaxEvents: -1})
		const n = 1000
		for i := range n {
			id := sim.DeviceID(fmt.Sprint("dev-", i))
			at := func(ms int) sim.Time { return sim.Time(ms+i) * sim.Time(time.Millisecond) }
			r.Observe([]sim.Observation{
				{At: at(0), Device: id, Event: sim.EventConnect, Text: "accepted"},
				{At: at(500), Device: id, Event: sim.EventChild, Job: "fw", Text: "running"},
				{At: at(600), Device: id, Event: sim.EventResource, Text: "FirmwareUpdateState=2"},
				{At: at(900), Device: id, Event: sim.EventResource, Text: "FirmwareUpdateState=3"},
				{At: at(950), Device: id, Event: sim.EventExecute, Text: "UpdateFirmware"},
				{At: at(1200), Device: id, Event: sim.EventDevice, Text: "down"},
				{At: at(1700), Device: id, Event: sim.EventConnect, Text: "accepted"},
				{At: at(1750), Device: id, Event: sim.EventResource, Text: "FirmwareUpdateState=1"},
				{At: at(1760), Device: id, Event: sim.EventChild, Job: "fw", Text: "completed"},
				{At: at(1760), Device: id, Metric: sim.MetricDeviceJob, Value: int64(time.Second) + int64(i%7)},
				{At: at(1760), Device: id, Metric: sim.MetricDownload, Value: int64(i)},
			})
		}
		s := &Summary{Epoch: "2026-01-01T00:00:00Z", End: "2026-01-01T00:00:04Z", Kind: Live, Verdict: Passed, Devices: Devices{Total: n + 5}}
		r.Fill(s)
		for i := range s.Campaign.Devices[0].Counts {
			sum := 0
			for _, d := range s.Campaign.Devices {
				sum += d.Counts[i]
			}
			if sum != n+5 {
				t.Fatalf("part %d: %d devices; want %d", i, sum, n+5)
			}
		}
		if s.Campaign.EndNs != int64(4*time.Second) || s.Campaign.BucketNs != int64(32*time.Millisecond) {
			t.Errorf("until %d in parts of %d", s.Campaign.EndNs, s.Campaign.BucketNs)
		}
		got, err := json.Marshal([]any{s.Campaign, s.Slowest})
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		} else if !bytes.Equal(want, got) {
			t.Errorf("%d shards: %s\nwant %s", shards, got, want)
		}
		if len(s.Slowest) != MaxSlowest || s.Slowest[0].Device != "dev-104" || s.Slowest[1].Device != "dev-111" {
			t.Errorf("slowest: %+v", s.Slowest) // of those with the longest time the first by id
		}
		if d := cmp.Diff([]DeviceTotal{{"download", 1, 104, 104}, {"device_job", 1, 1_000_000_006, 1_000_000_006}}, s.Slowest[0].Metrics); d != "" {
			t.Errorf("metrics of the slowest (-want +got):\n%s", d)
		}
	}
}

// A campaign of nothing is none; of a run whose end is not known it ends with
// the last event; what came after the end does not count.
func TestCampaignEnds(t *testing.T) {
	r := New(Options{})
	if c := r.campaign(sim.Time(time.Hour), 5, nil); c != nil {
		t.Errorf("%+v; want none", c)
	}
	r.Observe([]sim.Observation{{At: sim.Time(3 * time.Second), Device: "d", Event: sim.EventConnect, Text: "accepted"}})
	for _, c := range []struct {
		end   time.Duration
		until time.Duration
		last  string
	}{{0, 3008 * time.Millisecond, "connected"}, {1, 1, "offline"}, {time.Second, time.Second, "offline"}, {2990 * time.Millisecond, 2990 * time.Millisecond, "offline"},
		{3001 * time.Millisecond, 3001 * time.Millisecond, "connected"}, {time.Hour, time.Hour, "connected"}} {
		got := r.campaign(sim.Time(c.end), 1, nil)
		last := got.Devices[len(got.Devices)-1]
		n := int64(len(last.Counts))
		if last.State != c.last || last.Counts[n-1] != 1 || n > MaxBuckets || got.EndNs != int64(c.until) || got.EndNs > n*got.BucketNs || got.EndNs <= (n-1)*got.BucketNs {
			t.Errorf("end %s: %d parts of %d ns until %d, at last %d %s; want until %s, 1 %s", c.end, n, got.BucketNs, got.EndNs, last.Counts[n-1], last.State, c.until, c.last)
		}
	}
}

func TestFailures(t *testing.T) {
	var jobs []Job
	for i := range 200 {
		jobs = append(jobs, Job{ID: fmt.Sprint(i), ParentID: "fw", DeviceID: fmt.Sprint("dev-", i), Status: "failed", FailureReason: fmt.Sprint("reason ", min(i/3, 60))})
		jobs = append(jobs, Job{ID: fmt.Sprint("c", i), ParentID: "fw", DeviceID: fmt.Sprint("dev-", i), Status: "completed"})
	}
	jobs = append(jobs, Job{ID: "fw", Status: "failed", FailureReason: "a parent is no device"})
	list := Failures(jobs)
	if len(list) != MaxFailures {
		t.Fatalf("%d rows; want %d", len(list), MaxFailures)
	}
	total := 0
	for _, f := range list {
		total += f.Count
		if len(f.Devices) != min(f.Count, MaxExamples) {
			t.Errorf("%+v: %d examples", f, len(f.Devices))
		}
	}
	if total != 200 {
		t.Errorf("%d failures; want 200", total)
	}
	if d := cmp.Diff(Failure{"fw", "reason 60", 20, []string{"dev-180", "dev-181", "dev-182", "dev-183", "dev-184"}}, list[0]); d != "" {
		t.Errorf("first row (-want +got):\n%s", d)
	}
	if d := cmp.Diff(Failure{"fw", "reason 0", 3, []string{"dev-0", "dev-1", "dev-2"}}, list[1]); d != "" {
		t.Errorf("second row (-want +got):\n%s", d)
	}
	if last := list[MaxFailures-1]; last.Reason != OtherReasons || last.Job != "" || last.Count != 36 {
		t.Errorf("last row: %+v", last)
	}
	if got := Failures(nil); got != nil {
		t.Errorf("of nothing: %+v", got)
	}
}

// Curves ascend from the smallest to the largest value, and each point is the
// percentile it says.
func TestCurve(t *testing.T) {
	if c := new(Distribution).Curve(); c != nil {
		t.Errorf("of nothing: %v", c)
	}
	for _, n := range []int{1, 2, 6, 64, 65, 1000, 300_000} {
		r := New(Options{Shards: 1, MaxEvents: -1})
		for i := range n {
			r.Observe([]sim.Observation{{At: 1, Device: "d", Metric: sim.MetricApply, Value: latency(i)}})
		}
		d := r.Fleet(sim.MetricApply)
		c := d.Curve()
		if len(c) < 2 || len(c) > 86 || c[0].P != 0 || c[0].Value != d.Percentile(0) || c[len(c)-1] != (Percentile{100, d.Max()}) {
			t.Fatalf("%d values: %d points, from %v to %v", n, len(c), c[0], c[len(c)-1])
		}
		for i := 1; i < len(c); i++ {
			if c[i].P <= c[i-1].P || c[i].Value < c[i-1].Value || c[i].Value != d.Percentile(c[i].P) {
				t.Fatalf("%d values: %v after %v; the percentile is %d", n, c[i], c[i-1], d.Percentile(c[i].P))
			}
		}
		if rest := (100 - c[len(c)-2].P) / 100 * float64(n); rest > 1.2 && len(c) < 86 {
			t.Errorf("%d values: %.1f of them are above the last point but one", n, rest)
		}
	}
}

// Times of a device do not overlap, and what it did beside its jobs is not
// their time.
func TestEffort(t *testing.T) {
	r := New(Options{Shards: 1})
	see := func(at sim.Time, m sim.Metric, took int64) {
		r.Observe([]sim.Observation{{At: at, Device: "d", Metric: m, Value: took}})
	}
	child := func(at sim.Time, state string) {
		r.Observe([]sim.Observation{{At: at, Device: "d", Event: sim.EventChild, Job: "fw", Text: state}})
	}
	see(50, sim.MetricRebootToReconnect, 40) // by itself
	child(100, "running")
	see(200, sim.MetricDownload, 90)
	see(400, sim.MetricRebootToReconnect, 120)
	see(450, sim.MetricApply, 230)
	see(600, sim.MetricRebootToReconnect, 30) // of a reboot that was not the update's
	see(800, sim.MetricApply, 100)
	see(900, sim.MetricDeviceJob, 800)
	child(900, "completed")
	see(1000, sim.MetricDownload, 60) // afterwards
	want := SlowDevice{Device: "d", Parts: 1, Took: 800, Download: 90, Apply: 110 + 100, Reboot: 150, Metrics: []DeviceTotal{
		{"download", 2, 150, 90}, {"apply", 2, 330, 230}, {"reboot_to_reconnect", 3, 190, 120}, {"device_job", 1, 800, 800}}}
	if d := cmp.Diff([]SlowDevice{want}, r.slowest()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
