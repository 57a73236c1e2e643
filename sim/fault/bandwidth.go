package fault

import "fmt"

// bandwidth: a modem.
var bandwidth = Recipe{
	Name:       "bandwidth",
	Help:       "so many bytes a second pass between the device and its hub, each way; 64 KiB wait for it, then who sends has to",
	Observable: "telemetry_ack grows with the size of what is said; what a device says beyond the rate is dropped in front of its queue and counted",
	Argument:   linkRate,
	Build: func(arg string) (Conditions, error) {
		if arg == "" {
			arg = linkRate.Default
		}
		n, err := byteRate(arg)
		if err == nil && (n < 100 || n > 1e9) {
			err = fmt.Errorf("%q is out of range; from %s to %s", arg, linkRate.Least, linkRate.Most)
		}
		if err != nil {
			return Conditions{}, err
		}
		return Conditions{Link: Link{Rate: n}}, nil
	},
}

var linkRate = Argument{Help: "how many bytes a second", Unit: "B/s", Least: "100B/s", Most: "1000MB/s", Default: "10KB/s"}
