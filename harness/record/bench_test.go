package record

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// latency is a plausible spread of values: from 100 us to some 100 ms, most
// of them small, never two runs of the same.
func latency(i int) int64 {
	x := uint64(i)*0x9e3779b97f4a7c15 + 1
	x ^= x >> 29
	return int64(100*time.Microsecond) + int64(x%1_000_003)*int64(1+x>>40%100)
}

func ids(n int) []sim.DeviceID {
	all := make([]sim.DeviceID, n)
	for i := range all {
		all[i] = sim.DeviceID(fmt.Sprintf("device-%06d", i))
	}
	return all
}

// BenchmarkObserve is the cost of one measurement in the worst case: batches
// whose every observation is of another device, out of the processor's cache,
// and thousands of values a device with no two alike.
func BenchmarkObserve(b *testing.B) {
	for _, devices := range []int{1_000, 10_000, 100_000} {
		for _, size := range []int{1, 16} {
			b.Run(fmt.Sprintf("devices=%d/batch=%d", devices, size), func(b *testing.B) {
				if testing.Short() && devices > 10_000 {
					b.Skip("short")
				}
				all, r := ids(devices), New(Options{})
				batch := make([]sim.Observation, size)
				i := 0
				for b.Loop() {
					for k := range batch {
						batch[k] = sim.Observation{At: sim.Time(i), Device: all[i%devices], Metric: sim.MetricMethodRoundTrip, Value: latency(i)}
						i += 7 // visits every device, in no order of memory
					}
					r.Observe(batch)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/measurement")
			})
		}
	}
}

// BenchmarkObserveParallel is the same from all processors at once.
func BenchmarkObserveParallel(b *testing.B) {
	all, r := ids(10_000), New(Options{})
	b.RunParallel(func(pb *testing.PB) {
		batch := make([]sim.Observation, 1)
		for i := 0; pb.Next(); i += 7 {
			batch[0] = sim.Observation{At: sim.Time(i), Device: all[i%len(all)], Metric: sim.MetricMethodRoundTrip, Value: latency(i)}
			r.Observe(batch)
		}
	})
}

// BenchmarkSeries is the memory of one device's values of one metric.
func BenchmarkSeries(b *testing.B) {
	for _, samples := range []int{4, 20, 50, 100, 1000} {
		b.Run(fmt.Sprintf("samples=%d", samples), func(b *testing.B) {
			const n = 1000
			var all [n]series
			for b.Loop() {
				clear(all[:])
				before := heap()
				for i := range all {
					for k := range samples {
						all[i].add(latency(i*samples + k))
					}
				}
				b.ReportMetric(float64(heap()-before)/n+32, "B/series")
			}
			runtime.KeepAlive(&all)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n*samples), "ns/value")
		})
	}
}

// BenchmarkFleet is the goal of 100,000 devices, 6 metrics, 50 samples each:
// cost of recording in batches of six (one device's), memory, merge of all
// metrics, and all rows of devices.csv.
func BenchmarkFleet(b *testing.B) {
	const metrics, samples = 6, 50
	for _, devices := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("devices=%d", devices), func(b *testing.B) {
			if testing.Short() && devices > 10_000 {
				b.Skip("short")
			}
			all := ids(devices)
			before := heap()
			filled := time.Now()
			r := New(Options{})
			batch := make([]sim.Observation, 0, metrics)
			for k := range samples {
				for i, id := range all {
					batch = batch[:0]
					for m := range metrics {
						batch = append(batch, sim.Observation{At: sim.Time(i), Device: id, Metric: sim.Metric(1 + m), Value: latency(k*devices*metrics + i*metrics + m)})
					}
					r.Observe(batch)
				}
			}
			fill := time.Since(filled)
			used := heap() - before
			var merge, rows time.Duration
			for b.Loop() {
				start := time.Now()
				var s Summary
				r.Fill(&s)
				merge += time.Since(start)
				start = time.Now()
				for _, id := range all {
					r.Row(id)
				}
				rows += time.Since(start)
			}
			b.ReportMetric(float64(used)/float64(devices), "B/device")
			b.ReportMetric(float64(used)/1e6, "MB")
			b.ReportMetric(float64(fill.Nanoseconds())/float64(devices*metrics*samples), "ns/measurement")
			b.ReportMetric(float64(merge.Microseconds())/1e3/float64(b.N), "merge-ms")
			b.ReportMetric(float64(rows.Microseconds())/1e3/float64(b.N), "rows-ms")
			runtime.KeepAlive(r)
		})
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkFollow is the cost of an event beside keeping it: of a campaign of
// 100,000 devices no more events are kept, but all are counted.
func BenchmarkFollow(b *testing.B) {
	all, r := ids(100_000), New(Options{Shards: 1, MaxEvents: -1})
	batch := make([]sim.Observation, 1)
	texts := []string{"FirmwareUpdateState=2", "FirmwareUpdateState=3", "FirmwareUpdateState=1"}
	i := 0
	for b.Loop() {
		batch[0] = sim.Observation{At: sim.Time(i) * 1000, Device: all[i%len(all)], Event: sim.EventResource, Text: texts[i/len(all)%3]}
		i++
		r.Observe(batch)
	}
}

// BenchmarkFill is the end of a run: a campaign, curves and the slowest of
// 100,000 devices.
func BenchmarkFill(b *testing.B) {
	r := New(Options{Shards: 1})
	for i, id := range ids(100_000) {
		r.Observe([]sim.Observation{
			{At: sim.Time(i), Device: id, Event: sim.EventConnect, Text: "accepted"},
			{At: sim.Time(i), Device: id, Metric: sim.MetricConnect, Value: latency(i)},
			{At: sim.Time(i), Device: id, Metric: sim.MetricDownload, Value: latency(2 * i)},
			{At: sim.Time(i), Device: id, Metric: sim.MetricDeviceJob, Value: latency(3 * i)},
		})
	}
	for b.Loop() {
		r.Fill(new(Summary))
	}
}
