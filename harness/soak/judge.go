package soak

import (
	"fmt"
	"io"
	"math/big"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/world"
)

// judge follows a run by what is observed, asked and answered, and holds it
// against the rules. It reckons everything anew, in the simplest way.
type judge struct {
	c       *Case
	hub     *hub.Hub
	broken  string
	now     sim.Time
	fresh   bool // jobs have changed since the counts were last looked at
	jobs    map[string]*record
	order   []*record
	tickets map[uint64]*record
	devices map[sim.DeviceID]*tracked
	log     io.Writer // what happens to jobs, for people; nil: nothing
}

// record is one job as the judge knows it.
type record struct {
	spec      job.Spec
	state     string
	children  map[sim.DeviceID]*part
	place     map[sim.DeviceID]int
	size      int // of a batch
	rerunOf   bool
	disturbed bool // an operator did something to it
	cancelled bool // an operator cancelled it
	settled   bool
	starts    []sim.Time
	counts    job.Counts
}

// part is one device's part of a job.
type part struct {
	state      string
	begun      int
	start, end sim.Time
}

// tracked is what is known of a device.
type tracked struct {
	version, state string
	executed       map[string][]sim.Time // resource -> when
}

func newJudge(c *Case) *judge {
	j := &judge{c: c, jobs: map[string]*record{}, tickets: map[uint64]*record{}, devices: map[sim.DeviceID]*tracked{}}
	for _, d := range c.Devices {
		j.devices[d.ID] = &tracked{version: "1.0", executed: map[string][]sim.Time{}}
	}
	return j
}

// breaks notes the first rule that was broken.
func (j *judge) breaks(format string, args ...any) {
	if j.broken == "" {
		j.broken = fmt.Sprintf("%s: ", j.now) + fmt.Sprintf(format, args...)
	}
}

// asked is told of a command before it runs, for what the command observes
// belongs to it.
func (j *judge) asked(c hub.Command) {
	j.instant(j.hub)
	switch c := c.(type) {
	case hub.SubmitJob:
		j.submit(c.Spec, false)
	case hub.RerunJob:
		if r := j.jobs[c.ID]; r != nil {
			s := r.spec
			s.ID, s.Targets = c.NewID, nil
			for _, id := range r.spec.Targets {
				if p := r.children[id]; p != nil && p.state == "failed" {
					s.Targets = append(s.Targets, id)
				}
			}
			j.submit(s, true)
		}
	case hub.CopyJob:
		if r := j.jobs[c.ID]; r != nil {
			s := r.spec
			s.ID = c.NewID
			j.submit(s, false)
		}
	case hub.CancelJob:
		if r := j.jobs[c.ID]; r != nil {
			r.disturbed, r.cancelled = true, r.cancelled || !ended(r.state)
		}
	case hub.StopJob:
		if r := j.jobs[c.ID]; r != nil {
			r.disturbed = true
		}
	}
}

func (j *judge) submit(s job.Spec, rerun bool) {
	r := &record{spec: s, children: map[sim.DeviceID]*part{}, place: map[sim.DeviceID]int{}, rerunOf: rerun}
	for i, id := range s.Targets {
		r.place[id] = i
		r.children[id] = &part{state: "pending"}
	}
	n := len(s.Targets)
	r.size = n
	if b := s.Batch; b != nil && n > 0 {
		v, _ := new(big.Rat).SetString(b.Value)
		if b.Percent {
			v.Mul(v, big.NewRat(int64(n), 100))
		}
		for r.size = 1; r.size < n && v.Cmp(big.NewRat(int64(r.size), 1)) > 0; r.size++ {
		}
	}
	j.jobs[s.ID] = r
	j.order = append(j.order, r)
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
	default:
		return
	}
	r := j.jobs[id]
	switch {
	case err != nil && r == nil: // of a job that was never submitted
	case err != nil:
		if _, ok := c.(hub.RerunJob); !ok {
			j.breaks("%T %s is refused: %v", c, id, err)
		}
		delete(j.jobs, id)
		j.order = j.order[:len(j.order)-1]
	case r == nil:
		j.breaks("%T %s is taken though there is no such job", c, id)
	default:
		j.tickets[reply.Ticket] = r
	}
}

