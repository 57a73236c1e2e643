package live

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"

	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
)

// lay puts a cable over one end of an in-memory link; both are closed and
// everything has ended when the test has.
func lay(t *testing.T, link fault.Link) (device *cable, hub net.Conn) {
	client, hub := mqtt.Pipe()
	var wg sync.WaitGroup
	stop := make(chan struct{})
	start := time.Now()
	device = newCable(client, link, sim.NewRand(1, 1), func() sim.Time { return sim.Time(time.Since(start)) }, stop, func(f func()) { wg.Go(f) })
	t.Cleanup(func() {
		device.Close()
		hub.Close()
		close(stop)
		wg.Wait()
	})
	return device, hub
}

// TestCable: a cable without faults, and one with a delay, is a net.Conn.
func TestCable(t *testing.T) {
	for _, link := range []fault.Link{{}, {Latency: "1ms", Jitter: time.Millisecond}} {
		nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
			client, hub := mqtt.Pipe()
			var wg sync.WaitGroup
			over := make(chan struct{})
			start := time.Now()
			b := newCable(client, link, sim.NewRand(1, 1), func() sim.Time { return sim.Time(time.Since(start)) }, over, func(f func()) { wg.Go(f) })
			return b, hub, func() {
				b.Close()
				hub.Close()
				close(over)
				wg.Wait()
			}, nil
		})
	}
}

// TestCableIsNoThrottle: a megabyte said at one instant over a cable that takes
// 500 ms longer is all there after 500 ms, either way, in order.
func TestCableIsNoThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device, hub := lay(t, fault.Link{Latency: "500ms"})
		for _, x := range []struct{ from, to net.Conn }{{device, hub}, {hub, device}} {
			start := time.Now()
			want := make([]byte, 1<<20)
			for i := range want {
				want[i] = byte(i >> 10)
			}
			go func() {
				for i := 0; i < len(want); i += 1000 {
					x.from.Write(want[i:min(i+1000, len(want))])
				}
			}()
			got := make([]byte, len(want))
			if _, err := io.ReadFull(x.to, got); err != nil || !bytes.Equal(got, want) || time.Since(start) != 500*time.Millisecond {
				t.Errorf("%v, equal %t, after %s; want all after 500ms", err, bytes.Equal(got, want), time.Since(start))
			}
		}
	})
}

// TestNarrowCable: what a cable of 1 KB/s gives comes at that rate; 64 KiB wait
// for it, then who writes has to, with its deadline.
func TestNarrowCable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device, hub := lay(t, fault.Link{Rate: 1000})
		start := time.Now()
		device.SetWriteDeadline(start.Add(time.Second))
		written := 0
		for {
			n, err := device.Write(make([]byte, 1000))
			written += n
			if err != nil {
				if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
					t.Errorf("%v after %s; want the deadline's", err, time.Since(start))
				}
				break
			}
		}
		if written < fault.Window || written > fault.Window+3000 {
			t.Errorf("%d bytes were taken in a second; want 64 KiB", written)
		}
		if _, err := io.ReadFull(hub, make([]byte, written)); err != nil || time.Since(start) != time.Duration(written)*time.Millisecond {
			t.Errorf("%v: %d bytes after %s", err, written, time.Since(start))
		}
	})
}

// TestCableIsCut: both ends hear of a cut at once, and what was on its way is
// gone; so it is after a loss too many, and after each period of flapping.
func TestCableIsCut(t *testing.T) {
	for name, x := range map[string]struct { // any order: each for itself
		link  fault.Link
		cut   func(*cable)
		after time.Duration
	}{
		"cut":      {fault.Link{Latency: "10s"}, func(b *cable) { time.AfterFunc(time.Second, b.sever) }, time.Second},
		"flapping": {fault.Link{Latency: "10s", Flap: 3 * time.Second}, func(*cable) {}, 3 * time.Second},
		"loss":     {fault.Link{Loss: 1000}, func(*cable) {}, 51 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				device, hub := lay(t, x.link)
				x.cut(device)
				start := time.Now()
				device.Write([]byte("on its way"))
				n, err := hub.Read(make([]byte, 100))
				if n != 0 || err == nil || time.Since(start) != x.after {
					t.Errorf("the hub read %d bytes, %v after %s; want none, and its end after %s", n, err, time.Since(start), x.after)
				}
				if _, err := device.Read(make([]byte, 1)); err == nil || time.Since(start) != x.after {
					t.Errorf("the device read %v after %s", err, time.Since(start))
				}
				if _, err := device.Write([]byte("x")); err == nil {
					t.Error("a cable that is cut takes something")
				}
			})
		})
	}
}

// TestSilentCable: nothing passes, and nobody is told; the device's Close does
// not reach the hub, whose own end is what ends it.
func TestSilentCable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device, hub := lay(t, fault.Link{HalfOpen: time.Second, Latency: "10ms"})
		say := func(from, to net.Conn) error {
			if _, err := from.Write([]byte("x")); err != nil {
				t.Errorf("Write: %v", err)
			}
			to.SetReadDeadline(time.Now().Add(time.Minute))
			_, err := to.Read(make([]byte, 1))
			return err
		}
		if err := errors.Join(say(device, hub), say(hub, device)); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		for _, err := range []error{say(device, hub), say(hub, device)} {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("in the silence: %v; want nothing but the deadline", err)
			}
		}
		device.Close()
		hub.SetReadDeadline(time.Now().Add(time.Hour))
		if _, err := hub.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after the device's Close the hub reads %v; want nothing", err)
		}
		device.sever() // there is nothing to cut
		hub.Close()
		synctest.Wait()
		if !device.cut { // linger has ended it
			t.Error("the hub's Close did not end it")
		}
	})
}

// TestCableChanges: conditions come and go on an open cable; what was under way
// keeps its time, and nothing overtakes it.
func TestCableChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device, hub := lay(t, fault.Link{Latency: "2s"})
		start := time.Now()
		heard := func(want string, after time.Duration) {
			t.Helper()
			b := make([]byte, len(want))
			if _, err := io.ReadFull(hub, b); err != nil || string(b) != want || time.Since(start) != after {
				t.Errorf("heard %q, %v after %s; want %q after %s", b, err, time.Since(start), want, after)
			}
		}
		device.Write([]byte("a"))
		device.set(fault.Link{})
		device.Write([]byte("b"))
		heard("ab", 2*time.Second)
		device.Write([]byte("c"))
		heard("c", 2*time.Second)
		device.set(fault.Link{Flap: time.Minute})
		device.set(fault.Link{})
		<-time.After(time.Hour)
		device.Write([]byte("d"))
		heard("d", time.Hour+2*time.Second)
		device.set(fault.Link{Latency: "1s"})
		device.Write([]byte("last words"))
		device.Close()
		heard("last words", time.Hour+3*time.Second)
		if _, err := hub.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("behind them: %v; want EOF", err)
		}
	})
}
