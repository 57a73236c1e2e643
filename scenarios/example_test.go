package scenarios_test

import (
	"fmt"

	"github.com/flotilla-sim/flotilla/scenarios"
)

func ExampleLoad() {
	src, err := scenarios.Open("six-devices")
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := scenarios.Load(src, []string{"jobs.fw.timeout=5m"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(plan.Name, plan.Devices, "devices")
	for i := range plan.Jobs {
		spec := plan.Spec(&plan.Jobs[i], "http://localhost/packages/fw-3")
		fmt.Println(spec.ID, spec.Kind, spec.Timeout, spec.Targets[0])
	}
	// Output:
	// six-devices 6 devices
	// fw firmwareUpdate 5m0s Device11-7ce4a850
}

func ExampleError() {
	text := "groups:\n  six:\n    cuont: 6\n    id: dev-{number:02}\n"
	_, err := scenarios.Load(scenarios.Source{Name: "mine.yaml", Text: []byte(text)}, nil)
	fmt.Println(err)
	// Output:
	// mine.yaml:2:3: group six has no devices; write `count: 6` or `devices: [...]`
	//    2 |   six:
	//      |   ^^^
	// mine.yaml:3:5: unknown key "cuont" in a group; did you mean "count"?
	//    3 |     cuont: 6
	//      |     ^^^^^
}
