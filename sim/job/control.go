package job

import (
	"fmt"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/planted"
)

// admit lets a pending job run, or wait for a slot at the end of the queue.
func (e *Engine) admit(j *Job, now sim.Time, out *sim.Outbox) {
	if j.spec.Queued && !j.slot && e.busy >= e.cfg.Slots {
		if j.status != Pending {
			j.status = Pending
			e.note(j, now, out)
		}
		e.queue = append(e.queue, j.number)
		return
	}
	if j.spec.Queued && !j.slot {
		j.slot = true
		e.busy++
	}
	j.status = Running
	if j.start == sim.Never {
		j.start = now
	}
	if j.left > 0 && j.timer == 0 {
		j.timer = e.arm(slot{Ref{Job: j.number}, slotJob}, now.Add(j.left))
	}
	e.note(j, now, out)
	e.todo(j.number)
	e.settle(j, now, out) // there may be no device at all
}

// leave gives a job's slot to the job that has waited longest.
func (e *Engine) leave(j *Job, now sim.Time, out *sim.Outbox) {
	if !j.slot {
		return
	}
	j.slot = false
	e.busy--
	for e.busy < e.cfg.Slots && len(e.queue) > 0 {
		n := e.queue[0]
		e.queue = append(e.queue[:0], e.queue[1:]...)
		if next := e.jobs.Mut(int(n)); next.status == Pending {
			e.admit(next, now, out)
		}
	}
}

// quiet drops what would start devices later.
func (e *Engine) quiet(j *Job) {
	e.disarm(&j.wake)
	for i, n := range e.queue {
		if n == j.number {
			e.queue = append(e.queue[:i], e.queue[i+1:]...)
			break
		}
	}
}

// halt stops the job's clock.
func (e *Engine) halt(j *Job, now sim.Time) {
	if j.timer != 0 {
		j.left = max(1, e.timers.At(j.timer-1).Sub(now))
		e.disarm(&j.timer)
	}
}

// close enters a state from which nothing more begins.
func (e *Engine) close(j *Job, now sim.Time, out *sim.Outbox) {
	j.end = now
	e.note(j, now, out)
}

// settle completes a job whose children have all ended, and settles one that
// has ended or stopped and has nothing in flight any more.
func (e *Engine) settle(j *Job, now sim.Time, out *sim.Outbox) {
	if j.settled || j.sweep == selecting && !j.status.Ended() || j.sweep == cancelling || j.sweep == expiring {
		return
	}
	left := j.counts.Pending + j.counts.Running
	if left == 0 && (!j.status.Ended() && !j.spec.Continuous || j.sweep == idle && !j.status.Ended()) {
		j.status = Completed
		if j.counts.Failed > 0 {
			j.reason = fmt.Sprintf("%d of %d devices failed", j.counts.Failed, j.counts.Total)
		}
		e.close(j, now, out)
	}
	if j.counts.Running > 0 || !j.status.Ended() && j.status != Stopped {
		return
	}
	e.halt(j, now)
	e.disarm(&j.forget)
	j.forget = e.arm(slot{Ref{Job: j.number}, slotPurge}, now.Add(e.cfg.Keep))
	if j.status == Stopped {
		e.leave(j, now, out)
		return
	}
	j.settled, j.sweep = true, idle
	delete(e.chosen, j.number)
	e.ended = append(e.ended, j.number)
	e.leave(j, now, out)
}

// Cancel cancels a job: children not begun end as cancelled, running ones
// stop when their step ends. An ended job stays as it is.
func (e *Engine) Cancel(now sim.Time, id string, out *sim.Outbox) (ok bool) {
	n, ok := e.byID[id]
	if !ok {
		return false
	}
	e.now = now
	if j := e.jobs.Mut(int(n)); !j.status.Ended() {
		delete(e.chosen, n)
		e.quiet(j)
		j.status, j.sweep, j.over, j.again = Cancelled, cancelling, 0, nil
		e.close(j, now, out)
		e.todo(n)
	}
	return true
}

// exceeds says in words that more has failed than the job's threshold allows,
// "" while it has not.
func (e *Engine) exceeds(j *Job) string {
	t := j.spec.Threshold
	if t == nil {
		return ""
	}
	failed, base, of := j.counts.Failed, j.counts.Total, "devices"
	if t.PerBatch {
		failed, base, of = j.batch.failed, j.batch.to-j.batch.from, "devices of its batch"
	}
	if failed <= t.Most(base) || planted.In(e.cfg.Planted, planted.Threshold) && failed == t.Most(base)+1 {
		return ""
	}
	return fmt.Sprintf("%d of %d %s failed; the cancellation threshold is %s", failed, base, of, t.Amount)
}

// doom cancels a job whose failures exceed their limit. No device is started
// any more; what is in flight ends by itself and is counted, what was not
// begun stays pending. A stopped job is cancelled when it is resumed. [Azure
// IoT Central: "Create and run a job", cancellation threshold]
func (e *Engine) doom(j *Job, reason string, now sim.Time, out *sim.Outbox) {
	if j.status == Stopped {
		j.doomed = reason
		return
	}
	e.quiet(j)
	j.status, j.again, j.reason = Cancelled, nil, reason
	e.close(j, now, out)
}

