package soak

import (
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/pack"
	"github.com/flotilla-sim/flotilla/sim/world"
)

// Result is what came of a case.
type Result struct {
	Digest string
	Steps  uint64
	Broken Breach   // the first rule that was broken
	End    sim.Time // how far it was played
}

var key = []byte("soak: every device has this key.")

// Play plays a case once and judges it. What happens to its jobs is written to
// log, unless that is nil.
func Play(c *Case, log io.Writer) Result {
	j := newJudge(c)
	j.log = log
	return play(c, j, 0)
}

// replay plays a case without a judge, to the same end as before.
func replay(c *Case, end sim.Time) Result { return play(c, nil, end) }

// play plays a case; a judge says when it is over, or end does.
func play(c *Case, j *judge, end sim.Time) (r Result) {
	defer func() {
		if x := recover(); x != nil {
			r.Broken = Breach{"panic", r.End, fmt.Sprintf("%v at %s", x, culprit(debug.Stack()))}
		}
	}()
	cfg := world.Config{Seed: c.Seed, Latency: c.Latency, Uplink: c.Uplink, Hub: hub.Config{CallTimeout: c.Call, Planted: c.Planted}}
	if j != nil {
		cfg.Watch = j.watch
	}
	w := world.New(cfg)
	p := &player{case_: c, world: w, judge: j, end: end, uri: w.Publish(pack.New(pack.Spec{Name: "fw", Version: "3.0", Size: 4 << 10}))}
	if j != nil {
		j.read = p.read
	}
	if err := p.people(); err != nil {
		return Result{Broken: Breach{"commands", 0, err.Error()}}
	}
	p.play()
	r = Result{Digest: w.Digest(), Steps: w.Steps(), End: w.Now()}
	if j != nil {
		if p.over {
			counters, _ := w.Hub().Do(w.Now(), hub.GetCounters{}, &p.out)
			j.over(w.Now(), *counters.Counters)
		}
		r.Broken = j.broken
	}
	return r
}

// culprit is the first function of this module, behind the panic, on a stack.
func culprit(stack []byte) string {
	_, after, _ := strings.Cut(string(stack), "panic(")
	for line := range strings.Lines(after) {
		if strings.HasPrefix(line, "\t") && strings.Contains(line, "/sim/") {
			return strings.TrimSpace(line[strings.Index(line, "/sim/")+1 : max(strings.LastIndex(line, " "), 0)])
		}
	}
	return "an unknown place"
}

// player is the operator of a case.
type player struct {
	case_ *Case
	world *world.World
	judge *judge // nil: nobody judges
	uri   string
	end   sim.Time // when it ends; 0: the judge says
	over  bool     // it ended because all had settled, or at the horizon
	out   sim.Outbox

	course fault.Course // of the faults that come and go
	base   []fault.Conditions
}

// people registers the devices and groups and brings the devices to life.
func (p *player) people() error {
	for i, d := range p.case_.Devices {
		var conditions fault.Conditions
		var err error
		switch {
		case d.Fault.To > 0:
			err = p.befalls(d.Fault, fault.OnDevice, uint64(i))
		case d.Fault.Fault != "":
			conditions, err = fault.Parse(d.Fault.Fault)
		}
		if err != nil {
			return err
		}
		p.base = append(p.base, conditions)
		if _, err := p.world.Do(hub.Register{ID: d.ID, PrimaryKey: key, Tags: ring(d.Ring)}); err != nil {
			return err
		}
		c := device.Config{ID: d.ID, Number: uint64(d.Number), Key: key, Profile: p.case_.Profile, FirmwareVersion: "1.0"}
		if err := p.world.Add(c, conditions); err != nil {
			return err
		}
	}
	for _, h := range p.case_.Hub {
		if err := p.befalls(h, fault.OnHub, 0); err != nil {
			return err
		}
	}
	for _, r := range rings {
		if _, err := p.world.Do(hub.PutGroup{ID: group(r), Filter: filter(r)}); err != nil {
			return err
		}
	}
	return nil
}

// befalls puts a fault into the timetable.
func (p *player) befalls(s Spell, scope fault.Scope, device uint64) error {
	c, err := fault.Parse(s.Fault)
	p.course.Add(fault.Spell{Name: s.Fault, Begin: s.From, End: s.To, Who: fault.Who{First: device, Count: 1}, Scope: scope, Conditions: c})
	return err
}

// weather has faults begin and end that are due.
func (p *player) weather() {
	if p.course.Deadline() > p.world.Now() {
		return
	}
	p.course.Step(p.world.Now(), func(n uint64, cut bool) {
		c := p.course.At(n, p.base[n])
		c.Link.Cut = cut
		if err := p.world.Afflict(int(n), c); err != nil {
			panic(err) // only of a fault that virtual time does not have
		}
	}, p.world.Befall)
}

func ring(name string) doc.Value {
	return doc.Object(doc.Member{Name: "ring", Value: doc.String(name)})
}

// read returns a job and its children as the hub has them.
func (p *player) read(number uint32) (job.View, []job.ChildView, bool) {
	jobs := p.world.Hub().View().Jobs
	if int(number) >= jobs.Len() {
		return job.View{}, nil, false
	}
	v, ok := jobs.At(int(number))
	return v, jobs.Children(int(number), 0, maxDevices), ok
}

// entry is something to be done at an instant.
type entry struct {
	at sim.Time
	do func()
}

// When the operator resumes what is stopped, and when he cancels what has not
// ended by then; how often it is looked whether all has settled, and how long
// it goes on then, for what comes too late.
const (
	patience = 5400 * second
	slice    = 30 * second
	linger   = 100 * second
)

