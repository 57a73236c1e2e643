package soak

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/planted"
	"github.com/flotilla-sim/flotilla/sim/zone"
)

// Case is what is played.
type Case struct {
	Seed    uint64
	Planted planted.Bug // at work in the hub
	Limits  Limits      // what there is of it
	Until   sim.Time    // when it is broken off; 0: when everything has settled
	Profile *device.Profile
	Latency sim.Dist
	Uplink  int64
	Call    time.Duration // how long a device may take to answer
	Devices []Device
	Hub     []Spell
	Jobs    []Job
	Plans   []Plan
	Acts    []Act
}

// Device is one device of a case.
type Device struct {
	ID     sim.DeviceID
	Number int    // in the whole case
	Ring   string // its tag, by which groups choose
	Fault  Spell
}

// Spell is a fault and its time.
type Spell struct {
	Fault    string   // as package fault writes it, "" for none
	From, To sim.Time // of a device through the whole run: both 0
}

// String is the spell in words.
func (s Spell) String() string {
	switch {
	case s.Fault == "" || s.To == 0:
		return s.Fault
	case s.From == s.To:
		return fmt.Sprintf("%s at %s", s.Fault, s.From)
	}
	return fmt.Sprintf("%s from %s to %s", s.Fault, s.From, s.To)
}

// Job is one job of a case; it has no package URI yet.
type Job struct {
	At   sim.Time
	Spec job.Spec
}

// Plan is a schedule of a case.
type Plan struct {
	At   sim.Time
	ID   string
	Spec job.Spec
	Rule zone.Rule
}

// Act is something an operator does.
type Act struct {
	At     sim.Time
	Number int    // of the act in the whole case
	What   string // one of the verbs below
	Job    string // id of the job, or of the schedule whose last instance is meant
	Device sim.DeviceID
	Ring   string        // where a device is moved to, or which group is meant
	Method string        // that is called
	For    time.Duration // how long a job pauses
}

// String is the act in words.
func (a Act) String() string {
	switch a.What {
	case "move":
		return fmt.Sprintf("%s %s %s to ring %s", a.At, a.What, a.Device, a.Ring)
	case "delete":
		return fmt.Sprintf("%s %s %s", a.At, a.What, a.Device)
	case "call":
		return fmt.Sprintf("%s %s %s %s", a.At, a.What, a.Method, a.Device)
	case "pause":
		return fmt.Sprintf("%s %s %s for %s", a.At, a.What, a.Job, a.For)
	case "ungroup", "group":
		return fmt.Sprintf("%s %s %s", a.At, a.What, group(a.Ring))
	}
	return fmt.Sprintf("%s %s %s", a.At, a.What, a.Job)
}

// The verbs of acts; how often one stands here is how often it is drawn.
var (
	onJobs    = []string{"stop", "pause", "pause", "pause", "pause", "resume", "cancel", "rerun", "rerun", "copy"}
	onDevices = []string{"move", "move", "move", "call", "call", "call", "call", "delete", "ungroup", "group"}
	onPlans   = []string{"disable", "enable", "drop"}
)

// rings are the values of the tag by which groups choose; "" is the group of
// all devices.
var rings = []string{"a", "b", ""}

func group(ring string) string { return "ring-" + ring }

// filter is the query of a ring's group.
func filter(ring string) string {
	if ring == "" {
		return "tags.ring"
	}
	return "tags.ring=" + ring
}

// horizon is when every case is over, whatever has settled.
const horizon = 7200 * second

