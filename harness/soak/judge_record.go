package soak

import (
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// record is one job as the judge knows it.
type record struct {
	spec       job.Spec
	state      string
	number     uint32
	known      bool // number is set
	candidates [][]sim.DeviceID
	fixed      bool // its targets do not follow its group
	selected   bool
	targets    []sim.DeviceID
	parts      []part
	place      map[sim.DeviceID]int
	size       int  // of a batch
	refusable  bool // it names what is not there
	disturbed  bool // an operator did something to it
	cancelled  bool // an operator cancelled it
	resumed    int
	settled    bool
	since      sim.Time      // when it began to run last
	ran        time.Duration // before that
	starts     []sim.Time
	counts     job.Counts
	idle       bool     // it runs, and works on nobody
	quiet      sim.Time // since when
	plan       *planned // whose instance it is
}

// part is one device's part of a job.
type part struct {
	state string
	begun int
	asked int      // up to which try the call that it waits for is known
	since sim.Time // when it began last
	held  bool     // its turn has come, and another job of its device holds it up
	end   sim.Time
}

// tracked is what is known of a device.
type tracked struct {
	ring           string
	gone           bool
	version, state string
	executed       map[string][]sim.Time // resource or command -> when
	begun          map[string]int        // likewise -> how often a job or a call that executes it began
	conn           uint32                // of the session the hub has with it, 0: none
}

type callKey struct {
	device sim.DeviceID
	conn   uint32
	id     uint64
}

// called is a call on its way.
type called struct {
	due, sent sim.Time
	answered  bool
	owner     *record // whose part waits for it, if that is known
	try       int     // of the part
}

// planned is a schedule as the judge knows it.
type planned struct {
	plan      *Plan
	fired     []sim.Time
	disturbed bool
	deleted   bool
}

// meet gets to know a job by its number.
func (j *judge) meet(number uint32) *record {
	v, _, ok := j.read(number)
	if !ok {
		return nil
	}
	r := j.jobs[v.ID]
	if r == nil {
		if r = j.instance(&v); r == nil {
			return nil
		}
	}
	r.number, r.known = number, true
	j.numbers[number] = r
	return r
}

// submit takes note of a job that is asked for; lists are what its targets may
// be.
func (j *judge) submit(s job.Spec, lists ...[]sim.DeviceID) *record {
	r := &record{spec: s, candidates: lists, state: "pending"}
	j.jobs[s.ID] = r
	j.order = append(j.order, r)
	j.selecting = append(j.selecting, r)
	return r
}

// forget drops a job that was refused, the last one.
func (j *judge) forget(r *record) {
	delete(j.jobs, r.spec.ID)
	j.order = j.order[:len(j.order)-1]
	j.selecting = j.selecting[:len(j.selecting)-1]
}

// selects holds a job's targets against what they may be, once they are
// chosen; false: not yet.
func (j *judge) selects(r *record) bool {
	if !r.known {
		return false
	}
	v, _, _ := j.read(r.number)
	if v.BatchSize == 0 && (v.Status == job.Pending || v.Status == job.Stopped) {
		return false
	}
	r.selected = true
	ok := v.Status == job.Failed || v.Status == job.Cancelled
	for _, list := range r.candidates {
		ok = ok || equal(list, v.Spec.Targets)
	}
	if !ok {
		j.breaks("targets", "job %s is over %v; it should be over %v", r.spec.ID, v.Spec.Targets, r.candidates)
	}
	r.take(v.Spec.Targets)
	r.size = sizeOf(r.spec.Batch, len(r.targets))
	return true
}

// take adds devices to a record.
func (r *record) take(list []sim.DeviceID) {
	if r.place == nil {
		r.place = map[sim.DeviceID]int{}
	}
	for _, id := range list {
		r.place[id] = len(r.targets)
		r.targets = append(r.targets, id)
		r.parts = append(r.parts, part{state: "pending"})
	}
}

// part returns a device's part, nil if it has none.
func (r *record) part(id sim.DeviceID) *part {
	if i, ok := r.place[id]; ok {
		return &r.parts[i]
	}
	return nil
}

// batch is the number of the batch of a place.
func (r *record) batch(place int) int {
	if r.spec.Continuous || r.size == 0 {
		return 0
	}
	return place / r.size
}

func equal(a, b []sim.DeviceID) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func ended(state string) bool {
	return state == "completed" || state == "failed" || state == "cancelled"
}
