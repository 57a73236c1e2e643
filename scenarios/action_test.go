package scenarios_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// hand plays one act the way its contract says, and writes down what happens.
type hand struct {
	t    *testing.T
	act  scenarios.Act
	now  sim.Time
	jobs map[string]scenarios.JobState
	done int // commands answered so far, by number
	todo []hub.Command
	log  strings.Builder
}

func newHand(t *testing.T, steps string) *hand {
	jobs := "jobs: [{id: fw, kind: rebootDevice, group: six}]"
	if strings.Contains(steps, "nightly") {
		jobs = "{duration: 1h, deviceGroups: {vans: label=van}, groups: {six: {count: 6}}, jobs: [{id: nightly, kind: rebootDevice, deviceGroup: vans, schedule: {at: 3s}}],\n steps: [" + steps + "]}"
		p := plan(t, jobs)
		return &hand{t: t, act: p.Steps[0].Act(), jobs: map[string]scenarios.JobState{"nightly": {Submitted: true, Status: job.Scheduled}}}
	}
	p := plan(t, jobs+"\nsteps: ["+steps+"]\n")
	return &hand{t: t, act: p.Steps[0].Act(), jobs: map[string]scenarios.JobState{}}
}

// next calls Next and returns whether the act is done.
func (h *hand) next() (done bool) {
	turn := scenarios.Turn{Wake: sim.Never}
	h.act.Next(scenarios.Scene{Now: h.now, Job: func(id string) scenarios.JobState { return h.jobs[id] }}, &turn)
	fmt.Fprintf(&h.log, "%s:", h.now)
	for _, c := range turn.Do {
		switch c := c.(type) {
		case hub.Invoke:
			fmt.Fprintf(&h.log, " invoke %s %s %s wait=%s+%s due=%s", c.ID, c.Method, c.Payload, c.ConnectTimeout, c.ResponseTimeout, c.Due)
		case hub.PatchTwin:
			fmt.Fprintf(&h.log, " patch %s desired=%s tags=%s", c.ID, c.Desired, c.Tags)
		case hub.SetLabels:
			fmt.Fprintf(&h.log, " labels %s %q", c.ID, c.Labels)
		case hub.CancelJob:
			fmt.Fprintf(&h.log, " cancel %s", c.ID)
		case hub.RerunJob:
			fmt.Fprintf(&h.log, " rerun %s as %s", c.ID, c.NewID)
		case hub.GetSchedule:
			fmt.Fprintf(&h.log, " schedule %s?", c.ID)
		case hub.EnableSchedule:
			fmt.Fprintf(&h.log, " schedule %s fires=%t", c.ID, c.Enabled)
		case hub.GetCounters:
			h.log.WriteString(" counters")
		default:
			h.t.Fatalf("unknown command %T", c)
		}
	}
	for _, s := range turn.Befall {
		fmt.Fprintf(&h.log, " befall %s %v %s to %s", s.Name, s.Who, s.Begin, s.End)
	}
	for _, name := range turn.Relieve {
		fmt.Fprintf(&h.log, " relieve %q", name)
	}
	h.todo = append(h.todo, turn.Do...)
	switch {
	case turn.Err != nil:
		fmt.Fprintf(&h.log, " failed: %v", turn.Err)
	case turn.Done:
		h.log.WriteString(" done")
	case turn.Wake != sim.Never:
		fmt.Fprintf(&h.log, " until %s", turn.Wake)
	}
	h.log.WriteByte('\n')
	return turn.Done
}

// answer brings the answer to the next command.
func (h *hand) answer(r hub.Reply, err error) {
	h.act.Answer(h.done, r, err)
	h.done++
}

func (h *hand) says(want string) {
	h.t.Helper()
	if got := strings.TrimSpace(h.log.String()); got != strings.TrimSpace(want) {
		h.t.Errorf("the act said:\n%s\nwant:\n%s", got, strings.TrimSpace(want))
	}
}

