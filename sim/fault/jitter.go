package fault

// jitter: a queue that is now short, now long.
var jitter = Recipe{
	Name:       "jitter",
	Help:       "each message between the device and its hub takes longer by a time drawn anew; none overtakes another",
	Observable: "the quantiles of telemetry_ack drift apart: p99 grows by up to twice the argument, min stays",
	Argument:   jitterMost,
	Build: func(arg string) (Conditions, error) {
		d, err := duration(arg, jitterMost)
		return Conditions{Link: Link{Jitter: d}}, err
	},
}

var jitterMost = Argument{Help: "how much longer at most", Unit: "s", Least: "1ms", Most: "1m", Default: "100ms"}
