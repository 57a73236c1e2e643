package hubd

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// The benchmarks of this package have two floors, to be read beside them: what
// the machine does at best, measured in the same run. Connections of a floor
// and devices of a benchmark are as many, and as many requests are under way.
const (
	benchDevices = 64
	benchCallers = 8 // requests under way
)

// parallel runs b.N calls, one at a time by each of benchCallers callers, and
// reports how many of that unit there were a second.
func parallel(b *testing.B, unit string, call func(caller, i int)) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	b.StartTimer() // in case it was run before
	for c := range benchCallers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= b.N {
					return
				}
				call(c, i)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), unit)
}

// BenchmarkFloor has the two floors.
func BenchmarkFloor(b *testing.B) {
	b.Run("channel", floorChannel)
	b.Run("tcp", floorTCP)
}

// floorChannel hands something to a goroutine over an unbuffered channel, and
// back.
func floorChannel(b *testing.B) {
	var to, from [benchCallers]chan int
	for i := range to {
		to[i], from[i] = make(chan int), make(chan int)
		go func() {
			for x := range to[i] {
				from[i] <- x
			}
		}()
		defer close(to[i])
	}
	parallel(b, "rt/s", func(c, i int) { to[c] <- i; <-from[c] })
}

// floorTCP sends 100 bytes over a loopback connection, and back.
func floorTCP(b *testing.B) {
	l, err := mqtt.Listen(b.Context(), "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var servers sync.WaitGroup
	servers.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			servers.Go(func() {
				defer c.Close()
				for buf := make([]byte, 100); ; {
					if _, err := io.ReadFull(c, buf); err != nil {
						return
					}
					if _, err := c.Write(buf); err != nil {
						return
					}
				}
			})
		}
	})
	var idle [benchCallers][]net.Conn // each caller has its own
	for i := range benchDevices {
		c, err := mqtt.TCP{Addr: l.Addr().String(), Reset: true}.Dial(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		idle[i%benchCallers] = append(idle[i%benchCallers], c)
	}
	var bufs [benchCallers][100]byte
	parallel(b, "rt/s", func(c, i int) {
		conn := idle[c][i%len(idle[c])]
		if _, err := conn.Write(bufs[c][:]); err != nil {
			b.Error(err)
		}
		if _, err := io.ReadFull(conn, bufs[c][:]); err != nil {
			b.Error(err)
		}
	})
	for _, list := range idle {
		for _, c := range list {
			c.Close()
		}
	}
	l.Close()
	servers.Wait()
}

// answering is a device that answers every call at once.
func (h *house) answering(id sim.DeviceID, connect mqtt.Connector) (leave func()) {
	h.t.Helper()
	h.register(id)
	d := h.join(id, connect)
	var done sync.WaitGroup
	done.Go(func() {
		for {
			m, err := d.Receive()
			if err != nil {
				return
			}
			if m.Kind == sim.Call {
				d.Send(sim.Message{Kind: sim.Answer, Device: id, ID: m.ID, Status: 200})
			}
		}
	})
	return func() { d.leave(); done.Wait() }
}

func benchName(i int) sim.DeviceID { return sim.DeviceID(fmt.Sprintf("d%02d", i%benchDevices)) }

// benches runs a benchmark over each transport with each client.
func benches(b *testing.B, run func(b *testing.B, h *house, connect mqtt.Connector)) {
	for _, transport := range []string{"mem", "tcp", "tls"} {
		for _, c := range connectors {
			b.Run(transport+"/"+c.name, func(b *testing.B) {
				h := openWith(b, func(cfg *Config) {
					start := time.Now()
					cfg.Hub = hub.New(hub.Config{Hosts: []string{host}, Epoch: sim.Epoch(start.UnixNano()), DeviceConnects: -1})
				})
				defer h.close()
				h.over(transport)
				run(b, h, c.connect)
			})
		}
	}
}

// BenchmarkRoundTrip calls a method through the hub machine: the hub's REST
// caller, its owner, the device, and back.
func BenchmarkRoundTrip(b *testing.B) {
	benches(b, func(b *testing.B, h *house, connect mqtt.Connector) {
		for i := range benchDevices {
			defer h.answering(benchName(i), connect)()
		}
		parallel(b, "rt/s", func(_, i int) {
			if r, err := h.Call(context.Background(), hub.Invoke{ID: benchName(i), Method: "x"}); err != nil || r.Status != 200 {
				b.Errorf("Call = %d, %v", r.Status, err)
			}
		})
	})
}

// BenchmarkConnect opens a link, connects and leaves.
func BenchmarkConnect(b *testing.B) {
	benches(b, func(b *testing.B, h *house, connect mqtt.Connector) {
		for c := range benchCallers {
			h.register(benchName(c))
		}
		token := make([][]byte, benchCallers)
		for c := range token {
			token[c] = h.token(benchName(c), key)
		}
		parallel(b, "connects/s", func(c, _ int) {
			id := benchName(c)
			d := h.dial(id, connect)
			if err := d.Send(sim.Message{Kind: sim.Connect, Device: id, Name: host, Body: token[c], ID: 1, Status: 60}); err != nil {
				b.Error(err)
			}
			if m, err := d.Receive(); err != nil || m.Kind != sim.Accept || m.Status != 0 {
				b.Errorf("%q, %v", m, err)
			}
			d.leave()
		})
	})
}
