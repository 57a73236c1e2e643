package mqtt

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"
)

// ponger answers each message from the broker with a message of its own, from
// its own goroutine, as a device does: never within Received.
type ponger struct {
	in chan Message
}

func (p *ponger) Received(m Message, ended <-chan struct{}) {
	select {
	case p.in <- m:
	case <-ended:
	}
}
func (p *ponger) Acked(uint64)              {}
func (p *ponger) Subscribed(uint64, []byte) {}
func (p *ponger) Unsubscribed(uint64)       {}

// BenchmarkRoundTrip: the server publishes a request to a device, the device
// answers; a few devices, each with one request outstanding.
func BenchmarkRoundTrip(b *testing.B) {
	for _, client := range clients {
		for _, devices := range []int{1, 8} {
			b.Run(fmt.Sprint(client.name, "/", devices, " devices"), func(b *testing.B) {
				answered := make(chan *Session, devices)
				request := Packet{Kind: Publish, Topic: "$iothub/methods/POST/reboot/?$rid=1", Payload: make([]byte, 50)}
				broker := newBroker(&broker{saw: func(s *Session, p Packet) bool {
					if p.Kind == Publish {
						answered <- s
						return true
					}
					return false
				}})
				var all []Client
				for i := range devices {
					h := &ponger{in: make(chan Message, 64)}
					c, err := client.connect(b.Context(), Options{Dial: broker.dial, Handler: h, ClientID: fmt.Sprint(i), CleanSession: true})
					if err != nil {
						b.Fatal(err)
					}
					all = append(all, c)
					go func() {
						body := make([]byte, 50)
						for {
							select {
							case <-h.in:
								c.Publish("$iothub/methods/res/200/?$rid=1", 0, body, 0)
							case <-c.Done():
								return
							}
						}
					}()
				}
				broker.mu.Lock()
				sessions := broker.sessions
				broker.mu.Unlock()
				b.ReportAllocs()
				b.ResetTimer()
				for _, s := range sessions {
					s.Send(&request)
				}
				for range b.N {
					(<-answered).Send(&request)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rt/s")
				b.StopTimer()
				for _, c := range all {
					c.Cut()
					c.Wait()
				}
				broker.stop()
			})
		}
	}
}

// BenchmarkIdle: what an idle connection costs, both ends and the link, heap and
// stacks.
func BenchmarkIdle(b *testing.B) {
	const n = 2000
	for _, client := range clients {
		b.Run(client.name, func(b *testing.B) {
			for b.Loop() {
				l := NewMemListener("idle", 0)
				var servers sync.WaitGroup
				servers.Go(func() {
					for {
						c, err := l.Accept()
						if err != nil {
							return
						}
						servers.Go(func() { quietServer(NewSession(c, 0), new(Packet)) })
					}
				})
				h := &ponger{in: make(chan Message, 1)}
				heap0, stack0 := memory()
				goroutines := runtime.NumGoroutine()
				all := make([]Client, n)
				start := time.Now()
				for i := range all {
					c, err := client.connect(b.Context(), Options{Dial: l.Dial, Handler: h, ClientID: "a", CleanSession: true})
					if err != nil {
						b.Fatal(err)
					}
					all[i] = c
				}
				b.ReportMetric(n/time.Since(start).Seconds(), "connects/s")
				heap, stack := memory()
				b.ReportMetric((heap-heap0)/n, "heap-B/conn")
				b.ReportMetric((stack-stack0)/n, "stack-B/conn")
				b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/n, "goroutines/conn")
				for _, c := range all {
					c.Cut()
					c.Wait()
				}
				l.Close()
				servers.Wait()
			}
		})
	}
}
