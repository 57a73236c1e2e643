package record

import (
	"math/big"
	"strconv"
	"strings"
	"time"
)

// Value is a number or a word found in a summary. A number is its exact
// decimal text, so that who compares loses nothing.
type Value struct {
	Text string
	Word bool // not a number: a state, a version, a sentence
}

// Rat returns the number, nil for a word.
func (v Value) Rat() *big.Rat {
	if v.Word {
		return nil
	}
	r, _ := new(big.Rat).SetString(v.Text)
	return r
}

func number(n int64) (Value, bool)    { return Value{Text: strconv.FormatInt(n, 10)}, true }
func decimal(f float64) (Value, bool) { return Value{Text: strconv.FormatFloat(f, 'f', -1, 64)}, true }
func word(s string) (Value, bool)     { return Value{Text: s, Word: true}, true }
func reported(s string) (Value, bool) { return Value{Text: s, Word: true}, s != "" }
func missing() (Value, bool)          { return Value{}, false }
func truth(b bool) (Value, bool)      { return word(strconv.FormatBool(b)) }
func counted(n int64, in bool) (Value, bool) {
	if !in {
		return missing()
	}
	return number(n)
}

// Path is a place in a summary that expectations can name. One word of its
// pattern may be in angle brackets: it stands for a name, which may itself
// contain dots.
type Path struct {
	Pattern string
	Unit    string // "": a plain count, "word": compared by equality, "ns", "bytes", "1/s"
	Help    string
	find    func(s *Summary, name string) (Value, bool)
}

