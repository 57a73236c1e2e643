package job

import (
	"fmt"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// Fleet is what the engine needs of the hub around it. Devices are the hub's
// numbers.
type Fleet interface {
	// Find returns a device's number.
	Find(sim.DeviceID) (dev uint32, ok bool)
	// Online says whether the device is connected and takes direct methods.
	Online(dev uint32) bool
	// Property returns what the hub knows of a device property, with the
	// instant it learned it; an absent value and -1 if it knows nothing.
	Property(dev uint32, name string) (doc.Value, sim.Time)
	// Call sends a direct method; its outcome comes as Engine.Answered, never
	// from within Call.
	Call(now sim.Time, dev uint32, c Ref, method string, body []byte, timeout time.Duration, out *sim.Outbox)
	// Read takes the answer of a deep read, an object of paths and values,
	// into the device's properties.
	Read(now sim.Time, dev uint32, values doc.Value, out *sim.Outbox)
	// Configured notes the last configuration a job sent.
	Configured(dev uint32, value string, out *sim.Outbox)
}

// Ref names a child: the job's number and the child's place in it.
type Ref struct{ Job, Child uint32 }

// Ack is the outcome of a call.
type Ack struct {
	Status int32  // the device's status, 0 if there was no answer
	Body   []byte // the device's answer
	Lost   string // why there was no answer: "device not connected", "timed out", ...
}

// Config sets an engine up.
type Config struct {
	Gen    *uint32   // generation of the pages, shared with the hub's
	Rand   *sim.Rand // the hub's stream, for ids
	Fleet  Fleet
	Strict bool          //  a job id in use is refused; else a running job is answered as it is and an ended one replaced
	Call   time.Duration // how long a device may take to answer a call; 0: 30 s
	Keep   time.Duration // how long an ended job is kept; 0: 30 days
}

// Engine is the job engine. Its owner drives it from one goroutine.
type Engine struct {
	cfg    Config
	now    sim.Time // of the last call: Deadline for work that is due now
	jobs   sim.Pages[Job]
	byID   map[string]uint32
	active map[uint32][]Ref // device -> children not ended, in order of their start; looked up only
	timers sim.Timers       // key: slot
	slots  []slot
	free   []uint32
	work   []uint32 // jobs whose cursor has work, in order
	ids    idMaker
	ended  []uint32
	chosen map[uint32]map[uint32]bool // job still selecting -> devices it has
}

// Job is the engine's own record of a job. Snapshots of it are read through
// the methods below.
type Job struct {
	number   uint32
	kind     *Kind
	spec     *Spec
	devs     []uint32
	status   Status
	created  sim.Time
	start    sim.Time
	end      sim.Time
	reason   string
	counts   Counts
	children sim.Pages[child]
	cursor   int // next child to start; then, when sweeping, the next to end
	sweep    sweep
	held     int // children that wait behind another job of their device
	purged   bool
	timer    uint32 // slot + 1
}

// sweep is what goes over all children of a job.
type sweep uint8

const (
	selecting  sweep = iota // find the targets' numbers, no device twice
	starting                // start what is pending while there is room
	cancelling              // cancel what is pending, tell what runs to stop
	expiring                // fail everything that has not ended
	idle                    // nothing
)

type child struct {
	start, end  sim.Time
	since       sim.Time // what the device said before does not count
	reason      string
	before      string // firmware version before the update
	status      Status
	step        uint8
	state       uint8 // firmware update state the device said, 0: none
	result      uint8
	reconnected bool
	stop        bool   // cancelled: end at the next step
	waiting     bool   // behind another exclusive child of its device
	calls       uint8  // calls without an outcome, present one and left-over ones
	current     bool   // the present step has a call
	timer       uint32 // slot + 1
}

// unknown is the result of a device that has not said one.
const unknown = 0xff

type slot struct {
	ref  Ref
	what uint8
}

const (
	slotJob   = iota // the job's timeout
	slotPurge        // the job's history ends
	slotStep         // the child's step timeout
	slotGrace        // the child's device did not come
)

// NewEngine returns an engine without jobs.
func NewEngine(cfg Config) *Engine {
	if cfg.Call == 0 {
		cfg.Call = 30 * time.Second
	}
	if cfg.Keep == 0 {
		cfg.Keep = 30 * 24 * time.Hour
	}
	return &Engine{
		cfg: cfg, jobs: sim.NewPages[Job](cfg.Gen), byID: map[string]uint32{}, active: map[uint32][]Ref{},
		ids: newIDMaker(cfg.Rand), chosen: map[uint32]map[uint32]bool{},
	}
}

// Check says what is wrong with a spec, nil if nothing is. It does not look
// at the devices.
func Check(s *Spec) error {
	k, err := FindKind(s.Kind)
	if err != nil {
		return err
	}
	switch {
	case len(s.ID) > 256:
		return fmt.Errorf("job id has %d bytes; the limit is 256", len(s.ID))
	case len(s.Targets) == 0:
		return fmt.Errorf("the job names no device")
	case len(s.Targets) > MaxTargets:
		return fmt.Errorf("the job names %d devices; the limit is %d", len(s.Targets), MaxTargets)
	case s.Timeout != 0 && (s.Timeout < MinTimeout || s.Timeout > MaxTimeout):
		return fmt.Errorf("timeout %s is outside %s to %s", s.Timeout, MinTimeout, MaxTimeout)
	case s.StepTimeout < 0 || s.InFlight < 0:
		return fmt.Errorf("stepTimeout and inFlight must not be below 0")
	}
	if k.Validate != nil {
		if err := k.Validate(s); err != nil {
			return err
		}
	}
	return nil
}

// Submit takes a job whose spec passed Check and returns its number; of a job
// with the same id that has not ended, that one's. A target that is not there
// or named twice fails the whole job before any device has heard of it.
func (e *Engine) Submit(now sim.Time, s Spec, out *sim.Outbox) (number uint32, err error) {
	e.now = now
	if old, ok := e.byID[s.ID]; ok && s.ID != "" {
		if e.cfg.Strict {
			return 0, fmt.Errorf("job %q exists", s.ID)
		}
		if e.jobs.At(int(old)).end == sim.Never {
			return old, nil
		}
		e.purge(old)
	}
	number = uint32(e.jobs.Len())
	if s.ID == "" {
		s.ID = e.ids.make(Ref{number, ^uint32(0)})
	}
	if s.Timeout == 0 {
		s.Timeout = DefaultTimeout
	}
	if s.Grace == 0 {
		s.Grace = DefaultGrace
	}
	k, _ := FindKind(s.Kind)
	j := e.jobs.Append(Job{
		number: number, kind: k, spec: &s, status: Pending, created: now, start: sim.Never, end: sim.Never,
		devs: make([]uint32, 0, len(s.Targets)), counts: Counts{Total: len(s.Targets), Pending: len(s.Targets)}, children: sim.NewPages[child](e.cfg.Gen),
	})
	e.byID[s.ID] = number
	e.chosen[number] = make(map[uint32]bool, len(s.Targets))
	e.work = append(e.work, number)
	e.note(j, now, out)
	return number, nil
}

// choose takes the next target into a job's list; the last one starts the
// job's clock.
func (e *Engine) choose(j *Job, now sim.Time, out *sim.Outbox) {
	id := j.spec.Targets[len(j.devs)]
	dev, ok := e.cfg.Fleet.Find(id)
	if chosen := e.chosen[j.number]; ok && !chosen[dev] {
		chosen[dev] = true
		j.devs = append(j.devs, dev)
		if len(j.devs) < len(j.spec.Targets) {
			return
		}
		j.sweep, j.status, j.start = starting, Running, now
		j.timer = e.arm(slot{Ref{Job: j.number}, slotJob}, now.Add(j.spec.Timeout)) + 1
		e.note(j, now, out)
	} else {
		j.reason = fmt.Sprintf("device %q is not registered", id)
		if ok {
			j.reason = fmt.Sprintf("device %q is named twice", id)
		}
		j.status, j.sweep = Failed, idle
		e.close(j, now, out)
	}
	delete(e.chosen, j.number)
}

// Deadline is when Step wants to be called next.
func (e *Engine) Deadline() sim.Time {
	if len(e.work) > 0 {
		return e.now
	}
	return e.timers.Next()
}

// Step does what is due: time limits first, then the jobs' cursors, at most
// sim.MaxSlice children in all.
func (e *Engine) Step(now sim.Time, out *sim.Outbox) {
	e.now = now
	left := sim.MaxSlice
	for ; left > 0; left-- {
		key, ok := e.timers.Pop(now)
		if !ok {
			break
		}
		s := e.slots[key]
		e.free = append(e.free, key)
		e.due(s, now, out)
	}
	for left > 0 && len(e.work) > 0 {
		j := e.jobs.Mut(int(e.work[0]))
		if left = e.advance(j, now, left, out); left > 0 {
			e.work = append(e.work[:0], e.work[1:]...)
		} else { // the others' turn
			e.work = append(append(e.work[:0], e.work[1:]...), j.number)
		}
	}
}

// next is the one place that chooses who is worked on next.
func (j *Job) next() (i int, ok bool) {
	if j.cursor >= len(j.devs) || j.spec.InFlight > 0 && j.counts.Running+j.held >= j.spec.InFlight {
		return 0, false
	}
	j.cursor++
	return j.cursor - 1, true
}

// advance moves a job's cursor over at most left children and returns what is
// left; 0 means that it may have more to do.
func (e *Engine) advance(j *Job, now sim.Time, left int, out *sim.Outbox) int {
	number := int(j.number)
	for ; left > 0; left-- {
		j = e.jobs.Mut(number)
		switch j.sweep {
		case selecting:
			e.choose(j, now, out)
		case starting:
			i, ok := j.next()
			if !ok {
				return left
			}
			j.children.Append(child{start: sim.Never, end: sim.Never, result: unknown})
			e.start(&run{e: e, job: j, child: j.children.Mut(i), i: i, now: now, out: out})
		case cancelling, expiring:
			if j.cursor >= len(j.spec.Targets) {
				j.sweep = idle
				e.settle(j, now, out)
				return left
			}
			i := j.cursor
			j.cursor++
			if i >= j.children.Len() {
				j.children.Append(child{start: sim.Never, end: sim.Never, result: unknown})
			}
			r := &run{e: e, job: j, child: j.children.Mut(i), i: i, now: now, out: out}
			switch c := r.child; {
			case c.status.Ended():
			case j.sweep == expiring:
				r.fail(r.timedOut(j.spec.Timeout))
			case c.status == Pending || c.step == 0:
				r.end(Cancelled, "")
			default:
				c.stop = true
			}
		case idle:
			return left
		}
	}
	return 0
}

// start begins a child, or lets it wait behind another exclusive child of its
// device.
func (e *Engine) start(r *run) {
	dev, busy := r.dev(), false
	for _, ref := range e.active[dev] {
		if e.jobs.At(int(ref.Job)).kind.Exclusive {
			busy = true
		}
	}
	e.active[dev] = append(e.active[dev], r.ref())
	if busy && r.job.kind.Exclusive {
		r.child.waiting = true
		r.job.held++
		r.note("pending")
		return
	}
	r.begin()
}

// due handles a time limit.
func (e *Engine) due(s slot, now sim.Time, out *sim.Outbox) {
	j := e.jobs.Mut(int(s.ref.Job))
	switch s.what {
	case slotPurge:
		e.purge(j.number)
		return
	case slotJob:
		j.timer = 0
		if !j.status.Ended() || j.end == sim.Never {
			j.sweep, j.cursor = expiring, 0
			e.queue(j.number)
		}
		return
	}
	r := &run{e: e, job: j, child: j.children.Mut(int(s.ref.Child)), i: int(s.ref.Child), now: now, out: out}
	r.child.timer = 0
	if s.what == slotGrace {
		r.fail("device not connected")
		return
	}
	r.fail(r.timedOut(j.spec.StepTimeout))
}

// queue puts a job's cursor to work unless it is there already.
func (e *Engine) queue(number uint32) {
	for _, n := range e.work {
		if n == number {
			return
		}
	}
	e.work = append(e.work, number)
}

// settle ends a job when all its children have ended.
func (e *Engine) settle(j *Job, now sim.Time, out *sim.Outbox) {
	if j.counts.Pending+j.counts.Running > 0 || j.end != sim.Never || j.sweep == cancelling || j.sweep == expiring {
		return
	}
	if !j.status.Ended() {
		j.status = Completed
	}
	if j.counts.Failed > 0 {
		j.reason = fmt.Sprintf("%d of %d devices failed", j.counts.Failed, j.counts.Total)
	}
	e.close(j, now, out)
}

// close ends a job and begins its time in the history.
func (e *Engine) close(j *Job, now sim.Time, out *sim.Outbox) {
	j.end = now
	if j.timer != 0 {
		e.disarm(j.timer - 1)
		j.timer = 0
	}
	e.arm(slot{Ref{Job: j.number}, slotPurge}, now.Add(e.cfg.Keep))
	e.note(j, now, out)
	e.ended = append(e.ended, j.number)
}

// Ended returns the numbers of the jobs that ended since the last call; the
// slice holds until the next call of any method.
func (e *Engine) Ended() []uint32 {
	n := e.ended
	e.ended = e.ended[:0]
	return n
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
		j.status, j.sweep, j.cursor = Cancelled, cancelling, 0
		e.queue(n)
		e.note(j, now, out)
	}
	return true
}

