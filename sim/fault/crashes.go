package fault

import (
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
)

// crashes: a watchdog's reset.
var crashes = Recipe{
	Name:       "crashes",
	Help:       "in the middle of a state of a firmware update, each time, it loses all that is volatile and boots; a package that was there whole is kept",
	Observable: "its link ends without a word and is back after its boot; a lost download is result 4, a lost flash leaves it at its old version with the package downloaded until a timeout ends its part of the job",
	Argument: Argument{
		Help: "the state: downloading, downloaded or flashing; behind `@` how long after it was entered, 1ms to 24h; without that the middle of it, of downloaded a second",
		Unit: "state", Least: "downloading@1ms", Most: "flashing@24h", Default: "downloading",
	},
	Build: func(arg string) (Conditions, error) {
		if arg == "" {
			arg = "downloading"
		}
		state, text, given := strings.Cut(arg, "@")
		in, err := phase(state, sim.AnyPhase&^sim.PhaseIdle)
		if err != nil {
			return Conditions{}, err
		}
		u := sim.Updating{Crashes: in}
		if given {
			if u.After, err = duration(text, crashAfter); err != nil {
				return Conditions{}, err
			}
		}
		return Conditions{Device: sim.Condition{Updating: u}}, nil
	},
}

var crashAfter = Argument{Least: "1ms", Most: "24h", Default: "1s"}
