package scenarios_test

import (
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
)

func load(t testing.TB, name string, sets ...string) *scenarios.Plan {
	t.Helper()
	src, err := scenarios.Open(name)
	if err != nil {
		t.Fatalf("Open(%q): %v", name, err)
	}
	plan, err := scenarios.Load(src, sets)
	if err != nil {
		t.Fatalf("Load(%s, %q):\n%v", name, sets, err)
	}
	return plan
}

// TestLibrary sweeps the library: every scenario is whole, and says what it is
// for and what has to come of it.
func TestLibrary(t *testing.T) {
	entries := scenarios.Library()
	if len(entries) < 8 {
		t.Errorf("the library has %d scenarios", len(entries))
	}
	for _, e := range entries {
		plan := load(t, e.Name)
		if plan.Name != e.Name || e.Description == "" || strings.Contains(e.Description, "\n") {
			t.Errorf("%s: named %q, described %q; want its own name and one line", e.Name, plan.Name, e.Description)
		}
		if len(plan.Expect) == 0 {
			t.Errorf("%s expects nothing", e.Name)
		}
		var next uint64
		for _, g := range plan.Groups {
			if g.First != next || g.Count < 1 {
				t.Errorf("%s: group %s has devices %d to %d, want from %d on", e.Name, g.Name, g.First, g.First+uint64(g.Count), next)
			}
			next += uint64(g.Count)
			if m := g.Member(g.Count - 1); m.ID == "" || m.Profile == nil {
				t.Errorf("%s: the last member of %s is %+v", e.Name, g.Name, m)
			}
		}
	}
}

func TestEveryFaultHasAScenario(t *testing.T) {
	have := map[string]bool{}
	for _, e := range scenarios.Library() {
		have[e.Name] = true
	}
	for _, r := range fault.Recipes {
		if !have["fault-"+r.Name] {
			t.Errorf("no scenario fault-%s", r.Name)
		}
	}
}

// The six devices of the preview's tutorial. [Azure IoT Hub device management
// preview samples: sampledevices.json]
func TestSixDevices(t *testing.T) {
	plan := load(t, "six-devices")
	g := plan.Groups[0]
	for i, want := range []struct {
		id      sim.DeviceID
		version string
		service string
		labels  string
	}{
		{"Device11-7ce4a850", "1.0", `{"CustomerId":"123456","QoS":10,"ServiceBy":"Contoso","Weight":1000}`, "milk cookies sausage bacon"},
		{"Device21-7ce4a850", "2.0", `{"CustomerId":"4829472","QoS":3,"ServiceBy":"Contoso","Weight":100}`, "lettuce parmesan chicken croutons"},
		{"Device31-7ce4a850", "1.0", `{"CustomerId":"123456","QoS":4,"ServiceBy":"Fabrikam","Weight":2000}`, "steak buns tomatoes onions bacon"},
		{"Device41-7ce4a850", "2.0", `{"CustomerId":"985362","QoS":6,"ServiceBy":"Fabrikam","Weight":3000}`, "apples pears strawberries oranges"},
		{"Device51-7ce4a850", "1.0", `{"CustomerId":"985362","QoS":1,"ServiceBy":"Contoso","Weight":50}`, "duck oranges potatoes gravy"},
		{"Device61-7ce4a850", "2.0", `{"CustomerId":"284721","QoS":9,"ServiceBy":"Contoso","Weight":9000}`, "bacon lettuce tomatoes mayo"},
	} {
		m := g.Member(i)
		if m.ID != want.id || m.FirmwareVersion != want.version || m.Service.String() != want.service || strings.Join(m.Labels, " ") != want.labels {
			t.Errorf("device %d is %s %s %s %q; want %+v", i, m.ID, m.FirmwareVersion, m.Service, m.Labels, want)
		}
		if m.Profile.FirmwarePMin != 0 {
			t.Errorf("device %d has a firmwarePmin of %s, want 0", i, m.Profile.FirmwarePMin)
		}
	}
	if g.Count != 6 || len(plan.Jobs) != 1 || len(plan.Packages) != 1 || plan.Packages[0].Size != 256<<10 || plan.Packages[0].Version != "3.0" {
		t.Errorf("%d devices, %d jobs, packages %+v; want 6, 1 and one of 256 KiB, version 3.0", g.Count, len(plan.Jobs), plan.Packages)
	}
	spec := plan.Spec(&plan.Jobs[0], "http://x/fw-3")
	if spec.Kind != "firmwareUpdate" || len(spec.Targets) != 6 || spec.Targets[5] != "Device61-7ce4a850" || spec.PackageURI != "http://x/fw-3" {
		t.Errorf("the job is %+v", spec)
	}
}

func TestGeneratedFleet(t *testing.T) {
	plan := load(t, "fleet-100k")
	g := plan.Groups[0]
	if plan.Devices != 100_000 || g.Count != 100_000 || g.Member(0).ID != "dev-000001" || g.Member(99_999).ID != "dev-100000" {
		t.Errorf("%d devices, %s to %s", g.Count, g.Member(0).ID, g.Member(g.Count-1).ID)
	}
	if g.Member(0).Profile != g.Member(99_999).Profile {
		t.Error("members of a generated group do not share their profile")
	}
	if n := testing.AllocsPerRun(100, func() { g.Member(4711) }); n > 2 {
		t.Errorf("a member costs %v allocations, want at most 2", n)
	}
}

func TestOpen(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"six-device", `six-device:1:1: no scenario of that name in the library; did you mean "six-devices"?`},
		{"quite-something-else", `quite-something-else:1:1: no scenario of that name in the library; list the library, or give a path ending in .yaml`},
		{"nowhere/x.yaml", "nowhere/x.yaml:1:1: no such file or directory"},
		{"library/", "library/:1:1: is a folder, not a scenario file"},
	} {
		if _, err := scenarios.Open(tt.name); err == nil || err.Error() != tt.want {
			t.Errorf("Open(%q) = %v; want %s", tt.name, err, tt.want)
		}
	}
	a := load(t, "six-devices")
	b := load(t, "library/six-devices.yaml")
	if string(a.Source.Text) != string(b.Source.Text) || a.Name != b.Name {
		t.Error("the library's scenario and its file differ")
	}
}
