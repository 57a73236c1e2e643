package scenarios

import (
	"fmt"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// cancel cancels a job of the plan: devices not begun are cancelled, those
// being worked on stop at their next step.
var cancel = verb("cancel", "cancel a job that has been submitted: its id", where(textOf("a job id", 1, 64)),
	func(c *compiler, at spot, id placed[string]) func() Act {
		if !c.jobNamed(id.v) {
			c.r.complain(id.at, didYouMean(id.v, c.jobNames()), "no job %s", quote(id.v))
			return nil
		}
		return func() Act { return &cancelling{job: id.v, what: c.where(at) + ": cancel " + id.v} }
	})

type cancelling struct {
	job, what string
	asked     bool
	done      bool
	err       error
}

func (a *cancelling) Next(s Scene, t *Turn) {
	t.Wake = sim.Never
	if !a.asked {
		a.asked = true
		if !s.Job(a.job).Submitted {
			t.Done, t.Err = true, fmt.Errorf("%s: the job has not been submitted; put `wait: {job: %s, until: submitted}` before", a.what, a.job)
			return
		}
		t.Do = append(t.Do, hub.CancelJob{ID: a.job})
	}
	t.Done = a.done
	if a.err != nil {
		t.Err = fmt.Errorf("%s: %w", a.what, a.err)
	}
}

func (a *cancelling) Answer(_ int, _ hub.Reply, err error) { a.done, a.err = true, err }

func (c *compiler) jobNamed(id string) bool {
	for i := range c.plan.Jobs {
		if c.plan.Jobs[i].ID == id {
			return true
		}
	}
	return false
}
