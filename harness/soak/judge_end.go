package soak

import (
	"fmt"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/zone"
)

// askedPlan is told of commands that concern schedules.
func (j *judge) askedPlan(c hub.Command) {
	switch c := c.(type) {
	case hub.PutSchedule:
		for i := range j.c.Plans {
			if p := &j.c.Plans[i]; p.ID == c.ID {
				j.plans[c.ID] = &planned{plan: p}
			}
		}
	case hub.EnableSchedule:
		if p := j.plans[c.ID]; p != nil {
			p.disturbed = true
		}
	case hub.DeleteSchedule:
		if p := j.plans[c.ID]; p != nil {
			p.disturbed, p.deleted = true, true
		}
	}
}

// instance takes note of a job that comes by a schedule, nil if it does not.
func (j *judge) instance(v *job.View) *record {
	p := j.plans[v.Spec.Schedule]
	if p == nil {
		return nil
	}
	if p.deleted {
		j.breaks("schedules", "schedule %s fires though it is deleted", p.plan.ID)
	}
	if name := fmt.Sprintf("%s - %d", p.plan.ID, len(p.fired)+1); v.Spec.Name != name {
		j.breaks("schedules", "an instance is called %q; it is %q", v.Spec.Name, name)
	}
	if len(p.fired) == p.plan.most() {
		j.breaks("schedules", "schedule %s (%s) fires for the %d. time", p.plan.ID, p.plan.Rule, len(p.fired)+1)
	}
	at := j.slow()
	for _, due := range p.plan.due(j.now, maxOccurrences) { // what it missed while it was disabled does not count
		at = at || due == j.now
	}
	if !at {
		j.breaks("schedules", "schedule %s (%s) fires at %s", p.plan.ID, p.plan.Rule, j.now)
	}
	if n := len(p.fired); n > 0 && p.fired[n-1] >= j.now {
		j.breaks("schedules", "schedule %s fires twice at %s", p.plan.ID, j.now)
	}
	p.fired = append(p.fired, j.now)
	s := p.plan.Spec
	s.ID, s.Schedule, s.Name = v.ID, v.Spec.Schedule, v.Spec.Name
	list, ok := j.members(s.Group)
	r := j.submit(s, list)
	r.refusable = !ok
	r.plan = p
	return r
}

// maxOccurrences is more than there can be within the horizon.
const maxOccurrences = 1000

// due are the first instants of a schedule up to one, at most so many:
// counted, one after the other.
func (p *Plan) due(to sim.Time, most int) (list []sim.Time) {
	at := zoneTime(p.Rule)
	for n := 0; at <= to && (p.Rule.Kind == zone.Every || n < 1) && n < most; n++ {
		list = append(list, at)
		at = at.Add(p.Rule.Every)
	}
	return list
}

// most is how many instances there are.
func (p *Plan) most() int {
	if p.Rule.End.Kind == zone.AfterCount {
		return p.Rule.End.Count
	}
	return 1
}

// zoneTime is the instant of a rule's start: all of them begin on the first
// day of the default epoch, some minutes and seconds after midnight.
func zoneTime(r zone.Rule) sim.Time {
	at, err := time.ParseInLocation(time.RFC3339, r.Start.Text(), time.UTC)
	if err != nil {
		return sim.Never
	}
	return sim.Time(at.UnixNano() - int64(sim.DefaultEpoch))
}

// over holds what must be true in the end: everything has settled, and what
// nothing stood in the way of has succeeded.
func (j *judge) over(now sim.Time, counters hub.Counters) {
	j.now = now
	for _, r := range j.order {
		j.check(r)
		if !r.settled && r.plan == nil || !ended(r.state) || r.counts.Running > 0 {
			j.breaks("settles", "job %s never settles; it is %s with %+v", r.spec.ID, r.state, r.counts)
		}
	}
	var tickets int
	for _, n := range j.invoked { // any order: only counts
		if n == 0 {
			tickets++
		}
	}
	if tickets > 0 {
		j.breaks("settles", "%d calls were never answered, not even as timed out", tickets)
	}
	if counters.Answers > counters.Calls {
		j.breaks("answers", "%d answers to %d calls were taken", counters.Answers, counters.Calls)
	}
	for _, p := range j.c.Plans {
		k := j.plans[p.ID]
		if k == nil || k.disturbed || j.slow() {
			continue
		}
		if want := p.due(now, p.most()); len(k.fired) != len(want) {
			j.breaks("schedules", "schedule %s (%s) has fired %d times; it should have fired %d times", p.ID, p.Rule, len(k.fired), len(want))
		}
	}
	j.unhindered()
}

// unhindered: a single job that nobody disturbs, over devices that are well,
// are there and answer in time, succeeds on each of them.
func (j *judge) unhindered() {
	c := j.c
	if len(c.Jobs) != 1 || len(j.order) != 1 || len(c.Acts) > 0 || len(c.Hub) > 0 || c.Jobs[0].At < 90*second ||
		c.Profile.Answer.Max()+4*c.Latency.Max() >= c.Call {
		return
	}
	r, s := j.order[0], &c.Jobs[0].Spec
	if s.DeviceTimeout > 0 || s.StepTimeout > 0 || s.Rollout != nil || s.Gate != nil || s.InFlight > 0 || s.Batch != nil ||
		s.Timeout < 5*time.Minute || s.Threshold != nil {
		return
	}
	switch s.Kind {
	case "rebootDevice", "readDeviceProperties", "writeDeviceProperties", "property", "cloudProperty", "updateDeviceConfiguration":
	default:
		return
	}
	for _, d := range c.Devices {
		if p := r.part(d.ID); p != nil && d.Fault.Fault == "" && p.state != "completed" {
			j.breaks("unhindered", "%s of %s is %s; nothing stood in its way", d.ID, s.ID, p.state)
		}
	}
}