// New draws the case of a seed, within limits. What the limits leave out is
// drawn all the same, so that the rest is as in the whole case.
func New(seed uint64, l Limits) *Case {
	d := drawer(seed, 0)
	c := &Case{Seed: seed, Until: sim.Time(l.Seconds) * second, Profile: d.profile()}
	c.Latency, c.Uplink = sim.Uniform(0, d.time(0, 3)), 1<<(11+d.n(13))
	c.Call = d.time(5, 30)
	n := 1 + d.n(pick(d, 4, 4, 8, maxDevices))
	sick := pick(d, 0, 0, 3, 6) // so many of ten have a fault
	c.Limits.Seconds = l.Seconds
	for i := range n {
		x := Device{ID: deviceID(i), Number: i, Ring: rings[d.n(2)]}
		if f := d.spell(fault.OnDevice); d.n(10) < sick && l.Faults>>i&1 == 1 {
			x.Fault = f
		}
		if l.Devices>>i&1 == 1 {
			if x.Fault.Fault != "" {
				c.Limits.Faults |= 1 << i
			}
			c.Limits.Devices |= 1 << i
			c.Devices = append(c.Devices, x)
		}
	}
	for i := range max(0, d.n(5)-4+maxHubFaults) { // seldom more than none
		h := d.spell(fault.OnHub)
		if l.Faults>>(maxDevices+i)&1 == 1 {
			c.Hub = append(c.Hub, h)
			c.Limits.Faults |= 1 << (maxDevices + i)
		}
	}
	jobs, plans := 1+d.n(pick(d, 1, 3, 6)), max(0, d.n(6)-5+maxPlans)
	acts := d.n(pick(d, 1, 4, maxActs+1))
	crowd := d.n(10) == 0 // all of them at once, and each waits for a slot
	if crowd {
		jobs = maxJobs
	}
	var began []sim.Time
	for i := range jobs {
		d := drawer(seed, 100+uint64(i))
		j := Job{At: sim.Time(d.time(0, 300)), Spec: d.spec(c.Devices)}
		j.Spec.ID = fmt.Sprintf("j%d", i)
		if crowd {
			j.At, j.Spec.Queued = j.At/30, true
		}
		began = append(began, j.At)
		if l.Jobs>>i&1 == 1 {
			c.Jobs = append(c.Jobs, j)
			c.Limits.Jobs |= 1 << i
		}
	}
	for i := range plans {
		d := drawer(seed, 200+uint64(i))
		p := Plan{At: sim.Time(d.time(0, 200)), ID: fmt.Sprintf("s%d", i), Spec: d.spec(c.Devices), Rule: d.rule()}
		p.Spec.Group, p.Spec.Targets = group(pick(d, rings...)), nil
		p.Spec.Continuous = false
		p.Spec.Timeout = min(p.Spec.Timeout, 300*time.Second)
		if l.Plans>>i&1 == 1 {
			c.Plans = append(c.Plans, p)
			c.Limits.Plans |= 1 << i
		}
	}
	for i := range acts {
		a := drawer(seed, 300+uint64(i)).act(i, n, jobs, plans, began)
		if l.Acts>>i&1 == 1 && c.has(a.Device) {
			c.Acts = append(c.Acts, a)
			c.Limits.Acts |= 1 << i
		}
	}
	return c
}

// has says whether a device is left.
func (c *Case) has(id sim.DeviceID) bool {
	return slices.ContainsFunc(c.Devices, func(d Device) bool { return d.ID == id })
}

func deviceID(i int) sim.DeviceID { return sim.DeviceID(fmt.Sprintf("d%02d", i)) }

// String is the case in words, as far as its limits leave it.
func (c *Case) String() string {
	var b strings.Builder
	for _, d := range c.Devices {
		fmt.Fprintf(&b, "device %s ring %s %s\n", d.ID, d.Ring, d.Fault)
	}
	for _, h := range c.Hub {
		fmt.Fprintf(&b, "hub %s\n", h)
	}
	for _, j := range c.Jobs {
		fmt.Fprintf(&b, "job %s %s: %s\n", j.Spec.ID, j.At, words(&j.Spec))
	}
	for _, p := range c.Plans {
		fmt.Fprintf(&b, "schedule %s %s, %s: %s\n", p.ID, p.At, p.Rule, words(&p.Spec))
	}
	for _, a := range c.Acts {
		fmt.Fprintf(&b, "act %s\n", a)
	}
	return strings.ReplaceAll(b.String(), " \n", "\n")
}

// words are what of a job's spec is not as usual.
func words(s *job.Spec) string {
	var b strings.Builder
	b.WriteString(s.Kind)
	say := func(ok bool, format string, args ...any) {
		if ok {
			fmt.Fprintf(&b, ", "+format, args...)
		}
	}
	say(s.Group != "", "group %s", s.Group)
	say(len(s.Targets) > 0, "%d devices", len(s.Targets))
	say(s.Continuous, "continuous")
	say(s.Queued, "queued")
	say(s.InFlight > 0, "%d in flight", s.InFlight)
	if s.Batch != nil {
		say(true, "batches of %s", s.Batch)
	}
	say(s.Pause > 0, "pause %s", s.Pause)
	if s.Gate != nil {
		say(true, "gate %s", s.Gate)
	}
	if t := s.Threshold; t != nil {
		say(true, "threshold %s", t.Amount)
		say(t.PerBatch, "of each batch")
	}
	if r := s.Rollout; r != nil {
		say(true, "%d devices a minute", r.PerMinute)
		say(r.Factor != "", "from %d by %s", r.Base, r.Factor)
	}
	if r := s.Retry; r != nil {
		say(true, "%d retries after %s to %s %s", r.Attempts, r.Min, r.Max, r.On)
	}
	say(true, "timeout %s", s.Timeout)
	say(s.DeviceTimeout > 0, "device timeout %s", s.DeviceTimeout)
	say(s.StepTimeout > 0, "step timeout %s", s.StepTimeout)
	say(s.Grace != 0, "grace %s", s.Grace)
	return b.String()
}
