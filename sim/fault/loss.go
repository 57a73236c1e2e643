package fault

// loss: a bad radio link, as those above TCP see it.
var loss = Recipe{
	Name:       "loss",
	Help:       "segments are lost and sent again: after 200 ms, then twice that and so on, and what was said later waits for them; 8 losses in a row end the connection",
	Observable: "the tail of telemetry_ack and twin_round_trip moves by 200 ms and more while p50 stays; nothing is missing",
	Argument:   lossPart,
	Build: func(arg string) (Conditions, error) {
		if arg == "" {
			arg = lossPart.Default
		}
		n, err := perMille(arg)
		return Conditions{Link: Link{Loss: n}}, err
	},
}

var lossPart = Argument{Help: "how many of the segments", Unit: "%", Least: "0.1%", Most: "99.9%", Default: "5%"}
