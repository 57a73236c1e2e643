package fault

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// duration reads the argument of a recipe that takes a duration; "" is its
// default.
func duration(arg string, a Argument) (time.Duration, error) {
	if arg == "" {
		arg = a.Default
	}
	d, err := time.ParseDuration(arg)
	if _, number := strconv.ParseFloat(arg, 64); number == nil {
		return 0, fmt.Errorf("%q has no unit; write `%ss` or `%sms`", arg, arg, arg)
	}
	if err != nil {
		return 0, fmt.Errorf("%q is no duration; write `2s` or `500ms`", arg)
	}
	return d, within(d, arg, a)
}

// within holds a duration against the bounds of an argument.
func within(d time.Duration, arg string, a Argument) error {
	least, err1 := time.ParseDuration(a.Least)
	most, err2 := time.ParseDuration(a.Most)
	if err1 != nil || err2 != nil {
		panic("fault: bounds of an argument are no durations: " + a.Least + ", " + a.Most)
	}
	if d < least || d > most {
		return fmt.Errorf("%q is out of range; from %s to %s", arg, a.Least, a.Most)
	}
	return nil
}

// distribution reads an argument that may vary, and returns its text.
func distribution(arg string, a Argument) (string, error) {
	if !strings.Contains(arg, "..") && !strings.Contains(arg, "=") {
		d, err := duration(arg, a)
		return d.String(), err
	}
	d, err := sim.ParseDist(arg)
	if err != nil {
		return "", err
	}
	return d.String(), within(d.Max(), arg, a)
}

// byteUnits are the units of a rate of bytes, longest names first.
var byteUnits = [...]struct {
	name  string
	bytes int64
}{{"KiB/s", 1 << 10}, {"MiB/s", 1 << 20}, {"KB/s", 1e3}, {"kB/s", 1e3}, {"MB/s", 1e6}, {"B/s", 1}}

// byteRate reads whole bytes a second with a unit.
func byteRate(arg string) (int64, error) {
	for _, u := range byteUnits {
		text, ok := strings.CutSuffix(arg, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("%q is no rate; write whole bytes a second: `500B/s`, `10KB/s`, `64KiB/s` or `1MB/s`", arg)
		}
		return n * u.bytes, nil
	}
	if _, number := strconv.ParseFloat(strings.TrimSuffix(arg, "/s"), 64); number == nil {
		number := strings.TrimSuffix(arg, "/s")
		return 0, fmt.Errorf("%q has no unit; write `%sB/s` or `%sKB/s`", arg, number, number)
	}
	return 0, fmt.Errorf("%q is no rate; write whole bytes a second: `500B/s`, `10KB/s`, `64KiB/s` or `1MB/s`", arg)
}
