package hubd_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
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

var _ = tls.VersionTLS12

// fleet is a live stage against a hub, as `flotilla run` wires them.
type fleet struct {
	*live.Stage
	server *hubd.Server
}

func openFleet(b *testing.B, transport string, connect mqtt.Connector) *fleet {
	b.Helper()
	clock := live.StartClock()
	server, err := hubd.New(hubd.Config{Hub: hub.New(hub.Config{Epoch: clock.Epoch(), Seed: 1}), Now: clock.Now})
	if err != nil {
		b.Fatal(err)
	}
	d := &iothub.Dialer{Connect: connect, Agent: "flotilla/bench", NoKeepAlive: transport == "mem"}
	d.Link = listen(b, server, transport)
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

func listen(b *testing.B, server *hubd.Server, transport string) func(context.Context) (net.Conn, error) {
	b.Helper()
	if transport == "mem" {
		l := mqtt.NewMemListener("hub", 0)
		if err := server.Listen(l); err != nil {
			b.Fatal(err)
		}
		return l.Dial
	}
	addr, err := server.ListenTCP(b.Context(), "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	return mqtt.TCP{Addr: addr.String(), Reset: true}.Dial
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

// quiet is a device that does nothing of itself.
func quiet() *device.Profile {
	p := device.NewProfile()
	p.Start, p.Answer = sim.Always(0), sim.Always(0)
	return p
}

func fleetSize() int {
	if n, err := strconv.Atoi(os.Getenv("FLOTILLA_BENCH_DEVICES")); err == nil && n > 0 {
		return n
	}
	return 1000
}

func name(i int) sim.DeviceID { return sim.DeviceID(fmt.Sprintf("d%06d", i)) }

// inUse is what the process uses after collections: heap objects and stacks.
func inUse() (heap, stack float64) {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc), float64(m.StackInuse)
}

// BenchmarkFleet connects a fleet of real devices and calls a method of each,
// over and over: connects a second, round trips through the hub machine a
// second, memory of both ends.
func BenchmarkFleet(b *testing.B) {
	n := fleetSize()
	for _, transport := range []string{"mem", "tcp"} {
		for _, c := range []struct {
			name    string
			connect mqtt.Connector
		}{{"paho", mqtt.ConnectPaho}, {"lean", mqtt.ConnectLean}} {
			b.Run(transport+"/"+c.name, func(b *testing.B) {
				for b.Loop() {
					f := openFleet(b, transport, c.connect)
					for i := range n { // the hub's state is not what is measured
						_ = i
					}
					heap0, stack0 := inUse()
					routines := runtime.NumGoroutine()
					start := time.Now()
					cpu0 := cpu()
					p := quiet()
					if err := f.Add(b.Context(), scenarios.Group{Name: "g", Count: n, Member: func(i int) scenarios.Member {
						return scenarios.Member{ID: name(i), Profile: p}
					}}); err != nil {
						b.Fatal(err)
					}
					for {
						r, err := f.server.Do(b.Context(), hub.GetCounters{})
						if err != nil {
							b.Fatal(err)
						}
						if r.Counters.Connected == n {
							break
						}
						time.Sleep(time.Millisecond)
					}
					connected := time.Since(start)
					b.ReportMetric((cpu()-cpu0).Seconds()*1e6/float64(n), "cpu-us/connect")
					time.Sleep(500 * time.Millisecond)
					heap, stack := inUse()
					b.ReportMetric(float64(n)/connected.Seconds(), "connects/s")
					b.ReportMetric((heap-heap0)/1e3/float64(n), "heap-KB/device")
					b.ReportMetric((stack-stack0)/1e3/float64(n), "stack-KB/device")
					b.ReportMetric(float64(runtime.NumGoroutine()-routines)/float64(n), "goroutines/device")
					if p := os.Getenv("FLOTILLA_HEAP"); p != "" {
						w, _ := os.Create(p)
						pprof.Lookup("heap").WriteTo(w, 0)
						w.Close()
					}
					if os.Getenv("FLOTILLA_PAUSE") != "" {
						time.Sleep(time.Hour)
					}
					cpu0 = cpu()
					calls := 50000
					var next atomic.Int64
					var wg sync.WaitGroup
					start = time.Now()
					for range 4 * runtime.GOMAXPROCS(0) {
						wg.Go(func() {
							for {
								i := int(next.Add(1))
								if i > calls {
									return
								}
								r, err := f.server.Call(b.Context(), hub.Invoke{ID: name(i * 7 % n), Method: "x"})
								if err != nil || r.Status != 501 && r.Status != 404 {
									b.Errorf("call = %d, %v", r.Status, err)
									return
								}
							}
						})
					}
					wg.Wait()
					b.ReportMetric((cpu()-cpu0).Seconds()*1e6/float64(calls), "cpu-us/rt")
					b.ReportMetric(float64(calls)/time.Since(start).Seconds(), "rt/s")
					f.close(b)
				}
			})
		}
	}
}

func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
