package job

import (
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/planted"
)

// Fleet is what the engine needs of the hub around it. Devices are the hub's
// numbers.
type Fleet interface {
	// Find returns a device's number.
	Find(sim.DeviceID) (dev uint32, ok bool)
	// Gather goes on over the members of a device group, in ascending order of
	// their ids, after one id ("" from the start): it looks at no more than
	// limit devices and hands each member to take. It returns the last id looked
	// at, how many were, and whether that was all; an error says that the group
	// cannot be evaluated.
	Gather(group string, after sim.DeviceID, limit int, take func(sim.DeviceID, uint32)) (last sim.DeviceID, looked int, done bool, err error)
	// Gone says whether the device was deleted.
	Gone(dev uint32) bool
	// Online says whether the device is connected and takes direct methods.
	Online(dev uint32) bool
	// Property returns what the hub knows of a device property, with the
	// instant it learned it; an absent value and -1 if it knows nothing.
	Property(dev uint32, name string) (doc.Value, sim.Time)
	// Call sends a direct method; its outcome comes as Engine.Answered, never
	// from within Call.
	Call(now sim.Time, dev uint32, c CallRef, method string, body []byte, timeout time.Duration, out *sim.Outbox)
	// Read takes the answer of a deep read, an object of paths and values,
	// into the device's properties.
	Read(now sim.Time, dev uint32, values doc.Value, out *sim.Outbox)
	// Configured notes the last configuration a job sent.
	Configured(dev uint32, value string, out *sim.Outbox)
	// Desire merges a patch into the device's desired properties.
	Desire(now sim.Time, dev uint32, patch doc.Value, out *sim.Outbox) error
	// Cloud merges a patch into what the hub alone keeps of the device.
	Cloud(now sim.Time, dev uint32, patch doc.Value, out *sim.Outbox) error
	// Enqueue keeps a command for the device until it comes.
	Enqueue(now sim.Time, dev uint32, command string, payload []byte, out *sim.Outbox) error
}

// Ref names a child: the job's number and the child's place in it.
type Ref struct{ Job, Child uint32 }

// CallRef names a call of a child: the latest one has the highest Number,
// modulo 256. Calls that were given up may be answered after later ones.
type CallRef struct {
	Ref
	Number uint8
}

// Ack is the outcome of a call.
type Ack struct {
	Status int32  // the device's status, 0 if there was no answer
	Body   []byte // the device's answer
	Lost   string // why there was no answer: "device not connected", "timed out", ...
	Why    Why    // and of which kind that is
}

// Config sets an engine up.
type Config struct {
	Gen    *uint32   // generation of the pages, shared with the hub's
	Rand   *sim.Rand // the hub's stream, for ids
	Fleet  Fleet
	Strict bool          // a job id in use is refused; else a running job is answered as it is and an ended one replaced
	Slots  int           // how many Queued jobs run at the same time; 0: 5
	Call   time.Duration // how long a device may take to answer a call; 0: 30 s
	Keep   time.Duration // how long an ended job is kept; 0: 30 days

	Planted planted.Bug // without effect in ordinary builds
}

// Engine is the job engine. Its owner drives it from one goroutine.
type Engine struct {
	cfg     Config
	now     sim.Time // of the last call: Deadline for work that is due now
	jobs    sim.Pages[Job]
	byID    map[string]uint32
	names   sim.Sorted       // id -> number, for snapshots
	active  map[uint32][]Ref // device -> children not ended, in order of their start; looked up only
	timers  sim.Timers       // key: slot
	slots   []slot
	free    []uint32
	work    []uint32 // jobs whose cursor has work, in order
	ids     idMaker
	ended   []uint32
	chosen  map[uint32]*marks // job still selecting -> devices it has
	busy    int               // Queued jobs that have a slot
	queue   []uint32          // Queued jobs that wait for one, in order
	lasting []uint32          // Continuous jobs, those that have ended left out now and then
}

