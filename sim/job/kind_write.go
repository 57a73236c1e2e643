package job

import (
	"fmt"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// writeDeviceProperties writes to the device (a deep write). The twin does
// not change by it: the next notification or deep read does that.
var writeDeviceProperties = Kind{
	Name: "writeDeviceProperties", Help: "write properties to the device",
	Validate: func(s *Spec) error {
		names := make([]string, len(s.Properties))
		for i, p := range s.Properties {
			switch names[i] = p.Name; p.Value.Kind() {
			case doc.KindString, doc.KindNumber, doc.KindBool:
			default:
				return fmt.Errorf("property %q: the value must be a string, a number or a boolean", p.Name)
			}
		}
		_, err := resources(names)
		return err
	},
	Steps: []Step{connect, {
		Name: "writing", Waiting: "the device to answer",
		Enter: func(r *run) {
			members := make([]doc.Member, len(r.job.spec.Properties))
			for i, p := range r.job.spec.Properties {
				x, _ := sim.ResourceByName(p.Name)
				members[i] = doc.Member{Name: x.Path, Value: p.Value}
			}
			r.write(members...)
		},
		Answer: func(r *run, _ *Ack) { r.complete() },
	}},
}
