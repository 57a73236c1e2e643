package record

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/sim"
)

// logEpoch is the civil instant at which runs of these tests begin.
var logEpoch = time.Date(2026, 10, 3, 10, 0, 0, 250e6, time.UTC)

var logTimes = LogOptions{Base: logEpoch, Start: logEpoch, End: logEpoch.Add(7312 * time.Millisecond), PerDevice: true}

func logOf(t testing.TB, r *Recorder, o LogOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteLog(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// foreign reads a log with the library's reader: histograms by tag.
func foreign(t rapidT, log []byte) map[string]*hdrhistogram.Histogram {
	all := map[string]*hdrhistogram.Histogram{}
	r := hdrhistogram.NewHistogramLogReader(bytes.NewReader(log))
	for {
		h, err := r.NextIntervalHistogram()
		if err != nil {
			t.Fatalf("the library's reader: %v", err)
		}
		if h == nil {
			return all
		}
		if all[h.Tag()] != nil {
			t.Fatalf("the log has two lines of %s", h.Tag())
		}
		all[h.Tag()] = h
	}
}

// inflated is what an encoded histogram compresses.
func inflated(t rapidT, encoded []byte) []byte {
	b, err := base64.StdEncoding.DecodeString(string(encoded))
	if err != nil || len(b) < v2CompressedHeader {
		t.Fatalf("%q: %v", encoded, err)
	}
	z, err := zlib.NewReader(bytes.NewReader(b[v2CompressedHeader:]))
	if err != nil {
		t.Fatalf("%v", err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return plain
}

// observed draws measurements of some devices with ids of all allowed
// characters, across the borders between raw, packed and dense.
func observed(rt *rapid.T) *Recorder {
	latency := rapid.OneOf(
		rapid.Int64Range(0, 3000), rapid.Int64Range(0, int64(time.Second)),
		rapid.Int64Range(0, Highest), rapid.Int64(),
	)
	ids := rapid.SliceOfNDistinct(rapid.StringMatching("[A-Za-z0-9.:+%_#*?!(),=@;$'/ -]{1,20}"), 1, 4, rapid.ID).Draw(rt, "ids")
	r := New(Options{Shards: rapid.IntRange(1, 9).Draw(rt, "shards")})
	for range rapid.IntRange(0, 6).Draw(rt, "runs") {
		o := sim.Observation{
			Device: sim.DeviceID(rapid.SampledFrom(ids).Draw(rt, "device")),
			Metric: sim.Metric(rapid.IntRange(1, len(sim.Metrics)-1).Draw(rt, "metric")),
		}
		v, step := latency.Draw(rt, "value"), rapid.Int64Range(-1, 5000).Draw(rt, "step")
		for i := range rapid.SampledFrom([]int64{1, 3, 63, 64, 65, 700, 4096}).Draw(rt, "times") {
			o.Value = v
			if v < math.MaxInt64/2 && v > math.MinInt64/2 {
				o.Value += i * step
			}
			r.Observe([]sim.Observation{o})
		}
	}
	return r
}

// TestLogAgainstLibrary: what the library reads of a log is what was
// recorded; the devices of every metric add up to its fleet, bucket by bucket;
// and what was compressed is, byte for byte, what the library compresses.
func TestLogAgainstLibrary(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := observed(rt)
		log := logOf(t, r, logTimes)
		read := foreign(rt, log)
		known := 0
		for m := sim.NoMetric + 1; int(m) < len(sim.Metrics); m++ {
			name := sim.Metrics[m].Name
			merged := newDense()
			for _, id := range r.Devices() {
				want, got := r.Device(id, m), read[Tag(name, id)]
				if (want.Count() > 0) != (got != nil) {
					rt.Fatalf("%s of %q: %d values recorded, in the log: %t", name, id, want.Count(), got != nil)
				}
				if got == nil {
					continue
				}
				known++
				same(rt, string(id), got, want)
				if dropped := merged.Merge(got); dropped != 0 {
					rt.Fatalf("%d values dropped", dropped)
				}
			}
			fleet := read[name]
			if fleet == nil {
				if merged.TotalCount() != 0 {
					rt.Fatalf("%s: devices have values, the fleet has none", name)
				}
				continue
			}
			known++
			same(rt, name, fleet, r.Fleet(m))
			if !merged.Equals(fleet) {
				rt.Fatalf("%s: the devices' %d values are not the fleet's %d", name, merged.TotalCount(), fleet.TotalCount())
			}
		}
		if known != len(read) {
			rt.Fatalf("the log has %d histograms; want %d", len(read), known)
		}
		for line, err := range Log(bytes.NewReader(log)) {
			if err != nil {
				rt.Fatalf("%v", err)
			}
			tag, want := line.Metric, (*Distribution)(nil)
			m := metricNamed(line.Metric)
			if line.Fleet {
				want = r.Fleet(m)
			} else {
				tag, want = Tag(line.Metric, line.Device), r.Device(line.Device, m)
			}
			encoded, err := read[tag].EncodeV2()
			if err != nil {
				rt.Fatalf("%v", err)
			}
			if got, want := inflated(rt, line.data), inflated(rt, encoded); !bytes.Equal(got, want) {
				rt.Fatalf("%s: compressed is\n%x; the library compresses\n%x", tag, got, want)
			}
			got, err := line.Distribution()
			if err != nil {
				rt.Fatalf("%s: %v", tag, err)
			}
			if got.Count() != want.Count() || got.Max() != want.Max() {
				rt.Fatalf("%s: count %d, max %d; want %d, %d", tag, got.Count(), got.Max(), want.Count(), want.Max())
			}
			for _, p := range asked[1:] {
				if got.Percentile(p) != want.Percentile(p) {
					rt.Fatalf("%s: percentile %g is %d; want %d", tag, p, got.Percentile(p), want.Percentile(p))
				}
			}
		}
	})
}

func metricNamed(name string) sim.Metric {
	return sim.Metric(slices.IndexFunc(sim.Metrics[:], func(m sim.MetricInfo) bool { return m.Name == name }))
}

// same compares a histogram read with what was recorded.
func same(t rapidT, what string, got *hdrhistogram.Histogram, want *Distribution) {
	if got.TotalCount() != want.Count() {
		t.Fatalf("%s: %d values read; want %d", what, got.TotalCount(), want.Count())
	}
	for _, p := range asked {
		read := min(max(got.ValueAtPercentile(p), want.Min()), want.Max())
		if read != want.Percentile(p) {
			t.Fatalf("%s: percentile %g read is %d; want %d", what, p, read, want.Percentile(p))
		}
	}
}

// TestBucketIndex: buckets follow each other without a gap over the range.
func TestBucketIndex(t *testing.T) {
	i := 0
	for v := int64(0); v <= Highest; v += width(v) + 1 {
		if got, last := bucketIndex(v), bucketIndex(v+width(v)); got != i || last != i {
			t.Fatalf("bucket of %d to %d is %d to %d; want %d", v, v+width(v), got, last, i)
		}
		i++
	}
}

// TestTag: every id comes back, whatever its bytes, and no tag has what the
// format forbids.
func TestTag(t *testing.T) {
	for id, want := range map[sim.DeviceID]string{ // any order: each for itself
		"Device11-7ce4a850":  "connect/Device11-7ce4a850",
		"a b,c":              "connect/a%20b%2Cc",
		"gate/module":        "connect/gate%2Fmodule",
		"100%":               "connect/100%25",
		"größe":              "connect/gr%C3%B6%C3%9Fe",
		"":                   "connect/",
		"-:.+%_#*?!(),=@;$'": "connect/-%3A.%2B%25_%23%2A%3F%21%28%29%2C%3D%40%3B%24%27",
	} {
		if got := Tag("connect", id); got != want {
			t.Errorf("tag of %q is %s; want %s", id, got, want)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		id := sim.DeviceID(rapid.SliceOf(rapid.Byte()).Draw(rt, "id"))
		tag := Tag("telemetry_ack", id)
		if strings.ContainsFunc(tag, func(r rune) bool { return r <= ' ' || r == ',' || r >= 0x7f }) {
			rt.Fatalf("tag %q", tag)
		}
		metric, back, fleet, err := ParseTag(tag)
		if metric != "telemetry_ack" || back != id || fleet || err != nil {
			rt.Fatalf("%q came back as %q of %q, %t, %v", id, back, metric, fleet, err)
		}
	})
	if metric, id, fleet, err := ParseTag("connect"); metric != "connect" || id != "" || !fleet || err != nil {
		t.Errorf("a fleet's tag: %q, %q, %t, %v", metric, id, fleet, err)
	}
	for _, bad := range []string{"", "/dev", "connect/a%2", "connect/a%zz"} {
		if _, _, _, err := ParseTag(bad); err == nil {
			t.Errorf("ParseTag(%q): no error", bad)
		}
	}
}

// sixLog is a small log: two devices, two metrics, one value of no device.
func sixRecorded() *Recorder {
	r := New(Options{})
	at := func(id sim.DeviceID, m sim.Metric, values ...time.Duration) {
		for _, v := range values {
			r.Observe([]sim.Observation{{At: sim.Time(time.Second), Device: id, Metric: m, Value: int64(v)}})
		}
	}
	at("dev 2", sim.MetricConnect, 3*time.Millisecond)
	at("dev-1", sim.MetricConnect, time.Millisecond, 2*time.Millisecond+1)
	at("dev-1", sim.MetricDeviceJob, 5*time.Second)
	at("", sim.MetricConnect, 9*time.Millisecond)
	r.Observe([]sim.Observation{{Device: "silent", Event: sim.EventLink, Text: "opened"}})
	return r
}

// TestLogText is the whole of a log but its histograms.
func TestLogText(t *testing.T) {
	show := func(o LogOptions) string {
		var b strings.Builder
		for line := range strings.Lines(string(logOf(t, sixRecorded(), o))) {
			if i := strings.LastIndex(line, ",HISTF"); i > 0 {
				line = line[:i] + ",...\n"
			}
			b.WriteString(line)
		}
		return b.String()
	}
	o := logTimes
	o.About = []string{"flotilla devel: six-devices,\nlive"}
	want := `#[Histogram log format version 1.3]
# flotilla devel: six-devices, live
# Values are nanoseconds; Interval_Max is milliseconds and exact.
# Tag of the fleet:    <metric>
# Tag of one device:   <metric>/<device id>, the id percent-encoded: letters, digits and - . _ ~ as they are,
#                      every other byte as % and two hexadecimal digits
#[BaseTime: 1791021600.250 (seconds since epoch)]
#[StartTime: 1791021600.250 (seconds since epoch), 2026-10-03T10:00:00Z]
"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"
Tag=connect,0.000,7.312,9.000000,...
Tag=device_job,0.000,7.312,5000.000000,...
Tag=connect/dev%202,0.000,7.312,3.000000,...
Tag=connect/dev-1,0.000,7.312,2.000001,...
Tag=device_job/dev-1,0.000,7.312,5000.000000,...
Tag=connect/,0.000,7.312,9.000000,...
`
	if got := show(o); got != want {
		t.Errorf("log:\n%swant:\n%s", got, want)
	}
	o.PerDevice = false
	lines := strings.SplitAfter(want, "\n")
	want = strings.Join(lines[:6], "") + "# The fleet only: `flotilla run --hlog-per-device` adds every device.\n" + strings.Join(lines[6:11], "")
	if got := show(o); got != want {
		t.Errorf("log of the fleet:\n%swant:\n%s", got, want)
	}
}

// TestLogTimes: the interval is read as the run's; a run before 1970, whose
// times readers do not understand, is read with times from its base.
func TestLogTimes(t *testing.T) {
	for _, base := range []time.Time{logEpoch, time.Date(1888, 1, 1, 0, 0, 0, 0, time.UTC)} {
		o := LogOptions{Base: base, Start: base.Add(time.Second), End: base.Add(5 * time.Second)}
		h := foreign(t, logOf(t, sixRecorded(), o))["connect"]
		from := max(0, base.UnixMilli()) + 1000
		if h.StartTimeMs() != from || h.EndTimeMs() != from+4000 {
			t.Errorf("base %s: from %d to %d ms; want %d to %d", base, h.StartTimeMs(), h.EndTimeMs(), from, from+4000)
		}
	}
}

func TestAppendMillis(t *testing.T) {
	for ns, want := range map[int64]string{0: "0.000000", 1: "0.000001", 999_999: "0.999999", 1e6: "1.000000", Highest: "86400000.000000"} { // any order: each for itself
		if got := string(appendMillis(nil, ns)); got != want {
			t.Errorf("%d ns = %s ms; want %s", ns, got, want)
		}
	}
}

type fullDisk struct{ left int }

var errFull = errors.New("disk full")

func (f *fullDisk) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestLogWriteErrors(t *testing.T) {
	r := New(Options{})
	for i := range 2000 {
		r.Observe([]sim.Observation{{Device: sim.DeviceID(fmt.Sprint(i)), Metric: sim.MetricConnect, Value: latency(i)}})
	}
	for _, left := range []int{0, 100, 100_000} {
		if err := r.WriteLog(&fullDisk{left}, logTimes); !errors.Is(err, errFull) {
			t.Errorf("%d bytes of room: %v; want %v", left, err, errFull)
		}
	}
}

func TestLogDevice(t *testing.T) {
	log := logOf(t, sixRecorded(), logTimes)
	got, err := LogDevice(bytes.NewReader(log), "dev-1")
	if err != nil || len(got) != 2 || got[0].Metric != "connect" || got[1].Metric != "device_job" {
		t.Fatalf("%v, %v", got, err)
	}
	if d := got[0]; d.Count() != 2 || d.Max() != 2_000_001 || d.Percentile(50) != 1_000_447 || d.Min() != 999_936 {
		t.Errorf("connect: %d values, min %d, p50 %d, max %d", d.Count(), d.Min(), d.Percentile(50), d.Max())
	}
	if mean := got[1].Mean(); mean < 4_995_000_000 || mean > 5_005_000_000 {
		t.Errorf("mean of one job of 5 s: %d ns", mean)
	}
	fleet := logTimes
	fleet.PerDevice = false
	for _, c := range []struct {
		log  []byte
		id   sim.DeviceID
		want string
	}{
		{log, "DEV-2", `the log has no device "DEV-2"; did you mean "dev 2"?`},
		{log, "silent", `the log has no device "silent"; did you mean "dev 2"?`},
		{logOf(t, sixRecorded(), fleet), "dev-1", "the log has the fleet's histograms only, no device's: run again with --hlog-per-device"},
		{[]byte("Tag=connect,1"), "dev-1", "histograms: line 1: has fewer than four columns"},
		{[]byte("#\n\n1,2,3,HISTF\n"), "dev-1", "histograms: line 3: has no tag: the log is not of a run"},
		{[]byte("Tag=connect/dev-1,0,1,x,HISTF"), "dev-1", `histograms: line 1: "x" is no maximum`},
		{bytes.Repeat([]byte("x"), MaxLogLine+1), "dev-1", fmt.Sprintf("histograms: line 1: it has more than %d bytes", MaxLogLine)},
	} {
		if _, err := LogDevice(bytes.NewReader(c.log), c.id); err == nil || err.Error() != c.want {
			t.Errorf("%v; want %s", err, c.want)
		}
	}
	if _, err := LogDevice(strings.NewReader("Tag=connect/dev-1,0,1,2,HISTF"), "dev-1"); err == nil {
		t.Error("a histogram cut off is read")
	}
}

// FuzzLog: no bytes make the reader panic, and what it understands has sane
// figures.
func FuzzLog(f *testing.F) {
	f.Add(logOf(f, sixRecorded(), logTimes))
	f.Add([]byte("Tag=connect/a%2Fb,0.000,1.000,2.000,HISTFAAAAA==\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for line, err := range Log(bytes.NewReader(b)) {
			if err != nil {
				return
			}
			d, err := line.Distribution()
			if err != nil {
				continue
			}
			if d.Min() > d.Max() || d.Percentile(50) > d.Max() || d.Mean() > d.Max() || d.Mean() < 0 {
				t.Errorf("min %d, mean %d, p50 %d, max %d of %d", d.Min(), d.Mean(), d.Percentile(50), d.Max(), d.Count())
			}
		}
	})
}

// BenchmarkLog is the log of a fleet with every device: six metrics of which
// one, telemetry, has more values than are kept raw.
func BenchmarkLog(b *testing.B) {
	for _, devices := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("devices=%d", devices), func(b *testing.B) {
			if testing.Short() && devices > 1_000 {
				b.Skip("short")
			}
			r := New(Options{})
			for i, id := range ids(devices) {
				for m := sim.NoMetric + 1; m <= 6; m++ {
					n := 6
					if m == sim.MetricTelemetryAck {
						n = 100
					}
					for k := range n {
						r.Observe([]sim.Observation{{Device: id, Metric: m, Value: latency(i*1000 + k)}})
					}
				}
			}
			var size counting
			b.ResetTimer()
			for b.Loop() {
				size = 0
				if err := r.WriteLog(&size, logTimes); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(size)/float64(6*devices), "B/line")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*6*devices), "us/line")
		})
	}
}

type counting int64

func (c *counting) Write(b []byte) (int, error) { *c += counting(len(b)); return len(b), nil }
