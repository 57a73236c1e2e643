package job

import (
	"fmt"
	"math/big"

	"github.com/flotilla-sim/flotilla/sim"
)

// Check says what is wrong with a spec, nil if nothing is. It does not look
// at the devices.
func Check(s *Spec) error {
	k, err := FindKind(s.Kind)
	if err != nil {
		return err
	}
	switch {
	case len(s.ID) > 256:
		return fmt.Errorf("job id has %d bytes; the limit is 256", len(s.ID))
	case len(s.Targets) == 0 && s.Group == "":
		return fmt.Errorf("the job names no device")
	case len(s.Targets) > MaxTargets:
		return fmt.Errorf("the job names %d devices; the limit is %d", len(s.Targets), MaxTargets)
	case s.Timeout > 0 && (s.Timeout < MinTimeout || s.Timeout > MaxTimeout):
		return fmt.Errorf("timeout %s is outside %s to %s", s.Timeout, MinTimeout, MaxTimeout)
	case s.StepTimeout < 0 || s.DeviceTimeout < 0 || s.Pause < 0 || s.InFlight < 0:
		return fmt.Errorf("stepTimeout, deviceTimeout, pause and inFlight must not be below 0")
	case s.Continuous && s.Batch != nil:
		return fmt.Errorf("a continuous job has no batches: devices join it one by one")
	}
	if s.Batch != nil {
		if err := s.Batch.check("batch", 1); err != nil {
			return err
		}
	}
	if s.Gate != nil {
		if err := s.Gate.check("gate", 0); err != nil {
			return err
		}
	}
	if s.Threshold != nil {
		if err := s.Threshold.check("cancellationThreshold", 0); err != nil {
			return err
		}
	}
	if err := s.Rollout.check(); err != nil {
		return err
	}
	if err := s.Retry.check(); err != nil {
		return err
	}
	if k.Validate != nil {
		return k.Validate(s)
	}
	return nil
}

func (r *Rollout) check() error {
	switch {
	case r == nil:
		return nil
	case r.PerMinute < 1 || r.PerMinute > 1_000_000:
		return fmt.Errorf("rollout: %d devices a minute is outside 1 to 1000000", r.PerMinute)
	case r.Factor == "":
		return nil
	case r.Base < 1 || r.Base > r.PerMinute:
		return fmt.Errorf("rollout: base rate %d is outside 1 to %d", r.Base, r.PerMinute)
	case r.Notified <= 0 == (r.Succeeded <= 0):
		return fmt.Errorf("rollout: say after how many devices the rate rises, notified or succeeded, one of them")
	}
	f, err := Amount{Value: r.Factor}.rat()
	if err != nil {
		return fmt.Errorf("rollout: factor: %w", err)
	}
	if f.Cmp(big.NewRat(1, 1)) <= 0 || f.Cmp(big.NewRat(5, 1)) > 0 {
		return fmt.Errorf("rollout: factor %s is not above 1 and at most 5", r.Factor)
	}
	return nil
}

func (r *Retry) check() error {
	if r == nil {
		return nil
	}
	if r.Attempts < 1 || r.Attempts > 10 {
		return fmt.Errorf("retry: %d attempts are outside 1 to 10", r.Attempts)
	}
	if r.Min < 0 || r.Max < r.Min {
		return fmt.Errorf("retry: the waits must ascend from at least 0")
	}
	for _, w := range r.On {
		switch w {
		case WhyOffline, WhyLost, WhyTimeout, WhyRefused, WhyResult:
		default:
			return fmt.Errorf("retry: %q is no kind of failure; there are offline, lost, timeout, refused, result", w)
		}
	}
	return nil
}

// Submit takes a job whose spec passed Check and returns its number; of a job
// with the same id that has not ended, that one's. A target that is not there
// or named twice fails the whole job before any device has heard of it; in a
// job over a group it fails alone.
func (e *Engine) Submit(now sim.Time, s Spec, out *sim.Outbox) (number uint32, err error) {
	e.now = now
	if old, ok := e.byID[s.ID]; ok && s.ID != "" {
		if e.cfg.Strict {
			return 0, fmt.Errorf("job %q exists", s.ID)
		}
		if !e.jobs.At(int(old)).settled {
			return old, nil
		}
		e.purge(old)
	}
	return e.add(now, s, out).number, nil
}

// SubmitFailed keeps a job that could not run as such, with the reason: what
// becomes of a schedule's firing whose group is gone.
func (e *Engine) SubmitFailed(now sim.Time, s Spec, reason string, out *sim.Outbox) (number uint32) {
	e.now = now
	s.Targets = nil
	j := e.add(now, s, out)
	j.status, j.reason, j.sweep = Failed, reason, idle
	e.close(j, now, out)
	e.settle(j, now, out)
	return j.number
}

