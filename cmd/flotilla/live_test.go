package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flotilla-sim/flotilla/harness"
	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
)

// In a bubble of testing/synctest a live run is what it is elsewhere: real
// clients, real packets, a goroutine wherever there is one. Only time is not: it
// passes while everybody waits, so that no machine is too slow, a second that
// goes by was waited for by somebody, and a lag is a defect. Links are in memory.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	turns <- struct{}{}
	defer func() { <-turns }()
	synctest.Test(t, f)
}

// turns are what large runs take, so that they do not all have their memory at
// once.
var turns = make(chan struct{}, 4)

// small makes scenarios of ten thousand devices ones of a few hundred.
func small(more ...string) []string {
	args := []string{"--quiet", "--set", fmt.Sprintf("groups.fleet.count=%d", crowd), "--connect-rate", fmt.Sprintf("%d/s", crowd)}
	for _, s := range more {
		args = append(args, "--set", s)
	}
	return args
}

// balanced holds what a live run planned against what became of it.
func balanced(t *testing.T, s *record.Summary) {
	t.Helper()
	if g := s.Generator; g.Planned != g.Sent+g.Dropped || g.Sent == 0 {
		t.Errorf("planned %d, sent %d, dropped %d; want no gap", g.Planned, g.Sent, g.Dropped)
	}
}

// TestFleetsLive plays the library's large scenarios with fewer devices, with
// all that they expect.
func TestFleetsLive(t *testing.T) {
	t.Parallel()
	for name, sets := range map[string][]string{ // any order: each for itself
		"fleet-10k":       {"jobs.fw.at=1s"},
		"ten-k-all-kinds": {"jobs.read.at=1s"},
		"reconnect-storm": {"jobs.storm.at=2s"},
		"telemetry-10k":   {"duration=10s", "expect=[devices.connected == 100%, generator.sent == 100%, metric.telemetry_ack.p50 < 1ms]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				s := flotilla(t, append([]string{"run", name, "--max-lag", "1ms"}, small(sets...)...)...).ends(t, exitPassed).summary(t)
				balanced(t, s)
				if s.Generator.Dropped != 0 {
					t.Errorf("%d messages dropped; hub counters: %v", s.Generator.Dropped, s.Hub)
				}
			})
		})
	}
}

// TestFleetsOnSockets plays a campaign over what a bubble cannot have, in real
// time, so that nothing is asserted of how long it takes.
func TestFleetsOnSockets(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"tcp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"run", "fleet-10k", "--transport", transport}, small("jobs.fw.at=1s",
				"expect=[job.fw.succeeded == 100%, devices.firmwareVersion.3.0 == 100%, devices.connected == 100%]")...)
			balanced(t, flotilla(t, args...).ends(t, exitPassed).summary(t))
		})
	}
}

// TestFaultsOfClients plays the scenarios of faults that lie in a client and
// its socket; in virtual time they are refused.
func TestFaultsOfClients(t *testing.T) {
	t.Parallel()
	played := 0
	for _, e := range scenarios.Library() {
		plan, err := load(e.Name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if playable(plan, true) == nil {
			continue
		}
		played++
		for client := range clients { // any order: each for itself
			t.Run(e.Name+"/"+client, func(t *testing.T) {
				t.Parallel()
				bubble(t, func(t *testing.T) {
					balanced(t, flotilla(t, "run", e.Name, "--quiet", "--client", client).ends(t, exitPassed).summary(t))
				})
			})
		}
		if r := flotilla(t, "run", e.Name, "--virtual").ends(t, exitUsage); !strings.Contains(r.stderr, "leave out --virtual") {
			t.Errorf("%s, virtual: %s", e.Name, r.stderr)
		}
	}
	if played < 3 {
		t.Errorf("%d scenarios have such faults", played)
	}
}

// TestFlooding: the hub closes the device that floods, each time it comes back.
func TestFlooding(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		s := flotilla(t, "run", "fault-flooding", "--quiet", "--set", "duration=6s", "--set", "groups.loop.faults=[flooding=3000/s]",
			"--set", "expect=[hub.flooding >= 2, job.others.succeeded == 20]").ends(t, exitPassed).summary(t)
		balanced(t, s)
	})
}