func TestWaitForTime(t *testing.T) {
	h := newHand(t, "{wait: 5s}")
	h.now = sim.Time(time.Second)
	h.next()
	h.now = sim.Time(3 * time.Second)
	h.next()
	h.now = sim.Time(6 * time.Second)
	if !h.next() {
		t.Error("not done")
	}
	h.says("1s: until 6s\n3s: until 6s\n6s: done")
}

func TestWaitForConnected(t *testing.T) {
	h := newHand(t, "{wait: {connected: all, timeout: 250ms}}")
	h.next()
	h.next() // nothing twice while one is open
	h.answer(hub.Reply{Counters: &hub.Counters{Connected: 5}}, nil)
	h.next()
	h.now += sim.Time(100 * time.Millisecond)
	h.next()
	h.answer(hub.Reply{Counters: &hub.Counters{Connected: 6}}, nil)
	h.next()
	h.says("0s: counters\n0s:\n0s: until 100ms\n100ms: counters\n100ms: done")

	h = newHand(t, "{wait: {connected: 3, timeout: 150ms}}")
	h.next()
	h.answer(hub.Reply{Counters: &hub.Counters{Connected: 2}}, nil)
	h.now += sim.Time(100 * time.Millisecond)
	h.next()
	h.answer(hub.Reply{Counters: &hub.Counters{Connected: 2}}, nil)
	h.next()
	h.now += sim.Time(50 * time.Millisecond)
	h.next()
	h.says("0s: counters\n100ms: counters\n100ms: until 150ms\n150ms: failed: x.yaml:2: wait: 2 devices are connected in time, not 3")

	h = newHand(t, "{wait: {connected: 3}}")
	h.next()
	h.answer(hub.Reply{}, errors.ErrUnsupported)
	h.next()
	h.says("0s: counters\n0s: failed: x.yaml:2: wait: unsupported operation")
}

func TestWaitForJob(t *testing.T) {
	h := newHand(t, "{wait: {job: fw, timeout: 10s}}")
	h.next()
	h.jobs["fw"] = scenarios.JobState{Submitted: true, Status: job.Running}
	h.next()
	h.jobs["fw"] = scenarios.JobState{Submitted: true, Status: job.Cancelled}
	h.next()
	h.says("0s: until 10s\n0s: until 10s\n0s: done")

	h = newHand(t, "{wait: {job: fw, until: submitted, timeout: 10s}}")
	h.next()
	h.jobs["fw"] = scenarios.JobState{Submitted: true}
	h.next()
	h.says("0s: until 10s\n0s: done")

	h = newHand(t, "{wait: {job: fw, timeout: 10s}}")
	h.next()
	h.now = sim.Time(10 * time.Second)
	h.next()
	h.says("0s: until 10s\n10s: failed: x.yaml:2: wait: job fw is not there in time")

	h = newHand(t, "{wait: {job: fw}}")
	h.next()
	h.jobs["fw"] = scenarios.JobState{Skipped: true}
	h.next()
	h.says("0s:\n0s: failed: x.yaml:2: wait: job fw is skipped: the job it comes after ended otherwise")
}

func TestInvoke(t *testing.T) {
	h := newHand(t, "{invoke: {devices: [D2, D1], method: reboot, payload: {delay: 1}, expect: 202, timeout: 10s, connectTimeout: 5s}}")
	h.now = sim.Time(time.Second)
	h.next()
	h.answer(hub.Reply{Status: 202}, nil)
	h.next()
	h.answer(hub.Reply{Status: 202}, nil)
	h.next()
	h.says(`1s: invoke D2 reboot {"delay":1} wait=5s+10s due=1s invoke D1 reboot {"delay":1} wait=5s+10s due=1s
1s:
1s: done`)

	h = newHand(t, "{invoke: {devices: [D2, D1, D3], method: blink}}")
	h.next()
	h.answer(hub.Reply{Status: 200}, nil)
	h.next()
	h.answer(hub.Reply{Status: 404}, nil)
	h.next()
	h.answer(hub.Reply{}, &hub.Error{Code: hub.CodeOffline, Message: "device not connected"})
	h.next()
	h.says(`0s: invoke D2 blink null wait=0s+30s due=0s invoke D1 blink null wait=0s+30s due=0s invoke D3 blink null wait=0s+30s due=0s
0s:
0s:
0s: failed: x.yaml:2: invoke blink: device D1: answered 404, expected 200 (and 1 more devices)`)
}

