package scenarios_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
)

func compile(text string, sets ...string) (*scenarios.Plan, error) {
	return scenarios.Load(scenarios.Source{Name: "x.yaml", Text: []byte(text)}, sets)
}

func TestHubFaults(t *testing.T) {
	p, err := compile("groups: {g: {count: 3}}\nhub: {faults: [{fault: hub-paused=500ms, at: 10s}, {fault: hub-paused}]}")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []fault.Spell{
		{Begin: sim.Time(10 * time.Second), End: sim.Time(10 * time.Second), Conditions: fault.Conditions{Hub: fault.Hub{Pause: 500 * time.Millisecond}}},
		{Conditions: fault.Conditions{Hub: fault.Hub{Pause: 2 * time.Second}}},
	} {
		want.Name, want.Scope = "hub-paused", fault.OnHub
		if len(p.Spells) != 2 || !reflect.DeepEqual(p.Spells[i], want) {
			t.Errorf("spells = %+v; want %+v", p.Spells, want)
		}
	}
	if len(p.Faults) != 2 || p.Faults[0] != (scenarios.Fault{Fault: "hub-paused=500ms at 10s"}) || p.Faults[1].Fault != "hub-paused at 0s" {
		t.Errorf("faults = %+v", p.Faults)
	}
	for text, want := range map[string]string{ // any order: each for itself
		"groups: {g: {count: 1, faults: [hub-paused]}}":                        "the fault hub-paused befalls the hub, not devices",
		"groups: {g: {devices: [{id: a, faults: [hub-paused]}]}}":              "the fault hub-paused befalls the hub, not devices",
		"groups: {g: {count: 1}}\nhub: {faults: [{fault: never-reads}]}":       "the fault never-reads befalls devices, not the hub",
		"groups: {g: {count: 1}}\nhub: {faults: [{at: 5s}]}":                   `needs the key "fault"`,
		"groups: {g: {count: 1}}\nhub: {fault: []}":                            `unknown key "fault"`,
		"groups: {g: {count: 1}}\nhub: {faults: [{fault: hub-paused, at: 5}]}": "has no unit",
		"groups: {g: {count: 1}}\nconnectRate: 5":                              "the rate 5 has no unit",
		"groups: {g: {count: 1}}\nconnectRate: fast/s":                         `"fast/s" is not a rate`,
		"groups: {g: {count: 1}}\nconnectRate: 0/s":                            "the rate must be 0.001/s to 1000000/s",
		"groups: {g: {count: 1}}\nconnectRate: 1.0001/s":                       "in steps of 0.001/s",
		"groups: {g: {count: 1}}\nmaxLag: 0s":                                  "the duration must be",
	} {
		if _, err := compile(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", text, err, want)
		}
	}
}

// TestConnectRate: devices begin one after the other over all groups.
func TestConnectRate(t *testing.T) {
	p, err := compile("groups: {a: {count: 3}, b: {count: 999997}}\nconnectRate: 1/s\nmaxLag: 20ms", "connectRate=2.5/s")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		group, i int
		want     time.Duration
	}{{0, 0, 0}, {0, 2, 800 * time.Millisecond}, {1, 0, 1200 * time.Millisecond}, {1, 999_996, 399_999_600 * time.Millisecond}} {
		if got := p.Groups[x.group].Member(x.i).Starts; got != sim.Time(x.want) {
			t.Errorf("device %d of group %d starts at %s; want %s", x.i, x.group, got, x.want)
		}
	}
	if p.MaxLag != 20*time.Millisecond {
		t.Errorf("maxLag = %s", p.MaxLag)
	}
	slow, err := compile("groups: {a: {count: 1000000}}\nconnectRate: 0.001/s")
	if err != nil {
		t.Fatal(err)
	}
	if got := slow.Groups[0].Member(999_999).Starts; got != sim.Time(999_999_000)*sim.Time(time.Second) {
		t.Errorf("the last of a million starts at %s", got)
	}
}
