package soak

import (
	"fmt"
	"io"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
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
	Broken string // the first rule that was broken, "" if none was
}

var key = []byte("soak: every device has this key.")

// Play plays a case once and judges it. What happens to its jobs is written to
// log, unless that is nil.
func Play(c *Case, log io.Writer) Result {
	j := newJudge(c)
	j.log = log
	w := world.New(world.Config{Seed: c.Seed, Latency: c.Latency, Uplink: c.Uplink, Observe: j.observe,
		Hub: hub.Config{CallTimeout: c.Call}})
	j.hub = w.Hub()
	for i, d := range c.Devices {
		if _, err := w.Do(hub.Register{ID: d.ID, PrimaryKey: key}); err != nil {
			return Result{Broken: err.Error()}
		}
		var conditions fault.Conditions
		if d.Fault != "" {
			var err error
			if conditions, err = fault.Parse(d.Fault); err != nil {
				return Result{Broken: err.Error()}
			}
		}
		err := w.Add(device.Config{ID: d.ID, Number: uint64(i), Key: key, Profile: c.Profile, FirmwareVersion: "1.0"}, conditions)
		if err != nil {
			return Result{Broken: err.Error()}
		}
	}
	uri := w.Publish(pack.New(pack.Spec{Name: "fw", Version: "3.0", Size: 4 << 10}))
	p := &player{case_: c, world: w, judge: j, uri: uri}
	p.play()
	j.over(w.Now())
	return Result{Digest: w.Digest(), Steps: w.Steps(), Broken: j.broken}
}

// player is the operator of a case.
type player struct {
	case_ *Case
	world *world.World
	judge *judge
	uri   string
	jobs  int // how many of them are submitted
	acts  int
}

// play submits the jobs and does the acts when they are due, resumes at half
// time what is stopped then, cancels near the end what a gate has stopped
// since, and goes on to the horizon.
func (p *player) play() {
	w, late := p.world, []sim.Time{horizon / 2, horizon - horizon/8}
	for w.Now() < horizon && p.judge.broken == "" {
		next, what := horizon, -1
		for i := range p.case_.Jobs { // few: looked through each time
			if at := p.case_.Jobs[i].At; p.jobs>>i&1 == 0 && at < next {
				next, what = at, i
			}
		}
		for i := range p.case_.Acts {
			if at := p.case_.Acts[i].At; p.acts>>i&1 == 0 && at < next {
				next, what = at, maxJobs+i
			}
		}
		if len(late) > 0 && late[0] < next {
			next, what = late[0], -2
		}
		for w.Now() < next && p.judge.broken == "" {
			for _, s := range w.Advance(next) {
				p.judge.settled(s)
			}
		}
		switch {
		case what == -2:
			late = late[1:]
			p.goOn(len(late) == 0)
		case what >= maxJobs:
			p.acts |= 1 << (what - maxJobs)
			p.act(p.case_.Acts[what-maxJobs])
		case what >= 0:
			p.jobs |= 1 << what
			s := p.case_.Jobs[what].Spec
			s.PackageURI = p.uri
			p.do(hub.SubmitJob{Spec: s})
		}
	}
}

// do runs a command and tells the judge.
func (p *player) do(c hub.Command) {
	p.judge.asked(c)
	r, err := p.world.Do(c)
	p.judge.answered(c, r, err)
}

func (p *player) act(a Act) {
	id := fmt.Sprintf("j%d", a.Job)
	switch a.What {
	case "stop":
		p.do(hub.StopJob{ID: id})
	case "resume":
		p.do(hub.ResumeJob{ID: id})
	case "cancel":
		p.do(hub.CancelJob{ID: id})
	case "rerun":
		p.do(hub.RerunJob{ID: id, NewID: fmt.Sprintf("%s-again-%d", id, p.world.Now())})
	case "copy":
		p.do(hub.CopyJob{ID: id, NewID: fmt.Sprintf("%s-copy-%d", id, p.world.Now())})
	}
}

// goOn resumes the jobs that are stopped, or cancels them.
func (p *player) goOn(cancel bool) {
	r, err := p.world.Do(hub.ListJobs{})
	if err != nil {
		p.judge.breaks("ListJobs: %v", err)
		return
	}
	for _, v := range r.Jobs {
		switch {
		case v.Status != job.Stopped:
		case cancel:
			p.do(hub.CancelJob{ID: v.ID})
		default:
			p.do(hub.ResumeJob{ID: v.ID})
		}
	}
}
