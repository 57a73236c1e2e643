package fault

// hubPaused: a long collection, a failover, a disk that hangs.
var hubPaused = Recipe{
	Name:       "hub-paused",
	Help:       "the hub takes in nothing and says nothing for a time; its connections stay",
	Observable: "every latency of what was due in that time shows the pause: it stands in p99.9 and max, whatever the mean says",
	Scope:      OnHub,
	Instant:    true,
	Argument:   pauseLength,
	Build: func(arg string) (Conditions, error) {
		d, err := duration(arg, pauseLength)
		return Conditions{Hub: Hub{Pause: d}}, err
	},
}

// pauseLength is the argument of a pause.
var pauseLength = Argument{Help: "how long", Unit: "s", Least: "10ms", Most: "10m", Default: "2s"}
