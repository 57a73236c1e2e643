package scenarios

import (
	"fmt"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// The verbs that steer a job of the plan.
var (
	cancel = steer("cancel", "cancel a job: devices not begun are cancelled, those being worked on stop at their next step",
		func(id string) hub.Command { return hub.CancelJob{ID: id} })
	stop = steer("stop", "stop a job: nothing more is started, what is in flight ends by itself",
		func(id string) hub.Command { return hub.StopJob{ID: id} })
	resume = steer("resume", "let a stopped job go on where it was",
		func(id string) hub.Command { return hub.ResumeJob{ID: id} })
	rerun = steer("rerun", "run a job that has ended, or is stopped, again over the devices that failed, as `<job>-rerun`, to its end",
		func(id string) hub.Command { return hub.RerunJob{ID: id, NewID: id + "-rerun"} })
	duplicate = steer("copy", "run a job again over all its devices, as `<job>-copy`, to its end",
		func(id string) hub.Command { return hub.CopyJob{ID: id, NewID: id + "-copy"} })
)

// steer makes the verb that runs a command on a job; a command with a ticket
// is waited for.
func steer(name, help string, command func(id string) hub.Command) Action {
	return verb(name, help+": its id", where(textOf("a job id", 1, 64)),
		func(c *compiler, at spot, id placed[string]) func() Act {
			if !c.jobNamed(id.v) {
				c.r.complain(id.at, didYouMean(id.v, c.jobNames()), "no job %s", quote(id.v))
				return nil
			}
			return func() Act {
				return &steering{job: id.v, what: c.where(at) + ": " + name + " " + id.v, command: command(id.v)}
			}
		})
}

// steering is one such step being played.
type steering struct {
	job, what string
	command   hub.Command
	asked     bool
	done      bool
	err       error
}

func (a *steering) Next(s Scene, t *Turn) {
	t.Wake = sim.Never
	if !a.asked {
		a.asked = true
		if !s.Job(a.job).Submitted {
			t.Done, t.Err = true, fmt.Errorf("%s: the job has not been submitted; put `wait: {job: %s, until: submitted}` before", a.what, a.job)
			return
		}
		t.Do = append(t.Do, a.command)
	}
	t.Done = a.done
	if a.err != nil {
		t.Err = fmt.Errorf("%s: %w", a.what, a.err)
	}
}

func (a *steering) Answer(_ int, _ hub.Reply, err error) { a.done, a.err = true, err }

func (c *compiler) jobNamed(id string) bool {
	for i := range c.plan.Jobs {
		if c.plan.Jobs[i].ID == id {
			return true
		}
	}
	return false
}
