package scenarios_test

import (
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/scenarios"
)

// TestWithout: what nobody can tell is taken out of what is judged, and given
// back; the plan itself stays.
func TestWithout(t *testing.T) {
	src, err := scenarios.Open("six-devices")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := scenarios.Load(src, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := len(plan.Expect)
	judged, waived := plan.Without(func(path string) bool { return strings.HasPrefix(path, "hub.") })
	if len(waived) != 1 || waived[0].Text != "hub.accepted == 12" || len(judged.Expect) != all-1 || len(plan.Expect) != all {
		t.Errorf("waived %v, %d of %d are judged", waived, len(judged.Expect), all)
	}
	for _, e := range judged.Expect {
		if strings.HasPrefix(e.Text, "hub.") {
			t.Errorf("%s is judged", e.Text)
		}
	}
	if judged.Name != plan.Name || len(judged.Jobs) != len(plan.Jobs) || judged.Devices != 6 {
		t.Errorf("the judged plan is %+v", judged)
	}
}
