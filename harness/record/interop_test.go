package record_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/harness/require"
	"github.com/flotilla-sim/flotilla/sim"
)

// TestInteropJavaScript: hdr-histogram-js reads of a log what hdrhistogram-go
// reads: every line with its tag and interval, and the value of every rank
// asked for, which are all percentiles there are.
func TestInteropJavaScript(t *testing.T) {
	node := require.Tool(t, "node", "node")
	folder := filepath.Join("testdata", "interop")
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "hdr-histogram-js")); err != nil {
		require.Missing(t, "node", "hdr-histogram-js is not there: run `npm ci` in harness/record/testdata/interop")
	}
	r := record.New(record.Options{})
	x := uint64(1)
	for _, d := range []struct {
		id sim.DeviceID
		n  int
	}{{"one", 1}, {"few, with a comma", 60}, {"gate/module", 65}, {"100% busy", 5000}, {"größe", 20_000}} {
		for i := range d.n {
			for m := sim.MetricConnect; m <= sim.MetricTelemetryAck; m++ {
				x = x*6364136223846793005 + 1442695040888963407
				v := int64(x>>33) % (int64(1) << (10 + 5*uint(m) + uint(i%8)))
				r.Observe([]sim.Observation{{Device: d.id, Metric: m, Value: v}})
			}
		}
	}
	r.Observe([]sim.Observation{{Device: "one", Metric: sim.MetricDeviceJob, Value: record.Highest}, {Device: "one", Metric: sim.MetricDeviceJob, Value: 0}})
	start := time.Date(2026, 10, 3, 10, 0, 0, 250e6, time.UTC)
	var log bytes.Buffer
	if err := r.WriteLog(&log, record.LogOptions{Base: start, Start: start.Add(time.Second), End: start.Add(9 * time.Second), PerDevice: true}); err != nil {
		t.Fatal(err)
	}

	var all []*hdrhistogram.Histogram
	ranks := map[string][]int64{}
	for reader := hdrhistogram.NewHistogramLogReader(bytes.NewReader(log.Bytes())); ; {
		h, err := reader.NextIntervalHistogram()
		if err != nil {
			t.Fatal(err)
		}
		if h == nil {
			break
		}
		all = append(all, h)
		n := h.TotalCount()
		for rank := int64(1); rank <= n; rank += 1 + n/200 {
			ranks[h.Tag()] = append(ranks[h.Tag()], rank)
		}
		ranks[h.Tag()] = append(ranks[h.Tag()], n)
	}

	dir := t.TempDir()
	file := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	asked, err := json.Marshal(ranks)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, filepath.Join(folder, "read-log.mjs"), file("run.hlog", log.Bytes()), file("ranks.json", asked))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var read []struct {
		Tag            string
		StartMs, EndMs float64
		Count          int64
		Mean           float64
		P0             int64
		Values         []int64
	}
	if err := json.Unmarshal(out, &read); err != nil {
		t.Fatal(err)
	}
	if len(read) != len(all) || len(all) != 5+5*4+1 {
		t.Fatalf("%d lines read by hdr-histogram-js, %d by hdrhistogram-go; want %d", len(read), len(all), 5+5*4+1)
	}
	compared := 0
	for i, h := range all {
		got := read[i]
		if got.Tag != h.Tag() || got.Count != h.TotalCount() || got.P0 != h.ValueAtPercentile(0) || math.Abs(got.Mean/h.Mean()-1) > 1e-9 {
			t.Errorf("line %d: %s with %d values, lowest %d, mean %g; want %s with %d, %d, %g",
				i, got.Tag, got.Count, got.P0, got.Mean, h.Tag(), h.TotalCount(), h.ValueAtPercentile(0), h.Mean())
			continue
		}
		if got.StartMs != float64(start.UnixMilli()+1000) || got.EndMs != float64(start.UnixMilli()+9000) {
			t.Errorf("%s: from %f to %f ms", got.Tag, got.StartMs, got.EndMs)
		}
		for k, rank := range ranks[got.Tag] {
			if want := h.ValueAtPercentile((float64(rank) - 0.4) / float64(h.TotalCount()) * 100); got.Values[k] != want {
				t.Fatalf("%s: value of rank %d is %d; want %d", got.Tag, rank, got.Values[k], want)
			}
			compared++
		}
	}
	t.Logf("%d lines, %d percentiles equal", len(all), compared)
}
