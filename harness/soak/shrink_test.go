package soak

import (
	"context"
	"math/bits"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// TestShrinkIsExact: whatever a breach needs is left, and nothing else.
func TestShrinkIsExact(t *testing.T) {
	for _, need := range []Limits{
		{Devices: 1, Jobs: 1},
		{Devices: 0b1000100, Jobs: 0b100010, Acts: 0b1000_0000_0001, Faults: 0b1000},
		{Devices: 1 << 23, Jobs: 1, Plans: 0b10, Acts: 0b111, Faults: 1 << maxDevices},
		All,
	} {
		tries := 0
		l, b := shrink(t.Context(), All, func(l Limits) Breach {
			tries++
			if l.Devices&need.Devices != need.Devices || l.Jobs&need.Jobs != need.Jobs || l.Plans&need.Plans != need.Plans ||
				l.Acts&need.Acts != need.Acts || l.Faults&need.Faults != need.Faults {
				return Breach{Rule: "counts"} // another rule does not count
			}
			if l.Seconds > 0 && l.Seconds < 42 {
				return Breach{}
			}
			return Breach{Rule: "slots", At: 41*second + 1}
		})
		need.Seconds = 42
		if l != need || b.Rule != "slots" {
			t.Errorf("needs %s, made smaller to %s (%s)", need, l, b)
		}
		if tries > maxTries+1 {
			t.Errorf("%d tries; at most %d are allowed", tries, maxTries)
		}
	}
}

// TestShrinkEnds: a context that has ended leaves the case as it is.
func TestShrinkEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if l, _ := shrink(ctx, All, func(Limits) Breach { return Breach{Rule: "slots"} }); l != All {
		t.Errorf("made smaller to %s", l)
	}
}

// TestDigests: a case has one digest, and whatever is changed in it gives
// another one, which is a broken rule.
func TestDigests(t *testing.T) {
	a := Play(New(5, All), nil)
	if b := differ(a, replay(New(5, All), a.End)); b.Rule != "" {
		t.Errorf("played twice: %s", b)
	}
	for name, change := range map[string]func(*Case){
		"latency": func(c *Case) { c.Latency = sim.Uniform(0, 3*time.Millisecond) },
		"device":  func(c *Case) { c.Devices = c.Devices[1:] },
		"seed":    func(c *Case) { c.Seed++ },
	} {
		c := New(5, All)
		change(c)
		if b := differ(a, replay(c, a.End)); b.Rule != "digest" {
			t.Errorf("with another %s: %s; want a breach of digest", name, b)
		}
	}
}

// TestSize: it counts what there is.
func TestSize(t *testing.T) {
	if n := All.Size(); n != maxDevices+maxJobs+maxPlans+maxActs+bits.OnesCount64(All.Faults) {
		t.Errorf("All has the size %d", n)
	}
}
