package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/reports"
	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
)

// timeline reads what the run left of all its devices.
func (r result) timeline(t *testing.T) []sim.Observation {
	t.Helper()
	f, err := os.Open(filepath.Join(r.dir, "timeline.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := reports.ReadEvents(f)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestBatchesLive: by the devices' own clocks alone, no device of a batch hears
// of the job before the last one of the batch before has carried it out, also
// where devices fail. The report says how the batches followed each other.
func TestBatchesLive(t *testing.T) {
	t.Parallel()
	bubble(t, batchesLive)
}

func batchesLive(t *testing.T) {
	const devices, size = 100, 10
	args := append([]string{"run", "batches-10k"}, small("jobs.ready.at=100ms", fmt.Sprintf("groups.fleet.count=%d", devices), "groups.fleet.mix.0.every=10",
		"jobs.waves.cancellationThreshold.value=10%",
		"expect=[job.waves.failed == 10%, job.waves.succeeded == 90%, job.waves.batches == 10, job.strict.status == cancelled, job.strict.failed == 1, job.strict.pending == 90]")...)
	r := flotilla(t, args...).ends(t, exitPassed)
	heard, done := map[sim.DeviceID]sim.Time{}, map[sim.DeviceID]sim.Time{} // of the first job, when devices did
	failed := 0
	for _, o := range r.timeline(t) {
		_, again := done[o.Device]
		switch {
		case again: // the second job's
		case o.Event == sim.EventCall:
			heard[o.Device] = o.At
		case o.Event == sim.EventCommand:
			done[o.Device] = o.At
			if o.Text == "service 500" {
				failed++
			}
		}
	}
	if len(heard) != devices || len(done) != devices || failed != devices/10 {
		t.Fatalf("%d devices heard of it, %d did it, %d of them failed; want %d, %d, %d", len(heard), len(done), failed, devices, devices, devices/10)
	}
	id := func(i int) sim.DeviceID { return sim.DeviceID(fmt.Sprintf("dev-%05d", i+1)) }
	for batch := 1; batch < devices/size; batch++ {
		end, begin := sim.Time(0), sim.Never
		for i := range size {
			end, begin = max(end, done[id((batch-1)*size+i)]), min(begin, heard[id(batch*size+i)])
		}
		if begin < end {
			t.Errorf("batch %d begins at %s, before the end of batch %d at %s", batch+1, begin, batch, end)
		}
	}
	s := r.summary(t)
	i := slices.IndexFunc(s.Jobs, func(j record.Job) bool { return j.ID == "waves" })
	b := s.Jobs[i].Batches
	if b == nil || b.Size != size || b.Number != 10 || b.Ended != 10 || len(b.List) != 10 {
		t.Fatalf("the report says %+v", b)
	}
	var sum int64
	for n, x := range b.List {
		if x.Devices != size || x.Failed != 1 || x.TookNs <= 0 || x.GapNs < 0 || n == 0 && x.GapNs != 0 {
			t.Errorf("batch %d is %+v", n+1, x)
		}
		sum += x.TookNs + x.GapNs
	}
	if b.MakespanNs != sum || b.LongestNs > b.MakespanNs || b.ShortestNs > b.MeanNs || b.MeanNs > b.LongestNs || b.GapMaxNs < b.GapMeanNs {
		t.Errorf("makespan %d, batches and gaps add up to %d; %+v", b.MakespanNs, sum, b)
	}
	for _, word := range []string{"BATCHES", "MAKESPAN", "10 of 10"} {
		if !strings.Contains(r.stdout, word) {
			t.Errorf("the report does not say %s:\n%s", word, r.stdout)
		}
	}
}

// TestThresholdLive: the failure that exceeds the threshold cancels the job,
// none is begun after it, and what was in flight counts.
func TestThresholdLive(t *testing.T) {
	t.Parallel()
	bubble(t, thresholdLive)
}

func thresholdLive(t *testing.T) {
	r := flotilla(t, "run", "threshold-cancel", "--quiet").ends(t, exitPassed)
	failed, cancelled, ended := 0, false, 0
	for _, o := range r.timeline(t) {
		switch {
		case o.Job != "wave":
		case o.Event == sim.EventJob && o.Text == "cancelled":
			cancelled = true
			if failed != 2 {
				t.Errorf("cancelled after %d failures; want 2", failed)
			}
		case o.Event == sim.EventChild && o.Text == "running" && cancelled:
			t.Errorf("device %s was begun after the job was cancelled", o.Device)
		case o.Event == sim.EventChild && strings.HasPrefix(o.Text, "failed"):
			failed++
			ended++
		case o.Event == sim.EventChild && o.Text == "completed":
			ended++
		}
	}
	if !cancelled || failed != 2 || ended != 5 {
		t.Errorf("cancelled %t, %d failed, %d ended; want true, 2 and all 5 that were in flight", cancelled, failed, ended)
	}
}

// TestSchedulesLive: a one-time schedule three seconds ahead and one of every
// five seconds fire, never before their time, over the devices their group has.
func TestSchedulesLive(t *testing.T) {
	t.Parallel()
	bubble(t, schedulesLive)
}

func schedulesLive(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plans.yaml")
	if err := os.WriteFile(file, []byte(`
description: schedules fire
groups:
  vans: {count: 3, id: "van-{number}", tags: {site: north}, answer: 1ms..5ms, commands: {service: {}}}
  cars: {count: 2, id: "car-{number}", tags: {site: south}, answer: 1ms..5ms, commands: {service: {}}}
deviceGroups: {north: tags.site=north, any: "SELECT * FROM devices"}
jobs:
  - {id: once, kind: command, command: service, durable: true, deviceGroup: north, timeout: 1m, schedule: {at: 3s}}
  - {id: often, kind: cloudProperty, values: {seen: true}, deviceGroup: any, timeout: 1m, schedule: {at: 2s, every: 5s}}
  - {id: never, kind: rebootDevice, deviceGroup: any, timeout: 1m, schedule: {at: 1s, enabled: false}}
steps:
  - wait: 8s
  - unschedule: often
duration: 10s
expect:
  - schedule.once.instances == 1
  - schedule.once.completed == true
  - job."once - 1".succeeded == 3
  - schedule.often.instances >= 1
  - schedule.often.enabled == false
  - job."often - 1".succeeded == 5
  - schedule.never.instances == 0
`), 0o644); err != nil {
		t.Fatal(err)
	}
	r := flotilla(t, "run", file).ends(t, exitPassed)
	nominal := map[string]sim.Time{"once - 1": sim.Time(3 * time.Second), "often - 1": sim.Time(2 * time.Second), "often - 2": sim.Time(7 * time.Second)}
	seen, done := 0, 0
	for _, o := range r.timeline(t) {
		if o.Event == sim.EventCommand {
			if done++; o.At < nominal["once - 1"] || !strings.HasPrefix(string(o.Device), "van-") {
				t.Errorf("%s carries out %s at %s", o.Device, o.Text, o.At)
			}
		}
		name, ok := strings.CutPrefix(o.Text, "pending: ")
		if o.Event != sim.EventJob || !ok {
			continue
		}
		seen++
		if at := nominal[name]; at == 0 || o.At < at {
			t.Errorf("%q comes at %s; its time is %s", name, o.At, at)
		}
		if !strings.Contains(r.stdout, name+" ") {
			t.Errorf("%q is not in what the terminal shows:\n%s", name, r.stdout)
		}
	}
	if done != 3 {
		t.Errorf("%d devices carried the command out; want 3", done)
	}
	s := r.summary(t)
	if n := s.Schedules[0].Instances + s.Schedules[1].Instances; seen != n || len(s.Schedules) != 3 {
		t.Errorf("%d instances came, the schedules count %d: %+v", seen, n, s.Schedules)
	}
}

// TestDurableLive: commands wait in the hub for devices that come later, with
// both MQTT clients.
func TestDurableLive(t *testing.T) {
	for name := range clients { // any order: each for itself
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) { durableLive(t, name) })
		})
	}
}