var resumes = []sim.Time{1000 * second, 1600 * second, 2400 * second}

// agenda is what is to be done, in order; the first n are the case's own.
func (p *player) agenda() (list []entry, n int) {
	for _, j := range p.case_.Jobs {
		list = append(list, entry{j.At, func() { p.do(hub.SubmitJob{Spec: p.spec(j.Spec)}) }})
	}
	for i := range p.case_.Plans {
		plan := &p.case_.Plans[i]
		list = append(list, entry{plan.At, func() { p.do(hub.PutSchedule{ID: plan.ID, Spec: p.spec(plan.Spec), Rule: plan.Rule}) }})
	}
	for _, a := range p.case_.Acts {
		list = append(list, entry{a.At, func() { p.act(a) }})
		if a.What == "pause" {
			list = append(list, entry{a.At.Add(a.For), func() { p.act(Act{What: "resume", Job: a.Job}) }})
		}
	}
	slices.SortStableFunc(list, func(a, b entry) int { return int(max(-1, min(1, a.at-b.at))) })
	n = len(list)
	for _, at := range resumes {
		list = append(list, entry{at, func() { p.goOn(false) }})
	}
	return append(list, entry{patience, func() { p.goOn(true) }}), n
}

func (p *player) spec(s job.Spec) job.Spec {
	s.PackageURI = p.uri
	return s
}

// play goes through the agenda until all has settled, a rule is broken, or
// the case is to be broken off.
func (p *player) play() {
	list, own := p.agenda()
	for i := 0; i <= len(list); i++ {
		to := horizon
		if i < len(list) {
			to = list[i].at
		}
		if !p.advance(to, i >= own) {
			return
		}
		if i < len(list) {
			list[i].do()
		}
	}
	p.over = true
}

// advance lets time go on; false: the play is over. With done, all that the
// case itself does has been done.
func (p *player) advance(to sim.Time, done bool) bool {
	w, j := p.world, p.judge
	limit := horizon
	if p.case_.Until > 0 {
		limit = p.case_.Until
	}
	if p.end > 0 {
		limit = min(limit, p.end)
	}
	for w.Now() < min(to, limit) {
		next := min(to, limit, w.Now()+slice)
		for w.Now() < next {
			p.weather()
			for _, s := range w.Advance(min(next, p.course.Deadline())) {
				if j != nil {
					j.settled(s.Ticket, s.Reply, s.Err)
				}
			}
			if j != nil && j.broken.Rule != "" {
				return false
			}
		}
		if j != nil && done && p.end == 0 && p.quiet() {
			p.end = w.Now() + linger
			limit = min(limit, p.end)
			p.over = limit == p.end
		}
	}
	p.weather()
	return w.Now() < limit
}

// quiet says whether nothing is left that could still happen.
func (p *player) quiet() bool {
	r, err := p.world.Hub().Do(p.world.Now(), hub.ListSchedules{}, &p.out)
	if err != nil {
		return false
	}
	for _, s := range r.Schedules {
		if s.Next != sim.Never {
			return false
		}
	}
	return p.judge.quiet()
}

// do carries out a command and tells the judge.
func (p *player) do(c hub.Command) hub.Reply {
	if p.judge != nil {
		p.judge.asked(c)
	}
	r, err := p.world.Do(c)
	if p.judge != nil {
		p.judge.answered(c, r, err)
	}
	return r
}

func (p *player) act(a Act) {
	id := a.Job
	if strings.HasPrefix(id, "s") && slices.Contains(onJobs, a.What) { // a schedule's last instance
		r, err := p.world.Hub().Do(p.world.Now(), hub.GetSchedule{ID: id}, &p.out)
		if err != nil || len(r.Schedules[0].Instances) == 0 {
			return
		}
		id = r.Schedules[0].Instances[len(r.Schedules[0].Instances)-1]
	}
	switch a.What {
	case "stop", "pause":
		p.do(hub.StopJob{ID: id})
	case "resume":
		p.do(hub.ResumeJob{ID: id})
	case "cancel":
		p.do(hub.CancelJob{ID: id})
	case "rerun":
		p.do(hub.RerunJob{ID: id, NewID: fmt.Sprintf("r%d", a.Number)})
	case "copy":
		p.do(hub.CopyJob{ID: id, NewID: fmt.Sprintf("c%d", a.Number)})
	case "move":
		p.do(hub.PatchTwin{ID: a.Device, Tags: ring(a.Ring)})
	case "call":
		p.do(hub.Invoke{ID: a.Device, Method: a.Method, ResponseTimeout: p.case_.Call})
	case "delete":
		p.do(hub.Unregister{ID: a.Device})
	case "ungroup":
		p.do(hub.DeleteGroup{ID: group(a.Ring)})
	case "group":
		p.do(hub.PutGroup{ID: group(a.Ring), Filter: filter(a.Ring)})
	case "disable":
		p.do(hub.EnableSchedule{ID: id})
	case "enable":
		p.do(hub.EnableSchedule{ID: id, Enabled: true})
	case "drop":
		p.do(hub.DeleteSchedule{ID: id})
	}
}

// goOn resumes the jobs that are stopped, or cancels all that have not ended.
func (p *player) goOn(cancel bool) {
	for _, v := range p.do(hub.ListJobs{}).Jobs {
		switch {
		case cancel && !v.Status.Ended():
			p.do(hub.CancelJob{ID: v.ID})
		case !cancel && v.Status == job.Stopped:
			p.do(hub.ResumeJob{ID: v.ID})
		}
	}
}
