package live

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/fault"
)

// TestLine: first come, first served, however the line grows and shrinks, and
// close ends those who wait when the line is empty.
func TestLine(t *testing.T) {
	l := newLine()
	players := make([]*player, 1000)
	for i := range players {
		players[i] = new(player)
	}
	in, out := 0, 0
	for _, step := range []int{1, -1, 10, -3, 40, -47, 300, -200, 500, -600, 149, -149} {
		for range max(step, 0) {
			l.put(players[in])
			in++
		}
		for range max(-step, 0) {
			if got := l.take(); got != players[out] {
				t.Fatalf("turn %d is another's", out)
			}
			out++
		}
	}
	l.put(players[0])
	l.close()
	if l.take() != players[0] || l.take() != nil {
		t.Error("a closed line gives those who are in it, then nobody")
	}
}

// TestTurns: whatever is put into a device's mailbox, by however many at once,
// is taken in by one worker at a time, and no wake-up is lost: all who wait for
// room come through.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := func(ctx context.Context, _ sim.DeviceID) (Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
		clock := StartClock()
		s, err := New(Config{Target: Target{Dial: never, Hub: yes{}}, Now: clock.Now, Host: "h"})
		if err != nil {
			t.Fatal(err)
		}
		p := newPlayer(s, device.New(device.Config{ID: "d", Host: "h", Key: make([]byte, 32), Profile: device.NewProfile()}), "d", fault.Conditions{}, fault.Conditions{})
		s.players.Add(1)
		p.wake()
		var putters sync.WaitGroup
		for range 8 {
			putters.Go(func() {
				for i := range 2000 {
					x := item{in: sim.Input{Kind: sim.Received, Msg: sim.Message{Kind: sim.Desired, Device: "d", Conn: 99}}}
					if i%3 == 0 {
						p.wake() // and for nothing
					}
					if !p.box.Put(x, nil) {
						t.Error("the mailbox is closed")
						return
					}
				}
			})
		}
		putters.Wait()
		synctest.Wait()
		if n := p.box.Len(); n != 0 || p.turn.Load() != resting {
			t.Errorf("%d in the mailbox, turn %d; want all taken in, and rest", n, p.turn.Load())
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if p.box.Put(item{}, nil) {
			t.Error("a device that has left takes something in")
		}
	})
}
