package hub

import (
	"fmt"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/zone"
)

// maxSchedules is how many schedules there may be.
const maxSchedules = 10_000

// schedule is a schedule: each time it fires it submits one instance, a job
// over the members its group has then. [Azure IoT Central: "Create and run a
// job", schedules; REST: "Scheduled Jobs"]
type schedule struct {
	id        string
	spec      job.Spec
	rule      zone.Rule
	misfire   Misfire
	disabled  bool
	completed bool
	created   int          // since the rule was set: what ends a schedule after so many
	number    int          // of the last instance
	skipped   int          // firings that were missed and left out
	armed     zone.Instant // what it is armed for, or fired for last
	fired     bool         // it has, since the rule was set
	etag      uint64
	deleted   bool
	instances []uint32 // numbers of jobs, oldest first
}

func noSchedule(id string) error {
	return &Error{CodeScheduleNotFound, fmt.Sprintf("no schedule %q", id)}
}

// Check says what is wrong with a schedule, whatever the hub and the time.
func (c PutSchedule) Check() error {
	if err := checkName("schedule", c.ID); err != nil {
		return err
	}
	if c.Spec.Group == "" {
		return &Error{CodeInvalid, "a schedule's job must be over a device group"}
	}
	if c.Misfire > MisfireOnce {
		return &Error{CodeInvalid, fmt.Sprintf("misfire policy %d is not known", c.Misfire)}
	}
	c.Spec.Targets = nil
	if err := job.Check(&c.Spec); err != nil {
		return &Error{CodeInvalid, err.Error()}
	}
	if err := c.Rule.Validate(); err != nil {
		return &Error{CodeInvalid, err.Error()}
	}
	return nil
}

func (h *Hub) putSchedule(now sim.Time, c PutSchedule) (Reply, error) {
	c.Spec.ID, c.Spec.Targets, c.Spec.Schedule = "", nil, c.ID
	if err := c.Check(); err != nil {
		return Reply{}, err
	}
	n, known := h.byPlan[c.ID]
	changed := !known
	if known {
		s := &h.plans[n]
		if id, active := h.activeInstance(s); active {
			return Reply{}, &Error{CodeState, fmt.Sprintf("schedule %q cannot be changed while its instance %q is pending or running", c.ID, id)}
		}
		changed = !s.rule.Equal(c.Rule)
	}
	if changed {
		if err := c.Rule.Admit(zone.At(h.cfg.Epoch, now)); err != nil {
			return Reply{}, &Error{CodeInvalid, err.Error()}
		}
	}
	if !known {
		if len(h.byPlan) >= maxSchedules {
			return Reply{}, &Error{CodeTooMany, fmt.Sprintf("there are %d schedules; that is the limit", maxSchedules)}
		}
		n = uint32(len(h.plans))
		h.plans = append(h.plans, schedule{id: c.ID})
		h.byPlan[c.ID] = n
	}
	s := &h.plans[n]
	s.spec, s.rule, s.disabled, s.misfire = c.Spec, c.Rule, c.Disabled, c.Misfire
	s.etag++
	if changed {
		s.created, s.completed, s.fired = 0, false, false
	}
	h.armPlan(now, n)
	return Reply{Schedules: []Schedule{h.planView(s, n)}}, nil
}

// armPlan arms a schedule for its next firing from now on.
func (h *Hub) armPlan(now sim.Time, n uint32) {
	s := &h.plans[n]
	h.firing.Clear(n)
	if s.disabled || s.completed || s.deleted {
		return
	}
	at, ok := s.rule.From(zone.At(h.cfg.Epoch, now), s.created)
	if ok && s.fired && at.Compare(s.armed) <= 0 { // not twice at one instant
		at, ok = s.rule.Next(s.armed, s.created)
	}
	if !ok && s.rule.Kind == zone.Once && s.created == 0 {
		at, ok = s.rule.Start.At(), true // a little late, or missed: it fires at once
	}
	if !ok {
		s.completed = true
		return
	}
	s.armed = at
	h.firing.Set(n, max(at.Time(h.cfg.Epoch), now))
}

