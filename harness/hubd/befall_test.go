package hubd

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// TestBefallDrops: every connection ends, those that have not said who they are
// too; calls under way are lost at once, and whoever comes back is taken.
func TestBefallDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		defer h.close()
		h.register("a", "b")
		a, b := h.join("a", mqtt.ConnectLean), h.join("b", mqtt.ConnectPaho)
		mute, err := h.link(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		lost := make(chan error, 1)
		go func() {
			_, err := h.Call(t.Context(), hub.Invoke{ID: "a", Method: "m"})
			lost <- err
		}()
		synctest.Wait()
		h.Befall(fault.Hub{Drop: true})
		if e, ok := errors.AsType[*hub.Error](<-lost); !ok || e.Code != hub.CodeOffline {
			t.Errorf("the call ended with %v; want that the device is offline", e)
		}
		for _, d := range []*device{a, b} {
			for {
				if _, err := d.Receive(); err != nil {
					break
				}
			}
		}
		if _, err := mute.Read(make([]byte, 1)); err == nil {
			t.Error("a connection without CONNECT stays")
		}
		reply, err := h.Do(t.Context(), hub.GetCounters{})
		if n := reply.Counters; err != nil || n.Connected != 0 || n.Closed != 2 || h.Counters().Lost != 0 {
			t.Errorf("%+v, %+v, %v; want two closed and none lost", n, h.Counters(), err)
		}
		a.leave()
		b.leave()
		mute.Close()
		h.join("a", mqtt.ConnectLean).leave()
	})
}

// TestBefallRestarts: a hub that is down turns connections away and does
// nothing; then it goes on with its rows.
func TestBefallRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		defer h.close()
		h.register("a")
		a := h.join("a", mqtt.ConnectLean)
		h.Befall(fault.Hub{Restart: 5 * time.Second})
		if _, err := a.Receive(); err == nil {
			t.Error("its connection stays")
		}
		a.leave()
		for range 3 {
			link, err := h.link(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := link.Read(make([]byte, 1)); err == nil {
				t.Error("a hub that is down says something")
			}
			link.Close()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		if _, err := h.Do(ctx, hub.GetCounters{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Do = %v; want no answer", err)
		}
		<-time.After(2 * time.Second)
		if n := h.Counters().TurnedAway; n != 3 {
			t.Errorf("%d were turned away; want 3", n)
		}
		h.join("a", mqtt.ConnectLean).leave()
	})
}

// TestBefallSlow: messages cost their time, one after the other, until they do
// not; a hub at rest owes nothing.
func TestBefallSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		defer h.close()
		h.register("d")
		d := h.join("d", mqtt.ConnectLean)
		defer d.leave()
		h.Befall(fault.Hub{Slow: time.Second})
		burst := func(n int, each time.Duration) {
			t.Helper()
			start := time.Now()
			for i := range n {
				d.say(sim.Message{Kind: sim.Telemetry, ID: uint64(1 + i), Body: []byte("1")})
			}
			for i := range n {
				m, err := d.Receive()
				if want := time.Duration(i+1) * each; err != nil || m.ID != uint64(1+i) || time.Since(start) != want {
					t.Errorf("heard %q, %v after %s; want the acknowledgement of %d after %s", m, err, time.Since(start), 1+i, want)
				}
			}
		}
		burst(5, time.Second)
		<-time.After(time.Hour)
		burst(3, time.Second)
		h.Befall(fault.Hub{})
		burst(3, 0)
		h.Befall(fault.Hub{Slow: time.Minute})
		burst(1, time.Minute)
	})
}
