package hub_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// BenchmarkJob100k is a job over 100,000 offline devices in batches of 1 %,
// all of which fail at once: what the engine costs for each transition of a
// device (pending, running, failed), the longest Step, and the bytes a child
// takes.
func BenchmarkJob100k(b *testing.B) {
	n := 100_000
	if testing.Short() {
		n = 1000
	}
	h := hub.New(hub.Config{Epoch: sim.DefaultEpoch, Seed: 1})
	var out sim.Outbox
	ids := make([]sim.DeviceID, n)
	for i := range ids {
		ids[i] = sim.DeviceID(fmt.Sprintf("dev-%06d", i))
		out.Reset()
		if _, err := h.Do(0, hub.Register{ID: ids[i], PrimaryKey: key}, &out); err != nil {
			b.Fatal(err)
		}
	}
	batch, err := job.ParseAmount("1%")
	if err != nil {
		b.Fatal(err)
	}
	var now sim.Time
	for b.Loop() {
		before := heapNow()
		var longest, total time.Duration
		steps := 0
		timed := func(f func()) {
			out.Reset()
			began := time.Now()
			f()
			took := time.Since(began)
			longest, total, steps = max(longest, took), total+took, steps+1
		}
		id := fmt.Sprint("j", now)
		timed(func() {
			_, err = h.Do(now, hub.SubmitJob{Spec: job.Spec{ID: id, Kind: "rebootDevice", Targets: ids, Batch: &batch, Grace: -1, Timeout: -1}}, &out)
		})
		if err != nil {
			b.Fatal(err)
		}
		for settled := false; !settled; {
			if h.Deadline() > now {
				b.Fatal("the job rests before its end")
			}
			timed(func() { h.Step(now, sim.Input{}, &out) })
			settled = len(out.Settled) > 0
		}
		r, err := h.Take(out.Settled[0])
		if err != nil || r.Job.Counts.Failed != n {
			b.Fatalf("%v, %+v", err, r.Job)
		}
		b.ReportMetric(float64(total.Nanoseconds())/float64(2*n)/1000, "us/transition")
		b.ReportMetric(float64(longest.Microseconds()), "longest-step-us")
		b.ReportMetric(float64(heapNow()-before)/float64(n), "B/child")
		now = now.Add(time.Hour)
	}
	runtime.KeepAlive(h)
}

// BenchmarkTwins100k is 100,000 devices with what a device reports after it
// has connected: the hub's bytes a device, and a full collection over them.
func BenchmarkTwins100k(b *testing.B) {
	n := 100_000
	if testing.Short() {
		n = 1000
	}
	report := []byte(`{"dm":{"Manufacturer":"Contoso","ModelNumber":"M1","SerialNumber":"S-0001","FirmwareVersion":"2.0","BatteryLevel":97,` +
		`"MemoryFree":65536,"UtcOffset":"+01:00","Timezone":"Europe/Paris","DeviceDescription":"van","HardwareVersion":"1","BatteryStatus":0,` +
		`"MemoryTotal":131072,"RegistrationLifetime":300,"DefaultMinPeriod":1,"DefaultMaxPeriod":60,"FirmwareUpdateState":1,"FirmwareUpdateResult":0}}`)
	for b.Loop() {
		before := heapNow()
		h := hub.New(hub.Config{Epoch: sim.DefaultEpoch, Seed: 1})
		var out sim.Outbox
		for i := range n {
			id := sim.DeviceID(fmt.Sprintf("dev-%06d", i))
			out.Reset()
			if _, err := h.Do(0, hub.Register{ID: id, PrimaryKey: key, Tags: doc.MustParse(`{"site":{"floor":3}}`)}, &out); err != nil {
				b.Fatal(err)
			}
			say := func(m sim.Message) {
				m.Device, m.Conn = id, uint32(i)+1
				out.Reset()
				h.Step(0, sim.Input{Kind: sim.Received, Msg: m}, &out)
			}
			say(sim.Message{Kind: sim.Connect, ID: 1, Body: []byte(token(id, key, 0, time.Hour))})
			say(sim.Message{Kind: sim.Subscribe, ID: uint64(sim.AllFeatures)})
			say(sim.Message{Kind: sim.Report, Name: "r", Body: report})
		}
		b.ReportMetric(float64(heapNow()-before)/float64(n), "B/device")
		began := time.Now()
		runtime.GC()
		b.ReportMetric(float64(time.Since(began).Microseconds())/1000, "gc-ms")
		began = time.Now()
		v := h.View()
		count, err := hub.Count(v, `firmwareVersion=2.0, tags.site.floor=3`)
		if err != nil || count != n {
			b.Fatalf("%d devices, %v", count, err)
		}
		b.ReportMetric(float64(time.Since(began).Microseconds())/1000, "scan-ms")
		runtime.KeepAlive(h)
	}
}

func heapNow() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