// fire creates an instance, unless the firing was missed and the schedule
// skips those. Of what else was due while nobody looked there is never more
// than this one: a fleet must not meet all of it at once.
func (h *Hub) fire(now sim.Time, n uint32, out *sim.Outbox) {
	s := &h.plans[n]
	if late := now.Sub(s.armed.Time(h.cfg.Epoch)); late > zone.Tolerance && s.skips() {
		s.skipped += 1 + s.due(zone.At(h.cfg.Epoch, now))
		if s.completed = s.rule.Kind == zone.Once; !s.completed {
			h.armPlan(now+1, n)
		}
		return
	}
	s.skipped += s.due(zone.At(h.cfg.Epoch, now))
	s.created++
	s.number++
	s.fired = true
	spec := s.spec
	name := spec.Name
	if name == "" {
		name = s.id
	}
	spec.Name = fmt.Sprintf("%s - %d", name, s.number)
	var number uint32
	if _, ok := h.findGroup(spec.Group); ok {
		number, _ = h.jobs.Submit(now, spec, out)
	} else {
		number = h.jobs.SubmitFailed(now, spec, fmt.Sprintf("device group %q is not there", spec.Group), out)
	}
	s.instances = append(s.instances, number)
	if at, ok := s.rule.Next(s.armed, s.created); !ok {
		s.completed = true
	} else if t := at.Time(h.cfg.Epoch); t > now {
		s.armed = at
		h.firing.Set(n, t)
	} else {
		h.armPlan(now+1, n)
	}
}

// due counts the occurrences after the one that is armed that are past, up to
// sim.MaxSlice of them.
func (s *schedule) due(now zone.Instant) (n int) {
	for at, ok := s.rule.Next(s.armed, s.created); ok && at.Compare(now) < 0 && n < sim.MaxSlice; n++ {
		at, ok = s.rule.Next(at, s.created)
	}
	return n
}

// skips says whether a firing that was missed is left out.
func (s *schedule) skips() bool {
	return s.misfire == MisfireSkip || s.misfire == MisfireDefault && s.rule.Kind != zone.Once
}

// activeInstance returns an instance that is pending or running, and forgets
// those that are gone.
func (h *Hub) activeInstance(s *schedule) (id string, ok bool) {
	kept := s.instances[:0]
	for _, n := range s.instances {
		if h.jobs.Purged(n) {
			continue
		}
		kept = append(kept, n)
		if v := h.jobs.View(n); v.Status == job.Pending || v.Status == job.Running {
			id, ok = v.ID, true
		}
	}
	s.instances = kept
	return id, ok
}

func (h *Hub) enableSchedule(now sim.Time, c EnableSchedule) (Reply, error) {
	n, ok := h.byPlan[c.ID]
	if !ok {
		return Reply{}, noSchedule(c.ID)
	}
	s := &h.plans[n]
	s.disabled = !c.Enabled
	s.etag++
	h.armPlan(now, n)
	return Reply{Schedules: []Schedule{h.planView(s, n)}}, nil
}

func (h *Hub) deleteSchedule(id string) (Reply, error) {
	n, ok := h.byPlan[id]
	if !ok {
		return Reply{}, noSchedule(id)
	}
	h.firing.Clear(n)
	delete(h.byPlan, id)
	h.plans[n] = schedule{deleted: true}
	return Reply{}, nil
}

func (h *Hub) getSchedule(id string) (Reply, error) {
	n, ok := h.byPlan[id]
	if !ok {
		return Reply{}, noSchedule(id)
	}
	return Reply{Schedules: []Schedule{h.planView(&h.plans[n], n)}}, nil
}

func (h *Hub) listSchedules() Reply {
	var r Reply
	for n := range h.plans {
		if s := &h.plans[n]; !s.deleted {
			r.Schedules = append(r.Schedules, h.planView(s, uint32(n)))
		}
	}
	return r
}

func (h *Hub) planView(s *schedule, n uint32) Schedule {
	v := Schedule{
		ID: s.id, Spec: s.spec, Rule: s.rule, Enabled: !s.disabled, Completed: s.completed, Created: s.created, Number: s.number, Skipped: s.skipped, Misfire: s.misfire,
		Next: h.firing.At(n), Etag: s.etag,
	}
	for _, i := range s.instances {
		if !h.jobs.Purged(i) {
			v.Instances = append(v.Instances, h.jobs.View(i).ID)
		}
	}
	return v
}
