package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/flotilla-sim/flotilla/harness"
	"github.com/flotilla-sim/flotilla/harness/hubd"
	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/harness/live"
	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/reports"
	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// histograms reads a log with hdrhistogram-go: by metric those of the fleet
// and of each device.
func histograms(t *testing.T, log io.Reader) (fleet map[string]*hdrhistogram.Histogram, devices map[string]map[sim.DeviceID]*hdrhistogram.Histogram) {
	t.Helper()
	fleet, devices = map[string]*hdrhistogram.Histogram{}, map[string]map[sim.DeviceID]*hdrhistogram.Histogram{}
	for r := hdrhistogram.NewHistogramLogReader(log); ; {
		h, err := r.NextIntervalHistogram()
		if err != nil {
			t.Fatal(err)
		}
		if h == nil {
			return fleet, devices
		}
		metric, id, whole, err := record.ParseTag(h.Tag())
		switch {
		case err != nil:
			t.Fatal(err)
		case whole:
			fleet[metric] = h
		default:
			if devices[metric] == nil {
				devices[metric] = map[sim.DeviceID]*hdrhistogram.Histogram{}
			}
			devices[metric][id] = h
		}
	}
}

// percentiles are those that are compared.
var percentiles = []float64{0, 1, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100}

// TestHistogramsAddUp: what is read of a run's log adds up. The devices'
// counts are the fleet's for every metric, the percentiles of their merge are
// the fleet's, and the fleet's are those of the summary.
func TestHistogramsAddUp(t *testing.T) {
	t.Parallel()
	for _, stage := range stages[:2] {
		t.Run(stage.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				r := flotilla(t, append([]string{"run", "testdata/fifty.yaml", "--quiet", "--hlog-per-device"}, stage.args...)...).ends(t, exitPassed)
				s := r.summary(t)
				fleet, devices := histograms(t, strings.NewReader(r.read(t, record.LogFile)))
				if len(fleet) != len(sim.Metrics)-1 || len(s.Metrics) != len(fleet) {
					t.Errorf("the log has %d metrics, the summary %d; want %d", len(fleet), len(s.Metrics), len(sim.Metrics)-1)
				}
				for name, whole := range fleet { // any order: each for itself
					m, merged, sum := s.Metrics[name], hdrhistogram.New(record.Resolution, record.Highest, record.Digits), int64(0)
					for _, h := range devices[name] { // any order: added up
						sum += h.TotalCount()
						if dropped := merged.Merge(h); dropped != 0 {
							t.Errorf("%s: the merge drops %d values", name, dropped)
						}
					}
					if len(devices[name]) != 50 || sum != whole.TotalCount() || sum != m.Count {
						t.Errorf("%s: %d devices have %d values, the fleet %d, the summary %d", name, len(devices[name]), sum, whole.TotalCount(), m.Count)
					}
					for _, p := range percentiles {
						if got, want := merged.ValueAtPercentile(p), whole.ValueAtPercentile(p); got != want {
							t.Errorf("%s: percentile %g of the merge is %d; want the fleet's, %d", name, p, got, want)
						}
					}
					for p, want := range map[float64]int64{50: m.P50, 90: m.P90, 99: m.P99, 99.9: m.P999} { // any order: each for itself
						if got := min(max(whole.ValueAtPercentile(p), m.Min), m.Max); got != want {
							t.Errorf("%s: percentile %g is %d; the summary has %d", name, p, got, want)
						}
					}
				}
			})
		})
	}
}

