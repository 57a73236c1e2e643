package world

import (
	"fmt"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

// Config sets a world up; the zero value is usable.
type Config struct {
	Seed    uint64
	Epoch   sim.Epoch               // 0: sim.DefaultEpoch
	Hub     hub.Config              // its Seed and Epoch are the world's
	Latency sim.Dist                // of one message, one way; unset: 5 ms to 20 ms
	Uplink  int64                   // bytes per second of the package server, shared fairly; 0: 125,000,000 (1 Gbit/s)
	Observe func([]sim.Observation) // takes every observation, in order; the slice is reused
	// Watch is shown every Step after it was taken: of a device, or of the hub
	// (device ""), what it was told (nil: it was a command) and what it wanted.
	// Nothing of that may be kept.
	Watch  func(now sim.Time, device sim.DeviceID, in *sim.Input, out *sim.Outbox)
	Trace  func([]byte) // takes every byte the digest covers; the slice is reused
	Pauses []Pause      // when the hub rests
}

// World is a whole run in virtual time, driven from one goroutine.
type World struct {
	cfg     Config
	now     sim.Time
	hub     *hub.Hub
	server  *server
	devices []*device.Device
	links   []link
	byID    map[sim.DeviceID]uint32
	wakes   sim.Timers // key: machine
	queue   queue
	digest  digest
	settled []Settled
	hubs    hubTrouble
	counts  LinkCounts
	out     sim.Outbox // of whoever steps; emptied before the next Step
	in      sim.Input  // what it was told, for Watch
	steps   uint64
	stuck   struct { // Steps at one instant without an input
		at sim.Time
		n  int
	}
}

// Settled is the late answer to a command.
type Settled struct {
	Ticket uint64
	Reply  hub.Reply
	Err    error
}

// The machines' keys in wakes; devices follow.
const (
	hubKey = iota
	serverKey
	firstDevice
)

// New returns a world without devices at instant 0.
func New(cfg Config) *World {
	if cfg.Epoch == 0 {
		cfg.Epoch = sim.DefaultEpoch
	}
	if cfg.Latency.Max() == 0 && cfg.Latency.String() == "0s" {
		cfg.Latency = sim.Uniform(5*time.Millisecond, 20*time.Millisecond)
	}
	if cfg.Uplink == 0 {
		cfg.Uplink = 125_000_000
	}
	cfg.Hub.Seed, cfg.Hub.Epoch = cfg.Seed, cfg.Epoch
	return &World{
		cfg: cfg, hubs: hubTrouble{pauses: cfg.Pauses}, hub: hub.New(cfg.Hub), server: newServer(cfg.Uplink), byID: map[sim.DeviceID]uint32{},
		digest: newDigest(cfg.Trace),
	}
}

// Now is the present instant.
func (w *World) Now() sim.Time { return w.now }

// Steps is how many Steps all machines have taken.
func (w *World) Steps() uint64 { return w.steps }

// Hub is the hub machine, for reading.
func (w *World) Hub() *hub.Hub { return w.hub }

// Server returns the counts of the package server.
func (w *World) Server() ServerCounts { return w.server.counts }

// Devices returns how many devices there are.
func (w *World) Devices() int { return len(w.devices) }

// Device returns device number i of those added, for reading.
func (w *World) Device(i int) *device.Device { return w.devices[i] }

// Publish puts a package on the package server and returns its URI.
func (w *World) Publish(p pack.Package) string { return w.server.publish(p) }

// Add puts a device into the world; it must have been registered with the
// hub. Its identity's key is cfg.Key.
func (w *World) Add(cfg device.Config, c fault.Conditions) error {
	if c.Client != (fault.Client{}) {
		return fmt.Errorf("device %q: a fault of a client and its socket has no meaning in virtual time", cfg.ID)
	}
	if _, ok := w.byID[cfg.ID]; ok {
		return fmt.Errorf("device %q is there already", cfg.ID)
	}
	cfg.Seed, cfg.Epoch = w.cfg.Seed, w.cfg.Epoch
	if cfg.Host == "" {
		cfg.Host = hub.DefaultHost
	}
	if c.Device != (sim.Condition{}) {
		cfg.Condition = c.Device
	}
	n := uint32(len(w.devices))
	d := device.New(cfg)
	w.devices = append(w.devices, d)
	w.links = append(w.links, link{number: cfg.Number, rand: sim.NewRand(w.cfg.Seed, sim.ActorLink+cfg.Number)})
	w.byID[cfg.ID] = n
	w.server.condition(n, c.Download)
	w.trouble(n, c.Link)
	w.arm(firstDevice+n, d.Deadline())
	return nil
}

// Do carries out an operator's command at the present instant.
func (w *World) Do(c hub.Command) (hub.Reply, error) {
	w.digest.command(w.now, c)
	w.out.Reset()
	r, err := w.hub.Do(w.now, c, &w.out)
	if w.cfg.Watch != nil {
		w.cfg.Watch(w.now, "", nil, &w.out)
	}
	w.afterHub()
	return r, err
}

// Advance lets time go on until to, or returns early after the first instant
// that settled a ticket.
func (w *World) Advance(to sim.Time) []Settled {
	for {
		next := min(w.queue.next(), w.wakes.Next())
		if len(w.settled) > 0 && next > w.now {
			s := w.settled
			w.settled = nil
			return s
		}
		if next > to {
			w.now = max(w.now, to)
			return nil
		}
		w.now = max(w.now, next)
		if w.queue.next() <= w.now {
			w.carry(w.queue.pop())
			w.stuck.n = 0
		}
		if key, ok := w.wakes.Pop(w.now); ok {
			w.wake(key)
		}
	}
}

// wake lets a machine do what is due.
func (w *World) wake(key uint32) {
	if w.stuck.at != w.now {
		w.stuck.at, w.stuck.n = w.now, 0
	}
	if w.stuck.n++; w.stuck.n > sim.MaxSteps {
		panic(fmt.Sprintf("world: %s took %d steps at %s without an input", w.name(key), w.stuck.n, w.now))
	}
	switch key {
	case hubKey:
		w.wakeHub()
	case serverKey:
		w.digest.step(w.now, "server", sim.Input{Kind: sim.Wake})
		w.steps++
		w.server.step(w.now)
		w.afterServer()
	default:
		w.stepDevice(key-firstDevice, sim.Input{Kind: sim.Wake})
	}
}

func (w *World) name(key uint32) string {
	switch key {
	case hubKey:
		return "the hub"
	case serverKey:
		return "the package server"
	}
	return "device " + string(w.devices[key-firstDevice].ID())
}

// carry delivers what has arrived.
func (w *World) carry(e event) {
	switch e.what {
	case toHub:
		if w.reaches(e.dev, &e.msg) {
			w.hear(e.msg)
		}
	case linkDue:
		w.linkDue(e.dev, &e.msg, e.why)
	case toDevice:
		if w.arrives(e.dev, &e.msg) {
			w.stepDevice(e.dev, sim.Input{Kind: sim.Received, Msg: e.msg})
		}
	case toServer:
		w.digest.fetch(w.now, w.devices[e.dev].ID(), e.fetch)
		w.steps++
		w.server.request(w.now, e.dev, e.fetch)
		w.afterServer()
	case fromServer:
		w.stepDevice(e.dev, sim.Input{Kind: sim.Downloaded, Fetched: e.fetched})
	}
}

func (w *World) stepHub(in sim.Input) {
	w.digest.step(w.now, "hub", in)
	w.steps++
	w.out.Reset()
	w.hub.Step(w.now, in, &w.out)
	w.watch("", in)
	w.afterHub()
}

// afterHub carries out the hub's outbox.
func (w *World) afterHub() {
	for i := range w.out.Send {
		m := &w.out.Send[i]
		if n, ok := w.byID[m.Device]; ok {
			w.toDevice(n, m)
		}
	}
	for _, t := range w.out.Settled {
		r, err := w.hub.Take(t)
		w.settled = append(w.settled, Settled{t, r, err})
	}
	w.observe()
	w.arm(hubKey, w.hubDue())
}

func (w *World) stepDevice(n uint32, in sim.Input) {
	d := w.devices[n]
	w.digest.step(w.now, string(d.ID()), in)
	w.steps++
	w.out.Reset()
	d.Step(w.now, in, &w.out)
	w.watch(d.ID(), in)
	l := &w.links[n]
	if w.out.Dial {
		w.dial(n)
	}
	for i := range w.out.Send {
		m := &w.out.Send[i]
		if !l.up || m.Conn != l.conn {
			continue // the link has ended; nothing can be said on it
		}
		w.toHub(n, m)
	}
	for _, f := range w.out.Fetch {
		w.queue.push(w.now.Add(w.cfg.Latency.Draw(&l.rand)), event{what: toServer, dev: n, fetch: f})
	}
	w.observe()
	w.arm(firstDevice+n, d.Deadline())
}

func (w *World) afterServer() {
	for _, a := range w.server.answers {
		l := &w.links[a.dev]
		l.fetched = max(l.fetched, w.now.Add(w.cfg.Latency.Draw(&l.rand)))
		f := a.fetched
		w.queue.push(l.fetched, event{what: fromServer, dev: a.dev, fetched: &f})
	}
	w.server.answers = w.server.answers[:0]
	w.arm(serverKey, w.server.deadline())
}

func (w *World) watch(device sim.DeviceID, in sim.Input) {
	if w.cfg.Watch != nil {
		w.in = in
		w.cfg.Watch(w.now, device, &w.in, &w.out)
	}
}

func (w *World) observe() {
	if w.cfg.Observe != nil && len(w.out.Observe) > 0 {
		w.cfg.Observe(w.out.Observe)
	}
}

// arm notes when a machine wants to be woken; what is past is due now.
func (w *World) arm(key uint32, at sim.Time) {
	if at != sim.Never {
		at = max(at, w.now)
	}
	if w.wakes.At(key) != at {
		w.wakes.Set(key, at)
	}
}
