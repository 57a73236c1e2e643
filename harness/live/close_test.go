package live

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// yes is a control plane that agrees to everything.
type yes struct{}

func (yes) Do(context.Context, hub.Command) (hub.Reply, error) { return hub.Reply{}, nil }

// TestCloseIsBounded: devices whose goodbye gets stuck, and dials that never
// come through, are cut when Close's context ends.
func TestCloseIsBounded(t *testing.T) {
	for name, dial := range map[string]func(context.Context, sim.DeviceID) (Conn, error){ // any order: each for itself
		"stuck connection": func(context.Context, sim.DeviceID) (Conn, error) { return newPausedConn(), nil },
		"stuck dial":       func(ctx context.Context, _ sim.DeviceID) (Conn, error) { <-ctx.Done(); return nil, ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock := StartClock()
				s, err := New(Config{Target: Target{Dial: dial, Hub: yes{}}, Now: clock.Now, Epoch: clock.Epoch(), Host: "h", Connects: 2})
				if err != nil {
					t.Fatal(err)
				}
				p := device.NewProfile()
				p.Start = sim.Always(0)
				if err := s.Add(t.Context(), scenarios.Group{Count: 5, Member: func(i int) scenarios.Member {
					return scenarios.Member{ID: sim.DeviceID(rune('a' + i)), Profile: p}
				}}); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				start := time.Now()
				err = s.Close(ctx)
				if got := time.Since(start); got > 3*time.Second {
					t.Errorf("Close took %s", got)
				}
				if name == "stuck connection" && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Close = %v; want the context's error", err)
				}
				if _, err := s.Advance(t.Context(), sim.Never); err == nil {
					t.Error("Advance after Close: no error")
				}
			})
		})
	}
}

// TestFaultsNeedATarget: a target that cannot carry a fault says so.
func TestFaultsNeedATarget(t *testing.T) {
	dial := func(context.Context, sim.DeviceID) (Conn, error) { return newPausedConn(), nil }
	s, err := New(Config{Target: Target{Dial: dial, Hub: yes{}}, Now: StartClock().Now, Host: "h"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []fault.Conditions{{Client: fault.Client{Stuck: true}}, {Download: fault.Download{WrongByte: true}}} {
		err := s.Add(t.Context(), scenarios.Group{Count: 1, Member: func(int) scenarios.Member {
			return scenarios.Member{ID: "d", Profile: device.NewProfile(), Fault: c}
		}})
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%+v: Add = %v; want ErrUnsupported", c, err)
		}
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("New without a target: no error")
	}
	s, err := New(Config{Target: Target{Dial: func(context.Context, sim.DeviceID) (Conn, error) { return nil, nil }}, Now: StartClock().Now, Host: "h"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Hub().Do(t.Context(), hub.GetCounters{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Hub without a control plane: %v; want ErrUnsupported", err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