// Stop stops a running or pending job: nothing more is started, what is in
// flight ends by itself. Its error says in which state it was instead.
func (e *Engine) Stop(now sim.Time, id string, out *sim.Outbox) error {
	j, err := e.job(id)
	if err != nil {
		return err
	}
	if j.status != Running && j.status != Pending {
		return fmt.Errorf("job %q is %s; only a running or pending job can be stopped", id, j.status)
	}
	e.now = now
	e.stop(j, "", now, out)
	return nil
}

func (e *Engine) stop(j *Job, why string, now sim.Time, out *sim.Outbox) {
	e.quiet(j)
	j.status, j.reason = Stopped, why
	e.note(j, now, out)
	e.settle(j, now, out)
}

// Resume lets a stopped job go on where it was: the same devices, the same
// batches, the counts kept. A queued job waits for a slot again. A job that
// exceeded its threshold by what was in flight when it stopped is cancelled.
func (e *Engine) Resume(now sim.Time, id string, out *sim.Outbox) error {
	j, err := e.job(id)
	if err != nil {
		return err
	}
	if j.status != Stopped {
		return fmt.Errorf("job %q is %s; only a stopped job can be resumed", id, j.status)
	}
	e.now = now
	e.disarm(&j.forget)
	j.reason = ""
	if j.doomed != "" {
		j.status = Pending
		e.doom(j, j.doomed, now, out)
		e.settle(j, now, out)
		return nil
	}
	if planted.In(e.cfg.Planted, planted.DoubleExecution) {
		e.startAnew(j, now, out)
	}
	if j.sweep == selecting {
		j.status = Pending
		e.note(j, now, out)
		e.todo(j.number)
		return nil
	}
	e.admit(j, now, out)
	return nil
}

// startAnew is a planted bug: what is in flight is started once more.
func (e *Engine) startAnew(j *Job, now sim.Time, out *sim.Outbox) {
	for i := range j.children.Len() {
		if r := e.run(Ref{j.number, uint32(i)}, now, out); r.child.status == Running {
			r.rest(Pending)
			j.counts.Pending++
			r.note("pending")
			j.again = append(j.again, int32(i))
			e.release(r.dev(), r.ref(), now, out)
		}
	}
}

// Rerun makes a new job over the devices that failed in another one, which
// has ended or is stopped. An empty name keeps the other's.
func (e *Engine) Rerun(now sim.Time, id, rerun, name string, out *sim.Outbox) (number uint32, err error) {
	j, err := e.job(id)
	if err != nil {
		return 0, err
	}
	switch {
	case !j.status.Ended() && j.status != Stopped:
		return 0, fmt.Errorf("job %q is %s; only a job that has ended or is stopped can be rerun", id, j.status)
	case j.counts.Failed == 0:
		return 0, fmt.Errorf("no device of job %q failed", id)
	case e.byID[rerun] != 0 || rerun == id:
		return 0, fmt.Errorf("job %q exists", rerun)
	}
	if _, ok := e.byID[rerun]; ok && rerun != "" {
		return 0, fmt.Errorf("job %q exists", rerun)
	}
	e.now = now
	s, source := *j.spec, j.number
	s.ID, s.Targets = rerun, nil
	if name != "" {
		s.Name = name
	}
	if s.Group == "" {
		s.Group = id // its devices may be gone by now
	}
	j = e.add(now, s, out)
	j.rerun = source + 1
	return j.number, nil
}

// job returns the job of an id.
func (e *Engine) job(id string) (*Job, error) {
	n, ok := e.byID[id]
	if !ok {
		return nil, fmt.Errorf("no job %q", id)
	}
	return e.jobs.Mut(int(n)), nil
}

// purge forgets a job. Its number is never used again.
func (e *Engine) purge(n uint32) {
	j := e.jobs.Mut(int(n))
	e.disarm(&j.forget) // it may be replaced before its time
	if e.byID[j.spec.ID] == n {
		delete(e.byID, j.spec.ID)
		e.names.Delete(j.spec.ID)
	}
	j.purged, j.children, j.tallies, j.devs, j.batches = true, sim.NewPages[child](e.cfg.Gen), sim.NewPages[tally](e.cfg.Gen), nil, nil
	j.spec = &Spec{ID: j.spec.ID, Kind: j.spec.Kind}
}

// backoff is how long the next try of a child waits.
func (r *Retry) backoff(attempt uint8) time.Duration {
	d := r.Min
	for range attempt {
		if d *= 2; d >= r.Max || d <= 0 {
			return r.Max
		}
	}
	return d
}

// takes says whether a failure is tried again.
func (r *Retry) takes(why Why, attempt uint8) bool {
	if r == nil || why == whyOver || int(attempt) >= r.Attempts {
		return false
	}
	for _, w := range r.On {
		if w == why {
			return true
		}
	}
	return len(r.On) == 0
}
