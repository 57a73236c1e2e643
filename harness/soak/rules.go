package soak

import (
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// child follows one device's part of a job.
func (j *judge) child(r *record, o *sim.Observation) {
	word, _, _ := strings.Cut(o.Text, ":")
	id, p := r.spec.ID, r.children[o.Device]
	if p == nil {
		j.breaks("job %s works on %s, which is none of its devices", id, o.Device)
		return
	}
	if ended(p.state) {
		j.breaks("%s of %s goes from %s to %s", o.Device, id, p.state, word)
	}
	p.state = word
	switch {
	case word == "running":
		j.begins(r, o.Device, p)
	case ended(word):
		p.end = o.At
		if word == "completed" {
			j.didIt(r, o.Device, p)
		}
	}
}

// begins holds the rules of who may be started when.
func (j *judge) begins(r *record, dev sim.DeviceID, p *part) {
	id := r.spec.ID
	if r.state != "running" {
		j.breaks("%s of %s begins while the job is %s", dev, id, r.state)
	}
	p.begun++
	if p.begun == 1 {
		p.start = j.now
	}
	most := 1
	if r.spec.Retry != nil {
		most += r.spec.Retry.Attempts
	}
	if p.begun > most {
		j.breaks("%s of %s begins for the %d. time; %d are allowed", dev, id, p.begun, most)
	}
	running := 0
	for i, other := range r.spec.Targets {
		switch o := r.children[other]; {
		case o.state == "running":
			running++
		case i/r.size < r.place[dev]/r.size && !ended(o.state):
			j.breaks("%s of %s begins while %s of an earlier batch is %s", dev, id, other, o.state)
		}
		if i/r.size > r.place[dev]/r.size && r.children[other].begun > 0 {
			j.breaks("%s of %s begins after %s of a later batch", dev, id, other)
		}
	}
	if n := r.spec.InFlight; n > 0 && running > n {
		j.breaks("%d devices of %s are in flight; the limit is %d", running, id, n)
	}
	if o := r.spec.Rollout; o != nil {
		r.starts = append(r.starts, j.now)
		if k := len(r.starts) - 1 - o.PerMinute - 1; k >= 0 && j.now.Sub(r.starts[k]) < time.Minute-time.Second && r.spec.Retry == nil {
			j.breaks("%s: %d devices in less than a minute; the rate is %d", id, o.PerMinute+2, o.PerMinute)
		}
	}
}

// executes says which resource a kind has a device execute.
var executes = map[string]string{"firmwareUpdate": "UpdateFirmware", "rebootDevice": "RebootDevice", "factoryResetDevice": "FactoryResetDevice"}

// didIt: a device's part is completed only if the device did it, meanwhile.
func (j *judge) didIt(r *record, dev sim.DeviceID, p *part) {
	what := executes[r.spec.Kind]
	if what == "" {
		return
	}
	for _, at := range j.devices[dev].executed[what] {
		if at >= p.start && at <= j.now {
			return
		}
	}
	j.breaks("%s of %s is completed, but the device did not execute %s", dev, r.spec.ID, what)
}

// resource follows a device's firmware: a version comes only through its
// states.
func (j *judge) resource(o *sim.Observation) {
	d := j.devices[o.Device]
	if v, ok := strings.CutPrefix(o.Text, "FirmwareVersion="); ok {
		if v == "3.0" && d.version != v && d.state != "3" {
			j.breaks("%s is at version %s without having downloaded it", o.Device, v)
		}
		d.version = v
	}
	if v, ok := strings.CutPrefix(o.Text, "FirmwareUpdateState="); ok {
		d.state = v
	}
}

// instant holds what must be true between instants: the hub's counts are
// those of its children and never go back, and a threshold has cancelled.
func (j *judge) instant(h *hub.Hub) {
	if !j.fresh || j.broken != "" {
		return
	}
	j.fresh = false
	jobs := h.View().Jobs
	for n := range jobs.Len() {
		v, ok := jobs.At(n)
		r := j.jobs[v.ID]
		if !ok || r == nil {
			continue
		}
		var sum job.Counts
		for _, c := range jobs.Children(n, 0, maxDevices) {
			sum.Total++
			switch c.Status {
			case job.Completed:
				sum.Succeeded++
			case job.Failed:
				sum.Failed++
			case job.Running:
				sum.Running++
			case job.Pending:
				sum.Pending++
			case job.Cancelled:
				sum.Cancelled++
			}
		}
		if sum != v.Counts {
			j.breaks("job %s counts %+v; its children are %+v", v.ID, v.Counts, sum)
		}
		if v.Counts.Succeeded < r.counts.Succeeded || v.Counts.Failed < r.counts.Failed {
			j.breaks("the counts of %s go back from %+v to %+v", v.ID, r.counts, v.Counts)
		}
		r.counts = v.Counts
		if r.state == "running" && j.exceeded(r) {
			j.breaks("job %s runs on above its threshold", v.ID)
		}
	}
}

// over holds what must be true in the end: everything has settled, and what
// nothing stood in the way of has succeeded.
func (j *judge) over(now sim.Time) {
	j.now = now
	j.fresh = true
	j.instant(j.hub)
	if j.broken != "" {
		return
	}
	for _, r := range j.order {
		if !r.settled {
			j.breaks("job %s never settles; it is %s", r.spec.ID, r.state)
		}
	}
	var out sim.Outbox
	reply, err := j.hub.Do(now, hub.GetCounters{}, &out)
	if err != nil || reply.Counters.Answers > reply.Counters.Calls {
		j.breaks("%v: %+v", err, reply.Counters)
	}
	j.unhindered()
}

// unhindered: a single job that nobody disturbs, over healthy devices that
// are there and answer in time, succeeds on each of them.
func (j *judge) unhindered() {
	c := j.c
	if len(c.Jobs) != 1 || len(c.Acts) > 0 || c.Jobs[0].At < sim.Time(90*time.Second) ||
		c.Profile.Answer.Max()+4*c.Latency.Max() >= c.Call {
		return
	}
	r, s := j.order[0], &c.Jobs[0].Spec
	if s.DeviceTimeout > 0 || s.StepTimeout > 0 || s.Rollout != nil || s.Gate != nil || s.InFlight > 0 || s.Batch != nil ||
		s.Timeout < 5*time.Minute || s.Threshold != nil {
		return
	}
	switch s.Kind {
	case "rebootDevice", "readDeviceProperties", "writeDeviceProperties", "property":
	default:
		return
	}
	for _, d := range c.Devices {
		if p := r.children[d.ID]; p != nil && d.Fault == "" && p.state != "completed" {
			j.breaks("%s of %s is %s; nothing stood in its way", d.ID, s.ID, p.state)
		}
	}
}
