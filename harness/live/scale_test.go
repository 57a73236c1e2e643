package live_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// BenchmarkFleet connects a fleet over in-memory links and updates it: how
// fast, and with how much memory for each device, both ends together.
func BenchmarkFleet(b *testing.B) {
	const devices = 1000
	for _, c := range connectors {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				h := open(b, c.connect, "mem")
				ids := make([]sim.DeviceID, devices)
				for i := range ids {
					ids[i] = sim.DeviceID(fmt.Sprintf("d%05d", i))
				}
				p := quick()
				start := time.Now()
				h.add(p, nil, ids...)
				for h.do(hub.GetCounters{}).Counters.Connected < devices {
					h.wait(time.Millisecond)
				}
				connected := time.Since(start)
				h.wait(100 * time.Millisecond)
				runtime.GC()
				runtime.ReadMemStats(&after)
				start = time.Now()
				if v := h.update(image(4<<10), 0, ids...); v.Counts.Succeeded != devices {
					b.Errorf("job: %+v", v.Counts)
				}
				b.ReportMetric(devices/time.Since(start).Seconds(), "updates/s")
				b.ReportMetric(devices/connected.Seconds(), "connects/s")
				b.ReportMetric(float64(after.HeapInuse+after.StackInuse-before.HeapInuse-before.StackInuse)/devices, "B/device")
				b.Logf("generator: %+v", h.Generator())
				h.close()
			}
		})
	}
}
