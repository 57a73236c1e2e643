package fault

// reconnectStorm: a switch in front of the fleet is started anew.
var reconnectStorm = Recipe{
	Name:       "reconnect-storm",
	Help:       "all open connections are cut at an instant; devices come back as their back-off says",
	Observable: "the hub counts a lost connection and one accepted more for each device; connect shows the crowd",
	Instant:    true,
	Build:      func(string) (Conditions, error) { return Conditions{Link: Link{Cut: true}}, nil },
}
