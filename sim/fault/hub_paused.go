package fault

import (
	"fmt"
	"strconv"
	"time"
)

// The bounds of a pause of the hub.
const (
	minPause = 10 * time.Millisecond
	maxPause = 10 * time.Minute
)

// hubPaused: a long collection, a failover, a disk that hangs.
var hubPaused = Recipe{
	Name:       "hub-paused",
	Help:       "the hub takes in nothing and says nothing for a time; its connections stay",
	Observable: "every latency of what was due in that time shows the pause: it stands in p99.9 and max, whatever the mean says",
	Scope:      OnHub,
	Argument:   Argument{Help: "how long", Unit: "s", Least: "10ms", Most: "10m", Default: "2s"},
	Build: func(arg string) (Conditions, error) {
		if arg == "" {
			arg = "2s"
		}
		d, err := time.ParseDuration(arg)
		if _, number := strconv.ParseFloat(arg, 64); number == nil {
			return Conditions{}, fmt.Errorf("%q has no unit; write `%ss`", arg, arg)
		}
		if err != nil {
			return Conditions{}, fmt.Errorf("%q is no duration; write `2s` or `500ms`", arg)
		}
		if d < minPause || d > maxPause {
			return Conditions{}, fmt.Errorf("%q is out of range; from 10ms to 10m", arg)
		}
		return Conditions{Hub: Hub{Pause: d}}, nil
	},
}