func durableLive(t *testing.T, client string) {
	r := flotilla(t, "run", "durable-command", "--quiet", "--client", client, "--set", "steps.1.wait=3s",
		"--set", "expect=[job.durable.succeeded == 10, hub.commandsQueued == 10, hub.commandsDelivered == 100%]").ends(t, exitPassed)
	calls, done := map[sim.DeviceID]int{}, map[sim.DeviceID]int{}
	for _, o := range r.timeline(t) {
		switch o.Event {
		case sim.EventCall:
			calls[o.Device]++
		case sim.EventCommand:
			done[o.Device]++
		}
	}
	for i := 1; i <= 5; i++ {
		early, late := sim.DeviceID(fmt.Sprintf("early-%d", i)), sim.DeviceID(fmt.Sprintf("late-%d", i))
		if calls[early] != 2 || done[early] != 2 || calls[late] < 1 || done[late] != calls[late] {
			t.Errorf("%s heard %d commands and carried out %d, %s %d and %d; want both of them, and what came when it was there", early, calls[early], done[early], late, calls[late], done[late])
		}
	}
}

// TestMonth: one digest a seed, instances and all.
func TestMonth(t *testing.T) {
	t.Parallel()
	month := func(seed string) string {
		args := []string{"run", "month-of-schedules", "--virtual", "--quiet", "--seed", seed}
		for _, set := range smaller["month-of-schedules"] {
			args = append(args, "--set", set)
		}
		return flotilla(t, args...).ends(t, exitPassed).summary(t).Digest
	}
	a, b, c := month("1"), month("1"), month("2")
	if a != b || a == c {
		t.Errorf("seed 1 gives %s and %s, seed 2 %s", a, b, c)
	}
}

// TestProgressOfInstances: a table that is drawn anew keeps the newest
// instances of a schedule, those that have not ended, and the jobs of the plan.
func TestProgressOfInstances(t *testing.T) {
	var out strings.Builder
	p := &progress{w: &out, plan: &scenarios.Plan{}, redraw: true, jobs: []*shownJob{{id: "once"}}}
	event := func(id, text string) { p.event(sim.Observation{Event: sim.EventJob, Job: id, Text: text}) }
	event("once", "completed")
	for i := range 40 {
		id := fmt.Sprintf("uuid-%d", i+1)
		event(id, fmt.Sprintf("pending: nightly - %d", i+1))
		event(id, "running")
		if i != 2 {
			event(id, "completed")
		}
	}
	p.draw(0, nil)
	for _, n := range []int{1, 2, 29} {
		if strings.Contains(out.String(), fmt.Sprintf("nightly - %d ", n)) {
			t.Errorf("nightly - %d is shown still:\n%s", n, out.String())
		}
	}
	for _, name := range []string{"once ", "nightly - 3 ", "nightly - 35 ", "nightly - 40 "} {
		if !strings.Contains(out.String(), name) {
			t.Errorf("%sis not shown:\n%s", name, out.String())
		}
	}
}