// Job is the engine's own record of a job. Snapshots of it are read through
// the methods of Jobs.
type Job struct {
	number   uint32
	kind     *Kind
	spec     *Spec
	specGen  uint32 // generation it may be changed in; 0: as it was submitted
	devs     []uint32
	status   Status
	created  sim.Time
	start    sim.Time
	end      sim.Time
	reason   string
	counts   Counts
	children sim.Pages[child]
	tallies  sim.Pages[tally]
	sweep    sweep
	cursor   int     // next child to start
	over     int     // next child to sweep over
	again    []int32 // children to start before that one: tried again, or held up by a stop
	held     int     // children that wait behind another job of their device
	batch    batch
	batches  []Batch
	doomed   string // why it is cancelled when it is resumed
	pace     pace
	slot     bool // has one of the engine's
	settled  bool // has ended, and nothing of it is in flight
	purged   bool
	rerun    uint32        // number + 1 of the job whose failed devices these are
	gathers  bool          // its targets are the members of its group
	gathered sim.DeviceID  // the last device looked at for that
	left     time.Duration // of the timeout, while the clock stands
	timer    uint32        // slot + 1: of the timeout
	wake     uint32        // slot + 1: of a pause or the pace
	forget   uint32        // slot + 1: when it is forgotten, once it has ended or is stopped
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
	attempt     uint8 // tries that failed
	reconnected bool
	stop        bool   // cancelled: end at the next step
	waiting     bool   // behind another exclusive child of its device
	calls       uint8  // calls without an outcome, present one and left-over ones
	call        uint8  // number of the last one
	current     bool   // the present step has a call
	timer       uint32 // slot + 1: step, grace or back-off
	limit       uint32 // slot + 1: the device's timeout
}

// unknown is the result of a device that has not said one.
const unknown = 0xff

// gone is the number of a target that is no device.
const gone = ^uint32(0)

type slot struct {
	ref  Ref
	what uint8
}

const (
	slotJob   = iota // the job's timeout
	slotPurge        // the job's history ends
	slotWake         // the job's pause or pace is over
	slotStep         // the child's step timeout
	slotGrace        // the child's device did not come
	slotLimit        // the child's timeout
	slotRetry        // the child is tried again
)

// NewEngine returns an engine without jobs.
func NewEngine(cfg Config) *Engine {
	if cfg.Call == 0 {
		cfg.Call = 30 * time.Second
	}
	if cfg.Keep == 0 {
		cfg.Keep = 30 * 24 * time.Hour
	}
	if cfg.Slots == 0 {
		cfg.Slots = 5
	}
	return &Engine{
		cfg: cfg, jobs: sim.NewPages[Job](cfg.Gen), byID: map[string]uint32{}, names: sim.NewSorted(cfg.Gen), active: map[uint32][]Ref{},
		ids: newIDMaker(cfg.Rand), chosen: map[uint32]*marks{},
	}
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
		n := e.work[0]
		left = e.advance(int(n), now, left, out)
		e.work = append(e.work[:0], e.work[1:]...)
		if left == 0 { // it may have more to do: the others' turn
			e.todo(n)
		}
	}
}

