package scenarios

import (
	"fmt"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// waitText is what is waited for, as it is written: one of three.
type waitText struct {
	length    placed[time.Duration]
	connected placed[int64] // all devices: -1
	job       placed[string]
	until     placed[string]
	timeout   placed[time.Duration]
}

var waitTable = newTable("wait", "wait", []key[waitText]{
	field("for", "a duration", where(anyDuration), func(v *waitText) *placed[time.Duration] { return &v.length }),
	field("connected", "so many devices are connected, or all", where(kind[int64]{
		schema: &schema{types: []string{"integer", "string"}, pattern: "^all$", min: "0"},
		read: func(r *reader, n *node) (int64, bool) {
			if n.kind == textNode && n.text == "all" {
				return -1, true
			}
			return integerOf("connected", 0, MaxDevices).read(r, n)
		},
	}), func(v *waitText) *placed[int64] { return &v.connected }),
	field("job", "id of a job", where(textOf("a job id", 1, 64)), func(v *waitText) *placed[string] { return &v.job }),
	field("until", "what the job is waited for; default ended", where(wordOf("what a job is waited for", "submitted", "ended")), func(v *waitText) *placed[string] { return &v.until }),
	field("timeout", "the step fails after this time; default: the run's timeout", where(anyDuration), func(v *waitText) *placed[time.Duration] { return &v.timeout }),
})

// poll is how often the number of connected devices is asked for.
const poll = 100 * time.Millisecond

// wait lets time pass, or waits for devices or a job.
var wait = verb("wait", "let time pass: `5s`, or {connected: all} or {job: fw}", kind[waitText]{
	schema: &schema{either: []*schema{{types: []string{"string"}, pattern: durationPattern}, waitTable.schema}},
	read: func(r *reader, n *node) (waitText, bool) {
		if n.kind == mapNode {
			return waitTable.kind().read(r, n)
		}
		d, ok := where(anyDuration).read(r, n)
		return waitText{length: d}, ok
	},
}, func(c *compiler, at spot, v waitText) func() Act {
	given := 0
	for _, ok := range [...]bool{v.length.ok, v.connected.ok, v.job.ok} {
		if ok {
			given++
		}
	}
	if given != 1 {
		c.r.complain(at, "write one of for, connected and job", "wait waits for one thing, has %d", given)
		return nil
	}
	if v.job.ok {
		j := c.find(v.job.v)
		if j == nil {
			c.noJob(v.job.at, v.job.v)
			return nil
		}
		if j.Schedule != nil && v.until.v != "submitted" {
			c.r.complain(v.job.at, "write `wait: 5s`", "job %s has a schedule: it has no end to wait for", quote(v.job.v))
			return nil
		}
	}
	if v.until.ok && !v.job.ok {
		c.r.complain(v.until.at, "", "until has no use without job")
	}
	if v.timeout.ok && v.length.ok {
		c.r.complain(v.timeout.at, "leave it out", "waiting for a time needs no timeout")
	}
	what := c.where(at) + ": wait"
	devices := 0
	for _, t := range c.troops {
		devices += t.count
	}
	if v.connected.ok && v.connected.v > int64(devices) {
		c.r.complain(v.connected.at, "", "the scenario has %d devices, %d can never be connected", devices, v.connected.v)
	}
	limit := func(now sim.Time) sim.Time {
		if v.timeout.ok {
			return now.Add(v.timeout.v)
		}
		return sim.Never
	}
	return func() Act {
		switch {
		case v.length.ok:
			return &waitTime{length: v.length.v}
		case v.job.ok:
			return &waitJob{job: v.job.v, submitted: v.until.v == "submitted", what: what, limit: limit}
		}
		want := int(v.connected.v)
		if want < 0 {
			want = devices
		}
		return &waitConnected{want: want, what: what, limit: limit}
	}
})

// waitTime lets a time pass from its first turn on.
type waitTime struct {
	length time.Duration
	end    sim.Time
	begun  bool
}

func (a *waitTime) Next(s Scene, t *Turn) {
	if !a.begun {
		a.begun, a.end = true, s.Now.Add(a.length)
	}
	t.Wake, t.Done = a.end, s.Now >= a.end
}

func (*waitTime) Answer(int, hub.Reply, error) {}

// waitJob waits for a job.
type waitJob struct {
	job, what string
	submitted bool
	limit     func(sim.Time) sim.Time
	end       sim.Time
	begun     bool
}

func (a *waitJob) Next(s Scene, t *Turn) {
	if !a.begun {
		a.begun, a.end = true, a.limit(s.Now)
	}
	t.Wake = a.end
	switch j := s.Job(a.job); {
	case j.Skipped:
		t.Done, t.Err = true, fmt.Errorf("%s: job %s is skipped: the job it comes after ended otherwise", a.what, a.job)
	case j.Submitted && (a.submitted || j.Status.Ended()):
		t.Done = true
	case s.Now >= a.end:
		t.Done, t.Err = true, fmt.Errorf("%s: job %s is not there in time", a.what, a.job)
	}
}

func (*waitJob) Answer(int, hub.Reply, error) {}

// waitConnected asks the hub's counters until enough devices are connected.
type waitConnected struct {
	want       int
	what       string
	limit      func(sim.Time) sim.Time
	end, again sim.Time
	begun      bool
	open       bool
	have       int
	err        error
}

func (a *waitConnected) Next(s Scene, t *Turn) {
	if !a.begun {
		a.begun, a.end, a.again, a.have = true, a.limit(s.Now), s.Now, -1
	}
	t.Wake = sim.Never
	switch {
	case a.open:
	case a.err != nil:
		t.Done, t.Err = true, fmt.Errorf("%s: %w", a.what, a.err)
	case a.have >= a.want:
		t.Done = true
	case s.Now >= a.end:
		t.Done, t.Err = true, fmt.Errorf("%s: %d devices are connected in time, not %d", a.what, max(a.have, 0), a.want)
	case s.Now >= a.again:
		a.open, a.again = true, s.Now.Add(poll)
		t.Do = append(t.Do, hub.GetCounters{})
	default:
		t.Wake = min(a.again, a.end)
	}
}

func (a *waitConnected) Answer(_ int, reply hub.Reply, err error) {
	a.open, a.err = false, err
	if err == nil && reply.Counters != nil {
		a.have = reply.Counters.Connected
	}
}
