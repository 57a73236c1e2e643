package fault

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
)

// rejects: a device that says no, whatever it is asked.
var rejects = Recipe{
	Name:       "rejects",
	Help:       "it answers direct methods with an error and does nothing of what they ask, always or in one state of a firmware update",
	Observable: "its part of the job fails at once with the status it answered; method_round_trip is as ever",
	Argument: Argument{
		Help: "the status, and behind `@` the state in which it is answered: any, idle, downloading, downloaded or flashing; default any",
		Unit: "status", Least: "400", Most: "599@flashing", Default: "500",
	},
	Build: func(arg string) (Conditions, error) {
		if arg == "" {
			arg = "500"
		}
		number, state, given := strings.Cut(arg, "@")
		status, err := strconv.ParseInt(number, 10, 32)
		if err != nil || status < 400 || status > 599 {
			return Conditions{}, fmt.Errorf("%q is no status of an error; from 400 to 599, as in `500` or `503@downloaded`", number)
		}
		in := sim.AnyPhase
		if given {
			if in, err = phase(state, sim.AnyPhase); err != nil {
				return Conditions{}, err
			}
		}
		return Conditions{Device: sim.Condition{Answering: sim.Answering{Rejects: int32(status), In: in}}}, nil
	},
}
