package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim/fault"
)

// TestFaultSweep plays the scenario fault-<name> of every recipe on both
// stages, as it is and without its fault; live in a bubble. As it is, it meets
// all it expects; without, it misses something: that is where the fault shows,
// and the test's log names it. A new row of fault.Recipes is swept unasked.
func TestFaultSweep(t *testing.T) {
	t.Parallel()
	for _, r := range fault.Recipes {
		healthy := without(t, r.Name)
		for _, stage := range []string{record.Virtual, record.Live} {
			if stage == record.Virtual && r.LiveOnly || stage == record.Live && testing.Short() {
				continue
			}
			t.Run(r.Name+"/"+stage+"/with", func(t *testing.T) {
				t.Parallel()
				for _, e := range missed(t, "fault-"+r.Name, stage) {
					t.Errorf("%s: %s", e.Expression, e.Reason)
				}
			})
			t.Run(r.Name+"/"+stage+"/without", func(t *testing.T) {
				t.Parallel()
				shown := missed(t, healthy, stage)
				for _, e := range shown {
					t.Logf("%s shows it", e.Expression)
				}
				if len(shown) == 0 {
					t.Error("it meets all it expects: nothing in it shows the fault")
				}
			})
		}
	}
}

// missed runs a scenario and returns the expectations it missed.
func missed(t *testing.T, scenario, stage string) (list []record.Expectation) {
	t.Helper()
	play := func(t *testing.T, more ...string) {
		r := flotilla(t, append([]string{"run", scenario, "--quiet"}, more...)...)
		if r.code != exitPassed && r.code != exitMissed {
			r.ends(t, exitPassed)
		}
		for _, e := range r.summary(t).Expectations {
			if !e.Passed {
				list = append(list, e)
			}
		}
	}
	if stage == record.Virtual {
		play(t, "--virtual")
	} else {
		bubble(t, func(t *testing.T) { play(t) })
	}
	return list
}

// without writes the scenario of a recipe without its fault and returns the
// file. Other faults in it stay: they are part of the scene.
func without(t *testing.T, recipe string) (file string) {
	t.Helper()
	src, err := scenarios.Open("fault-" + recipe)
	if err != nil {
		t.Fatal(err)
	}
	var whole yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(src.Text, &whole, yaml.UseOrderedMap()); err != nil {
		t.Fatal(err)
	}
	removed := 0
	text, err := yaml.Marshal(strip(whole, recipe, &removed))
	if err != nil {
		t.Fatal(err)
	}
	if removed == 0 {
		t.Fatalf("scenario fault-%s does not use its recipe", recipe)
	}
	file = filepath.Join(t.TempDir(), "healthy-"+recipe+".yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// strip takes the entries of lists that are the recipe's fault out of a part of
// a scenario.
func strip(part any, recipe string, removed *int) any {
	switch part := part.(type) {
	case yaml.MapSlice:
		for i := range part {
			part[i].Value = strip(part[i].Value, recipe, removed)
		}
		return part
	case []any:
		left := slices.DeleteFunc(part, func(entry any) bool { return isFault(entry, recipe) })
		*removed += len(part) - len(left)
		for i := range left {
			left[i] = strip(left[i], recipe, removed)
		}
		return left
	}
	return part
}

// isFault says whether an entry is `name`, `name=argument` with whom it befalls
// and when, a map that says so
// under `fault`, or a step with such a map.
func isFault(entry any, recipe string) bool {
	switch entry := entry.(type) {
	case string:
		name, _, _ := strings.Cut(entry, "=")
		name, _, _ = strings.Cut(name, " ") // on whom, at what time
		name, _, _ = strings.Cut(name, "@")
		return name == recipe
	case yaml.MapSlice:
		for _, m := range entry {
			if m.Key == "fault" {
				return isFault(m.Value, recipe)
			}
		}
	}
	return false
}
