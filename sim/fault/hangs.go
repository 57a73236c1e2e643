package fault

import "github.com/flotilla-sim/flotilla/sim"

// hangs: software that waits for something that never comes.
var hangs = Recipe{
	Name:       "hangs",
	Help:       "in a state of a firmware update nothing goes on in it: no method is answered, no download ends, no image gets written; its link and telemetry stay",
	Observable: "its part of the job runs until a timeout, which names what it waited for; the device stays connected",
	Argument: Argument{
		Help: "the state: any, idle, downloading, downloaded or flashing",
		Unit: "state", Least: "any", Most: "flashing", Default: "any",
	},
	Build: func(arg string) (Conditions, error) {
		if arg == "" {
			arg = "any"
		}
		in, err := phase(arg, sim.AnyPhase)
		if err != nil {
			return Conditions{}, err
		}
		return Conditions{Device: sim.Condition{Updating: sim.Updating{Hangs: in}}}, nil
	},
}
