package soak_test

import (
	"context"
	"testing"

	"github.com/flotilla-sim/flotilla/harness/soak"
)

func TestLimits(t *testing.T) {
	for _, s := range []string{"d3.j5.s1.a0.f1.t90", soak.All.String()} {
		l, err := soak.ParseLimits(s)
		if err != nil || l.String() != s {
			t.Errorf("ParseLimits(%q) = %s, %v", s, l, err)
		}
	}
	for _, s := range []string{"", "d3", "d0.j1.s0.a1.f1.t0", "d1ffffff.j1.s0.a1.f1.t0", "d3.j5.s0.a0.f1.t0.x", "d3.j5.s0.a0.f1.t7201", "d3.j5.s0.a0.f1.t-1", "dx.j1.s0.a1.f1.t0"} {
		if _, err := soak.ParseLimits(s); err == nil {
			t.Errorf("ParseLimits(%q) is taken", s)
		}
	}
}

// TestSoak plays a few hundred seeds; no rule is broken.
func TestSoak(t *testing.T) {
	seeds := 200
	if testing.Short() {
		seeds = 30
	}
	out, err := soak.Run(t.Context(), soak.Options{First: 1, Seeds: seeds, Workers: 2})
	if err != nil || out.Played != seeds {
		t.Fatalf("%d seeds played, %v", out.Played, err)
	}
	for _, f := range out.Failures {
		t.Errorf("seed %d within %s: %s", f.Seed, f.Limits, f.Broken)
	}
}

// TestInterrupted: the end of the context ends the soak after what is being
// played; what was played is told.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out, err := soak.Run(ctx, soak.Options{First: 1, Seeds: 1_000_000, Workers: 2, Progress: func(done int) {
		if done == 3 {
			cancel()
		}
	}})
	if err != context.Canceled || out.Played < 3 || out.Played > 5 || out.Steps == 0 || len(out.Failures) > 0 {
		t.Errorf("%d seeds, %d steps, %d failures, %v; want 3 to 5 seeds and that it was cancelled", out.Played, out.Steps, len(out.Failures), err)
	}
}
