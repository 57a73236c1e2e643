// Package soak plays random cases in virtual time and judges them: fleets,
// faults, jobs with every policy and operators who stop, resume, cancel and
// rerun, all drawn from a seed. The judge knows the rules and nothing of how
// the engine keeps them; every case is played twice and must be the same, byte
// for byte. A case that breaks a rule is made smaller until what is left is
// needed, and is named by its seed and its Limits.
package soak

import (
	"fmt"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// Limits cut a seed's case down: to its first devices, and without the jobs,
// acts and faults whose bits are not set. All is the whole case.
type Limits struct {
	Devices            int
	Jobs, Acts, Faults uint64
}

// All limits nothing.
var All = Limits{Devices: maxDevices, Jobs: 1<<maxJobs - 1, Acts: 1<<maxActs - 1, Faults: 1<<maxDevices - 1}

// String writes the limits as ParseLimits reads them.
func (l Limits) String() string {
	return fmt.Sprintf("d%d.j%x.a%x.f%x", l.Devices, l.Jobs, l.Acts, l.Faults)
}

// ParseLimits reads `d3.j5.a0.f1`: three devices, the jobs of the bits 5, no
// act, the fault of the first device.
func ParseLimits(s string) (Limits, error) {
	l := All
	var rest string
	n, err := fmt.Sscanf(strings.ReplaceAll(s, ".", " ")+" end", "d%d j%x a%x f%x %s", &l.Devices, &l.Jobs, &l.Acts, &l.Faults, &rest)
	if err != nil || n != 5 || rest != "end" || l.Devices < 1 {
		return l, fmt.Errorf("limits %q: write d<devices>.j<jobs>.a<acts>.f<faults>, the last three in hexadecimal", s)
	}
	return l, nil
}

const (
	maxDevices = 24
	maxJobs    = 6
	maxActs    = 8
)

// Case is what is played.
type Case struct {
	Seed    uint64
	Profile *device.Profile
	Latency sim.Dist
	Uplink  int64
	Call    time.Duration
	Devices []Device
	Jobs    []Job
	Acts    []Act
}

// Device is one device of a case.
type Device struct {
	ID    sim.DeviceID
	Fault string // as package fault writes it, "" for a healthy one
}

// Job is one job of a case.
type Job struct {
	At   sim.Time
	Spec job.Spec
}

// Act is something an operator does to a job.
type Act struct {
	At   sim.Time
	What string // stop, resume, cancel, rerun, copy
	Job  int
}

// horizon is when every case is over: every job has a shorter timeout.
const horizon = sim.Time(2 * time.Hour)

// New draws the case of a seed, within limits. What the limits leave out is
// drawn all the same, so that the rest is as in the whole case.
func New(seed uint64, l Limits) *Case {
	r := sim.NewRand(seed, 1<<40)
	d := draw{&r}
	c := &Case{Seed: seed, Profile: device.NewProfile()}
	p := c.Profile
	p.Firmware = pick(d, device.FirmwareStandard, device.FirmwareStandard, device.FirmwareStandard, device.FirmwareSimple, device.FirmwareEdison)
	p.Start, p.FirmwarePMin = sim.Uniform(0, d.time(0, 30)), d.time(0, 2)*time.Duration(d.n(2))
	p.Boot, p.Flash, p.Answer = sim.Uniform(0, d.time(1, 30)), sim.Uniform(0, d.time(1, 30)), sim.Uniform(0, d.time(0, 12))
	p.TelemetryPeriod = d.time(0, 60) * time.Duration(d.n(2))
	p.KeepAlive, p.TokenLifetime = 4*time.Minute, 24*time.Hour
	c.Latency, c.Uplink = sim.Uniform(0, d.time(0, 3)), 1<<(10+d.n(14))
	c.Call = d.time(5, 30)
	var faults []string
	for _, x := range fault.Recipes {
		if x.Scope == fault.OnDevice && !x.LiveOnly && x.Name != "flooding" { // two hours of that are too long
			faults = append(faults, x.Name)
		}
	}
	n := 1 + d.n(maxDevices)
	for i := range n {
		f := ""
		if d.n(3) == 0 {
			f = faults[d.n(len(faults))]
		}
		if l.Faults>>i&1 == 0 {
			f = ""
		}
		if i < l.Devices {
			c.Devices = append(c.Devices, Device{sim.DeviceID(fmt.Sprintf("d%02d", i)), f})
		}
	}
	jobs := 1 + d.n(maxJobs)
	for i := range jobs {
		j := Job{At: sim.Time(d.time(0, 300)), Spec: d.spec(i, c.Devices)}
		if l.Jobs>>i&1 == 1 {
			c.Jobs = append(c.Jobs, j)
		}
	}
	for i := range d.n(maxActs + 1) {
		a := Act{At: sim.Time(d.time(0, 900)), What: pick(d, "stop", "stop", "resume", "cancel", "rerun", "copy"), Job: d.n(jobs)}
		if l.Acts>>i&1 == 1 {
			c.Acts = append(c.Acts, a)
		}
	}
	return c
}

// draw draws from a seed's own stream.
type draw struct{ r *sim.Rand }

func (d draw) n(n int) int { return int(d.r.N(int64(n))) }

// time draws whole milliseconds from low to high seconds.
func (d draw) time(low, high int64) time.Duration {
	return time.Duration(low*1000+d.r.N((high-low)*1000+1)) * time.Millisecond
}

func pick[T any](d draw, list ...T) T { return list[d.n(len(list))] }

func (d draw) amount(high int64) *job.Amount {
	if d.n(2) == 0 {
		return &job.Amount{Value: fmt.Sprint(d.r.N(high) + 1)}
	}
	return &job.Amount{Value: fmt.Sprintf("%d.%d", d.n(100), d.n(10)), Percent: true}
}

// spec draws a job over some of the devices.
func (d draw) spec(i int, devices []Device) job.Spec {
	s := job.Spec{
		ID:      fmt.Sprintf("j%d", i),
		Kind:    pick(d, "firmwareUpdate", "firmwareUpdate", "rebootDevice", "factoryResetDevice", "readDeviceProperties", "writeDeviceProperties", "property", "command"),
		Timeout: d.time(30, 1800), Grace: pick(d, -1, 0, d.time(1, 60)), InFlight: d.n(2) * d.n(6), Queued: d.n(3) > 0,
	}
	first, some := d.n(maxDevices), 1+d.n(maxDevices)
	for k, x := range devices {
		if d.n(5) == 0 || k < some && (k >= first || first > 3) {
			s.Targets = append(s.Targets, x.ID)
		}
	}
	if len(s.Targets) == 0 {
		s.Targets = append(s.Targets, devices[0].ID)
	}
	s.Names = []string{"Timezone"}
	s.Properties = properties(s.Kind)
	s.Command = "blink"
	if d.n(2) == 0 {
		s.Batch, s.Pause = batchOf(d), d.time(0, 20)*time.Duration(d.n(2))
	}
	if d.n(2) == 0 {
		s.Threshold = &job.Threshold{Amount: *d.amount(5), PerBatch: d.n(2) == 0}
	}
	if d.n(6) == 0 {
		s.Gate = d.amount(3)
	}
	if d.n(4) == 0 {
		s.DeviceTimeout = d.time(5, 300)
	}
	if d.n(5) == 0 {
		s.StepTimeout = d.time(5, 120)
	}
	if d.n(5) == 0 {
		s.Rollout = &job.Rollout{PerMinute: 1 + d.n(120)}
	}
	if d.n(3) == 0 {
		s.Retry = &job.Retry{Attempts: 1 + d.n(3), Min: d.time(0, 10), Max: 30 * time.Second}
	}
	return s
}

// properties is what a job of a kind sets, nil where it sets nothing.
func properties(kind string) []doc.Member {
	switch kind {
	case "writeDeviceProperties":
		return []doc.Member{{Name: "Timezone", Value: doc.String("PST")}}
	case "property":
		return []doc.Member{{Name: "LightThreshold", Value: doc.Int(120)}}
	}
	return nil
}

func batchOf(d draw) *job.Amount {
	a := d.amount(6)
	if a.Percent && strings.Trim(a.Value, "0.") == "" {
		a.Value = "0.1"
	}
	return a
}
