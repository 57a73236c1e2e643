package fault

// hubRestart: an update of the hub.
var hubRestart = Recipe{
	Name:       "hub-restart",
	Help:       "the hub ends all sessions and calls, is away for a time in which it takes no connection, and goes on with its rows",
	Observable: "every device is accepted a second time, none before the hub is back; calls under way are lost, due work comes late by the argument",
	Scope:      OnHub,
	Instant:    true,
	Argument:   downTime,
	Build: func(arg string) (Conditions, error) {
		d, err := duration(arg, downTime)
		return Conditions{Hub: Hub{Restart: d}}, err
	},
}

var downTime = Argument{Help: "how long it is away", Unit: "s", Least: "10ms", Most: "10m", Default: "3s"}