// TestSlowLink: a link that is slow moves the histograms of its own device
// and of no other.
func TestSlowLink(t *testing.T) {
	const slow, delay = "van,07%", 150 * time.Millisecond
	plan := func() *scenarios.Plan {
		text, err := os.ReadFile("testdata/fifty.yaml")
		if err != nil {
			t.Fatal(err)
		}
		p, err := scenarios.Load(scenarios.Source{Name: "testdata/fifty.yaml", Text: text},
			[]string{"groups.vans.telemetryPeriod=500ms", "duration=20s", "groups.vans.answer=2ms", "groups.vans.boot=300ms"})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	var even, odd map[string]map[sim.DeviceID]*hdrhistogram.Histogram
	synctest.Test(t, func(t *testing.T) { _, even = histograms(t, playLinks(t, plan(), nil)) })
	synctest.Test(t, func(t *testing.T) {
		_, odd = histograms(t, playLinks(t, plan(), map[sim.DeviceID]time.Duration{slow: delay}))
	})
	moved := func(metric string, id sim.DeviceID) (by time.Duration, counts [2]int64) {
		a, b := even[metric][id], odd[metric][id]
		if a == nil || b == nil {
			t.Fatalf("%s of %s was not measured", metric, id)
		}
		for _, p := range percentiles {
			by = max(by, time.Duration(b.ValueAtPercentile(p)-a.ValueAtPercentile(p)).Abs())
		}
		return by, [2]int64{a.TotalCount(), b.TotalCount()}
	}
	// The link carries these; a download has a connection of its own.
	carried := []string{"connect", "method_round_trip", "twin_round_trip", "telemetry_ack", "apply", "reboot_to_reconnect", "device_job"}
	for _, metric := range carried {
		if by, _ := moved(metric, slow); by < delay-delay/100 { // a bucket's width
			t.Errorf("%s of the slow device moved by %s; want at least %s", metric, by, delay)
		}
	}
	most := time.Duration(0)
	for metric, devices := range even { // any order: each for itself
		if len(devices) != 50 || len(odd[metric]) != 50 {
			t.Errorf("%s of %d and %d devices; want 50", metric, len(devices), len(odd[metric]))
		}
		for id := range devices { // any order: each for itself
			if id == slow {
				continue
			}
			by, counts := moved(metric, id)
			if by > time.Millisecond || counts[0] != counts[1] {
				t.Errorf("%s of %s: moved by %s, %d values; %d when all links are alike", metric, id, by, counts[1], counts[0])
			}
			most = max(most, by)
		}
	}
	t.Logf("others moved by %s at most", most)
}

// playLinks plays a plan live over in-memory links, those of some devices
// slower than the others', and returns the log with all devices.
func playLinks(t *testing.T, plan *scenarios.Plan, slow map[sim.DeviceID]time.Duration) io.Reader {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	rec := record.New(record.Options{})
	clock := live.StartClock()
	server, err := hubd.New(hubd.Config{
		Hub: hub.New(hub.Config{Seed: plan.Seed, Epoch: clock.Epoch()}), Now: clock.Now, Observe: rec.Observe,
	})
	must(err)
	links, store := mqtt.NewMemListener("hub", 0), mqtt.NewMemListener("packages", 0)
	must(server.Listen(links))
	packages := hubd.NewPackages("http://packages.test")
	packages.Listen(store)
	dialer := iothub.Dialer{Link: links.Dial, Connect: mqtt.ConnectPaho, Agent: "flotilla/test", NoKeepAlive: true}
	stage, err := live.New(live.Config{
		Target: live.Target{
			Dial: func(ctx context.Context, id sim.DeviceID) (live.Conn, error) {
				c, err := dialer.Dial(ctx, id)
				if err != nil || slow[id] == 0 {
					return c, err
				}
				return &slowConn{Conn: c, wait: c.Wait, delay: slow[id], cut: make(chan struct{})}, nil
			},
			Hub: server, Settled: func() []scenarios.Settled { return settled(server.Settled()) }, Ready: server.Ready(),
			HTTP: &http.Transport{DialContext: store.DialContext}, Publish: packages.Publish, Afflict: packages.Afflict,
		},
		Now: clock.Now, Epoch: clock.Epoch(), Seed: plan.Seed, Host: hub.DefaultHost, Observe: rec.Observe,
	})
	must(err)
	sum := harness.Run(t.Context(), harness.Options{Plan: plan, Stage: stage, Recorder: rec, Kind: record.Live, Epoch: clock.Epoch()})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	must(stage.Close(ctx))
	must(packages.Close(ctx))
	must(server.Close(ctx))
	if sum.Verdict != record.Passed {
		t.Fatalf("verdict %s %s: %+v", sum.Verdict, sum.VoidReason, sum.Expectations)
	}
	var log bytes.Buffer
	must(reports.HLog(&log, sum, reports.Options{Histograms: rec, PerDevice: true}))
	return &log
}

// slowConn is a connection over which everything a device says is under way
// for some time, one after the other.
type slowConn struct {
	live.Conn
	wait  func()
	delay time.Duration
	once  sync.Once
	cut   chan struct{}
}

func (c *slowConn) Send(m sim.Message) error {
	select {
	case <-time.After(c.delay):
	case <-c.cut:
		return fmt.Errorf("connection closed")
	}
	return c.Conn.Send(m)
}

func (c *slowConn) Close() error {
	c.once.Do(func() { close(c.cut) })
	return c.Conn.Close()
}

func (c *slowConn) Wait() { c.wait() }
