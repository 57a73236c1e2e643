package fault

import (
	"fmt"
	"strconv"
	"strings"
)

// The faults of a package server towards a device.

// slowDownload: the last mile.
var slowDownload = Recipe{
	Name:       "slow-download",
	Help:       "its downloads get so many bytes a second at most",
	Observable: "download takes the package's length divided by the rate; the update succeeds",
	Argument:   downloadRate,
	Build: func(arg string) (Conditions, error) {
		if arg == "" {
			arg = downloadRate.Default
		}
		n, err := byteRate(arg)
		if err == nil && (n < 100 || n > 1e9) {
			err = fmt.Errorf("%q is out of range; from %s to %s", arg, downloadRate.Least, downloadRate.Most)
		}
		if err != nil {
			return Conditions{}, err
		}
		return Conditions{Download: Download{Rate: n}}, nil
	},
}

var downloadRate = Argument{Help: "how many bytes a second", Unit: "B/s", Least: "100B/s", Most: "1000MB/s", Default: "64KiB/s"}

// missingPackage: a package that was taken down.
var missingPackage = Recipe{
	Name:       "missing-package",
	Help:       "the package server knows no package when this device asks: 404",
	Observable: "the device ends with result 7 at once and keeps its version",
	Build: func(string) (Conditions, error) {
		return Conditions{Download: Download{Status: 404, Refusals: Forever}}, nil
	},
}

// serverError: a package server behind a proxy that has lost it.
var serverError = Recipe{
	Name:       "server-error",
	Help:       "the package server answers this device with an error, so many times for each package or always",
	Observable: "the device tries again with growing pauses; refused requests are counted; after 5 in vain it ends with result 4",
	Argument: Argument{
		Help: "how many times, or `always`; behind `@` the status, 500 to 599, default 503",
		Unit: "x", Least: "1x@500", Most: "always@599", Default: "2x",
	},
	Build: func(arg string) (Conditions, error) {
		if arg == "" {
			arg = "2x"
		}
		count, text, given := strings.Cut(arg, "@")
		d := Download{Status: 503, Refusals: Forever}
		if count != "always" {
			n, err := times(count, errorTimes)
			if err != nil {
				return Conditions{}, err
			}
			d.Refusals = int(n)
		}
		if given {
			n, err := strconv.ParseInt(text, 10, 32)
			if err != nil || n < 500 || n > 599 {
				return Conditions{}, fmt.Errorf("%q is no status of a server's error; from 500 to 599", text)
			}
			d.Status = int32(n)
		}
		return Conditions{Download: d}, nil
	},
}

var errorTimes = Argument{Least: "1x", Most: "1000x", Default: "2x"}
