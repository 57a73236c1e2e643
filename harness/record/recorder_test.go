package record

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/sim"
)

// asked are the percentiles that tests compare.
var asked = []float64{0, 1, 50, 90, 99, 99.9, 100}

// twin is the dumb recorder: one dense histogram over the union of all
// values, and the values themselves.
type twin struct {
	hist   *hdrhistogram.Histogram
	values []int64
}

func newTwin() *twin { return &twin{hist: hdrhistogram.New(Resolution, Highest, Digits)} }

func (w *twin) add(t testing.TB, v int64) {
	v = min(max(v, 0), Highest)
	if err := w.hist.RecordValue(v); err != nil {
		t.Fatal(err)
	}
	w.values = append(w.values, v)
}

func (w *twin) check(t rapidT, what string, d *Distribution) {
	if got := d.Count(); got != int64(len(w.values)) {
		t.Fatalf("%s: count %d; want %d", what, got, len(w.values))
	}
	if len(w.values) == 0 {
		if d.Min() != 0 || d.Max() != 0 || d.Mean() != 0 || d.Percentile(50) != 0 {
			t.Fatalf("%s: an empty distribution is not all zero", what)
		}
		return
	}
	sum := new(big.Int)
	for _, v := range w.values {
		sum.Add(sum, big.NewInt(v))
	}
	lowest, highest := slices.Min(w.values), slices.Max(w.values)
	mean := sum.Div(sum, big.NewInt(int64(len(w.values)))).Int64()
	if d.Min() != lowest || d.Max() != highest || d.Mean() != mean {
		t.Fatalf("%s: min %d, max %d, mean %d; want %d, %d, %d", what, d.Min(), d.Max(), d.Mean(), lowest, highest, mean)
	}
	for _, p := range asked {
		want := min(max(w.hist.ValueAtPercentile(p), lowest), highest)
		if got := d.Percentile(p); got != want {
			t.Fatalf("%s: percentile %g of %d values = %d; want %d", what, p, len(w.values), got, want)
		}
	}
}

type rapidT interface{ Fatalf(string, ...any) }

// Device histograms and their fleet answer as one dense histogram over the
// same values does, whatever the number of shards and wherever the borders
// between raw, packed and dense are crossed.
func TestRecorderAgainstTwin(t *testing.T) {
	latency := rapid.OneOf(
		rapid.Int64Range(0, 3000), rapid.Int64Range(0, int64(time.Second)),
		rapid.Int64Range(0, Highest), rapid.Int64(),
	)
	rapid.Check(t, func(rt *rapid.T) {
		r := New(Options{Shards: rapid.IntRange(1, 9).Draw(rt, "shards")})
		metric := sim.Metric(rapid.IntRange(1, len(sim.Metrics)-1).Draw(rt, "metric"))
		fleet, devices := newTwin(), map[sim.DeviceID]*twin{}
		clamped := int64(0)
		var batch []sim.Observation
		for range rapid.IntRange(0, 12).Draw(rt, "runs") {
			id := sim.DeviceID(fmt.Sprintf("dev-%d", rapid.IntRange(0, 4).Draw(rt, "device")))
			v := latency.Draw(rt, "value")
			step := rapid.Int64Range(-1, 5000).Draw(rt, "step")
			if devices[id] == nil {
				devices[id] = newTwin()
			}
			for i := range rapid.SampledFrom([]int64{1, 3, 63, 64, 65, 2000, 4096}).Draw(rt, "times") {
				x := v
				if v < math.MaxInt64/2 && v > math.MinInt64/2 {
					x += i * step
				}
				if x < 0 || x > Highest {
					clamped++
				}
				fleet.add(t, x)
				devices[id].add(t, x)
				batch = append(batch, sim.Observation{At: sim.Time(i), Device: id, Metric: metric, Value: x})
			}
			if rapid.Bool().Draw(rt, "flush") {
				r.Observe(batch)
				clear(batch)
				batch = batch[:0]
			}
		}
		r.Observe(batch)
		d := r.Fleet(metric)
		fleet.check(rt, "fleet", d)
		if d.Clamped() != clamped {
			rt.Fatalf("clamped %d; want %d", d.Clamped(), clamped)
		}
		for id, want := range devices { // any order: each is checked alone
			got := r.Device(id, metric)
			want.check(rt, string(id), got)
			row := r.Row(id)
			wantRow := []DeviceMetric{{metric, got.Count(), got.Percentile(50), got.Percentile(99), got.Max()}}
			if !slices.Equal(row, wantRow) {
				rt.Fatalf("row of %s = %v; want %v", id, row, wantRow)
			}
		}
		for m := range sim.Metrics {
			if sim.Metric(m) != metric && r.Fleet(sim.Metric(m)).Count() != 0 {
				rt.Fatalf("metric %d has values that were measured as %d", m, metric)
			}
		}
	})
}

