package sim_test

import (
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/sim"
)

func TestResources(t *testing.T) {
	names, paths := map[string]bool{}, map[string]bool{}
	observed := 0
	for _, r := range sim.Resources {
		if paths[r.Path] || r.Name != "" && names[strings.ToLower(r.Name)] {
			t.Errorf("%+v is there twice", r)
		}
		paths[r.Path], names[strings.ToLower(r.Name)] = true, true
		if got, ok := sim.ResourceByPath(r.Path); !ok || got != r {
			t.Errorf("ResourceByPath(%q) = %+v, %t", r.Path, got, ok)
		}
		if r.Access == 0 || r.Observed && (r.Name == "" || r.Access&sim.Readable == 0) {
			t.Errorf("%+v cannot be used", r)
		}
		if r.Access&sim.Executable != 0 && (r.Access != sim.Executable || r.Integer) {
			t.Errorf("%+v is executed and more", r)
		}
		if r.Observed {
			observed++
		}
		if r.Name == "" {
			continue
		}
		for _, spelled := range []string{r.Name, strings.ToUpper(r.Name), strings.ToLower(r.Name)} {
			if got, ok := sim.ResourceByName(spelled); !ok || got != r {
				t.Errorf("ResourceByName(%q) = %+v, %t", spelled, got, ok)
			}
		}
	}
	if observed != 22 {
		t.Errorf("%d resources are observed; want 22", observed)
	}
	for name, path := range map[string]string{"ConfigName": "/10241/0/1", "configvalue": "/10241/0/2", "FirmwarePackageURI": "/5/0/1", "UTCOffset": "/3/0/14"} {
		if got, ok := sim.ResourceByName(name); !ok || got.Path != path {
			t.Errorf("ResourceByName(%q) = %+v, %t; want %s", name, got, ok, path)
		}
	}
	for _, name := range []string{"", "Battery", "BatteryLevel ", "ſerialnumber"} {
		if got, ok := sim.ResourceByName(name); ok {
			t.Errorf("ResourceByName(%q) = %+v; want none", name, got)
		}
	}
	if got, ok := sim.ResourceByPath("/3/0/99"); ok {
		t.Errorf("ResourceByPath(/3/0/99) = %+v; want none", got)
	}
}
