package fault

// refused: a firewall's new rule.
var refused = Recipe{
	Name:       "refused",
	Help:       "no connection can be opened; one that is open stays",
	Observable: "devices that are connected notice nothing; who has to connect anew backs off until the end, as connect shows in its tail",
	Build:      func(string) (Conditions, error) { return Conditions{Link: Link{Refuse: true}}, nil },
}
