package scenarios

import (
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// JobState is how a job of the plan stands, as its player knows it. The zero
// value has not been submitted.
type JobState struct {
	Submitted bool
	Skipped   bool       // Due said it will never start
	Status    job.Status // once submitted

	seen  bool     // Due has seen it ended
	ended sim.Time // and when
}

// over says whether nothing more will come of the job.
func (s JobState) over() bool { return s.Skipped || s.Submitted && s.Status.Ended() }

// Due says which jobs start now and which never will, as places in Plan.Jobs
// in order; states belong to them by place. next is the next instant at which
// a job starts by itself, sim.Never if there is none: others wait for the end
// of a job.
//
// A job that comes after one that ended otherwise than it asked, or that was
// skipped, is skipped. The player notes what Due said in states before it
// asks again; Due itself notes there when it first saw a job ended, for a
// delay counts from then.
func (p *Plan) Due(now sim.Time, states []JobState) (start, skip []int, next sim.Time) {
	next = sim.Never
	for i := range states {
		if s := &states[i]; !s.seen && s.Submitted && s.Status.Ended() {
			s.seen, s.ended = true, now
		}
	}
	skipped := map[string]bool{}
	// A job may come after one further down the file: until nothing changes.
	for again := true; again; {
		again = false
		for i := range p.Jobs {
			j := &p.Jobs[i]
			if j.After == "" || states[i].Submitted || states[i].Skipped || skipped[j.ID] {
				continue
			}
			before := p.place(j.After)
			s := states[before]
			if s.Skipped || skipped[j.After] || s.over() && !j.On.met(s.Status) {
				skipped[j.ID] = true
				again = true
			}
		}
	}
	for i := range p.Jobs {
		j := &p.Jobs[i]
		switch {
		case states[i].Submitted || states[i].Skipped:
		case skipped[j.ID]:
			skip = append(skip, i)
		case j.After != "":
			s := states[p.place(j.After)]
			if !s.Submitted || !j.On.met(s.Status) {
				continue
			}
			if at := s.ended.Add(j.Delay); at <= now {
				start = append(start, i)
			} else {
				next = min(next, at)
			}
		case j.At <= now:
			start = append(start, i)
		default:
			next = min(next, j.At)
		}
	}
	return start, skip, next
}

// place returns where a job stands in Jobs; it panics for one that is not
// there, which Load has made sure of.
func (p *Plan) place(id string) int {
	for i := range p.Jobs {
		if p.Jobs[i].ID == id {
			return i
		}
	}
	panic("scenarios: no job " + id)
}
