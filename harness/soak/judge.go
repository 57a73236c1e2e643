package soak

import (
	"fmt"
	"io"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// judge follows a run by what is told, wanted, observed, asked and answered,
// and holds it against the rules. It reckons everything anew, in the simplest
// way.
type judge struct {
	c      *Case
	read   func(number uint32) (job.View, []job.ChildView, bool) // the hub's rows of a job
	now    sim.Time
	broken Breach
	log    io.Writer // what happens to jobs, for people; nil: nothing

	jobs      map[string]*record
	numbers   map[uint32]*record
	order     []*record
	selecting []*record // whose targets are not yet settled
	tickets   map[uint64]*record
	invoked   map[uint64]int // ticket of a call -> how often it has settled
	touched   []*record      // by the present Step

	devices map[sim.DeviceID]*tracked
	calls   map[callKey]*called
	taken   *called         // whose answer the present Step took
	from    sim.DeviceID    // and from whom
	groups  map[string]bool // ring -> its group is there
	plans   map[string]*planned
}

// Breach is a rule that was broken; its zero value is none.
type Breach struct {
	Rule string
	At   sim.Time
	Text string
}

// String is the breach in words.
func (b Breach) String() string {
	if b.Rule == "" {
		return "none"
	}
	return fmt.Sprintf("%s: %s: %s", b.Rule, b.At, b.Text)
}

func newJudge(c *Case) *judge {
	j := &judge{
		c: c, jobs: map[string]*record{}, numbers: map[uint32]*record{}, tickets: map[uint64]*record{}, invoked: map[uint64]int{},
		devices: map[sim.DeviceID]*tracked{}, calls: map[callKey]*called{}, groups: map[string]bool{}, plans: map[string]*planned{},
	}
	for _, d := range c.Devices {
		j.devices[d.ID] = &tracked{ring: d.Ring, version: "1.0", state: "1", executed: map[string][]sim.Time{}, begun: map[string]int{}}
	}
	for _, r := range rings {
		j.groups[r] = true
	}
	return j
}

// breaks notes the first rule that was broken.
func (j *judge) breaks(rule, format string, args ...any) {
	if j.broken.Rule == "" {
		j.broken = Breach{rule, j.now, fmt.Sprintf(format, args...)}
	}
}

// slow says that the hub rests now and then, so that what is due may be late.
func (j *judge) slow() bool { return len(j.c.Hub) > 0 }

// watch is shown every Step: of the hub (device "") or of a device.
func (j *judge) watch(now sim.Time, device sim.DeviceID, in *sim.Input, out *sim.Outbox) {
	if now < j.now {
		j.breaks("time", "time goes back to %s", now)
	}
	j.now = now
	if device != "" {
		for i := range out.Observe {
			j.device(&out.Observe[i])
		}
		return
	}
	j.wire(in, out)
	j.rows(out.Dirty)
	for i := range out.Observe {
		o := &out.Observe[i]
		if j.log != nil && (o.Event == sim.EventJob || o.Event == sim.EventChild) {
			fmt.Fprintln(j.log, o.At, o.Job, o.Device, o.Text)
		}
		switch r := j.jobs[o.Job]; {
		case o.Metric != sim.NoMetric && o.Value < 0:
			j.breaks("time", "%s of %s is %d", sim.Metrics[o.Metric].Name, o.Device, o.Value)
		case o.Event != sim.EventJob && o.Event != sim.EventChild:
		case r == nil:
			j.breaks("targets", "job %s is nobody's", o.Job)
		case o.Event == sim.EventJob:
			j.job(r, o.Text)
		default:
			j.child(r, o)
		}
	}
	j.owners(out)
	for _, r := range j.touched {
		j.check(r)
	}
}

// rows takes note of the jobs whose rows changed, and of those that come by a
// schedule, and lets jobs be selected.
func (j *judge) rows(dirty []sim.Row) {
	j.touched = j.touched[:0]
	for _, row := range dirty {
		if row.Table != sim.TableJob && row.Table != sim.TableChild {
			continue
		}
		r := j.numbers[uint32(row.Key)]
		if r == nil {
			r = j.meet(uint32(row.Key))
		}
		if r != nil && (len(j.touched) == 0 || j.touched[len(j.touched)-1] != r) {
			j.touched = append(j.touched, r)
		}
	}
	for i := 0; i < len(j.selecting); {
		if j.selects(j.selecting[i]) {
			j.selecting = append(j.selecting[:i], j.selecting[i+1:]...)
			continue
		}
		i++
	}
}

// members are the devices of a ring's group, in order of their ids; false if
// the group is not there.
func (j *judge) members(name string) (list []sim.DeviceID, ok bool) {
	ring := name[len(group("")):]
	for _, d := range j.c.Devices {
		if t := j.devices[d.ID]; !t.gone && (ring == "" || t.ring == ring) {
			list = append(list, d.ID)
		}
	}
	return list, j.groups[ring]
}

// moved lets jobs that are being selected, and continuous ones, know that
// groups have changed: one device joined, or none ("").
func (j *judge) moved(joins sim.DeviceID) {
	for _, r := range j.selecting {
		if r.spec.Group != "" && !r.fixed {
			list, ok := j.members(r.spec.Group)
			r.refusable = r.refusable || !ok
			r.candidates = append(r.candidates, list)
		}
	}
	if joins == "" {
		return
	}
	for _, r := range j.order {
		if !r.selected || !r.spec.Continuous || ended(r.state) || r.part(joins) != nil || r.spec.Group == "" {
			continue
		}
		list, ok := j.members(r.spec.Group)
		for _, id := range list {
			if ok && id == joins {
				r.take([]sim.DeviceID{id})
			}
		}
	}
}

// asked is told of a command before it is carried out, for what it changes
// belongs to it.
func (j *judge) asked(c hub.Command) {
	switch c := c.(type) {
	case hub.SubmitJob:
		j.submitted(c.Spec)
	case hub.RerunJob:
		if r := j.jobs[c.ID]; r != nil {
			var failed []sim.DeviceID
			for i, id := range r.targets {
				if r.parts[i].state == "failed" {
					failed = append(failed, id)
				}
			}
			s := r.spec
			s.ID = c.NewID
			again := j.submit(s, failed)
			again.fixed = true
			again.refusable = len(failed) == 0 || !ended(r.state) && r.state != "stopped"
		}
	case hub.CopyJob:
		if r := j.jobs[c.ID]; r != nil {
			s := r.spec
			s.ID, s.Schedule = c.NewID, ""
			if r.selected {
				s.Targets = r.targets
			}
			if s.Group != "" {
				if _, ok := j.members(s.Group); ok {
					s.Targets = nil
				}
			}
			j.submitted(s)
		}
	case hub.CancelJob:
		if r := j.jobs[c.ID]; r != nil {
			r.disturbed, r.cancelled = true, r.cancelled || !ended(r.state)
		}
	case hub.StopJob:
		if r := j.jobs[c.ID]; r != nil {
			r.disturbed = true
		}
	case hub.ResumeJob:
		if r := j.jobs[c.ID]; r != nil {
			r.disturbed = true
			r.resumed++
		}
	case hub.PutGroup:
		j.groups[c.ID[len(group("")):]] = true
		j.moved("")
	case hub.DeleteGroup:
		j.groups[c.ID[len(group("")):]] = false
		j.moved("")
	case hub.Unregister:
		j.devices[c.ID].gone = true
		j.moved("")
		for _, r := range j.selecting {
			r.refusable = true
		}
	case hub.PatchTwin:
		if d := j.devices[c.ID]; !d.gone {
			d.ring = c.Tags.Get("ring").Text()
			j.moved(c.ID)
		}
	}
	j.askedPlan(c)
}

// submitted takes note of a job over a list or a group.
func (j *judge) submitted(s job.Spec) {
	if s.Group != "" && len(s.Targets) == 0 {
		list, ok := j.members(s.Group)
		j.submit(s, list).refusable = !ok
		return
	}
	r := j.submit(s, s.Targets)
	r.fixed = true
	for _, id := range s.Targets {
		r.refusable = r.refusable || j.devices[id].gone
	}
}

// answered is told what came of a command.
func (j *judge) answered(c hub.Command, reply hub.Reply, err error) {
	id := ""
	switch c := c.(type) {
	case hub.SubmitJob:
		id = c.Spec.ID
	case hub.RerunJob:
		id = c.NewID
	case hub.CopyJob:
		id = c.NewID
	case hub.Invoke:
		if err == nil {
			j.invoked[reply.Ticket] = 0
			j.devices[c.ID].begun[c.Method]++
		} else if !j.devices[c.ID].gone {
			j.breaks("commands", "call of %s on %s is refused: %v", c.Method, c.ID, err)
		}
		return
	case hub.Unregister:
		for _, r := range j.order {
			if p := r.part(c.ID); p != nil && p.state == "running" {
				j.breaks("commands", "%s is deleted, and its part of %s goes on", c.ID, r.spec.ID)
			}
		}
		return
	default:
		return
	}
	r := j.jobs[id]
	switch {
	case err != nil && r == nil: // of a job that was never submitted
	case err != nil:
		if !r.refusable {
			j.breaks("commands", "%T %s is refused: %v", c, id, err)
		}
		j.forget(r)
	case r == nil || r.refusable:
		j.breaks("commands", "%T %s is taken though it names what is not there", c, id)
	default:
		j.tickets[reply.Ticket] = r
	}
}

// settled is told of a late answer to a command.
func (j *judge) settled(ticket uint64, reply hub.Reply, err error) {
	if n, ok := j.invoked[ticket]; ok {
		if j.invoked[ticket]++; n > 0 {
			j.breaks("settles", "the call of ticket %d settles twice", ticket)
		}
		return
	}
	r := j.tickets[ticket]
	switch {
	case r == nil || r.settled:
		j.breaks("settles", "ticket %d settles twice or was never given out", ticket)
	case err != nil:
		j.breaks("settles", "job %s settles with an error: %v", r.spec.ID, err)
	case reply.Job.Counts.Running != 0 || !reply.Job.Status.Ended():
		j.breaks("settles", "job %s settles as %s with %+v", r.spec.ID, reply.Job.Status, reply.Job.Counts)
	default:
		r.settled = true
	}
}

// quiet says whether nothing is open any more.
func (j *judge) quiet() bool {
	for _, r := range j.order {
		if !ended(r.state) || r.counts.Running > 0 || r.plan == nil && !r.settled {
			return false
		}
	}
	for _, n := range j.invoked { // any order: only whether there is one
		if n == 0 {
			return false
		}
	}
	return true
}
