package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

// Options are what a run is made of; Plan, Stage, Recorder and Kind are
// needed.
type Options struct {
	Plan     *scenarios.Plan
	Stage    scenarios.Stage
	Recorder *record.Recorder // gets what the stage observes
	Kind     string           // record.Live or record.Virtual
	Epoch    sim.Epoch        // civil instant of the stage's time 0

	// Watch, if set, is told how things stand every Tick of the stage's time
	// and when jobs have ended.
	Watch func(Progress)
	Tick  time.Duration // 0: only when jobs have ended

	// Memory, if set, says how many bytes the process uses. It is asked before
	// the devices are made and when all of them are connected.
	Memory func() int64

	// Warm, if set, ends the warm-up: it is called once, when all devices are
	// connected or when the first job is submitted, whichever comes first. What
	// was late before says nothing about the run proper; what is late after it
	// does, however many devices are still on their way.
	Warm func()

	// Finish, if set, fills in what only the stage knows, when the run has
	// ended and before it is judged; a VoidReason if the stage doubts its own
	// numbers.
	Finish func(*record.Summary) error
}

// Progress is how a run stands.
type Progress struct {
	Now      sim.Time
	Jobs     []job.View
	Counters *hub.Counters // nil: the hub does not tell
}

// maxWait is how long the hub may take to say how things stand at the end of
// a run that was interrupted.
const maxWait = 10 * time.Second

// Run plays the plan to its end, or until ctx ends.
func Run(ctx context.Context, o Options) *record.Summary {
	r := &run{Options: o, ctx: ctx, jobs: make([]scenarios.JobState, len(o.Plan.Jobs)), tickets: map[uint64]func(hub.Reply, error){}}
	s := &record.Summary{
		Scenario: o.Plan.Name, About: o.Plan.Description, Kind: o.Kind, Seed: o.Plan.Seed,
		Epoch: o.Epoch.Text(0), Start: o.Epoch.Text(o.Stage.Now()), Faults: faults(o.Plan),
		Source: record.Source{Name: o.Plan.Source.Name, Text: string(o.Plan.Source.Text), Settings: o.Plan.Settings},
	}
	err := r.play()
	r.collect(s)
	o.Recorder.Stop()
	r.collectMetrics(s)
	o.Recorder.Fill(s)
	if o.Finish != nil {
		if ferr := o.Finish(s); err == nil {
			err = ferr
		}
	}
	r.judge(s, err)
	return s
}

// run is a plan being played.
type run struct {
	Options
	ctx     context.Context
	uris    map[string]string
	jobs    []scenarios.JobState // by place in Plan.Jobs
	tickets map[uint64]func(hub.Reply, error)
	step    int           // place in Plan.Steps
	act     scenarios.Act // of that step, nil: not begun
	asked   int           // commands of that act so far
	wake    sim.Time      // when the act wants to be asked again
	missed  []record.Expectation
	before  int64 // bytes used before there were devices
	bytes   int64 // bytes used by all devices connected, 0: not measured
	warm    bool  // the warm-up is over
}

// errTimeout says that the plan's timeout has come.
var errTimeout = errors.New("the run's timeout has come")

// play sets the stage and drives the plan. Its error is why it did not come
// to its end: the context's, errTimeout or what the stage said.
func (r *run) play() error {
	r.wake = sim.Never
	r.uris = make(map[string]string, len(r.Plan.Packages))
	for _, p := range r.Plan.Packages {
		uri, err := r.Stage.Publish(pack.New(p))
		if err != nil {
			return fmt.Errorf("package %s: %w", p.Name, err)
		}
		r.uris[p.Name] = uri
	}
	if r.Memory != nil {
		r.before = r.Memory()
	}
	if len(r.Plan.Spells) > 0 {
		if err := r.Stage.Befall(r.ctx, r.Plan.Spells); err != nil {
			return err
		}
	}
	for _, g := range r.Plan.Groups {
		if err := r.Stage.Add(r.ctx, g); err != nil {
			return fmt.Errorf("group %s: %w", g.Name, err)
		}
	}
	for _, g := range r.Plan.DeviceGroups {
		if _, err := r.Stage.Hub().Do(r.ctx, g); err != nil {
			return fmt.Errorf("device group %s: %w", g.ID, err)
		}
	}
	tick := sim.Time(0)
	for {
		now := r.Stage.Now()
		next, err := r.due(now)
		if err != nil {
			return err
		}
		if err := r.steps(now); err != nil {
			return err
		}
		if r.over(now) {
			return nil
		}
		if now >= sim.Time(r.Plan.Timeout) {
			return errTimeout
		}
		if r.Tick > 0 && now >= tick {
			tick = now.Add(r.Tick)
			if err := r.watch(); err != nil {
				return err
			}
		}
		to := min(next, r.wake, sim.Time(r.Plan.Timeout))
		if r.Tick > 0 {
			to = min(to, tick)
		}
		if d := sim.Time(r.Plan.Duration); d > now {
			to = min(to, d)
		}
		settled, err := r.Stage.Advance(r.ctx, max(to, now))
		for _, s := range settled {
			if f := r.tickets[s.Ticket]; f != nil {
				delete(r.tickets, s.Ticket)
				f(s.Reply, s.Err)
			}
		}
		if err != nil {
			return err
		}
		if len(settled) > 0 && r.Watch != nil {
			if err := r.watch(); err != nil {
				return err
			}
		}
	}
}

