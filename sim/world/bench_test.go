package world_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/pack"
	"github.com/flotilla-sim/flotilla/sim/world"
)

var key = []byte("0123456789abcdef0123456789abcdef")

// fleet is a world of n devices of one profile, and its ids.
func fleet(tb testing.TB, n int, profile *device.Profile, cfg world.Config) (*world.World, []sim.DeviceID) {
	tb.Helper()
	w := world.New(cfg)
	ids := make([]sim.DeviceID, n)
	for i := range ids {
		ids[i] = sim.DeviceID(fmt.Sprintf("dev-%07d", i))
		if _, err := w.Do(hub.Register{ID: ids[i], PrimaryKey: key}); err != nil {
			tb.Fatal(err)
		}
		if err := w.Add(device.Config{ID: ids[i], Number: uint64(i), Key: key, Profile: profile, FirmwareVersion: "1.0"}, fault.Conditions{}); err != nil {
			tb.Fatal(err)
		}
	}
	return w, ids
}

func campaignProfile() *device.Profile {
	p := device.NewProfile()
	p.Start = sim.Uniform(0, time.Minute)
	p.Boot = sim.Uniform(5*time.Second, 30*time.Second)
	p.Flash = sim.Uniform(10*time.Second, 30*time.Second)
	p.Answer = sim.Uniform(20*time.Millisecond, 200*time.Millisecond)
	p.FirmwarePMin = 0
	return p
}

// BenchmarkCampaign is a firmware campaign in virtual time, from the first
// connection to the last child completed: steps of all machines per second
// and memory of everything (hub included) a device.
func BenchmarkCampaign(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		if testing.Short() && n > 10_000 {
			continue
		}
		b.Run(fmt.Sprintf("devices=%d", n), func(b *testing.B) {
			for b.Loop() {
				before, began := heap(), time.Now()
				w, ids := fleet(b, n, campaignProfile(), world.Config{Seed: 1})
				uri := w.Publish(pack.New(pack.Spec{Name: "fw", Version: "3.0", Size: 4 << 10}))
				w.Advance(sim.Time(2 * time.Minute))
				connected := heap() - before
				r, err := w.Do(hub.SubmitJob{Spec: job.Spec{ID: "fw", Kind: "firmwareUpdate", Targets: ids, PackageURI: uri, Timeout: time.Hour}})
				if err != nil {
					b.Fatal(err)
				}
				s := w.Advance(sim.Time(2 * time.Hour))
				if len(s) != 1 || s[0].Ticket != r.Ticket || s[0].Reply.Job.Counts.Succeeded != n {
					b.Fatalf("settled %+v", s)
				}
				b.ReportMetric(float64(w.Steps())/time.Since(began).Seconds(), "steps/s")
				b.ReportMetric(float64(connected)/float64(n), "B/device")
				b.ReportMetric(float64(w.Steps())/float64(n), "steps/device")
				runtime.KeepAlive(w)
			}
		})
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
