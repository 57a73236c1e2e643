package job

import (
	"fmt"

	"github.com/flotilla-sim/flotilla/sim"
)

// Jobs is a snapshot of all jobs: to be read by any goroutine once the
// generation was moved on.
type Jobs struct {
	jobs  sim.Pages[Job]
	names sim.Sorted
	ids   idMaker
}

// Snapshot returns the jobs as they are; its owner moves the generation on
// before it changes anything.
func (e *Engine) Snapshot() Jobs { return Jobs{e.jobs, e.names, e.ids} }

// Len returns how many numbers have been given out.
func (s Jobs) Len() int { return s.jobs.Len() }

// At returns job number n; ok is false when it is forgotten.
func (s Jobs) At(n int) (v View, ok bool) {
	j := s.jobs.At(n)
	return j.view(), !j.purged
}

// Children returns the children of job n from place from, at most limit. A
// child the cursor has not reached yet is pending.
func (s Jobs) Children(n, from, limit int) []ChildView {
	j := s.jobs.At(n)
	var list []ChildView
	for i := max(0, from); i < len(j.spec.Targets) && len(list) < limit; i++ {
		list = append(list, j.childView(&s.ids, i))
	}
	return list
}

// Find returns the number of the job, or of the job and the child, that has
// the id.
func (s Jobs) Find(id string) (ref Ref, child, ok bool) {
	if n, ok := s.names.Get(id); ok {
		return Ref{Job: n}, false, true
	}
	ref, ok = s.ids.parse(id)
	if !ok || int(ref.Job) >= s.jobs.Len() {
		return Ref{}, false, false
	}
	if j := s.jobs.At(int(ref.Job)); j.purged || int(ref.Child) >= len(j.spec.Targets) {
		return Ref{}, false, false
	}
	return ref, true, true
}

// Brief is what a walk over many jobs needs of one.
type Brief struct {
	Kind   string
	Status Status
	Counts Counts // Total is the number of its children
}

// Brief returns what job number n is; ok is false when it is forgotten.
func (s Jobs) Brief(n int) (b Brief, ok bool) {
	j := s.jobs.At(n)
	return Brief{j.kind.Name, j.status, j.counts}, !j.purged
}

// ChildID returns the id of child i of job n.
func (s Jobs) ChildID(n, i int) string { return s.ids.make(Ref{uint32(n), uint32(i)}) }

// Child returns child i of job n.
func (s Jobs) Child(n, i int) ChildView { return s.jobs.At(n).childView(&s.ids, i) }

// ChildStatus returns the state of child i of job n.
func (s Jobs) ChildStatus(n, i int) Status {
	j := s.jobs.At(n)
	if i >= j.children.Len() {
		return Pending
	}
	return j.children.At(i).status
}

// Order compares children of one job as their ids do, without making them.
func (s Jobs) Order(n int, a, b uint32) int {
	return s.ids.compare(Ref{uint32(n), a}, Ref{uint32(n), b})
}

// View returns job number n.
func (e *Engine) View(n uint32) View {
	j := e.jobs.At(int(n))
	if j.specGen == *e.cfg.Gen {
		j = e.jobs.Mut(int(n))
		j.specGen = 0 // targets to come are not added to what is handed out
	}
	return j.view()
}

// Find returns the number of the job, or of the job and the child, that has
// the id.
func (e *Engine) Find(id string) (ref Ref, child, ok bool) {
	if n, ok := e.byID[id]; ok {
		return Ref{Job: n}, false, true
	}
	ref, ok = e.ids.parse(id)
	if !ok || int(ref.Job) >= e.jobs.Len() {
		return Ref{}, false, false
	}
	if j := e.jobs.At(int(ref.Job)); j.purged || int(ref.Child) >= len(j.spec.Targets) {
		return Ref{}, false, false
	}
	return ref, true, true
}

// Children returns the children of job n from place from, at most limit.
func (e *Engine) Children(n uint32, from, limit int) []ChildView {
	return e.Snapshot().Children(int(n), from, limit)
}

// Number returns how many job numbers there are: 0 to Number()-1.
func (e *Engine) Number() int { return e.jobs.Len() }

// Purged says whether a job is forgotten.
func (e *Engine) Purged(n uint32) bool { return e.jobs.At(int(n)).purged }

func (j *Job) view() View {
	c := j.counts
	v := View{
		ID: j.spec.ID, Kind: j.kind.Name, Status: j.status, Created: j.created, Start: j.start, End: j.end,
		FailureReason: j.reason, Counts: c, Timeout: max(0, j.spec.Timeout), BatchSize: j.batch.size, Batches: j.batches, Spec: j.spec,
		StatusMessage: fmt.Sprintf("Devices: %d; Succeeded: %d; Failed: %d;", c.Total, c.Succeeded, c.Failed),
	}
	if j.start != sim.Never {
		v.Batch = j.batch.number + 1
	}
	return v
}

func (j *Job) childView(ids *idMaker, i int) ChildView {
	v := ChildView{
		ID: ids.make(Ref{j.number, uint32(i)}), Parent: j.spec.ID, Kind: j.kind.Name, Device: j.spec.Targets[i], Number: i,
		Status: Pending, Start: sim.Never, End: sim.Never,
	}
	if i >= j.children.Len() {
		return v
	}
	c := j.children.At(i)
	v.Status, v.Start, v.End, v.FailureReason = c.status, c.start, c.end, c.reason
	switch {
	case c.status == Running:
		v.StatusMessage = j.kind.Steps[c.step].Name
	case c.waiting:
		v.StatusMessage = "waiting for another job on this device"
	}
	return v
}

// Continuous calls f for every continuous job over a group that goes on.
func (e *Engine) Continuous(f func(number uint32, group string)) {
	for _, n := range e.lasting {
		if j := e.jobs.At(int(n)); !j.status.Ended() {
			f(n, j.spec.Group)
		}
	}
}