// TestHubPaused: a hub that rests for two seconds shows in the tail of what was
// planned in that time, live and virtual alike: no message is left out because
// the one before it was late.
func TestHubPaused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--client", "lean"}, {"--virtual"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				args := append([]string{"run", "telemetry-10k"}, append(small("duration=14s", "groups.fleet.telemetryPeriod=500ms",
					"hub={faults: [{fault: hub-paused=2s, at: 5s}]}", "expect=[devices.connected == 100%]"), args...)...)
				s := flotilla(t, args...).ends(t, exitPassed).summary(t)
				m := s.Metrics["telemetry_ack"]
				// Two of some 13 seconds: 15 % of the messages waited, evenly from 2 s down.
				if p50, p99, p999, most := time.Duration(m.P50), time.Duration(m.P99), time.Duration(m.P999), time.Duration(m.Max); p50 > 100*time.Millisecond ||
					p99 < 1500*time.Millisecond || p999 < 1900*time.Millisecond || most < 1950*time.Millisecond || most > 2100*time.Millisecond {
					t.Errorf("p50 %s, p99 %s, p99.9 %s, max %s; want the pause of 2s in the tail", p50, p99, p999, most)
				}
				if want := int64(crowd * 2 * 13); m.Count < want-want/10 {
					t.Errorf("%d messages were acknowledged; want some %d, with those planned in the pause", m.Count, want)
				}
				if s.Kind == record.Live {
					balanced(t, s)
				}
				if len(s.Faults) != 1 || s.Faults[0].Fault != "hub-paused=2s at 5s" {
					t.Errorf("faults: %+v", s.Faults)
				}
			})
		})
	}
}

// TestVoid: a run that was late for its own plan, here of far more than any
// machine sends, is void, says why, and exits with 3.
func TestVoid(t *testing.T) {
	t.Parallel()
	r := flotilla(t, "run", "telemetry-10k", "--quiet", "--max-lag", "1ms", "--connect-rate", "1000/s", "--set", "groups.fleet.count=400",
		"--set", "duration=2s", "--set", "groups.fleet.telemetryPeriod=2ms", "--set", "expect=[devices.connected >= 1]").ends(t, exitVoid)
	s := r.summary(t)
	if s.Verdict != record.Void || !strings.Contains(s.VoidReason, "the generator was the limit") {
		t.Errorf("verdict %s, reason %q", s.Verdict, s.VoidReason)
	}
	balanced(t, s)
}

// TestInterruptedAnywhere ends a campaign in each of its phases: it is over
// in 3 s, with a summary, and nothing is lost uncounted.
func TestInterruptedAnywhere(t *testing.T) {
	t.Parallel()
	for phase, now := range map[string]func(*sim.Observation) bool{ // any order: each for itself
		"connecting": func(o *sim.Observation) bool { return o.Event == sim.EventConnect },
		"downloading": func(o *sim.Observation) bool {
			return o.Event == sim.EventResource && o.Text == "FirmwareUpdateState=2"
		},
		"applying":  func(o *sim.Observation) bool { return o.Event == sim.EventExecute },
		"rebooting": func(o *sim.Observation) bool { return o.Event == sim.EventDevice && o.Text == "booting" },
		"reporting": func(o *sim.Observation) bool { return o.Event == sim.EventResource && o.Text == "FirmwareVersion=3.0" },
		"ending": func(o *sim.Observation) bool {
			return o.Event == sim.EventChild && strings.HasPrefix(o.Text, "completed")
		},
	} {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				plan, err := load("fleet-10k", []string{fmt.Sprintf("groups.fleet.count=%d", crowd), "connectRate=300/s", "jobs.fw.at=500ms"})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var once sync.Once
				var since time.Time
				rec := record.New(record.Options{})
				st, err := openLive(ctx, plan, &runFlags{transport: "mem", client: "paho"}, func(list []sim.Observation) {
					for i := range list {
						if now(&list[i]) {
							once.Do(func() {
								since = time.Now()
								cancel()
							})
						}
					}
					rec.Observe(list)
				})
				if err != nil {
					t.Fatal(err)
				}
				s := harness.Run(ctx, harness.Options{Plan: plan, Stage: st, Recorder: rec, Kind: st.kind, Epoch: st.epoch, Tick: st.tick, Memory: st.memory, Warm: st.warm, Finish: st.finish})
				closing, end := context.WithTimeout(t.Context(), 10*time.Second)
				defer end()
				if err := st.close(closing); err != nil {
					t.Error(err)
				}
				once.Do(func() { t.Errorf("never came to %s", phase) })
				if took := time.Since(since); took > 3*time.Second {
					t.Errorf("over after %s", took)
				}
				if s.Verdict != record.Interrupted || s.Devices.Total != crowd {
					t.Errorf("verdict %s, %d devices", s.Verdict, s.Devices.Total)
				}
				balanced(t, s)
			})
		})
	}
}