// advance moves a job's cursor over at most left children and returns what is
// left; 0 means that it may have more to do.
func (e *Engine) advance(n int, now sim.Time, left int, out *sim.Outbox) int {
	for ; left > 0; left-- {
		j := e.jobs.Mut(n)
		switch j.sweep {
		case selecting:
			left -= e.choose(j, now, left, out)
		case starting:
			i, ok := e.next(j, now)
			if !ok {
				return left
			}
			if i >= j.children.Len() {
				j.children.Append(child{start: sim.Never, end: sim.Never, result: unknown})
			}
			e.start(&run{e: e, job: j, child: j.children.Mut(i), i: i, now: now, out: out})
		case cancelling, expiring:
			if j.over >= len(j.spec.Targets) {
				j.sweep = idle
				if j.status == Stopped {
					j.sweep = starting
				}
				e.settle(j, now, out)
				return left
			}
			i := j.over
			j.over++
			if i >= j.children.Len() {
				j.children.Append(child{start: sim.Never, end: sim.Never, result: unknown})
			}
			r := &run{e: e, job: j, child: j.children.Mut(i), i: i, now: now, out: out}
			switch c := r.child; {
			case c.status.Ended():
			case j.sweep == expiring && c.status == Pending && j.status != Running: // it was never begun, and never will be or not yet
			case j.sweep == expiring:
				r.end(Failed, r.timedOut(j.spec.Timeout))
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

// next is the one place that chooses who is worked on next.
func (e *Engine) next(j *Job, now sim.Time) (i int, ok bool) {
	for len(j.again) > 0 && j.children.At(int(j.again[0])).status != Pending { // its device was deleted meanwhile
		j.again = append(j.again[:0], j.again[1:]...)
	}
	if j.status == Running && j.batch.opens > now {
		e.wakeAt(j, j.batch.opens) // here, for it is forgotten when the job is stopped
		return 0, false
	}
	if j.status != Running ||
		j.spec.InFlight > 0 && j.counts.Running+j.held >= j.spec.InFlight ||
		len(j.again) == 0 && j.cursor >= j.batch.to || !e.paced(j, now) {
		return 0, false
	}
	if len(j.again) > 0 {
		i = int(j.again[0])
		j.again = append(j.again[:0], j.again[1:]...)
		return i, true
	}
	j.cursor++
	return j.cursor - 1, true
}

// start begins a child, or lets it wait behind another exclusive child of its
// device.
func (e *Engine) start(r *run) {
	dev := r.dev()
	if dev == gone || e.cfg.Fleet.Gone(dev) {
		r.begin()
		r.end(Failed, "device deleted")
		return
	}
	busy := false
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
	r.enter(0)
}

// due handles a time limit.
func (e *Engine) due(s slot, now sim.Time, out *sim.Outbox) {
	j := e.jobs.Mut(int(s.ref.Job))
	switch s.what {
	case slotPurge:
		j.forget = 0
		if !j.settled { // it was stopped and nobody resumed it
			if j.held > 0 { // devices have it in line behind other jobs
				j.forget = e.arm(s, now.Add(e.cfg.Keep))
				return
			}
			j.settled, j.sweep = true, idle
			delete(e.chosen, j.number)
			e.ended = append(e.ended, j.number)
		}
		e.purge(j.number)
		return
	case slotJob:
		j.timer = 0
		if !j.settled {
			j.sweep, j.over, j.left = expiring, 0, 1
			e.todo(j.number)
		}
		return
	case slotWake:
		j.wake = 0
		e.todo(j.number)
		return
	}
	if j.purged {
		return // with a device that was to be tried again
	}
	r := &run{e: e, job: j, child: j.children.Mut(int(s.ref.Child)), i: int(s.ref.Child), now: now, out: out}
	if s.what == slotLimit {
		r.child.limit = 0
		r.fail(WhyTimeout, r.timedOut(j.spec.DeviceTimeout))
		return
	}
	r.child.timer = 0
	switch s.what {
	case slotGrace:
		r.fail(WhyOffline, "device not connected")
	case slotStep:
		r.fail(WhyTimeout, r.timedOut(j.spec.StepTimeout))
	case slotRetry:
		if j.sweep == starting {
			j.again = append(j.again, int32(s.ref.Child))
			e.todo(j.number)
		}
	}
}

// todo puts a job's cursor to work unless it is there already.
func (e *Engine) todo(number uint32) {
	for _, n := range e.work {
		if n == number {
			return
		}
	}
	e.work = append(e.work, number)
}

// Ended returns the numbers of the jobs that ended, with nothing in flight any
// more, since the last call; the slice holds until the next call of any
// method.
func (e *Engine) Ended() []uint32 {
	n := e.ended
	e.ended = e.ended[:0]
	return n
}

// note observes a job's state and marks its row. The first note of a
// schedule's instance has its name behind the state: its id is nobody's.
func (e *Engine) note(j *Job, now sim.Time, out *sim.Outbox) {
	out.Dirty = append(out.Dirty, sim.Row{Table: sim.TableJob, Key: uint64(j.number)})
	text := j.status.String()
	if j.spec.Schedule != "" && j.status == Pending && j.sweep == selecting && j.created == now {
		text += ": " + j.spec.Name
	}
	out.Observe = append(out.Observe, sim.Observation{At: now, Event: sim.EventJob, Job: j.spec.ID, Text: text})
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
	return key + 1
}

// disarm clears the slot behind a field, if there is one.
func (e *Engine) disarm(field *uint32) {
	if *field == 0 {
		return
	}
	e.timers.Clear(*field - 1)
	e.free = append(e.free, *field-1)
	*field = 0
}