// Paths is the one table of what expectations can name.
var Paths = [...]Path{
	{"job.<job>.status", "word", "state of the job: pending, scheduled, running, stopped, completed, failed, cancelled",
		ofJob(func(j *Job) (Value, bool) { return word(j.Status) })},
	{"job.<job>.duration", "ns", "from the job's start to its end; none while it has not ended", ofJob((*Job).duration)},
	{"job.<job>.batches", "", "batches of the job that ended; none of a job without batches", ofBatches(func(b *JobBatches) int64 { return int64(b.Ended) })},
	{"job.<job>.longestGap", "ns", "from the end of a batch to the start of the next one, the longest", ofBatches(func(b *JobBatches) int64 { return b.GapMaxNs })},
	{"job.<job>.statusMessage", "word", "the job's counts in words", ofJob(func(j *Job) (Value, bool) { return word(j.StatusMessage) })},
	{"job.<job>.failureReason", "word", "why the job failed, empty if it did not", ofJob(func(j *Job) (Value, bool) { return word(j.FailureReason) })},
	{"job.<job>.total", "", "devices of the job", ofCount(func(d *JobDevices) int { return d.Total })},
	{"job.<job>.succeeded", "", "devices that completed it", ofCount(func(d *JobDevices) int { return d.Succeeded })},
	{"job.<job>.failed", "", "devices that failed it", ofCount(func(d *JobDevices) int { return d.Failed })},
	{"job.<job>.running", "", "devices still at it", ofCount(func(d *JobDevices) int { return d.Running })},
	{"job.<job>.pending", "", "devices that have not begun it", ofCount(func(d *JobDevices) int { return d.Pending })},
	{"job.<job>.cancelled", "", "devices taken out of it", ofCount(func(d *JobDevices) int { return d.Cancelled })},

	{"schedule.<job>.instances", "", "instances the schedule of the job has made", ofSchedule(func(x *Schedule) (Value, bool) { return number(int64(x.Instances)) })},
	{"schedule.<job>.skipped", "", "firings the hub missed and left out", ofSchedule(func(x *Schedule) (Value, bool) { return number(int64(x.Skipped)) })},
	{"schedule.<job>.enabled", "word", "true or false: it fires", ofSchedule(func(x *Schedule) (Value, bool) { return truth(x.Enabled) })},
	{"schedule.<job>.completed", "word", "true or false: it will never fire again", ofSchedule(func(x *Schedule) (Value, bool) { return truth(x.Completed) })},
	{"schedule.<job>.total", "", "devices of its instances", ofSchedule(func(x *Schedule) (Value, bool) { return number(int64(x.Devices.Total)) })},
	{"schedule.<job>.succeeded", "", "devices of its instances that succeeded", ofSchedule(func(x *Schedule) (Value, bool) { return number(int64(x.Devices.Succeeded)) })},
	{"schedule.<job>.failed", "", "devices of its instances that failed", ofSchedule(func(x *Schedule) (Value, bool) { return number(int64(x.Devices.Failed)) })},

	{"metric.<metric>.count", "", "how many values were measured", ofMetric(func(m *Metric) int64 { return m.Count })},
	{"metric.<metric>.min", "ns", "smallest value, exact", ofMetric(func(m *Metric) int64 { return m.Min })},
	{"metric.<metric>.mean", "ns", "mean, exact", ofMetric(func(m *Metric) int64 { return m.Mean })},
	{"metric.<metric>.p50", "ns", "half of the values are not above it", ofMetric(func(m *Metric) int64 { return m.P50 })},
	{"metric.<metric>.p90", "ns", "90 % of the values are not above it", ofMetric(func(m *Metric) int64 { return m.P90 })},
	{"metric.<metric>.p99", "ns", "99 % of the values are not above it", ofMetric(func(m *Metric) int64 { return m.P99 })},
	{"metric.<metric>.p999", "ns", "99.9 % of the values are not above it", ofMetric(func(m *Metric) int64 { return m.P999 })},
	{"metric.<metric>.max", "ns", "largest value, exact", ofMetric(func(m *Metric) int64 { return m.Max })},
	{"metric.<metric>.clamped", "", "values outside of the range", ofMetric(func(m *Metric) int64 { return m.Clamped })},

	{"devices.total", "", "devices of the fleet", func(s *Summary, _ string) (Value, bool) { return number(int64(s.Devices.Total)) }},
	{"devices.connected", "", "devices connected at the end", func(s *Summary, _ string) (Value, bool) { return number(int64(s.Devices.Connected)) }},
	{"devices.firmwareVersion.<version>", "", "devices running that version at the end", func(s *Summary, v string) (Value, bool) {
		return counted(int64(s.Devices.FirmwareVersions[v]), s.Devices.FirmwareVersions != nil)
	}},
	{"devices.firmwareUpdateResult.<result>", "", "devices with that update result (0 to 7) at the end", func(s *Summary, v string) (Value, bool) {
		return counted(int64(s.Devices.UpdateResults[v]), s.Devices.UpdateResults != nil)
	}},

	{"device.<device>.firmwareVersion", "word", "version the device runs at the end", ofDevice(func(d *DeviceRow) (Value, bool) { return reported(d.FirmwareVersion) })},
	{"device.<device>.firmwareUpdateState", "", "its update state (1 to 3) at the end", ofDevice(func(d *DeviceRow) (Value, bool) { return digits(d.FirmwareUpdateState) })},
	{"device.<device>.firmwareUpdateResult", "", "its update result (0 to 7) at the end", ofDevice(func(d *DeviceRow) (Value, bool) { return digits(d.FirmwareUpdateResult) })},
	{"device.<device>.connected", "word", "true or false: connected at the end", ofDevice(func(d *DeviceRow) (Value, bool) { return truth(d.Connected) })},
	{"device.<device>.connects", "", "how many CONNECTs of it were accepted", ofDevice(func(d *DeviceRow) (Value, bool) { return number(d.Connects) })},

	{"hub.<counter>", "", "a counter of the hub, such as accepted, refused, calls", func(s *Summary, name string) (Value, bool) {
		n, ok := s.Hub[name]
		return counted(n, ok)
	}},
	{"packages.bytesServed", "bytes", "bytes the package server sent", func(s *Summary, _ string) (Value, bool) { return number(s.Packages.BytesServed) }},
	{"packages.downloads", "", "requests it answered with bytes", func(s *Summary, _ string) (Value, bool) { return number(s.Packages.Downloads) }},
	{"packages.refused", "", "requests it answered with an error", func(s *Summary, _ string) (Value, bool) { return number(s.Packages.Refused) }},

	{"rates.connectsPerSecond", "1/s", "devices connected for the first time per second", func(s *Summary, _ string) (Value, bool) { return decimal(s.Rates.ConnectsPerSecond) }},
	{"rates.deviceJobsPerSecond", "1/s", "devices' parts of jobs ended per second", func(s *Summary, _ string) (Value, bool) { return decimal(s.Rates.DeviceJobsPerSecond) }},
	{"memory.bytesPerDevice", "bytes", "cost of a device in a live run", ofLive(func(s *Summary) (Value, bool) { return number(s.Memory.BytesPerDevice) })},
	{"generator.lagP99", "ns", "live: 99 % of what was due was done within this", ofLive(func(s *Summary) (Value, bool) { return number(s.Generator.LagP99) })},
	{"generator.planned", "", "live: messages that devices wanted to say", ofLive(func(s *Summary) (Value, bool) { return number(s.Generator.Planned) })},
	{"generator.sent", "", "live: messages of these that were sent", ofLive(func(s *Summary) (Value, bool) { return number(s.Generator.Sent) })},
	{"generator.dropped", "", "live: messages of these that were not sent", ofLive(func(s *Summary) (Value, bool) { return number(s.Generator.Dropped) })},
	{"events.dropped", "", "events left out of the timeline", func(s *Summary, _ string) (Value, bool) { return number(s.Events.Dropped) }},
}

