package soak

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/zone"
)

// draw draws from a stream of the seed's own.
type draw struct{ r *sim.Rand }

// drawer returns the stream of a part of a seed's case.
func drawer(seed, part uint64) draw {
	r := sim.NewRand(seed, 1<<40+part)
	return draw{&r}
}

func (d draw) n(n int) int { return int(d.r.N(int64(n))) }

// time draws whole milliseconds from low to high seconds.
func (d draw) time(low, high int64) time.Duration {
	return time.Duration(low*1000+d.r.N((high-low)*1000+1)) * time.Millisecond
}

func pick[T any](d draw, list ...T) T { return list[d.n(len(list))] }

func (d draw) profile() *device.Profile {
	p := device.NewProfile()
	p.Firmware = pick(d, device.FirmwareStandard, device.FirmwareStandard, device.FirmwareStandard, device.FirmwareSimple, device.FirmwareEdison)
	p.Start, p.FirmwarePMin = sim.Uniform(0, d.time(0, 30)), d.time(0, 2)*time.Duration(d.n(2))
	p.Boot, p.Flash, p.Answer = sim.Uniform(0, d.time(1, 30)), sim.Uniform(0, d.time(1, 30)), sim.Uniform(0, d.time(0, pick(d, int64(1), 1, 12, 40)))
	p.TelemetryPeriod = d.time(10, 60) * time.Duration(d.n(2))
	p.KeepAlive, p.TokenLifetime = 4*time.Minute, 24*time.Hour
	p.Battery = d.n(4) == 0
	p.Commands = []device.Command{{Name: "blink", Response: doc.Int(1)}, {Name: "sing", Response: doc.Int(2), Takes: sim.Uniform(0, d.time(0, 40))},
		{Name: "groan", Status: 500, Response: doc.Int(3)}}
	return p
}

// spell draws one of the recipes that befall devices, or the hub, with its
// least, its usual or its most argument, and its time: a device's may last
// through the whole run. Whatever stands in the table is drawn, but what lies
// in a socket, for there is none.
func (d draw) spell(scope fault.Scope) Spell {
	list := recipes()[scope]
	s := Spell{Fault: pick(d, list[d.n(len(list))]...), From: sim.Time(d.time(1, 600))}
	s.To = s.From.Add(d.time(1, 300))
	r, _, err := fault.Read(s.Fault)
	switch always := d.n(2) == 0; {
	case err != nil:
		panic(err) // recipes has read it
	case r.Instant:
		s.To = s.From
	case always && scope == fault.OnDevice:
		s.From, s.To = 0, 0
	}
	return s
}

// recipes are the ways in which each recipe is written, by whom it befalls.
var recipes = sync.OnceValue(func() map[fault.Scope][][]string {
	all := map[fault.Scope][][]string{}
	for _, r := range fault.Recipes {
		if list := texts(r); len(list) > 0 && !r.LiveOnly {
			all[r.Scope] = append(all[r.Scope], list)
		}
	}
	return all
})

// maxFlood is how many messages a second are worth their time.
const maxFlood = 10

// texts are the ways in which a recipe is written here.
func texts(r fault.Recipe) []string {
	list := []string{r.Name}
	for _, arg := range []string{r.Argument.Least, r.Argument.Most} {
		if arg != "" {
			list = append(list, r.Name+"="+arg)
		}
	}
	kept := list[:0]
	for _, text := range list {
		if c, err := fault.Parse(text); err == nil && c.Device.Flood <= maxFlood {
			kept = append(kept, text)
		}
	}
	return kept
}

func (d draw) amount(high int64) *job.Amount {
	if d.n(2) == 0 {
		return &job.Amount{Value: fmt.Sprint(d.r.N(high) + 1)}
	}
	return &job.Amount{Value: fmt.Sprintf("%d.%d", d.n(100), d.n(10)), Percent: true}
}

