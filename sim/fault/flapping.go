package fault

// flapping: a loose contact.
var flapping = Recipe{
	Name:       "flapping",
	Help:       "each connection is cut some time after it was opened; what is on its way is gone",
	Observable: "the hub counts a lost connection and an accepted one for each period and device",
	Argument:   flapPeriod,
	Build: func(arg string) (Conditions, error) {
		d, err := duration(arg, flapPeriod)
		return Conditions{Link: Link{Flap: d}}, err
	},
}

var flapPeriod = Argument{Help: "how long after it was opened, or after the fault began", Unit: "s", Least: "10ms", Most: "24h", Default: "10s"}
