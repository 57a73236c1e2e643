package mqtt

import (
	"context"
	"net"
	"runtime"
	"sync"
	"testing"
)

// TestIdleMemory: what an idle connection costs in each end's heap (the link and
// the goroutine's descriptor included) and stack. The stack is the larger part,
// and stays at the runtime's least, 2 KB, only while the frames between a
// goroutine's start and its Read fit into about 1,100 bytes. Run alone this
// shows 2 KB; after other tests the runtime may start goroutines with 4.
func TestIdleMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has frames and heap of its own")
	}
	const n = 2000
	for _, c := range []struct {
		name        string
		heap, stack float64 // at most, bytes
		open        func(t *testing.T, wg *sync.WaitGroup) (end func())
	}{
		{"pipe", 1024, 0, func(*testing.T, *sync.WaitGroup) func() {
			a, z := Pipe()
			return func() { a.Close(); z.Close() }
		}},
		{"session", 2500, 4200, func(t *testing.T, wg *sync.WaitGroup) func() {
			a, z := Pipe()
			a.Write(encode(t, Packet{Kind: Connect, ClientID: "abc"}))
			wg.Go(func() { quietServer(NewSession(z, 0), new(Packet)) })
			a.Read(make([]byte, 4))
			return func() { a.Close() }
		}},
		{"lean", 3300, 4200, func(t *testing.T, wg *sync.WaitGroup) func() {
			a, z := Pipe()
			z.Write([]byte{0x20, 2, 0, 0})
			c, err := ConnectLean(t.Context(), Options{Dial: func(context.Context) (net.Conn, error) { return a, nil }, Handler: &ponger{}, CleanSession: true})
			if err != nil {
				t.Fatal(err)
			}
			return func() { c.Cut(); c.Wait() }
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var wg sync.WaitGroup
			ends := make([]func(), n)
			heap0, stack0 := memory()
			for i := range ends {
				ends[i] = c.open(t, &wg)
			}
			heap1, stack1 := memory()
			heap, stack := (heap1-heap0)/n, (stack1-stack0)/n
			t.Logf("%.0f bytes of heap, %.0f of stack", heap, stack)
			if heap > c.heap || stack > c.stack {
				t.Errorf("%.0f bytes of heap, %.0f of stack; want at most %.0f and %.0f", heap, stack, c.heap, c.stack)
			}
			for _, end := range ends {
				end()
			}
			wg.Wait()
		})
	}
}

// memory returns what is in use after a collection, in bytes.
func memory() (heap, stack float64) {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc), float64(m.StackInuse)
}

func quietServer(s *Session, p *Packet) {
	for s.ReadInto(p) == nil {
		if p.Kind == Connect {
			*p = Packet{Kind: Connack}
			s.Send(p)
		}
	}
	s.Close()
	s.Wait()
}
