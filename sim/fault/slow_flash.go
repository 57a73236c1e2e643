package fault

import "github.com/flotilla-sim/flotilla/sim"

// slowFlash: memory near the end of its life.
var slowFlash = Recipe{
	Name:       "slow-flash",
	Help:       "writing an image takes it longer, of an update and of a factory reset",
	Observable: "apply grows by that much; the update succeeds",
	Argument:   flashTimes,
	Build: func(arg string) (Conditions, error) {
		n, err := times(arg, flashTimes)
		if err != nil {
			return Conditions{}, err
		}
		return Conditions{Device: sim.Condition{Updating: sim.Updating{SlowFlash: n}}}, nil
	},
}

var flashTimes = Argument{Help: "how many times as long as its profile says", Unit: "x", Least: "2x", Most: "1000x", Default: "10x"}