// settled is told of a job's end.
func (j *judge) settled(s world.Settled) {
	r := j.tickets[s.Ticket]
	switch {
	case r == nil || r.settled:
		j.breaks("ticket %d settles twice or was never given out", s.Ticket)
	case s.Err != nil:
		j.breaks("job %s settles with an error: %v", r.spec.ID, s.Err)
	case s.Reply.Job.Counts.Running != 0 || !s.Reply.Job.Status.Ended():
		j.breaks("job %s settles as %s with %+v", r.spec.ID, s.Reply.Job.Status, s.Reply.Job.Counts)
	default:
		r.settled = true
	}
}

func (j *judge) observe(list []sim.Observation) {
	for i := range list {
		o := &list[i]
		if o.At != j.now {
			if o.At < j.now {
				j.breaks("time goes back to %s", o.At)
			}
			j.instant(j.hub)
			j.now = o.At
		}
		if j.log != nil && (o.Event == sim.EventJob || o.Event == sim.EventChild) {
			fmt.Fprintln(j.log, o.At, o.Job, o.Device, o.Text)
		}
		switch o.Event {
		case sim.EventJob:
			j.fresh = true
			if r := j.jobs[o.Job]; r != nil {
				j.job(r, o.Text)
			}
		case sim.EventChild:
			j.fresh = true
			if r := j.jobs[o.Job]; r != nil {
				j.child(r, o)
			}
		case sim.EventExecute:
			name, _, refused := strings.Cut(o.Text, " ")
			if d := j.devices[o.Device]; !refused {
				d.executed[name] = append(d.executed[name], o.At)
			}
		case sim.EventResource:
			j.resource(o)
		}
		if o.Metric != sim.NoMetric && o.Value < 0 {
			j.breaks("%s of %s is %d", sim.Metrics[o.Metric].Name, o.Device, o.Value)
		}
	}
}

func ended(state string) bool {
	return state == "completed" || state == "failed" || state == "cancelled"
}

// job follows a job from state to state.
func (j *judge) job(r *record, state string) {
	if ended(r.state) && r.state != state {
		j.breaks("job %s goes from %s to %s", r.spec.ID, r.state, state)
	}
	if state == "cancelled" && !r.cancelled && !j.exceeded(r) {
		j.breaks("job %s is cancelled below its threshold", r.spec.ID)
	}
	r.state = state
	if running := j.running(); running > 5 {
		j.breaks("%d queued jobs run at the same time", running)
	}
}

// running counts the queued jobs that run.
func (j *judge) running() (n int) {
	for _, r := range j.order {
		if r.spec.Queued && r.state == "running" {
			n++
		}
	}
	return n
}

// exceeded reckons whether more has failed than a job's threshold allows.
func (j *judge) exceeded(r *record) bool {
	t := r.spec.Threshold
	if t == nil {
		return false
	}
	for from := 0; from < len(r.spec.Targets); from += r.size {
		part := r.spec.Targets[from:min(from+r.size, len(r.spec.Targets))]
		if !t.PerBatch {
			part = r.spec.Targets
		}
		failed := 0
		for _, id := range part {
			if r.children[id].state == "failed" {
				failed++
			}
		}
		v, _ := new(big.Rat).SetString(t.Value)
		f := big.NewRat(int64(failed), 1)
		if t.Percent {
			f.Mul(f, big.NewRat(100, 1))
			v.Mul(v, big.NewRat(int64(len(part)), 1))
		}
		if f.Cmp(v) > 0 {
			return true
		}
		if !t.PerBatch {
			return false
		}
	}
	return false
}
