package fault

// halfOpen: a NAT that has forgotten the connection, a cable pulled behind a
// switch.
var halfOpen = Recipe{
	Name:       "half-open",
	Help:       "a connection goes silent some time after it was opened: nothing passes, nobody is told; a new one works",
	Observable: "the hub counts it as silent after one and a half keep-alive times, the device opens another one 10 s after its keep-alive; calls in between time out",
	Argument:   silenceAfter,
	Build: func(arg string) (Conditions, error) {
		d, err := duration(arg, silenceAfter)
		return Conditions{Link: Link{HalfOpen: d}}, err
	},
}

var silenceAfter = Argument{Help: "how long after it was opened, or after the fault began", Unit: "s", Least: "1ms", Most: "24h", Default: "5s"}
