package fault

// hubDrops: a gateway of the hub is replaced.
var hubDrops = Recipe{
	Name:       "hub-drops",
	Help:       "the hub closes all its connections at an instant, and takes new ones",
	Observable: "every device is accepted a second time; calls under way are lost, and what their jobs make of it is in the job's reasons",
	Scope:      OnHub,
	Instant:    true,
	Build:      func(string) (Conditions, error) { return Conditions{Hub: Hub{Drop: true}}, nil },
}
