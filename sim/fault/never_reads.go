package fault

// neverReads: a peer whose receive window has closed for good.
var neverReads = Recipe{
	Name:       "never-reads",
	Help:       "it reads nothing from its socket once its session is up, and goes on writing",
	Observable: "its telemetry arrives, calls to it time out; the hub closes its connection as a slow consumer; nobody else notices",
	LiveOnly:   true,
	Build:      func(string) (Conditions, error) { return Conditions{Client: Client{NeverReads: true}}, nil },
}