// A burst never has more than 100 commands open, asks every device once, and
// stops asking at the first bad answer.
func TestInvokeIsBounded(t *testing.T) {
	for _, bad := range []int{-1, 30} {
		p := plan(t, "groups: {g: {count: 2500}}\nsteps: [{invoke: {group: g, method: m}}]\n")
		act := p.Steps[0].Act()
		asked, answered := 0, 0
		for rounds := 0; ; rounds++ {
			var turn scenarios.Turn
			act.Next(scenarios.Scene{}, &turn)
			for _, c := range turn.Do {
				if id := c.(hub.Invoke).ID; id != p.Groups[0].Member(asked).ID {
					t.Fatalf("command %d is for %s", asked, id)
				}
				asked++
			}
			if open := asked - answered; open > 100 {
				t.Fatalf("%d commands are open", open)
			}
			if turn.Done {
				if (turn.Err != nil) != (bad >= 0) {
					t.Errorf("ended with %v", turn.Err)
				}
				break
			}
			status := int32(200)
			if answered == bad {
				status = 500
			}
			act.Answer(answered, hub.Reply{Status: status}, nil)
			answered++
			if rounds > 10_000 {
				t.Fatal("no end")
			}
		}
		if want := 2500; bad < 0 && asked != want || bad >= 0 && asked > bad+101 || asked != answered {
			t.Errorf("bad answer %d: asked %d, answered %d", bad, asked, answered)
		}
	}
}

func TestPatch(t *testing.T) {
	h := newHand(t, "{patch: {devices: [D1], desired: {a: 1.50, b: null, c: [true, x]}, tags: {site: north}}}")
	h.next()
	h.answer(hub.Reply{}, nil)
	h.next()
	h.says(`0s: patch D1 desired={"a":1.50,"b":null,"c":[true,"x"]} tags={"site":"north"}
0s: done`)

	h = newHand(t, "{patch: {devices: [D1, D2], tags: {a: 1}, labels: [van, north]}}")
	h.next()
	for range 3 {
		h.answer(hub.Reply{}, nil)
	}
	h.answer(hub.Reply{}, &hub.Error{Code: hub.CodeNotFound, Message: "gone"})
	h.next()
	h.says(`0s: patch D1 desired= tags={"a":1} labels D1 ["van" "north"] patch D2 desired= tags={"a":1} labels D2 ["van" "north"]
0s: failed: x.yaml:2: patch: device D2: gone`)

	h = newHand(t, "{patch: {devices: [D1], labels: []}}")
	h.next()
	h.answer(hub.Reply{}, nil)
	h.next()
	h.says("0s: labels D1 []\n0s: done")
}

func TestCancel(t *testing.T) {
	h := newHand(t, "{cancel: fw}")
	h.next()
	h.says("0s: failed: x.yaml:2: cancel fw: the job has not been submitted; put `wait: {job: fw, until: submitted}` before")

	h = newHand(t, "{cancel: fw}")
	h.jobs["fw"] = scenarios.JobState{Submitted: true, Status: job.Running}
	h.next()
	h.answer(hub.Reply{}, nil)
	h.next()
	h.says("0s: cancel fw\n0s: done")
}

