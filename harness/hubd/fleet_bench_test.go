package hubd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/harness/hubd"
	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/harness/live"
	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// Environment of the fleet benchmarks.
const (
	sizeVariable  = "FLOTILLA_BENCH_DEVICES" // how many devices; 1,000 without
	fleetVariable = "FLOTILLA_BENCH_FLEET"   // of a child process: transport/client/devices/file
)

// figures is what a fleet took.
type figures map[string]float64

// BenchmarkFleet connects a fleet of whole devices, lets it rest and calls a
// method of each of them over and over, as `flotilla run` would: connects and
// round trips a second, and the memory of both ends, by what the process has
// of the system and by what is in use after a collection. Every fleet has a
// process of its own: what a former one left behind would be memory that the
// next need not take.
func BenchmarkFleet(b *testing.B) {
	devices := 1000
	if testing.Short() {
		devices = 100
	}
	if n, err := strconv.Atoi(os.Getenv(sizeVariable)); err == nil && n > 0 {
		devices = n
	}
	for _, transport := range []string{"mem", "tcp", "tls"} {
		for _, client := range []string{"paho", "lean"} {
			b.Run(transport+"/"+client, func(b *testing.B) {
				sum := figures{}
				for b.Loop() {
					for name, x := range alone(b, transport, client, devices) { // any order: sums
						sum[name] += x
					}
				}
				for name, x := range sum { // any order: each by its name
					b.ReportMetric(x/float64(b.N), name)
				}
			})
		}
	}
}

// alone plays a fleet in a process of its own.
func alone(b *testing.B, transport, client string, devices int) figures {
	b.Helper()
	file := filepath.Join(b.TempDir(), "figures.json")
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^$", "-test.bench=^BenchmarkFleetAlone$", "-test.benchtime=1x")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s/%s/%d%s", fleetVariable, transport, client, devices, file))
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	var f figures
	if err := json.Unmarshal(text, &f); err != nil {
		b.Fatal(err)
	}
	return f
}

// BenchmarkFleetAlone is the other process of BenchmarkFleet.
func BenchmarkFleetAlone(b *testing.B) {
	spec := bytes.SplitN([]byte(os.Getenv(fleetVariable)), []byte("/"), 4)
	if len(spec) != 4 {
		b.Skip("started by BenchmarkFleet")
	}
	devices, err := strconv.Atoi(string(spec[2]))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		text, err := json.Marshal(play(b, string(spec[0]), string(spec[1]), devices))
		if err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile("/"+string(spec[3]), text, 0o644); err != nil {
			b.Fatal(err)
		}
	}
}

// play plays a fleet and measures it.
func play(b *testing.B, transport, client string, devices int) figures {
	f := open(b, transport, client)
	defer f.close(b)
	defer live.TuneCollector(devices).Restore()
	n := float64(devices)
	before := look()
	start := time.Now()
	f.connect(b, devices)
	connected := time.Since(start)
	f.settle(b) // what they say after SUBSCRIBE
	after := look()

	var cycles runtime.MemStats
	runtime.ReadMemStats(&cycles)
	was := cycles.NumGC
	calls := max(20_000, 2*devices)
	start = time.Now()
	f.call(b, devices, calls)
	took := time.Since(start)
	runtime.ReadMemStats(&cycles)
	return figures{
		"connects/s": n / connected.Seconds(), "rt/s": float64(calls) / took.Seconds(), "GC-cycles": float64(cycles.NumGC - was),
		"heap-KB/device":    (after.heap - before.heap) / 1e3 / n,
		"stack-KB/device":   (after.stack - before.stack) / 1e3 / n,
		"rss-KB/device":     (after.rss - before.rss) / 1e3 / n,
		"goroutines/device": (after.goroutines - before.goroutines) / n,
	}
}

// use is what a process uses, in bytes: heap and stacks after a collection.
type use struct{ heap, stack, rss, goroutines float64 }

func look() use {
	for range 2 {
		runtime.GC()
	}
	debug.FreeOSMemory() // a third, and what is free goes back to the system
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u := use{heap: float64(m.HeapAlloc), stack: float64(m.StackInuse), goroutines: float64(runtime.NumGoroutine())}
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		if f := bytes.Fields(b); len(f) > 1 {
			pages, _ := strconv.Atoi(string(f[1]))
			u.rss = float64(pages) * float64(os.Getpagesize())
		}
	}
	return u
}

