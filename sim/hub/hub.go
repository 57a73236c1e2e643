package hub

import (
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/planted"
)

// Config sets a hub up. The zero value is usable.
type Config struct {
	Hosts       []string      // the names it answers to in tokens; none: DefaultHost
	Epoch       sim.Epoch     // civil instant of Time 0
	Seed        uint64        // for ids
	StrictJobs  bool          // a job id in use is refused
	CallTimeout time.Duration // for a job's calls; 0: 30 s
	Keep        time.Duration // history of ended jobs; 0: 30 days
	MaxTickets  int           // open tickets; 0: 100,000
	Planted     planted.Bug   // without effect in ordinary builds

	// New connections a second, and as many at once; one more is refused with
	// return code 3. Two devices of one id take the connection from each other
	// as fast as they can, which DeviceConnects bounds.
	Connects       int // of all devices; 0: any number
	DeviceConnects int // of one device; 0: DefaultDeviceConnects; below 0: any number
}

// DefaultHost is the name of a hub that was given none.
const DefaultHost = "hub.flotilla.test"

// DefaultDeviceConnects is how often a second one device may connect: more
// often than any that waits after a loss, and seldom enough that two devices
// of one id are no load.
const DefaultDeviceConnects = 20

// Hub is the hub machine, driven from one goroutine, its owner's.
type Hub struct {
	cfg   Config
	gen   *uint32 // of all pages
	now   sim.Time
	rand  sim.Rand
	count Counters

	devices  sim.Pages[*Device]
	activity sim.Pages[sim.Time] // by device number; a Device is not copied for it
	byID     map[sim.DeviceID]uint32
	sessions []session  // by device number
	rate     throttle   // of new connections
	expiry   sim.Timers // key: device number; when its token has run out
	inboxes  sim.Timers // key: device number; when the oldest message that waits for it is dropped

	calls   []call     // slab
	freed   []uint32   // free places in it
	limits  sim.Timers // key: place in calls
	lost    []ack      // calls that found no device, to be answered at the end of the turn
	jobs    *job.Engine
	waiting map[uint32][]uint64 // job number -> tickets that settle at its end
	tickets map[uint64]ticket
	last    uint64 // ticket

	indexes
	groups []group // by id
	plans  []schedule
	byPlan map[string]uint32
	firing sim.Timers // key: place in plans
}

// New returns an empty hub.
func New(cfg Config) *Hub {
	if cfg.MaxTickets == 0 {
		cfg.MaxTickets = 100_000
	}
	if cfg.DeviceConnects == 0 {
		cfg.DeviceConnects = DefaultDeviceConnects
	}
	if len(cfg.Hosts) == 0 {
		cfg.Hosts = []string{DefaultHost}
	}
	gen := uint32(1) // 0 is the generation of what was handed out
	h := &Hub{
		cfg: cfg, gen: &gen, rand: sim.NewRand(cfg.Seed, sim.ActorHub),
		devices: sim.NewPages[*Device](&gen), activity: sim.NewPages[sim.Time](&gen), indexes: newIndexes(&gen), byID: map[sim.DeviceID]uint32{},
		waiting: map[uint32][]uint64{}, tickets: map[uint64]ticket{}, byPlan: map[string]uint32{},
	}
	h.jobs = job.NewEngine(job.Config{
		Gen: h.gen, Rand: &h.rand, Fleet: fleet{h}, Strict: cfg.StrictJobs, Call: cfg.CallTimeout, Keep: cfg.Keep,
		Planted: cfg.Planted,
	})
	return h
}

// Step takes in one input and does what is due.
func (h *Hub) Step(now sim.Time, in sim.Input, out *sim.Outbox) {
	h.now = now
	if in.Kind == sim.Received {
		h.receive(now, &in.Msg, out)
	} else {
		h.wake(now, out)
	}
	h.finish(now, out)
}

// wake does what is due, at most sim.MaxSlice things of each sort.
func (h *Hub) wake(now sim.Time, out *sim.Outbox) {
	for range sim.MaxSlice {
		key, ok := h.expiry.Pop(now)
		if !ok {
			break
		}
		h.end(now, key, sim.ReasonExpired, true, out)
	}
	for range sim.MaxSlice {
		key, ok := h.limits.Pop(now)
		if !ok {
			break
		}
		h.callTimedOut(now, key, out)
	}
	for range sim.MaxSlice {
		key, ok := h.inboxes.Pop(now)
		if !ok {
			break
		}
		h.expireCloud(now, key, out)
	}
	for range sim.MaxSlice {
		key, ok := h.firing.Pop(now)
		if !ok {
			break
		}
		h.fire(now, key, out)
	}
	if h.jobs.Deadline() <= now {
		h.jobs.Step(now, out)
	}
}

// finish answers what could not be answered on the spot and settles the
// tickets of jobs that ended.
func (h *Hub) finish(now sim.Time, out *sim.Outbox) {
	for len(h.lost) > 0 {
		list := h.lost
		h.lost = nil
		for _, a := range list {
			h.jobs.Answered(now, a.child, job.Ack{Lost: a.text, Why: a.why}, out)
		}
	}
	for _, n := range h.jobs.Ended() {
		h.count.JobsEnded++
		v := h.jobs.View(n)
		h.count.ChildrenEnded += uint64(v.Counts.Total)
		for _, t := range h.waiting[n] {
			h.settle(t, Reply{Job: &v}, nil, out)
		}
		delete(h.waiting, n)
	}
}

// Deadline is when the hub next wants to be woken.
func (h *Hub) Deadline() sim.Time {
	return min(h.expiry.Next(), h.limits.Next(), h.inboxes.Next(), h.firing.Next(), h.jobs.Deadline())
}

// receive sorts one message from a device, or the end of its connection.
func (h *Hub) receive(now sim.Time, m *sim.Message, out *sim.Outbox) {
	if m.Kind == sim.Connect {
		h.count.Messages++
		h.connect(now, m, out)
		return
	}
	dev, ok := h.byID[m.Device]
	if !ok || !h.sessions[dev].open || h.sessions[dev].conn != m.Conn {
		h.count.Stale++
		return
	}
	if m.Kind == sim.Close {
		h.end(now, dev, sim.Reason(m.Status), false, out)
		return
	}
	h.count.Messages++
	s := &h.sessions[dev]
	*h.activity.Mut(int(dev)) = now
	switch m.Kind {
	case sim.Subscribe:
		h.subscribe(now, dev, m, out)
	case sim.Unsubscribe:
		h.unsubscribe(now, dev, m, out)
	case sim.Telemetry:
		h.telemetry(now, m, out)
	case sim.Will:
		s.will = &will{m.Name, append([]byte(nil), m.Body...)}
	case sim.GetTwin:
		h.getTwin(now, dev, m, out)
	case sim.Report:
		h.report(now, dev, m, out)
	case sim.Answer:
		h.answered(now, dev, m, out)
	case sim.CloudAck:
		h.cloudAcked(dev, m.ID, out)
	default: // what only a hub says: the device breaks the protocol
		h.end(now, dev, sim.ReasonProtocol, true, out)
	}
}

// telemetry takes in what a device, or its will, says.
func (h *Hub) telemetry(now sim.Time, m *sim.Message, out *sim.Outbox) {
	h.count.Telemetry++
	if m.ID != 0 {
		out.Send = append(out.Send, sim.Message{Kind: sim.TelemetryAck, Device: m.Device, Conn: m.Conn, ID: m.ID, Due: now})
	}
}