// add makes a job and has its targets selected.
func (e *Engine) add(now sim.Time, s Spec, out *sim.Outbox) *Job {
	number := uint32(e.jobs.Len())
	if s.ID == "" {
		s.ID = e.ids.make(Ref{number, ^uint32(0)})
	}
	if s.Timeout == 0 {
		s.Timeout = DefaultTimeout
	}
	if s.Grace == 0 {
		s.Grace = DefaultGrace
	}
	k, _ := FindKind(s.Kind)
	j := e.jobs.Append(Job{
		number: number, kind: k, spec: &s, status: Pending, created: now, start: sim.Never, end: sim.Never, left: max(0, s.Timeout),
		devs: make([]uint32, 0, len(s.Targets)), counts: Counts{Total: len(s.Targets), Pending: len(s.Targets)},
		children: sim.NewPages[child](e.cfg.Gen), tallies: sim.NewPages[tally](e.cfg.Gen), gathers: s.Group != "" && len(s.Targets) == 0,
	})
	if s.Continuous {
		kept := e.lasting[:0]
		for _, n := range e.lasting {
			if !e.jobs.At(int(n)).status.Ended() {
				kept = append(kept, n)
			}
		}
		e.lasting = append(kept, number)
	}
	e.byID[s.ID] = number
	e.names.Set(s.ID, number)
	e.chosen[number] = new(marks)
	e.todo(number)
	e.note(j, now, out)
	return j
}

// choose takes the next target into a job's list, or several, looking at no
// more than limit devices; after the last one the job may run. It returns how
// many it looked at beside the first.
func (e *Engine) choose(j *Job, now sim.Time, limit int, out *sim.Outbox) (more int) {
	switch {
	case j.rerun != 0:
		e.chooseFailed(j, now, out)
	case j.gathers:
		return e.gather(j, now, limit, out)
	case len(j.devs) == len(j.spec.Targets):
		e.selected(j, now, out)
	default:
		e.chooseNamed(j, now, out)
	}
	return 0
}

// gather takes members of the job's group.
func (e *Engine) gather(j *Job, now sim.Time, limit int, out *sim.Outbox) (more int) {
	e.ownSpec(j)
	last, looked, done, err := e.cfg.Fleet.Gather(j.spec.Group, j.gathered, limit, func(id sim.DeviceID, dev uint32) {
		j.spec.Targets = append(j.spec.Targets, id)
		j.devs = append(j.devs, dev)
		e.chosen[j.number].add(dev)
		j.counts.Total++
		j.counts.Pending++
	})
	j.gathered = last
	switch {
	case err != nil:
		delete(e.chosen, j.number)
		j.status, j.reason, j.sweep = Failed, err.Error(), idle
		e.close(j, now, out)
		e.settle(j, now, out)
	case done:
		e.selected(j, now, out)
	}
	return max(0, looked-1)
}

// chooseNamed takes the next target of a list.
func (e *Engine) chooseNamed(j *Job, now sim.Time, out *sim.Outbox) {
	id := j.spec.Targets[len(j.devs)]
	dev, ok := e.cfg.Fleet.Find(id)
	chosen := e.chosen[j.number]
	twice := ok && chosen.has(dev)
	switch {
	case ok && !twice:
		chosen.add(dev)
		j.devs = append(j.devs, dev)
		return
	case j.spec.Group != "" && !ok:
		j.devs = append(j.devs, gone)
		return
	case twice:
		j.reason = fmt.Sprintf("device %q is named twice", id)
	default:
		j.reason = fmt.Sprintf("device %q is not registered", id)
	}
	delete(e.chosen, j.number)
	j.status, j.sweep = Failed, idle
	e.close(j, now, out)
	e.settle(j, now, out)
}

// chooseFailed takes the next failed device of another job.
func (e *Engine) chooseFailed(j *Job, now sim.Time, out *sim.Outbox) {
	from := e.jobs.At(int(j.rerun - 1))
	if j.cursor >= from.children.Len() {
		j.cursor = 0
		e.selected(j, now, out)
		return
	}
	i := j.cursor
	j.cursor++
	if from.children.At(i).status == Failed {
		e.ownSpec(j)
		j.spec.Targets = append(j.spec.Targets, from.spec.Targets[i])
		j.devs = append(j.devs, from.devs[i])
		e.chosen[j.number].add(from.devs[i])
		j.counts.Total++
		j.counts.Pending++
	}
}

// selected ends the selection: batches are cut and the job may run.
func (e *Engine) selected(j *Job, now sim.Time, out *sim.Outbox) {
	if !j.spec.Continuous { // else no device may join twice
		delete(e.chosen, j.number)
	}
	j.sweep = starting
	j.cut(0)
	if j.status == Pending {
		e.admit(j, now, out)
	}
	e.settle(j, now, out) // it may have been stopped meanwhile
}

// Join adds a device to a continuous job; a job that has ended, or has the
// device already, stays as it is.
func (e *Engine) Join(now sim.Time, number uint32, id sim.DeviceID, dev uint32, out *sim.Outbox) {
	e.now = now
	j := e.jobs.Mut(int(number))
	chosen := e.chosen[number]
	if !j.spec.Continuous || j.status.Ended() || j.sweep != starting || chosen.has(dev) {
		return
	}
	chosen.add(dev)
	e.ownSpec(j)
	j.spec.Targets = append(j.spec.Targets, id)
	j.devs = append(j.devs, dev)
	j.counts.Total++
	j.counts.Pending++
	j.batch.to = len(j.devs)
	e.todo(number)
	e.note(j, now, out)
}

// ownSpec makes a job's spec one that no snapshot has, for targets to be added.
func (e *Engine) ownSpec(j *Job) {
	if j.specGen != *e.cfg.Gen {
		s := *j.spec
		j.spec, j.specGen = &s, *e.cfg.Gen
	}
}
