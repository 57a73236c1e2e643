package fault

// hubSlow: a hub that is too small for its fleet.
var hubSlow = Recipe{
	Name:       "hub-slow",
	Help:       "each thing a device says costs the hub time, one after the other; what operators ask does not",
	Observable: "every latency grows by the argument; with more than 1/argument messages a second the queue grows, and with it p50",
	Scope:      OnHub,
	Argument:   messageCost,
	Build: func(arg string) (Conditions, error) {
		d, err := duration(arg, messageCost)
		return Conditions{Hub: Hub{Slow: d}}, err
	},
}

var messageCost = Argument{Help: "how long each takes", Unit: "s", Least: "10us", Most: "10s", Default: "5ms"}
