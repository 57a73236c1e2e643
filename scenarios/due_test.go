package scenarios_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/job"
)

func plan(t testing.TB, body string, sets ...string) *scenarios.Plan {
	t.Helper()
	if !strings.Contains(body, "groups") {
		body += six
	}
	p, err := scenarios.Load(scenarios.Source{Name: "x.yaml", Text: []byte(body)}, sets)
	if err != nil {
		t.Fatalf("Load:\n%v", err)
	}
	return p
}

func TestDue(t *testing.T) {
	p := plan(t, `
jobs:
  - {id: d, kind: rebootDevice, group: six, after: c ended}
  - {id: a, kind: rebootDevice, group: six}
  - {id: b, kind: rebootDevice, group: six, at: 5s}
  - {id: c, kind: rebootDevice, group: six, after: a failed}
  - {id: e, kind: rebootDevice, group: six, after: a completed}
  - {id: f, kind: rebootDevice, group: six, at: 90s}
`)
	const (
		none      = "none"
		running   = "running"
		completed = "completed"
		failed    = "failed"
		cancelled = "cancelled"
		skipped   = "skipped"
	)
	for _, tt := range []struct {
		now         time.Duration
		states      string // of d a b c e f
		start, skip string
		next        time.Duration // -1: never
	}{
		{0, "none none none none none none", "a", "", 5 * time.Second},
		{0, "none running none none none none", "", "", 5 * time.Second},
		{5 * time.Second, "none none none none none none", "a b", "", 90 * time.Second},
		{6 * time.Second, "none running running none none none", "", "", 90 * time.Second},
		{6 * time.Second, "none completed running none none none", "e", "d c", 90 * time.Second},
		{6 * time.Second, "skipped completed running skipped running none", "", "", 90 * time.Second},
		{6 * time.Second, "none failed running none none none", "c", "e", 90 * time.Second},
		{6 * time.Second, "none failed running running skipped none", "", "", 90 * time.Second},
		{6 * time.Second, "none failed running cancelled skipped none", "d", "", 90 * time.Second},
		{6 * time.Second, "none cancelled running none none none", "", "d c e", 90 * time.Second},
		{2 * time.Minute, "skipped completed completed skipped completed none", "f", "", -1},
		{2 * time.Minute, "skipped completed completed skipped completed running", "", "", -1},
	} {
		states := make([]scenarios.JobState, len(p.Jobs))
		for i, word := range strings.Fields(tt.states) {
			switch word {
			case none:
			case skipped:
				states[i].Skipped = true
			case running, completed, failed, cancelled:
				s, _ := job.ParseStatus(word)
				states[i] = scenarios.JobState{Submitted: true, Status: s}
			}
		}
		want := sim.Time(tt.next)
		if tt.next < 0 {
			want = sim.Never
		}
		start, skip, next := p.Due(sim.Time(tt.now), states)
		if got := names(p, start); got != tt.start {
			t.Errorf("at %s with %q starts %q, want %q", tt.now, tt.states, got, tt.start)
		}
		if got := names(p, skip); got != tt.skip {
			t.Errorf("at %s with %q skips %q, want %q", tt.now, tt.states, got, tt.skip)
		}
		if next != want {
			t.Errorf("at %s with %q comes again at %s, want %s", tt.now, tt.states, next, want)
		}
	}
}

func names(p *scenarios.Plan, places []int) string {
	var ids []string
	for _, i := range places {
		ids = append(ids, p.Jobs[i].ID)
	}
	return strings.Join(ids, " ")
}

// A delay counts from the instant Due first saw the end, however often it is
// asked.
func TestDueDelay(t *testing.T) {
	p := plan(t, `
jobs:
  - {id: a, kind: rebootDevice, group: six}
  - {id: b, kind: rebootDevice, group: six, after: a ended, delay: 2s}
`)
	states := []scenarios.JobState{{Submitted: true, Status: job.Running}, {}}
	second := sim.Time(time.Second)
	for _, tt := range []struct {
		now   sim.Time
		start string
		next  sim.Time
	}{{second, "", sim.Never}, {3 * second, "", 5 * second}, {4 * second, "", 5 * second}, {5 * second, "b", sim.Never}} {
		if tt.now == 3*second {
			states[0].Status = job.Cancelled
		}
		start, _, next := p.Due(tt.now, states)
		if names(p, start) != tt.start || next != tt.next {
			t.Errorf("at %s starts %q, next %s; want %q, %s", tt.now, names(p, start), next, tt.start, tt.next)
		}
	}
}

