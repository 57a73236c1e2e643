package fault

// latency: a satellite, another continent.
var latency = Recipe{
	Name:       "latency",
	Help:       "everything between the device and its hub takes longer, each way: always, from..to or by quantiles",
	Observable: "connect, telemetry_ack and method_round_trip take at least so much longer, twice; throughput stays",
	Argument:   moreLatency,
	Build: func(arg string) (Conditions, error) {
		d, err := distribution(arg, moreLatency)
		return Conditions{Link: Link{Latency: d}}, err
	},
}

var moreLatency = Argument{Help: "how much longer, `200ms`, `50ms..2s` or `p0=10ms p50=50ms p99=2s`", Unit: "s", Least: "1ms", Most: "1m", Default: "200ms"}
