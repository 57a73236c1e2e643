package fault

import "github.com/flotilla-sim/flotilla/sim"

// neverReconnects: the update that killed the device.
var neverReconnects = Recipe{
	Name:       "never-reconnects",
	Help:       "after its next reboot the device does not open its link again",
	Observable: "its part of the job runs until the timeout and then fails",
	Build: func(string) (Conditions, error) {
		return Conditions{Device: sim.Condition{NeverReconnects: true}}, nil
	},
}