// spec draws a job over some of the devices, or over a group.
func (d draw) spec(devices []Device) job.Spec {
	s := job.Spec{
		Kind: pick(d, "firmwareUpdate", "firmwareUpdate", "rebootDevice", "factoryResetDevice", "updateDeviceConfiguration", "readDeviceProperties",
			"writeDeviceProperties", "property", "cloudProperty", "command", "command"),
		Timeout: d.time(30, 1800), Grace: pick(d, -1, 0, d.time(1, 60)), InFlight: d.n(2) * d.n(6), Queued: d.n(3) > 0,
	}
	first, all := d.n(maxDevices), d.n(4) == 0
	var in uint64
	for i := range maxDevices { // drawn for devices that the limits leave out, too
		if d.n(5) == 0 || all || i >= first%8 {
			in |= 1 << i
		}
	}
	for _, x := range devices {
		if in>>x.Number&1 == 1 {
			s.Targets = append(s.Targets, x.ID)
		}
	}
	if len(s.Targets) == 0 && len(devices) > 0 {
		s.Targets = append(s.Targets, devices[0].ID)
	}
	if ring := pick(d, rings...); d.n(3) == 0 {
		s.Group, s.Targets = group(ring), nil
	}
	s.Names = []string{"Timezone"}
	s.Configuration = "x"
	s.Properties = properties(s.Kind)
	s.Payload = []byte(`"by a job"`) // unlike an operator's
	s.Command = pick(d, "blink", "blink", "sing", "groan")
	if d.n(2) == 0 {
		s.Batch, s.Pause = batchOf(d), d.time(0, 20)*time.Duration(d.n(2))
	}
	if d.n(2) == 0 {
		s.Threshold = &job.Threshold{Amount: *d.amount(pick(d, int64(1), 5)), PerBatch: d.n(2) == 0}
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
		s.Rollout = d.rollout()
	}
	if d.n(3) == 0 {
		s.Retry = &job.Retry{Attempts: 1 + d.n(3), Min: d.time(0, 10), Max: 30 * time.Second}
		if d.n(3) == 0 {
			s.Retry.On = []job.Why{pick(d, job.WhyOffline, job.WhyLost, job.WhyTimeout, job.WhyRefused, job.WhyResult)}
		}
	}
	if hasty := d.n(3) == 0; hasty && s.Command == "sing" { // the device answers out of order, and after it was given up
		s.StepTimeout, s.Retry = d.time(1, 20), &job.Retry{Attempts: 2, Max: 5 * time.Second}
	}
	if s.Group != "" && d.n(3) == 0 {
		s.Continuous, s.Batch, s.Pause = true, nil, 0
		s.Timeout = min(s.Timeout, 600*time.Second)
	}
	return s
}

func (d draw) rollout() *job.Rollout {
	r := &job.Rollout{PerMinute: 1 + d.n(120)}
	if d.n(2) == 0 {
		r.Base, r.Factor = 1+d.n(r.PerMinute), pick(d, "1.1", "2", "5")
		r.Notified, r.Succeeded = 1+d.n(5), 0
		if d.n(2) == 0 {
			r.Notified, r.Succeeded = 0, r.Notified
		}
	}
	return r
}

// properties is what a job of a kind sets, nil where it sets nothing.
func properties(kind string) []doc.Member {
	switch kind {
	case "writeDeviceProperties":
		return []doc.Member{{Name: "Timezone", Value: doc.String("PST")}}
	case "property", "cloudProperty":
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

// rule draws when a schedule fires: within the hour, a few times at most.
func (d draw) rule() zone.Rule {
	at := 200 + d.n(400)
	s, err := zone.ParseStart(fmt.Sprintf("2026-01-01T00:%02d:%02d.5Z", at/60, at%60), nil)
	if err != nil {
		panic(err) // it is written four lines above
	}
	if d.n(3) == 0 {
		return zone.Rule{Start: s}
	}
	return zone.Rule{Start: s, Kind: zone.Every, Every: time.Duration(10+d.n(290)) * time.Second, End: zone.Times(1 + d.n(5))}
}

// act draws what an operator does to a case of so many devices, jobs and
// schedules; began is when the jobs are submitted.
func (d draw) act(number, devices, jobs, plans int, began []sim.Time) Act {
	a := Act{At: sim.Time(d.time(0, 900)), Number: number, Device: deviceID(d.n(devices)), Ring: pick(d, rings...), Method: pick(d, "blink", "sing", "sing", "dm.read")}
	k := d.n(jobs + plans)
	a.Job = fmt.Sprintf("j%d", k)
	if k >= jobs {
		a.Job = fmt.Sprintf("s%d", k-jobs)
	}
	a.For = d.time(0, 90)
	if d.n(2) == 0 && k < jobs { // soon after it began
		a.At = began[k].Add(d.time(0, 60))
	}
	switch n := d.n(10); {
	case n < 6:
		a.What = pick(d, onJobs...)
	case n < 9 || k < jobs:
		a.What = pick(d, onDevices...)
	default:
		a.What = pick(d, onPlans...)
	}
	return a
}
