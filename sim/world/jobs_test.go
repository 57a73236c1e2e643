package world_test

import (
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/world"
)

// TestJ1: five devices, three that never connect, one that is blocked and one
// that is there. A command job fails on four and is complete all the same. The
// blocked one is let in again, and a rerun goes to the four that failed: it
// completes on that one. A property job completes on all five, and the two that
// are there have the value. [Azure IoT Central training: run a job; J-1]
func TestJ1(t *testing.T) {
	p := device.NewProfile()
	p.Commands = []device.Command{{Name: "service"}}
	p.Writable = []string{"Site"}
	w := world.New(world.Config{Seed: 3})
	for _, id := range []sim.DeviceID{"gone-1", "gone-2", "gone-3", "blocked", "there"} {
		if _, err := w.Do(hub.Register{ID: id, PrimaryKey: key}); err != nil {
			t.Fatal(err)
		}
	}
	for i, id := range []sim.DeviceID{"blocked", "there"} {
		if err := w.Add(device.Config{ID: id, Number: uint64(i), Key: key, Profile: p}, fault.Conditions{}); err != nil {
			t.Fatal(err)
		}
	}
	do := func(c hub.Command) hub.Reply {
		t.Helper()
		r, err := w.Do(c)
		if err != nil {
			t.Fatalf("%#v: %v", c, err)
		}
		return r
	}
	ends := func(c hub.Command, want job.Counts) {
		t.Helper()
		r := do(c)
		s := w.Advance(w.Now().Add(time.Hour))
		if len(s) != 1 || s[0].Ticket != r.Ticket || s[0].Reply.Job.Status != job.Completed || s[0].Reply.Job.Counts != want {
			t.Fatalf("%#v settles %+v; want completed with %+v", c, s, want)
		}
	}
	do(hub.SetStatus{ID: "blocked", Disabled: true})
	do(hub.PutGroup{ID: "all", Filter: "SELECT * FROM devices"})
	w.Advance(sim.Time(time.Minute))
	service := job.Spec{ID: "service", Kind: "command", Command: "service", Group: "all", Timeout: time.Hour}
	ends(hub.SubmitJob{Spec: service}, job.Counts{Total: 5, Succeeded: 1, Failed: 4})
	do(hub.SetStatus{ID: "blocked"})
	w.Advance(w.Now().Add(5 * time.Minute)) // it tries again
	ends(hub.RerunJob{ID: "service", NewID: "again"}, job.Counts{Total: 4, Succeeded: 1, Failed: 3})
	ends(hub.SubmitJob{Spec: job.Spec{ID: "site", Kind: "property", Group: "all", Properties: []doc.Member{{Name: "Site", Value: doc.String("north")}}, Timeout: time.Hour}},
		job.Counts{Total: 5, Succeeded: 5})
	w.Advance(w.Now().Add(time.Minute))
	for id, want := range map[sim.DeviceID]string{"blocked": `{"ac":200,"ad":"done","av":2,"value":"north"}`, "there": `{"ac":200,"ad":"done","av":2,"value":"north"}`, "gone-1": ""} { // any order: each is asked
		if got := do(hub.GetDevice{ID: id}).Device.Reported.Get("Site"); got.IsAbsent() && want != "" || !got.IsAbsent() && got.String() != want {
			t.Errorf("%s reports Site %s; want %s", id, got, want)
		}
	}
}

// TestDurableCommand: a device that is offline carries a durable command out
// when it comes, once; one that is there at once.
func TestDurableCommand(t *testing.T) {
	executed := map[sim.DeviceID]int{}
	at := map[sim.DeviceID]sim.Time{}
	w := world.New(world.Config{Seed: 4, Observe: func(all []sim.Observation) {
		for _, o := range all {
			if o.Event == sim.EventCommand && o.Text == "service" {
				executed[o.Device]++
				at[o.Device] = o.At
			}
		}
	}})
	early, late := device.NewProfile(), device.NewProfile()
	for _, p := range []*device.Profile{early, late} {
		p.Commands = []device.Command{{Name: "service"}}
	}
	late.Start = sim.Always(time.Hour)
	for i, p := range []*device.Profile{early, late} {
		id := sim.DeviceID([]string{"early", "late"}[i])
		if _, err := w.Do(hub.Register{ID: id, PrimaryKey: key}); err != nil {
			t.Fatal(err)
		}
		if err := w.Add(device.Config{ID: id, Number: uint64(i), Key: key, Profile: p}, fault.Conditions{}); err != nil {
			t.Fatal(err)
		}
	}
	w.Advance(sim.Time(time.Minute))
	if _, err := w.Do(hub.SubmitJob{Spec: job.Spec{ID: "j", Kind: "command", Command: "service", Durable: true, Targets: []sim.DeviceID{"early", "late"}}}); err != nil {
		t.Fatal(err)
	}
	s := w.Advance(sim.Time(2 * time.Hour))
	if len(s) != 1 || s[0].Reply.Job.Counts.Succeeded != 2 || s[0].Reply.Job.End != sim.Time(time.Minute) {
		t.Fatalf("the job: %+v; want both done when the hub has queued it", s)
	}
	w.Advance(sim.Time(2 * time.Hour))
	if executed["early"] != 1 || executed["late"] != 1 || at["early"] > sim.Time(2*time.Minute) || at["late"] < sim.Time(time.Hour) {
		t.Errorf("carried out %v at %v", executed, at)
	}
}