// purge forgets a job. Its number is never used again.
func (e *Engine) purge(n uint32) {
	j := e.jobs.Mut(int(n))
	if e.byID[j.spec.ID] == n {
		delete(e.byID, j.spec.ID)
	}
	j.purged, j.children, j.devs, j.spec = true, sim.NewPages[child](e.cfg.Gen), nil, &Spec{ID: j.spec.ID, Kind: j.spec.Kind}
}

// note observes a job's state and marks its row.
func (e *Engine) note(j *Job, now sim.Time, out *sim.Outbox) {
	out.Dirty = append(out.Dirty, sim.Row{Table: sim.TableJob, Key: uint64(j.number)})
	out.Observe = append(out.Observe, sim.Observation{At: now, Event: sim.EventJob, Job: j.spec.ID, Text: j.status.String()})
}

func (e *Engine) arm(s slot, at sim.Time) uint32 {
	var key uint32
	if n := len(e.free); n > 0 {
		key, e.free = e.free[n-1], e.free[:n-1]
		e.slots[key] = s
	} else {
		key = uint32(len(e.slots))
		e.slots = append(e.slots, s)
	}
	e.timers.Set(key, at)
	return key
}

func (e *Engine) disarm(key uint32) {
	e.timers.Clear(key)
	e.free = append(e.free, key)
}
