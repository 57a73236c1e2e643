package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/flotilla-sim/flotilla/harness"
	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// progress shows a run while it lasts: the jobs as they change, children
// first and their parent last. On a terminal a live run shows a table that is
// drawn anew; elsewhere every change is a line. Jobs of many devices show
// their counts alone.
type progress struct {
	w       io.Writer
	plan    *scenarios.Plan
	quiet   bool
	redraw  bool
	mu      sync.Mutex // guards what is below: events come from several goroutines
	jobs    []*shownJob
	drawn   int       // lines of the table on the screen
	last    time.Time // when counts were last printed as a line
	changed bool
}

// fewDevices is up to how many devices a job's children are shown one by one.
const fewDevices = 20

type shownJob struct {
	id, kind, state string
	label           string // what it is called, if not by its id
	since           sim.Time
	devices         int
	children        []shownChild
	message         string
}

type shownChild struct {
	device, state string
	since         sim.Time
}

func newProgress(w io.Writer, plan *scenarios.Plan, f *runFlags) *progress {
	p := &progress{w: w, plan: plan, quiet: f.quiet, redraw: isTerminal(w) && !f.virtual}
	for i := range plan.Jobs {
		j := &plan.Jobs[i]
		devices := j.Devices
		if j.DeviceGroup != "" { // how many it has is not known yet
			devices = plan.Devices
		}
		p.jobs = append(p.jobs, &shownJob{id: j.ID, kind: j.Kind, devices: devices})
	}
	return p
}

func (p *progress) begin() {
	if !p.quiet {
		fmt.Fprintf(p.w, "%s: %s, %s\n", p.plan.Name, count(p.plan.Devices, "device"), count(len(p.plan.Jobs), "job"))
	}
}

// event takes in what happened to a job or a child.
func (p *progress) event(o sim.Observation) {
	if p.quiet {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var j *shownJob
	for i := len(p.jobs) - 1; i >= 0 && j == nil; i-- { // it is mostly one of the newest
		if p.jobs[i].id == o.Job {
			j = p.jobs[i]
		}
	}
	if j == nil {
		j = &shownJob{id: o.Job, devices: fewDevices + 1}
		p.forget()
		p.jobs = append(p.jobs, j)
	}
	switch o.Event {
	case sim.EventJob:
		if state, name, named := strings.Cut(o.Text, ": "); named { // an instance of a schedule comes to be
			j.label, o.Text = name, state
		}
		j.state, j.since = o.Text, o.At
		if !p.redraw {
			fmt.Fprintf(p.w, "%10s  %-20s %s\n", clock(o.At), j.name(), o.Text)
		}
	case sim.EventChild:
		if j.devices > fewDevices {
			return
		}
		j.set(string(o.Device), o.Text, o.At)
		if !p.redraw {
			fmt.Fprintf(p.w, "%10s  %-20s   %-24s %s\n", clock(o.At), j.id, o.Device, o.Text)
		}
	}
	p.changed = true
}

// name is what the job is called on the screen.
func (j *shownJob) name() string { return cmp.Or(j.label, j.id) }

// fewInstances is how many instances of schedules are shown at the same time,
// beside those that have not ended: a schedule makes more and more.
const fewInstances = 10

// forget takes the oldest instances that have ended off the screen.
func (p *progress) forget() {
	instances := 0
	for _, j := range p.jobs {
		if j.label != "" {
			instances++
		}
	}
	p.jobs = slices.DeleteFunc(p.jobs, func(j *shownJob) bool {
		if j.label == "" || instances <= fewInstances || !j.over() {
			return false
		}
		instances--
		return true
	})
}

// over says whether nothing more will come of the job.
func (j *shownJob) over() bool {
	return j.state == job.Completed.String() || j.state == job.Failed.String() || j.state == job.Cancelled.String()
}

func (j *shownJob) set(device, state string, at sim.Time) {
	for i := range j.children {
		if j.children[i].device == device {
			j.children[i] = shownChild{device, state, at}
			return
		}
	}
	j.children = append(j.children, shownChild{device, state, at})
}

// watch takes in the counts of the jobs and draws the table.
func (p *progress) watch(x harness.Progress) {
	if p.quiet {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, v := range x.Jobs {
		for _, j := range p.jobs {
			if j.id == v.ID && j.message != v.StatusMessage {
				j.message, p.changed = v.StatusMessage, true
			}
		}
	}
	if p.redraw {
		p.draw(x.Now, x.Counters)
		return
	}
	if now := time.Now(); now.Sub(p.last) >= 5*time.Second {
		p.last = now
		for _, j := range p.jobs {
			if j.devices > fewDevices && j.state == "running" {
				fmt.Fprintf(p.w, "%10s  %-20s running  %s\n", clock(x.Now), j.name(), j.message)
			}
		}
	}
}

// draw draws the table over the one before.
func (p *progress) draw(now sim.Time, c *hub.Counters) {
	var b strings.Builder
	if p.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", p.drawn)
	}
	lines := 0
	line := func(format string, args ...any) {
		s := []rune(fmt.Sprintf(format, args...))
		b.WriteString("\x1b[K" + string(s[:min(len(s), width(p.w)-1)]) + "\n")
		lines++
	}
	if c != nil {
		line("%10s  %d of %d devices connected", clock(now), c.Connected, p.plan.Devices)
	} else {
		line("%10s  %s", clock(now), count(p.plan.Devices, "device"))
	}
	for _, j := range p.jobs {
		if j.state == "" {
			continue
		}
		for _, c := range j.children {
			line("%10s    %-24s %s", clock(c.since), c.device, c.state)
		}
		line("%10s  %-26s %s  %s", clock(j.since), j.name(), j.state, j.message)
	}
	b.WriteString("\x1b[J") // it may have become shorter
	io.WriteString(p.w, b.String())
	p.drawn, p.changed = lines, false
}

func (p *progress) end() {
	if p.quiet {
		return
	}
	fmt.Fprintln(p.w)
}

// count writes a number of things.
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// clock writes an instant of the run in seconds with milliseconds.
func clock(t sim.Time) string {
	if t >= sim.Time(time.Hour) {
		return time.Duration(t).Truncate(time.Second).String()
	}
	return fmt.Sprintf("%.3fs", time.Duration(t).Seconds())
}