func TestFaultStep(t *testing.T) {
	for _, x := range []struct{ step, want string }{
		{"{fault: loss=5% for 10s}", `3s: befall loss {0 6 []} 3s to 13s done`},
		{"{fault: {fault: partition, devices: [D2, D4]}}", `3s: befall partition {0 0 [1 3]} 3s to never done`},
		{"{fault: 'hub-restart=5s'}", `3s: befall hub-restart {0 0 []} 3s to 3s done`},
		{"{fault: {clear: all}}", `3s: relieve "" done`},
		{"{fault: reconnect-storm on D6}", `3s: befall reconnect-storm {0 0 [5]} 3s to 3s done`},
	} {
		h := newHand(t, x.step)
		h.now = sim.Time(3 * time.Second)
		h.next()
		h.says(x.want)
	}
	p := plan(t, "steps: [{fault: latency=1s on D1}, {fault: {clear: latency}}]\n")
	turn := scenarios.Turn{}
	p.Steps[1].Act().Next(scenarios.Scene{}, &turn)
	if len(turn.Relieve) != 1 || turn.Relieve[0] != "latency" || !turn.Done {
		t.Errorf("clear: %+v", turn)
	}
	if got := p.Faults[0]; got.Fault != "latency=1s by a step" || got.Devices != 1 {
		t.Errorf("faults: %+v", p.Faults)
	}
}

// Of a job with a schedule it is the newest instance that is stopped or rerun;
// its schedule itself is switched.
func TestSteerInstances(t *testing.T) {
	instances := func(ids ...string) hub.Reply { return hub.Reply{Schedules: []hub.Schedule{{Instances: ids}}} }
	h := newHand(t, "{rerun: nightly}")
	h.next()
	h.answer(instances("a1", "b2"), nil)
	h.next()
	h.answer(hub.Reply{}, nil)
	h.next()
	h.says("0s: schedule nightly?\n0s: rerun b2 as nightly-rerun\n0s: done")

	h = newHand(t, "{cancel: nightly}")
	h.next()
	h.answer(instances(), nil)
	h.next()
	h.says(`0s: schedule nightly?
0s: failed: x.yaml:2: cancel nightly: schedule "nightly" has no instance yet`)

	h = newHand(t, "{cancel: nightly}")
	h.next()
	h.answer(instances("a1"), nil)
	h.next()
	h.answer(hub.Reply{}, &hub.Error{Code: hub.CodeState, Message: "no"})
	h.next()
	h.says("0s: schedule nightly?\n0s: cancel a1\n0s: failed: x.yaml:2: cancel nightly: no")

	h = newHand(t, "{unschedule: nightly}")
	h.next()
	h.answer(hub.Reply{}, nil)
	h.next()
	h.says("0s: schedule nightly fires=false\n0s: done")
}

// Every row of Actions has a help and can be played more than once: a step's
// acts share nothing.
func TestActions(t *testing.T) {
	values := map[string]string{"wait": "1s", "invoke": "{group: six, method: m}", "patch": "{group: six, tags: {a: 1}}", "cancel": "fw",
		"stop": "fw", "resume": "fw", "rerun": "fw", "copy": "fw", "schedule": "nightly", "unschedule": "nightly", "fault": "latency=200ms on 50%"}
	for _, a := range scenarios.Actions {
		if a.Help == "" || values[a.Name] == "" {
			t.Fatalf("action %s has no help or no value in this test", a.Name)
		}
		p := plan(t, "duration: 1h\ndeviceGroups: {vans: label=van}\njobs: [{id: fw, kind: rebootDevice, group: six}, {id: nightly, kind: rebootDevice, deviceGroup: vans, schedule: {at: 3s}}]\nsteps: [{"+a.Name+": "+values[a.Name]+"}]\n")
		if s := p.Steps[0]; s.Verb != a.Name || s.Where != "x.yaml:4" || s.Act() == s.Act() {
			t.Errorf("step is %s at %s", s.Verb, s.Where)
		}
	}
}