// Every job of a plan without cycles is started or skipped in the end,
// whatever becomes of the others.
func TestDueComesToAnEnd(t *testing.T) {
	outcomes := []string{"completed", "failed", "cancelled", "ended"}
	for seed := range uint64(200) {
		r := sim.NewRand(seed, 1)
		n := int(r.N(8)) + 1
		var lines []string
		for i := range n {
			line := fmt.Sprintf("  - {id: j%d, kind: rebootDevice, group: six", i)
			if i > 0 && r.N(3) > 0 {
				line += fmt.Sprintf(", after: j%d %s", r.N(int64(i)), outcomes[r.N(4)])
			} else {
				line += fmt.Sprintf(", at: %ds", r.N(10))
			}
			lines = append(lines, line+"}")
		}
		for i := n - 1; i > 0; i-- { // the order in the file does not matter
			k := int(r.N(int64(i + 1)))
			lines[i], lines[k] = lines[k], lines[i]
		}
		p := plan(t, "jobs:\n"+strings.Join(lines, "\n")+"\n")
		states := make([]scenarios.JobState, n)
		now, rounds := sim.Time(0), 0
		for {
			start, skip, next := p.Due(now, states)
			for _, i := range start {
				states[i] = scenarios.JobState{Submitted: true, Status: job.Running}
			}
			for _, i := range skip {
				states[i].Skipped = true
			}
			if again, more, _ := p.Due(now, states); len(again)+len(more) > 0 {
				t.Fatalf("seed %d: said twice: %v %v", seed, again, more)
			}
			var open []int
			for i := range states {
				if states[i].Submitted && !states[i].Status.Ended() {
					open = append(open, i)
				}
			}
			if len(open) == 0 && next == sim.Never {
				break
			}
			if len(open) == 0 {
				now = next
				continue
			}
			states[open[r.N(int64(len(open)))]].Status = []job.Status{job.Completed, job.Failed, job.Cancelled}[r.N(3)]
			if rounds++; rounds > 100 {
				t.Fatalf("seed %d: no end", seed)
			}
		}
		if i := slices.IndexFunc(states, func(s scenarios.JobState) bool { return !s.Skipped && !s.Status.Ended() }); i >= 0 {
			t.Fatalf("seed %d: job %s was neither played nor skipped:\n%s", seed, p.Jobs[i].ID, strings.Join(lines, "\n"))
		}
	}
}

// What the kinds need reaches the engine as it wants it.
func TestSpec(t *testing.T) {
	p := plan(t, `
packages: {fw: {version: 3.0, size: 1KiB}}
jobs:
  - {id: fw, kind: firmwareUpdate, group: six, package: fw, timeout: 2m, stepTimeout: 10s, inFlight: 2, grace: 0s}
  - {id: uri, kind: firmwareUpdate, devices: [D2, D1], packageUri: "http://nowhere/x", grace: 5s}
  - {id: read, kind: readDeviceProperties, group: six, names: [batterylevel, configname]}
  - {id: write, kind: writeDeviceProperties, group: six, properties: {timezone: PST, BatteryLevel: 50, UtcOffset: "+01:00"}}
  - {id: conf, kind: updateDeviceConfiguration, group: six, value: '{"pmin":"1s"}'}
`)
	var out strings.Builder
	for i := range p.Jobs {
		s := p.Spec(&p.Jobs[i], "http://here/fw")
		fmt.Fprintf(&out, "%s %s %v uri=%q conf=%q names=%v timeout=%s step=%s inFlight=%d grace=%s", s.ID, s.Kind, s.Targets, s.PackageURI, s.Configuration, s.Names, s.Timeout, s.StepTimeout, s.InFlight, s.Grace)
		for _, m := range s.Properties {
			fmt.Fprintf(&out, " %s=%s", m.Name, m.Value)
		}
		out.WriteByte('\n')
		if err := job.Check(&s); err != nil {
			t.Errorf("job %s: %v", s.ID, err)
		}
	}
	const want = `fw firmwareUpdate [D1 D2 D3 D4 D5 D6] uri="http://here/fw" conf="" names=[] timeout=2m0s step=10s inFlight=2 grace=-1ns
uri firmwareUpdate [D2 D1] uri="http://nowhere/x" conf="" names=[] timeout=0s step=0s inFlight=0 grace=5s
read readDeviceProperties [D1 D2 D3 D4 D5 D6] uri="" conf="" names=[BatteryLevel ConfigurationName] timeout=0s step=0s inFlight=0 grace=0s
write writeDeviceProperties [D1 D2 D3 D4 D5 D6] uri="" conf="" names=[] timeout=0s step=0s inFlight=0 grace=0s Timezone="PST" BatteryLevel=50 UtcOffset="+01:00"
conf updateDeviceConfiguration [D1 D2 D3 D4 D5 D6] uri="" conf="{\"pmin\":\"1s\"}" names=[] timeout=0s step=0s inFlight=0 grace=0s
`
	if out.String() != want {
		t.Errorf("specs:\n%s\nwant:\n%s", out.String(), want)
	}
	// Targets are the caller's: a second call is not touched by what it does.
	p.Spec(&p.Jobs[1], "").Targets[0] = "X"
	if got := p.Spec(&p.Jobs[1], "").Targets[0]; got != "D2" {
		t.Errorf("targets are shared: %s", got)
	}
}

// Each row of the engine's kinds can be written in a scenario.
func TestEveryKindCanBeWritten(t *testing.T) {
	needs := map[string]string{
		"firmwareUpdate": "packageUri: 'http://x/y'", "updateDeviceConfiguration": "value: x",
		"readDeviceProperties": "names: [Timezone]", "writeDeviceProperties": "properties: {Timezone: PST}",
		"property": "values: {LightThreshold: 120, thermostat.TempThreshold: 21.5}", "cloudProperty": "values: {Site: north}",
		"command": "command: blink, payload: {times: 3}",
	}
	for i := range job.Kinds {
		name := job.Kinds[i].Name
		more := needs[name]
		if more != "" {
			more = ", " + more
		}
		p := plan(t, "jobs: [{id: a, group: six, kind: "+name+more+"}]\n")
		if p.Jobs[0].Kind != name || p.Jobs[0].Devices != 6 {
			t.Errorf("job is %+v", p.Jobs[0])
		}
	}
}
