package reports

import (
	"time"

	"github.com/flotilla-sim/flotilla/harness/record"
)

// slow is one of the slowest devices and where its time went.
type slow struct {
	Device string
	Took   string
	Jobs   string // how many parts of jobs it had
	Failed bool   // one of them failed
	Parts  []share
}

// share is a part of a device's time.
type share struct {
	Name, Class, Time string
	Width             string // percent of the longest device's time
}

// shareNames are the parts that a device's time is cut into, in order, with
// their class.
var shareNames = [...]struct{ name, class, about string }{
	{"download", "downloading", "the package, resumes included"},
	{"apply", "applying", "flash and restart, without the reboot"},
	{"reboot", "rebooting", "down, booting, connecting"},
	{"rest", "rest", "waiting, messages, everything else"},
}

// slowDevices draws the slowest devices, all to one scale.
func slowDevices(s *record.Summary) []slow {
	longest := int64(1)
	for i := range s.Slowest {
		longest = max(longest, s.Slowest[i].Took)
	}
	failed := make(map[string]bool)
	for i := range s.Jobs {
		if j := &s.Jobs[i]; j.ParentID != "" && j.Status == "failed" {
			failed[j.DeviceID] = true
		}
	}
	var list []slow
	for i := range s.Slowest {
		d := &s.Slowest[i]
		v := slow{Device: clean(d.Device, Options{}), Took: Duration(time.Duration(d.Took), Options{}), Jobs: Count(d.Parts), Failed: failed[d.Device]}
		rest := max(0, d.Took-d.Download-d.Apply-d.Reboot)
		for k, ns := range [len(shareNames)]int64{d.Download, d.Apply, d.Reboot, rest} {
			n := shareNames[k]
			v.Parts = append(v.Parts, share{n.name, n.class, Duration(time.Duration(ns), Options{}), decimal(float64(ns) / float64(longest) * 100)})
		}
		list = append(list, v)
	}
	return list
}