// fleet is a live stage against a hub, as `flotilla run` wires them.
type fleet struct {
	*live.Stage
	server *hubd.Server
}

func open(b *testing.B, transport, client string) *fleet {
	b.Helper()
	clock := live.StartClock()
	server, err := hubd.New(hubd.Config{Hub: hub.New(hub.Config{Epoch: clock.Epoch(), Seed: 1}), Now: clock.Now})
	if err != nil {
		b.Fatal(err)
	}
	d := &iothub.Dialer{Connect: mqtt.ConnectPaho, Agent: "flotilla/bench", NoKeepAlive: transport == "mem"}
	if client == "lean" {
		d.Connect = mqtt.ConnectLean
	}
	if d.Link, err = listen(b.Context(), server, transport); err != nil {
		b.Fatal(err)
	}
	stage, err := live.New(live.Config{
		Target: live.Target{
			Dial: func(ctx context.Context, id sim.DeviceID) (live.Conn, error) { return d.Dial(ctx, id) },
			Hub:  server,
		},
		Now: clock.Now, Epoch: clock.Epoch(), Seed: 1, Host: hub.DefaultHost,
	})
	if err != nil {
		b.Fatal(err)
	}
	return &fleet{stage, server}
}

func listen(ctx context.Context, server *hubd.Server, transport string) (func(context.Context) (net.Conn, error), error) {
	switch transport {
	case "tcp":
		addr, err := server.ListenTCP(ctx, "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		return mqtt.TCP{Addr: addr.String(), Reset: true}.Dial, nil
	case "tls":
		a, err := hubd.NewAuthority(hub.DefaultHost)
		if err != nil {
			return nil, err
		}
		addr, err := server.ListenTLS(ctx, "127.0.0.1:0", a.Server())
		if err != nil {
			return nil, err
		}
		return mqtt.TLS{TCP: mqtt.TCP{Addr: addr.String(), Reset: true}, Config: a.Client(hub.DefaultHost)}.Dial, nil
	}
	l := mqtt.NewMemListener("hub", 0)
	return l.Dial, server.Listen(l)
}

func (f *fleet) close(b *testing.B) {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := f.Close(ctx); err != nil {
		b.Error(err)
	}
	if err := f.server.Close(ctx); err != nil {
		b.Error(err)
	}
}

func name(i int) sim.DeviceID { return sim.DeviceID(fmt.Sprintf("d%07d", i)) }

// connect adds the devices and waits until all of them are connected.
func (f *fleet) connect(b *testing.B, devices int) {
	b.Helper()
	p := device.NewProfile()
	p.Start, p.Answer = sim.Always(0), sim.Always(0)
	if err := f.Add(b.Context(), scenarios.Group{Name: "g", Count: devices, Member: func(i int) scenarios.Member {
		return scenarios.Member{ID: name(i), Profile: p}
	}}); err != nil {
		b.Fatal(err)
	}
	for tick := time.Tick(time.Millisecond); f.counters(b).Connected != devices; {
		<-tick
	}
}

// settle returns when the hub has heard of nobody for half a second.
func (f *fleet) settle(b *testing.B) {
	b.Helper()
	last := f.counters(b)
	for range time.Tick(500 * time.Millisecond) {
		now := f.counters(b)
		if now == last {
			return
		}
		last = now
	}
}

func (f *fleet) counters(b *testing.B) hub.Counters {
	b.Helper()
	r, err := f.server.Do(b.Context(), hub.GetCounters{})
	if err != nil {
		b.Fatal(err)
	}
	return *r.Counters
}

// call calls a method of the devices in turn, with four calls under way for
// each processor.
func (f *fleet) call(b *testing.B, devices, calls int) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= calls {
					return
				}
				r, err := f.server.Call(b.Context(), hub.Invoke{ID: name(i % devices), Method: "x"})
				if err != nil || r.Status != 501 && r.Status != 404 { // no such method
					b.Errorf("call = %d, %v", r.Status, err)
					return
				}
			}
		})
	}
	wg.Wait()
}