// Lookup finds the value at a path of Paths and its unit. It is not ok if no
// such path exists, or there is no data at it: a metric never measured, a job
// never submitted, a device's row in a summary that was read from a file.
func (s *Summary) Lookup(path string) (v Value, unit string, ok bool) {
	p, name := PathOf(path)
	if p == nil {
		return Value{}, "", false
	}
	v, ok = p.find(s, name)
	return v, p.Unit, ok
}

// PathOf returns the row of Paths that a path belongs to and the name at its
// brackets, nil if there is none. Whether the name exists is not asked.
func PathOf(path string) (p *Path, name string) {
	for i := range Paths {
		before, rest, named := strings.Cut(Paths[i].Pattern, "<")
		if !named {
			if path == before {
				return &Paths[i], ""
			}
			continue
		}
		_, after, _ := strings.Cut(rest, ">")
		if len(path) > len(before)+len(after) && strings.HasPrefix(path, before) && strings.HasSuffix(path, after) {
			return &Paths[i], path[len(before) : len(path)-len(after)]
		}
	}
	return nil, ""
}

func ofJob(f func(*Job) (Value, bool)) func(*Summary, string) (Value, bool) {
	return func(s *Summary, id string) (Value, bool) {
		for i := range s.Jobs {
			if j := &s.Jobs[i]; j.ParentID == "" && (j.ID == id || j.Label() == id) {
				return f(j)
			}
		}
		return missing()
	}
}

func ofBatches(f func(*JobBatches) int64) func(*Summary, string) (Value, bool) {
	return ofJob(func(j *Job) (Value, bool) {
		if j.Batches == nil {
			return missing()
		}
		return number(f(j.Batches))
	})
}

func ofSchedule(f func(*Schedule) (Value, bool)) func(*Summary, string) (Value, bool) {
	return func(s *Summary, id string) (Value, bool) {
		for i := range s.Schedules {
			if s.Schedules[i].ID == id {
				return f(&s.Schedules[i])
			}
		}
		return missing()
	}
}

func ofCount(f func(*JobDevices) int) func(*Summary, string) (Value, bool) {
	return ofJob(func(j *Job) (Value, bool) {
		if j.Devices == nil {
			return missing()
		}
		return number(int64(f(j.Devices)))
	})
}

func ofMetric(f func(*Metric) int64) func(*Summary, string) (Value, bool) {
	return func(s *Summary, name string) (Value, bool) {
		m, ok := s.Metrics[name]
		return counted(f(&m), ok && m.Count > 0)
	}
}

func ofDevice(f func(*DeviceRow) (Value, bool)) func(*Summary, string) (Value, bool) {
	return func(s *Summary, id string) (Value, bool) {
		for i := range s.Rows {
			if string(s.Rows[i].ID) == id {
				return f(&s.Rows[i])
			}
		}
		return missing()
	}
}

// ofLive: a virtual run measures neither memory nor its generator.
func ofLive(f func(*Summary) (Value, bool)) func(*Summary, string) (Value, bool) {
	return func(s *Summary, _ string) (Value, bool) {
		if s.Kind != Live {
			return missing()
		}
		return f(s)
	}
}

// digits is a number that a device reported as text.
func digits(s string) (Value, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return counted(n, err == nil)
}

// Took returns how long the job lasted; not ok while it has not ended.
func (j *Job) Took() (d time.Duration, ok bool) {
	start, err1 := time.Parse(time.RFC3339Nano, j.Start)
	end, err2 := time.Parse(time.RFC3339Nano, j.End)
	return end.Sub(start), err1 == nil && err2 == nil
}

func (j *Job) duration() (Value, bool) {
	d, ok := j.Took()
	return counted(int64(d), ok)
}
