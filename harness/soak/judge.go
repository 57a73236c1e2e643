package soak

import (
	"fmt"
	"io"
	"time"

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

// record is one job as the judge knows it.
type record struct {
	spec       job.Spec
	state      string
	number     uint32
	known      bool // number is set
	candidates [][]sim.DeviceID
	fixed      bool // its targets do not follow its group
	selected   bool
	targets    []sim.DeviceID
	parts      []part
	place      map[sim.DeviceID]int
	size       int  // of a batch
	refusable  bool // it names what is not there
	disturbed  bool // an operator did something to it
	cancelled  bool // an operator cancelled it
	resumed    int
	settled    bool
	since      sim.Time      // when it began to run last
	ran        time.Duration // before that
	starts     []sim.Time
	counts     job.Counts
	idle       bool     // it runs, and works on nobody
	quiet      sim.Time // since when
	plan       *planned // whose instance it is
}

// part is one device's part of a job.
type part struct {
	state string
	begun int
	asked int      // up to which try the call that it waits for is known
	since sim.Time // when it began last
	end   sim.Time
}

// tracked is what is known of a device.
type tracked struct {
	ring           string
	gone           bool
	version, state string
	executed       map[string][]sim.Time // resource or command -> when
	begun          map[string]int        // likewise -> how often a job or a call that executes it began
	conn           uint32                // of the session the hub has with it, 0: none
}

type callKey struct {
	device sim.DeviceID
	conn   uint32
	id     uint64
}

// called is a call on its way.
type called struct {
	due, sent sim.Time
	answered  bool
	owner     *record // whose part waits for it, if that is known
	try       int     // of the part
}

// planned is a schedule as the judge knows it.
type planned struct {
	plan      *Plan
	fired     []sim.Time
	disturbed bool
	deleted   bool
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

// meet gets to know a job by its number.
func (j *judge) meet(number uint32) *record {
	v, _, ok := j.read(number)
	if !ok {
		return nil
	}
	r := j.jobs[v.ID]
	if r == nil {
		if r = j.instance(&v); r == nil {
			return nil
		}
	}
	r.number, r.known = number, true
	j.numbers[number] = r
	return r
}

// submit takes note of a job that is asked for; lists are what its targets may
// be.
func (j *judge) submit(s job.Spec, lists ...[]sim.DeviceID) *record {
	r := &record{spec: s, candidates: lists, state: "pending"}
	j.jobs[s.ID] = r
	j.order = append(j.order, r)
	j.selecting = append(j.selecting, r)
	return r
}

// forget drops a job that was refused, the last one.
func (j *judge) forget(r *record) {
	delete(j.jobs, r.spec.ID)
	j.order = j.order[:len(j.order)-1]
	j.selecting = j.selecting[:len(j.selecting)-1]
}

// selects holds a job's targets against what they may be, once they are
// chosen; false: not yet.
func (j *judge) selects(r *record) bool {
	if !r.known {
		return false
	}
	v, _, _ := j.read(r.number)
	if v.BatchSize == 0 && (v.Status == job.Pending || v.Status == job.Stopped) {
		return false
	}
	r.selected = true
	ok := v.Status == job.Failed || v.Status == job.Cancelled
	for _, list := range r.candidates {
		ok = ok || equal(list, v.Spec.Targets)
	}
	if !ok {
		j.breaks("targets", "job %s is over %v; it should be over %v", r.spec.ID, v.Spec.Targets, r.candidates)
	}
	r.take(v.Spec.Targets)
	r.size = sizeOf(r.spec.Batch, len(r.targets))
	return true
}

// take adds devices to a record.
func (r *record) take(list []sim.DeviceID) {
	if r.place == nil {
		r.place = map[sim.DeviceID]int{}
	}
	for _, id := range list {
		r.place[id] = len(r.targets)
		r.targets = append(r.targets, id)
		r.parts = append(r.parts, part{state: "pending"})
	}
}

// part returns a device's part, nil if it has none.
func (r *record) part(id sim.DeviceID) *part {
	if i, ok := r.place[id]; ok {
		return &r.parts[i]
	}
	return nil
}

// batch is the number of the batch of a place.
func (r *record) batch(place int) int {
	if r.spec.Continuous || r.size == 0 {
		return 0
	}
	return place / r.size
}

func equal(a, b []sim.DeviceID) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func ended(state string) bool {
	return state == "completed" || state == "failed" || state == "cancelled"
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