// due submits the jobs whose time has come.
func (r *run) due(now sim.Time) (next sim.Time, err error) {
	for {
		start, skip, next := r.Plan.Due(now, r.jobs)
		if len(start)+len(skip) == 0 {
			return next, nil
		}
		for _, i := range skip {
			r.jobs[i].Skipped = true
			j := &r.Plan.Jobs[i]
			r.miss(fmt.Sprintf("job %s after %s %s", j.ID, j.After, j.On), fmt.Sprintf("%s ended otherwise; %s was not submitted", j.After, j.ID))
		}
		for _, i := range start {
			j, state := &r.Plan.Jobs[i], &r.jobs[i]
			state.Submitted = true
			r.warmed()
			if j.Schedule != nil {
				if err := r.plan(j, state); err != nil {
					return 0, err
				}
				continue
			}
			reply, err := r.Stage.Hub().Do(r.ctx, hub.SubmitJob{Spec: r.Plan.Spec(j, r.uris[j.Package])})
			if err := r.ctx.Err(); err != nil {
				return 0, err
			}
			if err != nil {
				state.Status = job.Failed
				r.miss("job "+j.ID, "the hub refused it: "+err.Error())
				continue
			}
			state.Status = reply.Job.Status
			r.tickets[reply.Ticket] = func(reply hub.Reply, err error) {
				state.Status = job.Failed
				if err == nil {
					state.Status = reply.Job.Status
				} else {
					r.miss("job "+j.ID, err.Error())
				}
				r.wake = 0 // a step may wait for it
			}
		}
		r.wake = 0
	}
}

// plan gives the hub the schedule of a job. Its instances are the hub's own:
// they are found at the end of the run.
func (r *run) plan(j *scenarios.Job, state *scenarios.JobState) error {
	put, err := r.Plan.PutSchedule(j, r.uris[j.Package], r.Epoch)
	if err == nil {
		_, err = r.Stage.Hub().Do(r.ctx, put)
	}
	if err := r.ctx.Err(); err != nil {
		return err
	}
	state.Status = job.Scheduled
	if err != nil {
		state.Status = job.Failed
		r.miss("schedule "+j.ID, "the hub refused it: "+err.Error())
	}
	return nil
}

// steps plays the present step as far as it goes now, and those after it.
func (r *run) steps(now sim.Time) error {
	scene := scenarios.Scene{Now: now, Job: r.state}
	for r.step < len(r.Plan.Steps) {
		if r.act == nil {
			r.act = r.Plan.Steps[r.step].Act()
		} else if r.wake > now {
			return nil
		}
		turn := scenarios.Turn{Wake: sim.Never}
		r.act.Next(scene, &turn)
		r.wake = turn.Wake
		for _, c := range turn.Do {
			if err := r.command(r.asked, c); err != nil {
				return err
			}
			r.asked++
		}
		for _, name := range turn.Relieve {
			if err := r.Stage.Relieve(r.ctx, name); err != nil {
				return err
			}
		}
		if len(turn.Befall) > 0 {
			if err := r.Stage.Befall(r.ctx, turn.Befall); err != nil {
				return err
			}
		}
		if !turn.Done {
			if r.wake > now {
				return nil
			}
			continue
		}
		if turn.Err != nil {
			s := &r.Plan.Steps[r.step]
			r.missed = append(r.missed, record.Expectation{Expression: "step " + s.Verb, Source: s.Where, Reason: turn.Err.Error()})
			r.step = len(r.Plan.Steps)
			break
		}
		r.step, r.act, r.asked = r.step+1, nil, 0
	}
	r.wake = sim.Never
	return nil
}

// command runs the n-th command of an act and sees to its answer.
func (r *run) command(n int, c hub.Command) error {
	act := r.act
	answer := func(reply hub.Reply, err error) {
		if r.act == act {
			act.Answer(n, reply, err)
			r.wake = 0
		}
	}
	reply, err := r.Stage.Hub().Do(r.ctx, c)
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if err == nil && reply.Ticket != 0 {
		r.tickets[reply.Ticket] = answer
		return nil
	}
	answer(reply, err)
	return nil
}

// state is how a job of the plan stands.
func (r *run) state(id string) scenarios.JobState {
	for i := range r.Plan.Jobs {
		if r.Plan.Jobs[i].ID == id {
			return r.jobs[i]
		}
	}
	return scenarios.JobState{}
}

// over says whether nothing more is to come. A schedule does not keep a run
// going: it could go on for ever.
func (r *run) over(now sim.Time) bool {
	for _, s := range r.jobs {
		if !s.Skipped && !(s.Submitted && (s.Status.Ended() || s.Status == job.Scheduled)) {
			return false
		}
	}
	return r.step == len(r.Plan.Steps) && now >= sim.Time(r.Plan.Duration)
}

// miss notes something that was not reached and that no expectation says.
func (r *run) miss(what, why string) {
	r.missed = append(r.missed, record.Expectation{Expression: what, Reason: why})
}

// watch says how things stand, and measures the memory once all devices are
// connected. A hub that does not tell its counters may tell its jobs.
func (r *run) watch() error {
	p := Progress{Now: r.Stage.Now()}
	reply, err := r.Stage.Hub().Do(r.ctx, hub.GetCounters{})
	if err := r.unless(err); err != nil {
		return err
	}
	if err == nil {
		p.Counters = reply.Counters
		if p.Counters.Connected >= r.Plan.Devices {
			r.warmed()
			if r.Memory != nil && r.bytes == 0 {
				r.bytes = max(1, r.Memory()-r.before)
			}
		}
	}
	if r.Watch == nil {
		return nil
	}
	list, err := r.Stage.Hub().Do(r.ctx, hub.ListJobs{})
	if err != nil {
		return r.unless(err)
	}
	p.Jobs = list.Jobs
	r.Watch(p)
	return nil
}

// warmed ends the warm-up, once.
func (r *run) warmed() {
	if !r.warm && r.Warm != nil {
		r.Warm()
	}
	r.warm = true
}

// unless passes on an error unless it says that this hub cannot tell.
func (r *run) unless(err error) error {
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
