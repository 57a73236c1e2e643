package world_test

import (
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/world"
)

// talk runs one device with a message a second for a minute and returns the
// latencies of what was acknowledged, by the second it was planned in.
func talk(t *testing.T, pauses ...world.Pause) (map[sim.Time]time.Duration, *world.World) {
	t.Helper()
	acks := map[sim.Time]time.Duration{}
	w := world.New(world.Config{
		Seed: 1, Latency: sim.Always(10 * time.Millisecond), Pauses: pauses,
		Observe: func(list []sim.Observation) {
			for _, o := range list {
				if o.Metric == sim.MetricTelemetryAck {
					acks[(o.At-sim.Time(o.Value))/sim.Time(time.Second)] = o.Latency()
				}
			}
		},
	})
	key := []byte("a key of at least sixteen bytes")
	if _, err := w.Do(hub.Register{ID: "d", PrimaryKey: key}); err != nil {
		t.Fatal(err)
	}
	p := device.NewProfile()
	p.Start, p.TelemetryPeriod = sim.Always(0), time.Second
	if err := w.Add(device.Config{ID: "d", Key: key, Profile: p}, fault.Conditions{}); err != nil {
		t.Fatal(err)
	}
	w.Advance(sim.Time(time.Minute))
	return acks, w
}

// TestPause: what is due while the hub rests waits until the end of that, and
// nothing is lost or out of order; pauses that overlap are one.
func TestPause(t *testing.T) {
	calm, before := talk(t)
	paused, after := talk(t, world.Pause{At: sim.Time(10 * time.Second), For: 3 * time.Second}, world.Pause{At: sim.Time(12 * time.Second), For: 3 * time.Second})
	if len(calm) < 55 || len(paused) != len(calm) {
		t.Fatalf("%d acknowledged, without a pause %d", len(paused), len(calm))
	}
	for second, latency := range calm { // any order: each for itself
		got := paused[second]
		if second < 10 || second > 14 {
			if got != latency {
				t.Errorf("the message of second %d took %s; want %s", second, got, latency)
			}
			continue
		}
		if least := time.Duration(14-second) * time.Second; got < least || got > least+1100*time.Millisecond {
			t.Errorf("the message of second %d took %s; want until 15s", second, got)
		}
	}
	a, err := before.Do(hub.GetCounters{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := after.Do(hub.GetCounters{})
	if err != nil {
		t.Fatal(err)
	}
	if *a.Counters != *b.Counters {
		t.Errorf("counters %+v; want as without a pause %+v", *b.Counters, *a.Counters)
	}
	again, _ := talk(t, world.Pause{At: sim.Time(10 * time.Second), For: 5 * time.Second})
	for second, latency := range again { // any order: each for itself
		if paused[second] != latency {
			t.Errorf("two pauses that overlap are not one: second %d, %s and %s", second, paused[second], latency)
		}
	}
}

// TestPauseDuringCommands: what operators command is carried out while the hub
// rests, and what waited is not forgotten for it.
func TestPauseDuringCommands(t *testing.T) {
	w := world.New(world.Config{Seed: 1, Pauses: []world.Pause{{At: 0, For: time.Minute}}})
	key := []byte("a key of at least sixteen bytes")
	do := func(c hub.Command) hub.Reply {
		t.Helper()
		r, err := w.Do(c)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	do(hub.Register{ID: "d", PrimaryKey: key})
	p := device.NewProfile()
	p.Start = sim.Always(0)
	if err := w.Add(device.Config{ID: "d", Key: key, Profile: p}, fault.Conditions{}); err != nil {
		t.Fatal(err)
	}
	w.Advance(sim.Time(5 * time.Second))
	if n := do(hub.GetCounters{}).Counters.Connected; n != 0 {
		t.Errorf("%d connected to a hub that rests", n)
	}
	w.Advance(sim.Time(2 * time.Minute))
	if n := do(hub.GetCounters{}).Counters.Connected; n != 1 {
		t.Errorf("%d connected after the pause; want 1", n)
	}
}

func TestNoClientsInVirtualTime(t *testing.T) {
	w := world.New(world.Config{})
	err := w.Add(device.Config{ID: "d", Profile: device.NewProfile()}, fault.Conditions{Client: fault.Client{Stuck: true}})
	if err == nil || !strings.Contains(err.Error(), "no meaning in virtual time") {
		t.Errorf("Add = %v", err)
	}
}