// TestNothingIsLeft: after live runs the process is as it was before. It is not
// parallel: others would count.
func TestNothingIsLeft(t *testing.T) {
	play := func(args ...string) {
		flotilla(t, append([]string{"run", "fleet-10k", "--quiet", "--set", fmt.Sprintf("groups.fleet.count=%d", crowd), "--connect-rate", "1000/s",
			"--set", "jobs.fw.at=0s", "--set", "groups.fleet.boot=100ms", "--set", "groups.fleet.flash=100ms", "--set", "groups.fleet.telemetryPeriod=100ms",
			"--set", "expect=[job.fw.succeeded == 100%]"}, args...)...).ends(t, exitPassed)
	}
	transports := [][]string{{"--transport", "mem"}, {"--transport", "tcp"}, {"--transport", "mem", "--client", "lean"}}
	play(transports[0]...) // what is made once and kept
	goroutines, heap := left(0)
	for _, args := range transports {
		play(args...)
		if n, b := left(goroutines); n > goroutines || b > heap+5<<20 {
			t.Errorf("%v: %d goroutines and %d KiB are left; want no more than %d and 5 MiB above %d KiB", args, n, b>>10, goroutines, heap>>10)
		}
	}
}

// left counts goroutines and the bytes that are in use. Goroutines that are on
// their way out have some time for it.
func left(want int) (goroutines int, heap uint64) {
	for end := time.Now().Add(time.Minute); ; runtime.Gosched() {
		if goroutines = runtime.NumGoroutine(); goroutines <= want || want == 0 || time.Now().After(end) {
			break
		}
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first one's finalizers let go
	runtime.ReadMemStats(&m)
	return goroutines, m.HeapAlloc
}

// TestWarmUp: the warm-up is over when all devices are connected, or when the
// first job begins: were it over later, the lag of the run proper would be
// forgotten with it.
func TestWarmUp(t *testing.T) {
	t.Parallel()
	for at, want := range map[string][2]time.Duration{ // any order: each for itself
		"500ms": {500 * time.Millisecond, 500 * time.Millisecond}, // half of them are on their way
		"10s":   {time.Second, 2 * time.Second},
	} {
		plan, err := load("fleet-10k", []string{"groups.fleet.count=100", "connectRate=100/s", "jobs.fw.at=" + at})
		if err != nil {
			t.Fatal(err)
		}
		rec := record.New(record.Options{Shards: 1})
		st, err := openVirtual(t.Context(), plan, &runFlags{}, rec.Observe)
		if err != nil {
			t.Fatal(err)
		}
		var warm []time.Duration
		harness.Run(t.Context(), harness.Options{Plan: plan, Stage: st, Recorder: rec, Kind: st.kind, Epoch: st.epoch, Tick: 100 * time.Millisecond, Finish: st.finish,
			Warm: func() { warm = append(warm, time.Duration(st.Now())) }})
		if len(warm) != 1 || warm[0] < want[0] || warm[0] > want[1] {
			t.Errorf("first job at %s: warm at %s; want once, %s to %s", at, warm, want[0], want[1])
		}
	}
}
