package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/harness"
	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
)

// quiet skips a test that wants the machine for itself: beside other work it is
// late, and its outcome says nothing. `make live` runs them.
func quiet(t *testing.T) {
	t.Helper()
	if os.Getenv("FLOTILLA_LIVE") == "" {
		t.Skip("live fleets want the machine for themselves: make live")
	}
}

// turns are what live fleets take: two cores carry a few of them at a time.
var turns = make(chan struct{}, 4)

// turn waits for the test's turn, until its end.
func turn(t *testing.T) {
	t.Helper()
	turns <- struct{}{}
	t.Cleanup(func() { <-turns })
}

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

// TestFleetsLive plays the library's large scenarios with few devices.
func TestFleetsLive(t *testing.T) {
	quiet(t)
	t.Parallel()
	for name, sets := range map[string][]string{ // any order: each for itself
		"fleet-10k":       {"jobs.fw.at=1s"},
		"ten-k-all-kinds": {"jobs.read.at=1s", "groups.fleet.boot=100ms..300ms", "groups.fleet.flash=100ms", "jobs.reset.delay=1s"},
		"reconnect-storm": {"jobs.storm.at=2s"},
		"telemetry-10k":   {"duration=5s", "expect=[devices.connected == 100%, generator.sent == 100%]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			turn(t)
			s := flotilla(t, append([]string{"run", name}, small(sets...)...)...).ends(t, exitPassed).summary(t)
			balanced(t, s)
			if s.Generator.Dropped != 0 {
				t.Errorf("%d messages dropped; hub counters: %v", s.Generator.Dropped, s.Hub)
			}
		})
	}
}

// TestFleetsVirtual plays the same in virtual time, all ten thousand of them
// where that is quick.
func TestFleetsVirtual(t *testing.T) {
	quiet(t)
	t.Parallel()
	if testing.Short() {
		t.Skip("10,000 devices")
	}
	flotilla(t, "run", "fleet-10k", "--virtual", "--quiet").ends(t, exitPassed)
}

// TestFaultsOfClients plays the scenarios of faults that lie in a client and
// its socket; in virtual time they are refused.
func TestFaultsOfClients(t *testing.T) {
	quiet(t)
	t.Parallel()
	played := 0
	for _, e := range scenarios.Library() {
		src, err := scenarios.Open(e.Name)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := scenarios.Load(src, nil)
		if err != nil {
			t.Fatal(err)
		}
		if playable(plan, true) == nil {
			continue
		}
		played++
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			turn(t)
			balanced(t, flotilla(t, "run", e.Name, "--quiet").ends(t, exitPassed).summary(t))
			if r := flotilla(t, "run", e.Name, "--virtual").ends(t, exitUsage); !strings.Contains(r.stderr, "leave out --virtual") {
				t.Errorf("virtual: %s", r.stderr)
			}
		})
	}
	if played < 3 {
		t.Errorf("%d scenarios have such faults", played)
	}
}

// TestFlooding: the hub closes the device that floods, and says so.
func TestFlooding(t *testing.T) {
	quiet(t)
	t.Parallel()
	if crowd < 100 {
		t.Skip("the race detector leaves no time to flood anybody")
	}
	turn(t)
	s := flotilla(t, "run", "fault-flooding", "--quiet", "--set", "duration=10s", "--set", "groups.loop.faults=[flooding=5000/s]", "--set", "expect=[hub.flooding >= 1, job.others.succeeded == 20]").ends(t, exitPassed).summary(t)
	balanced(t, s)
}