func TestClamp(t *testing.T) {
	for _, c := range []struct {
		in, out int64
		clamped bool
	}{
		{0, 0, false}, {1, 1, false}, {Highest, Highest, false},
		{-1, 0, true}, {math.MinInt64, 0, true}, {Highest + 1, Highest, true}, {math.MaxInt64, Highest, true},
	} {
		if out, clamped := clamp(c.in); out != c.out || clamped != c.clamped {
			t.Errorf("clamp(%d) = %d, %t; want %d, %t", c.in, out, clamped, c.out, c.clamped)
		}
		// What clamp lets through every histogram takes.
		mustRecord(newPacked().RecordValue(c.out))
		mustRecord(newDense().RecordValue(c.out))
	}
}

func TestSumAgainstBig(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, math.MaxInt64), 1, 50).Draw(rt, "values")
		var halves [2]sum
		want := new(big.Int)
		for i, v := range values {
			halves[i%2].add(uint64(v))
			want.Add(want, big.NewInt(v))
		}
		halves[0].merge(halves[1])
		want.Div(want, big.NewInt(int64(len(values))))
		if got := halves[0].mean(int64(len(values))); got != want.Int64() {
			rt.Fatalf("mean of %v = %d; want %s", values, got, want)
		}
	})
	if got := (sum{}).mean(0); got != 0 {
		t.Errorf("mean of nothing = %d; want 0", got)
	}
}

// Many goroutines record at once, others read: nothing is lost.
func TestObserveConcurrently(t *testing.T) {
	const writers, rounds, devices = 8, 200, 30
	var tapped sync.Map
	r := New(Options{Shards: 4, OnEvent: func(o sim.Observation) { tapped.Store(o.Value, true) }})
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range rounds {
				var batch []sim.Observation
				for d := range devices {
					id := sim.DeviceID(fmt.Sprintf("dev-%d", d))
					batch = append(batch, sim.Observation{Device: id, Metric: sim.MetricTelemetryAck, Value: int64(i)},
						sim.Observation{Device: id, Event: sim.EventLink, Text: "opened"})
				}
				batch = append(batch, sim.Observation{Event: sim.EventJob, Job: "fw", Value: int64(w*rounds + i)})
				r.Observe(batch)
			}
		})
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				var s Summary
				r.Fill(&s)
				r.Events("dev-1", "")
				r.Row("dev-2")
			}
		}
	})
	wg.Wait()
	close(stop)
	readers.Wait()
	if got, want := r.Fleet(sim.MetricTelemetryAck).Count(), int64(writers*rounds*devices); got != want {
		t.Errorf("count %d; want %d", got, want)
	}
	if got, want := r.EventCounts(), (EventCounts{Kept: writers * rounds * (devices + 1)}); got != want {
		t.Errorf("events %+v; want %+v", got, want)
	}
	n := 0
	tapped.Range(func(any, any) bool { n++; return true })
	if n != writers*rounds {
		t.Errorf("tap saw %d job events; want %d", n, writers*rounds)
	}
	if got := r.Devices(); len(got) != devices || !slices.IsSorted(got) {
		t.Errorf("devices %v; want %d, sorted, without the hub", got, devices)
	}
}

func TestUnknownDevice(t *testing.T) {
	r := New(Options{})
	if d := r.Device("nobody", sim.MetricConnect); d.Count() != 0 || d.Percentile(99) != 0 {
		t.Errorf("an unknown device has %d values", d.Count())
	}
	if r.Row("nobody") != nil || r.Events("nobody", "") != nil || r.Events("nobody", "fw") != nil || r.Devices() != nil {
		t.Error("an unknown device has rows or events")
	}
}

