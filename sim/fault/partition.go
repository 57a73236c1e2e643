package fault

// partition: the site whose uplink is gone.
var partition = Recipe{
	Name:       "partition",
	Help:       "open connections are cut, and none can be opened as long as it lasts",
	Observable: "devices.connected is short of them until the end; then they come back, each after its back-off, and connect has their wait in its tail",
	Build:      func(string) (Conditions, error) { return Conditions{Link: Link{Cut: true, Refuse: true}}, nil },
}
