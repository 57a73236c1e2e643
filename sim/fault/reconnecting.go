package fault

import (
	"fmt"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
)

// The ways, bad and good, in which clients try again what has failed: a link
// and a download. They take the place of the profile's back-off, which is
// exponential with jitter.

// noBackoff: while (!connect());
var noBackoff = Recipe{
	Name:       "no-backoff",
	Help:       "it tries again at once, a thousand times a second at most, whenever a link or a download has failed",
	Observable: "connects are tried many times as often while the hub cannot be reached, and all of the fleet comes back at the same instant",
	Build: func(string) (Conditions, error) {
		return reconnecting(sim.Reconnecting{Way: sim.BackoffNone}), nil
	},
}

// fixedBackoff: sleep(5).
var fixedBackoff = Recipe{
	Name:       "fixed-backoff",
	Help:       "it always waits for the same time before it tries a link or a download again, as all of its kind do",
	Observable: "devices that failed together come back together, try after try",
	Argument:   fixedWait,
	Build: func(arg string) (Conditions, error) {
		d, err := duration(arg, fixedWait)
		if err != nil {
			return Conditions{}, err
		}
		return reconnecting(sim.Reconnecting{Way: sim.BackoffFixed, Min: d, Max: d}), nil
	},
}

// exponentialBackoff: as the books say.
var exponentialBackoff = Recipe{
	Name:       "exponential-backoff",
	Help:       "its waits double from the first to the longest, and a random half of each is left out",
	Observable: "few connects are tried while the hub cannot be reached, and the fleet comes back spread out",
	Argument:   exponentialWaits,
	Build: func(arg string) (Conditions, error) {
		if arg == "" {
			arg = exponentialWaits.Default
		}
		low, high, ok := strings.Cut(arg, "..")
		if !ok {
			return Conditions{}, fmt.Errorf("%q is no range of waits; write `1s..60s`", arg)
		}
		least, err := duration(low, fixedWait)
		if err != nil {
			return Conditions{}, err
		}
		most, err := duration(high, fixedWait)
		if err != nil {
			return Conditions{}, err
		}
		if most < least {
			return Conditions{}, fmt.Errorf("%q: the longest wait is shorter than the first", arg)
		}
		return reconnecting(sim.Reconnecting{Way: sim.BackoffExponential, Min: least, Max: most}), nil
	},
}

func reconnecting(r sim.Reconnecting) Conditions {
	return Conditions{Device: sim.Condition{Reconnecting: r}}
}

var (
	fixedWait        = Argument{Help: "how long it waits", Unit: "s", Least: "1ms", Most: "24h", Default: "5s"}
	exponentialWaits = Argument{Help: "the first wait and the longest", Unit: "s", Least: "1ms..1ms", Most: "24h..24h", Default: "1s..60s"}
)
