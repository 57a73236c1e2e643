package fault

import (
	"fmt"

	"github.com/flotilla-sim/flotilla/sim"
)

// powerLoss: the plug pulled while the light blinks.
var powerLoss = Recipe{
	Name:       "power-loss",
	Help:       "it loses its power half-way through writing an image, each time; its boot loader starts the one before, or nothing",
	Observable: "rolled back, it reconnects at its old version with result 0 and its part of the job fails; bricked, it never comes back and the job's timeout ends its part",
	Argument:   Argument{Help: "what becomes of it: rollback or brick", Unit: "outcome", Least: "rollback", Most: "brick", Default: "rollback"},
	Build: func(arg string) (Conditions, error) {
		u := sim.Updating{}
		switch arg {
		case "", "rollback":
			u.PowerLoss = sim.RollsBack
		case "brick":
			u.PowerLoss = sim.Bricks
		default:
			return Conditions{}, fmt.Errorf("%q is no outcome; write rollback or brick", arg)
		}
		return Conditions{Device: sim.Condition{Updating: u}}, nil
	},
}
