package job

import "github.com/flotilla-sim/flotilla/sim/doc"

// readDeviceProperties asks the device now (a deep read) and updates just
// what was read in the device's properties.
var readDeviceProperties = Kind{
	Name: "readDeviceProperties", Help: "read properties from the device into its twin",
	Validate: func(s *Spec) error {
		_, err := resources(s.Names)
		return err
	},
	Steps: []Step{connect, {
		Name: "reading", Waiting: "the device to answer",
		Enter: func(r *run) {
			list, _ := resources(r.job.spec.Names)
			paths := make([]doc.Value, len(list))
			for i, x := range list {
				paths[i] = doc.String(x.Path)
			}
			r.call("dm.read", object(doc.Member{Name: "resources", Value: doc.Array(paths...)}))
		},
		Answer: func(r *run, a *Ack) { r.took(a); r.complete() },
	}},
}
