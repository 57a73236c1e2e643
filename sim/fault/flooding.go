package fault

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
)

// flooding: a loop without its sleep.
var flooding = Recipe{
	Name:       "flooding",
	Help:       "it sends telemetry at a high rate for as long as it is connected",
	Observable: "live, the hub closes its connection for it, again and again, and counts that; what its own queue cannot take is dropped and counted",
	Argument:   Argument{Help: "messages per second that it wants to send", Unit: "/s", Least: "10/s", Most: "1000000/s", Default: "20000/s"},
	Build: func(arg string) (Conditions, error) {
		if arg == "" {
			arg = "20000/s"
		}
		text, unit := strings.CutSuffix(arg, "/s")
		n, err := strconv.ParseUint(text, 10, 32)
		switch {
		case !unit && err == nil:
			return Conditions{}, fmt.Errorf("%q has no unit; write `%s/s`", arg, arg)
		case err != nil:
			return Conditions{}, fmt.Errorf("%q is no rate; write `20000/s`", arg)
		case n < 10 || n > 1_000_000:
			return Conditions{}, fmt.Errorf("%q is out of range; from 10/s to 1000000/s", arg)
		}
		return Conditions{Device: sim.Condition{Flood: int32(n)}}, nil
	},
}
