package job

import (
	"fmt"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// updateDeviceConfiguration writes the configuration value and applies it.
var updateDeviceConfiguration = Kind{
	Name: "updateDeviceConfiguration", Help: "write a configuration and apply it",
	Validate: func(s *Spec) error {
		if len(s.Configuration) > MaxURI {
			return fmt.Errorf("the configuration has %d bytes; the limit is %d", len(s.Configuration), MaxURI)
		}
		return nil
	},
	Steps: []Step{
		connect,
		{
			Name: "writing", Waiting: "the device to take the configuration",
			Enter: func(r *run) {
				r.write(doc.Member{Name: "/10241/0/2", Value: doc.String(r.job.spec.Configuration)})
			},
			Answer: func(r *run, _ *Ack) { r.next() },
		},
		{
			Name: "applying", Waiting: "the device to apply the configuration",
			Enter: func(r *run) { r.execute("/10241/0/3") },
			Answer: func(r *run, _ *Ack) {
				r.fleet().Configured(r.dev(), r.job.spec.Configuration, r.out)
				r.complete()
			},
		},
	},
}