// Rates count from the planned instant of the first to the end of the last;
// connects count each device's first only, so that a reboot hours later does
// not thin them out.
func TestFillRates(t *testing.T) {
	second := sim.Time(time.Second)
	r := New(Options{})
	for i, id := range []sim.DeviceID{"a", "b", "c", "d"} {
		at := sim.Time(i+1) * second
		r.Observe([]sim.Observation{
			{At: at, Device: id, Metric: sim.MetricConnect, Value: int64(second)},
			{At: 1000 * second, Device: id, Metric: sim.MetricConnect, Value: 5},
			{At: 10 * second, Device: id, Metric: sim.MetricDeviceJob, Value: int64(2 * second)},
		})
	}
	var s Summary
	r.Fill(&s)
	if s.Rates.ConnectsPerSecond != 1 || s.Rates.DeviceJobsPerSecond != 2 {
		t.Errorf("rates %+v; want 1 connect and 2 device jobs a second", s.Rates)
	}
	if len(s.Warnings) != 0 || len(s.Metrics) != 2 {
		t.Errorf("warnings %q, metrics %v; want none, and connect and device_job", s.Warnings, s.Metrics)
	}
	r = New(Options{})
	r.Observe([]sim.Observation{{At: 5, Device: "a", Metric: sim.MetricConnect}})
	s = Summary{}
	r.Fill(&s)
	if s.Rates.ConnectsPerSecond != 0 {
		t.Errorf("rate of one connect that took no time = %g; want 0", s.Rates.ConnectsPerSecond)
	}
}

func TestFillWarns(t *testing.T) {
	r := New(Options{MaxEvents: 1})
	r.Observe([]sim.Observation{
		{Device: "a", Metric: sim.MetricApply, Value: Highest + 1},
		{Device: "a", Event: sim.EventLink}, {Device: "a", Event: sim.EventLink},
	})
	var s Summary
	r.Fill(&s)
	want := []string{
		"metric apply: 1 of 1 values were outside of 0 to 86400000000000 ns and count as the bound",
		"events: 1 of 2 were dropped (at most 1 in all and 2000 of one device are kept); timelines have gaps, metrics and jobs do not",
	}
	if !slices.Equal(s.Warnings, want) {
		t.Errorf("warnings\n%q; want\n%q", s.Warnings, want)
	}
	if m := s.Metrics["apply"]; m.Clamped != 1 || m.Max != Highest {
		t.Errorf("apply = %+v; want one clamped value of %d", m, Highest)
	}
}

// The histogram of few values knows the same buckets as the library's.
func TestWidthAgainstLibrary(t *testing.T) {
	h := newDense()
	check := func(t rapidT, v int64) {
		if !h.ValuesAreEquivalent(v, v&^width(v)) || !h.ValuesAreEquivalent(v, v|width(v)) ||
			v|width(v) < math.MaxInt64 && h.ValuesAreEquivalent(v, v|width(v)+1) || v&^width(v) > 0 && h.ValuesAreEquivalent(v, v&^width(v)-1) {
			t.Fatalf("bucket of %d is not %d to %d", v, v&^width(v), v|width(v))
		}
	}
	for k := range 47 {
		for d := int64(-2); d <= 2; d++ {
			if v := int64(1)<<k + d; v >= 0 {
				check(t, v)
			}
		}
	}
	rapid.Check(t, func(rt *rapid.T) { check(rt, rapid.Int64Range(0, Highest).Draw(rt, "v")) })
}

// After Stop no measurement counts, and events go on.
func TestStop(t *testing.T) {
	r := New(Options{})
	both := []sim.Observation{
		{Device: "a", Metric: sim.MetricConnect, Value: 5}, {Device: "a", Event: sim.EventLink, Text: "opened"},
		{Device: "b", Metric: sim.MetricConnect, Value: 6},
	}
	r.Observe(both)
	r.Stop()
	r.Observe(both)
	if d := r.Fleet(sim.MetricConnect); d.Count() != 2 || r.Device("a", sim.MetricConnect).Count() != 1 || len(r.Events("a", "")) != 2 {
		t.Errorf("%d values, %d events of a; want 2, 2", d.Count(), len(r.Events("a", "")))
	}
}
