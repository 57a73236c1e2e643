package scenarios

import (
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// Class says what a property is compared with.
type Class uint8

// The classes.
const (
	IsCount    Class = iota // a number: 6
	IsDuration              // a duration: 250ms
	IsStatus                // a job's status, a word: completed
	IsText                  // a text, only == and !=: "3.0"
	IsTruth                 // true or false
	IsSize                  // bytes: 64KiB
)

// Property is one thing of a family that can be expected.
type Property struct {
	Name  string // may end in <version> or the like: any text
	Class Class
	Share string // path of the whole that a percentage is of, in the same family and of the same id; "": none
	Help  string
}

// Family is what expectations call by one first word.
type Family struct {
	Name       string
	ID         string // what stands between the word and the property: "job", "metric", "device", or "" for nothing
	Help       string
	Properties []Property
}

// Path returns how a property is written in an expectation.
func (f Family) Path(p Property) string {
	if f.ID == "" {
		return f.Name + "." + p.Name
	}
	return f.Name + ".<" + f.ID + ">." + p.Name
}

// Families is the table of what can be expected.
var Families = []Family{
	{"job", "job", "a job of the scenario, at the end", []Property{
		{"status", IsStatus, "", "pending, scheduled, running, stopped, completed, failed or cancelled"},
		{"total", IsCount, "", "devices it is for"},
		{"succeeded", IsCount, "total", "devices that succeeded"},
		{"failed", IsCount, "total", "devices that failed"},
		{"running", IsCount, "total", "devices still being worked on"},
		{"pending", IsCount, "total", "devices not begun"},
		{"cancelled", IsCount, "total", "devices that were cancelled"},
		{"duration", IsDuration, "", "from its start to its end"},
		{"batches", IsCount, "", "its batches that have ended"},
		{"longestGap", IsDuration, "", "from the end of a batch to the start of the next one, the longest"},
		{"statusMessage", IsText, "", "as the hub says it"},
		{"failureReason", IsText, "", "as the hub says it"},
	}},
	{"schedule", "job", "the schedule of a job; one of its instances is job.\"<job> - 3\"", []Property{
		{"instances", IsCount, "", "instances it has made"},
		{"skipped", IsCount, "", "firings the hub missed and left out"},
		{"enabled", IsTruth, "", "whether it fires"},
		{"completed", IsTruth, "", "whether it will never fire again"},
		{"total", IsCount, "", "devices of all its instances that are known, those of the last 30 days"},
		{"succeeded", IsCount, "total", "of them, those that succeeded"},
		{"failed", IsCount, "total", "of them, those that failed"},
	}},
	{"metric", "metric", "a latency over all devices", []Property{
		{"count", IsCount, "", "measurements"},
		{"min", IsDuration, "", "the shortest"},
		{"mean", IsDuration, "", "the arithmetic mean"},
		{"p50", IsDuration, "", "the median"},
		{"p90", IsDuration, "", "the 90th percentile"},
		{"p99", IsDuration, "", "the 99th percentile"},
		{"p999", IsDuration, "", "the 99.9th percentile"},
		{"max", IsDuration, "", "the longest"},
		{"clamped", IsCount, "", "measurements out of the range that is kept"},
	}},
	{"device", "device", "a device, at the end", []Property{
		{"firmwareVersion", IsText, "", "the version it reported last"},
		{"firmwareUpdateState", IsCount, "", "1 idle, 2 downloading, 3 downloaded"},
		{"firmwareUpdateResult", IsCount, "", "0 to 7; 1 is success"},
		{"connected", IsTruth, "", "whether it is connected"},
		{"connects", IsCount, "", "accepted CONNECTs"},
	}},
	{"devices", "", "all devices, at the end", []Property{
		{"total", IsCount, "", "how many there are"},
		{"connected", IsCount, "total", "how many are connected"},
		{"firmwareVersion.<version>", IsCount, "total", "how many are at that version"},
		{"firmwareUpdateResult.<result>", IsCount, "total", "how many have that result, 0 to 7"},
	}},
	{"hub", "", "counters of the hub", []Property{
		{"devices", IsCount, "", "registered devices"},
		{"connected", IsCount, "devices", "connected devices"},
		{"accepted", IsCount, "", "accepted CONNECTs"},
		{"refused", IsCount, "", "refused CONNECTs"},
		{"closed", IsCount, "", "sessions that ended"},
		{"messages", IsCount, "", "messages from devices"},
		{"telemetry", IsCount, "", "telemetry messages"},
		{"reports", IsCount, "", "patches of reported properties"},
		{"twinReads", IsCount, "", "reads of twins by devices"},
		{"calls", IsCount, "", "direct methods called"},
		{"answers", IsCount, "", "and answered"},
		{"lateAnswers", IsCount, "", "answers nobody waited for any more"},
		{"callsTimedOut", IsCount, "", "calls without an answer in time"},
		{"callsOffline", IsCount, "", "calls to devices not connected"},
		{"jobsEnded", IsCount, "", "jobs that came to an end"},
		{"childrenEnded", IsCount, "", "devices' parts of jobs that came to an end"},
		{"stale", IsCount, "", "messages of a connection that was not the present one"},
		{"throttled", IsCount, "", "CONNECTs refused because too many came at once"},
		{"wills", IsCount, "", "wills published for devices that went without a word"},
		{"commandsQueued", IsCount, "", "durable commands kept for their device"},
		{"commandsDelivered", IsCount, "commandsQueued", "durable commands that devices have taken"},
		{"commandsExpired", IsCount, "commandsQueued", "durable commands given up after 24 h"},
		{"slowConsumers", IsCount, "", "connections closed because their peer did not read"},
		{"silent", IsCount, "", "connections closed because nothing was heard for too long"},
		{"flooding", IsCount, "", "live runs: connections closed because their peer said too much"},
		{"protocol", IsCount, "", "live runs: connections closed because their peer broke the protocol"},
		{"lost", IsCount, "", "connections ended from outside without DISCONNECT"},
		{"turnedAway", IsCount, "", "connections not taken because the hub was down"},
	}},
	{"packages", "", "the package server", []Property{
		{"bytesServed", IsSize, "", "of packages, manifests included"},
		{"downloads", IsCount, "", "requests that were served"},
		{"refused", IsCount, "", "requests that were answered with an error"},
	}},
	{"memory", "", "live runs: what a device costs", []Property{
		{"bytesPerDevice", IsSize, "", "of the whole process, device and hub"},
	}},
	{"generator", "", "live runs: the harness itself", []Property{
		{"lagP99", IsDuration, "", "99 % of what was due was done within this"},
		{"planned", IsCount, "", "messages that devices wanted to say"},
		{"sent", IsCount, "planned", "messages that were sent"},
		{"dropped", IsCount, "planned", "messages due and not sent"},
	}},
}

// path is a path of an expectation that was understood.
type path struct {
	full  string // as it is looked up
	class Class
	whole string // path of what a percentage is of, or ""
}

// resolve finds a path as it is written; ids and versions may be quoted. What
// it does not know it complains about at its place.
func (c *compiler) resolve(words []word, at func(w word) spot, jobsKnown bool) (path, bool) {
	families := make([]string, len(Families))
	for i := range Families {
		families[i] = Families[i].Name
	}
	if len(words) == 0 || words[0].text == "" {
		return path{}, false
	}
	var f *Family
	for i := range Families {
		if Families[i].Name == words[0].text {
			f = &Families[i]
		}
	}
	if f == nil {
		c.r.complain(at(words[0]), didYouMean(words[0].text, families), "nothing to expect is called %s", quote(words[0].text))
		return path{}, false
	}
	rest := words[1:]
	prefix := f.Name + "."
	if f.ID != "" {
		id, n := c.longest(f.Name, rest)
		if n == 0 {
			if len(rest) < 2 {
				c.r.complain(at(words[len(words)-1]), "write "+f.Path(f.Properties[0]), "the path ends before a property")
				return path{}, false
			}
			id = joinWords(rest[:len(rest)-1])
			n = len(rest) - 1
			known, sure := c.known(f.Name), true
			if f.ID == "device" {
				sure = c.complete
			} else if f.ID == "job" {
				sure = jobsKnown
			}
			if sure {
				w := rest[0]
				w.width = rest[n-1].from + rest[n-1].width - w.from
				hint := didYouMean(id, known)
				if f.ID == "device" {
					hint = nearID(id, c.troops...)
				}
				c.r.complain(at(w), hint, "no %s %s", f.Name, quote(id))
				return path{}, false
			}
		}
		prefix += id + "."
		rest = rest[n:]
	}
	if len(rest) == 0 {
		c.r.complain(at(words[len(words)-1]), "properties: "+joined(propertyList(f), 20), "the path ends before a property")
		return path{}, false
	}
	name := joinWords(rest)
	for _, p := range f.Properties {
		head, _, free := strings.Cut(p.Name, "<")
		if p.Name != name && !(free && strings.HasPrefix(name, head) && len(name) > len(head)) {
			continue
		}
		found := path{full: prefix + name, class: p.Class}
		if p.Share != "" {
			found.whole = prefix + p.Share
		}
		return found, true
	}
	w := rest[0]
	w.width = rest[len(rest)-1].from + rest[len(rest)-1].width - w.from
	c.r.complain(at(w), didYouMean(name, propertyList(f)), "%s has no property %s", f.Name, quote(name))
	return path{}, false
}

func propertyList(f *Family) []string {
	names := make([]string, len(f.Properties))
	for i, p := range f.Properties {
		names[i] = p.Name
	}
	return names
}

// longest returns the longest id at the beginning of the words that there is,
// and how many words it takes: ids may have dots.
func (c *compiler) longest(what string, words []word) (id string, n int) {
	for n := len(words) - 1; n > 0; n-- {
		id := joinWords(words[:n])
		switch what {
		case "device":
			if c.deviceNamed(id) {
				return id, n
			}
		case "job":
			if c.instanceOf(id) {
				return id, n
			}
			fallthrough
		default:
			for _, k := range c.known(what) {
				if k == id {
					return id, n
				}
			}
		}
	}
	return "", 0
}

// known lists the ids of jobs or metrics.
func (c *compiler) known(what string) []string {
	switch what {
	case "job":
		names := c.jobNames()
		for _, step := range c.plan.Steps { // the jobs that steps make
			if step.Verb == rerun.Name || step.Verb == duplicate.Name {
				for _, name := range c.jobNames() {
					names = append(names, name+"-"+step.Verb)
				}
			}
		}
		return names
	case "schedule":
		var names []string
		for i := range c.plan.Jobs {
			if j := &c.plan.Jobs[i]; j.Schedule != nil {
				names = append(names, j.ID)
			}
		}
		return names
	case "metric":
		var names []string
		for _, m := range sim.Metrics {
			if m.Name != "" {
				names = append(names, m.Name)
			}
		}
		return names
	}
	return nil
}

// statusNames are the words a job's status can be expected to be.
func statusNames() []string {
	var names []string
	for _, s := range [...]job.Status{job.Pending, job.Scheduled, job.Running, job.Stopped, job.Completed, job.Failed, job.Cancelled} {
		names = append(names, s.String())
	}
	return names
}