// TestHubPaused: a hub that rests for two seconds shows in the tail of what was
// planned in that time, live and virtual alike: no message is left out because
// the one before it was late.
func TestHubPaused(t *testing.T) {
	quiet(t)
	t.Parallel()
	turn(t)
	for _, args := range [][]string{nil, {"--virtual"}} {
		args := append([]string{"run", "telemetry-10k"}, append(small("duration=14s", "groups.fleet.telemetryPeriod=500ms",
			"hub={faults: [{fault: hub-paused=2s, at: 5s}]}", "expect=[devices.connected == 100%]"), args...)...)
		s := flotilla(t, args...).ends(t, exitPassed).summary(t)
		m := s.Metrics["telemetry_ack"]
		// Two of some 13 seconds: 15 % of the messages waited, evenly from 2 s down.
		if p50, p99, p999, most := time.Duration(m.P50), time.Duration(m.P99), time.Duration(m.P999), time.Duration(m.Max); p50 > 500*time.Millisecond ||
			p99 < 1500*time.Millisecond || p999 < 1900*time.Millisecond || most < 1950*time.Millisecond {
			t.Errorf("p50 %s, p99 %s, p99.9 %s, max %s; want the pause of 2s in the tail", p50, p99, p999, most)
		}
		if s.Kind == record.Live {
			balanced(t, s)
		}
		if len(s.Faults) != 1 || s.Faults[0].Fault != "hub-paused=2s at 5s" {
			t.Errorf("faults: %+v", s.Faults)
		}
	}
}

// TestVoid: a run that was late for its own plan is void, says why, and exits
// with 3.
func TestVoid(t *testing.T) {
	quiet(t)
	t.Parallel()
	turn(t)
	r := flotilla(t, append([]string{"run", "telemetry-10k", "--max-lag", "1ms"}, small("duration=8s", "groups.fleet.telemetryPeriod=100ms", "expect=[devices.connected >= 1]")...)...).ends(t, exitVoid)
	if s := r.summary(t); s.Verdict != record.Void || !strings.Contains(s.VoidReason, "the generator was the limit") {
		t.Errorf("verdict %s, reason %q", s.Verdict, s.VoidReason)
	}
}

// TestInterruptedAnywhere ends a campaign in each of its phases: it is over
// soon, with a summary, and nothing is lost uncounted.
func TestInterruptedAnywhere(t *testing.T) {
	quiet(t)
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
			turn(t)
			src, err := scenarios.Open("fleet-10k")
			if err != nil {
				t.Fatal(err)
			}
			plan, err := scenarios.Load(src, []string{fmt.Sprintf("groups.fleet.count=%d", crowd), "connectRate=300/s", "jobs.fw.at=500ms"})
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
			s := harness.Run(ctx, harness.Options{Plan: plan, Stage: st, Recorder: rec, Kind: st.kind, Epoch: st.epoch, Tick: st.tick, Memory: st.memory, Finish: st.finish})
			closing, end := context.WithTimeout(t.Context(), 10*time.Second)
			defer end()
			if err := st.close(closing); err != nil {
				t.Error(err)
			}
			once.Do(func() { t.Errorf("never came to %s", phase) })
			if took := time.Since(since); took > 8*time.Second { // 3 s where nothing else runs beside
				t.Errorf("over after %s", took)
			}
			if s.Verdict != record.Interrupted || s.Devices.Total != crowd {
				t.Errorf("verdict %s, %d devices", s.Verdict, s.Devices.Total)
			}
			balanced(t, s)
		})
	}
}

// TestNothingIsLeft: after live runs the process is as it was before. It is not
// parallel: others would count.
func TestNothingIsLeft(t *testing.T) {
	quiet(t)
	play := func(args ...string) {
		flotilla(t, append([]string{"run", "fleet-10k", "--quiet", "--set", fmt.Sprintf("groups.fleet.count=%d", crowd), "--connect-rate", "1000/s",
			"--set", "jobs.fw.at=0s", "--set", "groups.fleet.boot=100ms", "--set", "groups.fleet.flash=100ms", "--set", "groups.fleet.telemetryPeriod=100ms"}, args...)...).ends(t, exitPassed)
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
	for end := time.Now().Add(5 * time.Second); ; runtime.Gosched() {
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
