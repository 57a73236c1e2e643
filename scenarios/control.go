package scenarios

import (
	"fmt"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// The verbs that steer a job of the plan.
var (
	cancel = steer("cancel", "cancel a job: devices not begun are cancelled, those being worked on stop at their next step",
		func(id, _ string) hub.Command { return hub.CancelJob{ID: id} })
	stop = steer("stop", "stop a job: nothing more is started, what is in flight ends by itself",
		func(id, _ string) hub.Command { return hub.StopJob{ID: id} })
	resume = steer("resume", "let a stopped job go on where it was",
		func(id, _ string) hub.Command { return hub.ResumeJob{ID: id} })
	rerun = steer("rerun", "run a job that has ended, or is stopped, again over the devices that failed, as `<job>-rerun`, to its end",
		func(id, job string) hub.Command { return hub.RerunJob{ID: id, NewID: job + "-rerun"} })
	duplicate = steer("copy", "run a job again over all its devices, as `<job>-copy`, to its end",
		func(id, job string) hub.Command { return hub.CopyJob{ID: id, NewID: job + "-copy"} })
)

// steer makes the verb that runs a command on a job; a command with a ticket
// is waited for.
func steer(name, help string, command func(id, job string) hub.Command) Action {
	return verb(name, help+" (the job's id; of a job with a schedule its newest instance)", where(textOf("a job id", 1, 64)),
		func(c *compiler, at spot, id placed[string]) func() Act {
			j := c.find(id.v)
			if j == nil {
				c.noJob(id.at, id.v)
				return nil
			}
			scheduled := j.Schedule != nil
			return func() Act {
				s := steering{job: id.v, what: c.where(at) + ": " + name + " " + id.v, command: command(id.v, id.v)}
				if scheduled {
					s.command = hub.GetSchedule{ID: id.v}
					return &newest{steering: s, then: command}
				}
				return &s
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

// newest is one being played on the newest instance of a schedule, whose id
// the hub is asked for first.
type newest struct {
	steering
	then func(id, job string) hub.Command
	told bool
}

func (a *newest) Answer(n int, reply hub.Reply, err error) {
	if a.told || err != nil {
		a.steering.Answer(n, reply, err)
		return
	}
	list := reply.Schedules[0].Instances
	if len(list) == 0 {
		a.steering.Answer(n, reply, fmt.Errorf("schedule %q has no instance yet", a.job))
		return
	}
	a.told, a.asked, a.command = true, false, a.then(list[len(list)-1], a.job)
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
