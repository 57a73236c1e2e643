//go:build planted

package soak

import (
	"slices"
	"testing"

	"github.com/flotilla-sim/flotilla/sim/planted"
)

// TestPlanted: each planted bug is found within a few hundred seeds, as a
// breach of a rule that speaks of it, and made much smaller; what is left
// breaks the rule again, and breaks nothing without the bug.
func TestPlanted(t *testing.T) {
	rules := map[planted.Bug][]string{
		planted.Threshold:       {"threshold"},
		planted.BatchOrder:      {"batches", "pause"},
		planted.LostAnswer:      {"answers"},
		planted.DoubleExecution: {"attempts", "execution"},
		planted.LateAnswer:      {"answers"},
	}
	for b := planted.None + 1; int(b) < len(planted.Bugs); b++ {
		t.Run(planted.Bugs[b].Name, func(t *testing.T) {
			out, err := Run(t.Context(), Options{First: 1, Seeds: 1000, Workers: 1, Planted: b, Failures: 1})
			if err != nil || len(out.Failures) == 0 {
				t.Fatalf("%d seeds played, none failed, %v", out.Played, err)
			}
			f := out.Failures[0]
			t.Logf("after %d seeds: seed %d: %s\nmade smaller from %s (%d) to %s (%d)\n%s",
				out.Played, f.Seed, f.Broken, f.Whole, f.Whole.Size(), f.Limits, f.Limits.Size(), f.Case)
			if !slices.Contains(rules[b], f.Broken.Rule) {
				t.Errorf("it breaks %s; want one of %s", f.Broken, rules[b])
			}
			if f.Limits.Size() > 12 || f.Limits.Size() > f.Whole.Size() || f.Limits.Seconds == 0 {
				t.Errorf("made smaller to %s only", f.Limits)
			}
			if again, _ := Judge(f.Seed, f.Limits, b); again.Rule != f.Broken.Rule {
				t.Errorf("repeated, it breaks %s", again)
			}
			if well, _ := Judge(f.Seed, f.Limits, planted.None); well.Rule != "" {
				t.Errorf("without the bug it breaks %s", well)
			}
		})
	}
}
