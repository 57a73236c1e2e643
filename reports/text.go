package reports

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/harness/record"
)

// Text writes what a terminal shows at the end of a run, from the general to
// the outcome: what ran, jobs (children by start, their parent last), metrics,
// counters, devices, expectations, warnings, and in the last lines whether it
// succeeded.
func Text(w io.Writer, s *record.Summary, o Options) error {
	p := page{s: s, o: o}
	p.title()
	p.jobs()
	p.grid("BATCHES", "one begins when the one before it has ended", p.batches())
	p.grid("SCHEDULES", "instances are the jobs they made", p.schedules())
	p.metrics()
	p.counters()
	p.devices()
	p.expectations()
	p.warnings()
	p.outcome()
	_, err := io.WriteString(w, p.b.String())
	return err
}

// page is a text report as it is written.
type page struct {
	s *record.Summary
	o Options
	b strings.Builder
}

// grid writes a table under its heading, nothing if it is empty.
func (p *page) grid(name, about string, g grid) {
	if len(g.Rows) == 0 {
		return
	}
	p.heading(name, about)
	t := table{indent: "  "}
	head := make([]string, len(g.Head))
	for i, h := range g.Head {
		head[i] = strings.ToUpper(h)
		t.right = append(t.right, i >= g.Right)
	}
	t.head(head...)
	for _, r := range g.Rows {
		t.add(r...)
	}
	t.append(&p.b, p.o)
}

// line writes one line; the format's arguments must be clean.
func (p *page) line(format string, args ...any) {
	fmt.Fprintf(&p.b, format+"\n", args...)
}

func (p *page) heading(name, about string) {
	p.line("")
	name = bold.on(name, p.o)
	if about != "" {
		name += "  " + dim.on(about, p.o)
	}
	p.line("%s", name)
}

func (p *page) clean(text string) string { return clean(text, p.o) }

func (p *page) duration(d time.Duration) string { return Duration(d, p.o) }

func (p *page) title() {
	s := p.s
	name := bold.on(p.clean(s.Scenario), p.o)
	if s.About != "" {
		name += ": " + p.clean(s.About)
	}
	p.line("%s", name)
	if s.Kind == record.Virtual {
		p.line("%s: the numbers below say what the policy does, not how fast anything is", yellow.on("VIRTUAL TIME", p.o))
	} else {
		var how []string
		for _, h := range []string{s.Transport, s.DeviceClient} {
			if h != "" {
				how = append(how, p.clean(h))
			}
		}
		text := "real connections in real time"
		if len(how) > 0 {
			text += " (" + strings.Join(how, ", ") + ")"
		}
		p.line("%s: %s", green.on("LIVE", p.o), text)
	}
	facts := []string{Plural(int64(s.Devices.Total), "device"), fmt.Sprintf("seed %d", s.Seed)}
	wall := p.duration(time.Duration(s.WallSeconds * float64(time.Second)))
	if d, ok := between(s.Start, s.End); ok && s.Kind == record.Virtual {
		facts = append(facts, p.duration(d)+" played in "+wall)
	} else {
		facts = append(facts, "took "+wall)
	}
	if s.Digest != "" {
		facts = append(facts, "digest "+p.clean(s.Digest))
	}
	p.line("%s", strings.Join(facts, ", "))
	if v := s.Versions; v != (record.Versions{}) {
		p.line("flotilla %s, %s, %s/%s, %s", p.clean(v.Flotilla), p.clean(v.Go), p.clean(v.OS), p.clean(v.Arch), Plural(int64(v.CPUs), "CPU"))
	}
	for _, f := range s.Faults {
		p.line("%s %s on %s", yellow.on("fault", p.o), p.clean(f.Fault), befallen(f, p.clean))
	}
}

func (p *page) metrics() {
	about := "from the planned instant, so waiting counts"
	if p.s.Kind == record.Virtual {
		about = "virtual time: policy, not performance"
	}
	if len(p.s.Metrics) == 0 {
		return
	}
	p.heading("METRICS", about)
	t := table{indent: "  ", right: []bool{false, true, true, true, true, true, true, true, true}}
	t.head("METRIC", "COUNT", "MIN", "MEAN", "P50", "P90", "P99", "P99.9", "MAX")
	add := func(name string, m record.Metric) {
		cells := []string{p.clean(name), Count(m.Count)}
		for _, v := range []int64{m.Min, m.Mean, m.P50, m.P90, m.P99, m.P999, m.Max} {
			cells = append(cells, quantity(v, m.Unit, p.o))
		}
		t.add(cells...)
	}
	for _, name := range metricNames(p.s) {
		add(name, p.s.Metrics[name])
	}
	t.append(&p.b, p.o)
	var rates []string
	if r := p.s.Rates.ConnectsPerSecond; r > 0 {
		rates = append(rates, significant(r)+" first connects/s")
	}
	if r := p.s.Rates.DeviceJobsPerSecond; r > 0 {
		rates = append(rates, significant(r)+" device jobs/s")
	}
	if len(rates) > 0 {
		p.line("  %s", strings.Join(rates, ", "))
	}
}

// counters: what the hub and the package server counted themselves, and
// whether the harness kept up.
func (p *page) counters() {
	s := p.s
	t := table{indent: "  "}
	var hub []string
	for _, name := range sorted(s.Hub) {
		if n := s.Hub[name]; n != 0 {
			hub = append(hub, p.clean(name)+" "+Count(n))
		}
	}
	if len(hub) > 0 {
		// A line of the terminal holds about six counters.
		for i := 0; i < len(hub); i += 6 {
			name := ""
			if i == 0 {
				name = "hub"
			}
			t.add(name, strings.Join(hub[i:min(i+6, len(hub))], ", "))
		}
	}
	if k := s.Packages; k != (record.Packages{}) {
		t.add("packages", fmt.Sprintf("%s, %s sent, %s refused", Plural(k.Downloads, "download"), Bytes(k.BytesServed), Count(k.Refused)))
	}
	if g := s.Generator; s.Kind == record.Live && g != (record.Generator{}) {
		queue := Count(g.HubQueue) + " (hub), "
		if s.Hub == nil { // another hub, which does not tell
			queue = ""
		}
		t.add("harness", fmt.Sprintf("late p50 %s, p99 %s, max %s; %s sent, %s dropped; queues at most %s%s (device)",
			p.duration(time.Duration(g.LagP50)), p.duration(time.Duration(g.LagP99)), p.duration(time.Duration(g.LagMax)),
			Count(g.Sent), Count(g.Dropped), queue, Count(g.DeviceQueue)))
	}
	if m := s.Memory; s.Kind == record.Live && m.BytesPerDevice > 0 {
		t.add("memory", fmt.Sprintf("%s a device, both ends; peak %s", Bytes(m.BytesPerDevice), Bytes(m.PeakBytes)))
	}
	if len(t.rows) == 0 {
		return
	}
	p.heading("COUNTERS", "as hub, package server and harness counted")
	t.append(&p.b, p.o)
}

// updateResults are the meanings of the firmware update results. [OMA LwM2M
// 1.0: object 5, resource 5 "Update Result"]
var updateResults = map[string]string{
	"0": "none yet", "1": "success", "2": "not enough storage", "3": "out of memory", "4": "connection lost",
	"5": "CRC check failure", "6": "unsupported package type", "7": "invalid URI",
}

func (p *page) devices() {
	d := p.s.Devices
	if d.Total == 0 {
		return
	}
	p.heading("DEVICES", "at the end of the run")
	p.line("  %s of %s connected", Count(int64(d.Connected)), Count(int64(d.Total)))
	const shown = 10
	t := table{indent: "  ", right: []bool{false, true}}
	list := func(name string, counts map[string]int, about func(string) string) {
		keys := sorted(counts)
		slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(counts[b], counts[a]) })
		for i, k := range keys {
			if i == shown {
				t.note(fmt.Sprintf("%s: %d more", name, len(keys)-shown))
				return
			}
			t.add(name+" "+p.clean(k), Count(int64(counts[k])), about(k))
		}
	}
	list("firmware", d.FirmwareVersions, func(string) string { return "" })
	list("update result", d.UpdateResults, func(k string) string { return updateResults[k] })
	t.append(&p.b, p.o)
}

func (p *page) expectations() {
	if len(p.s.Expectations) == 0 {
		return
	}
	good, bad := "✓", "✗"
	if p.o.ASCII {
		good, bad = "ok", "MISSED"
	}
	p.heading("EXPECTATIONS", "")
	t := table{indent: "  "}
	for _, e := range p.s.Expectations {
		found := "no data"
		if e.Value != "" {
			found = "is " + p.clean(e.Value)
		}
		if e.Passed {
			t.paint(green, 0, good, p.clean(e.Expression), found)
			continue
		}
		where := p.clean(e.Source)
		if e.Reason != "" {
			where = strings.TrimPrefix(where+": ", ": ") + p.clean(e.Reason)
		}
		t.paint(red, 0, bad, p.clean(e.Expression), found, where)
	}
	t.append(&p.b, p.o)
}

func (p *page) warnings() {
	if len(p.s.Warnings) == 0 {
		return
	}
	p.heading("WARNINGS", "")
	for _, w := range p.s.Warnings {
		p.line("  %s %s", yellow.on("!", p.o), p.clean(w))
	}
}

func (p *page) outcome() {
	s := p.s
	name := p.clean(s.Scenario)
	p.line("")
	switch s.Verdict {
	case record.Passed:
		p.line("%s", green.on(name+" succeeded.", p.o))
	case record.Failed:
		p.line("%s", red.on(fmt.Sprintf("%s failed: %d of %s missed.", name, p.missed(), Plural(int64(len(s.Expectations)), "expectation")), p.o))
	case record.Void:
		p.line("%s", red.on(name+" is void: "+cmp.Or(p.clean(s.VoidReason), "no reason given"), p.o))
	default:
		p.line("%s", yellow.on(name+" was interrupted"+p.unfinished()+".", p.o))
	}
	p.line("\tStart time (UTC): %s", cmp.Or(p.clean(s.Start), "-"))
	p.line("\tEnd time (UTC): %s", cmp.Or(p.clean(s.End), "-"))
}

// unfinished says how much of an interrupted run's jobs had not ended.
func (p *page) unfinished() string {
	jobs, devices := 0, 0
	for i := range p.s.Jobs {
		j := &p.s.Jobs[i]
		if j.ParentID == "" && j.End == "" {
			jobs++
			if d := j.Devices; d != nil {
				devices += d.Running + d.Pending
			}
		}
	}
	switch {
	case jobs == 0:
		return ""
	case devices == 0:
		return ": " + Plural(int64(jobs), "job") + " had not ended"
	}
	return fmt.Sprintf(": %s had not ended on %s", Plural(int64(jobs), "job"), Plural(int64(devices), "device"))
}

// between is the time from one instant of a summary to another.
func between(from, to string) (time.Duration, bool) {
	a, err1 := time.Parse(time.RFC3339Nano, from)
	b, err2 := time.Parse(time.RFC3339Nano, to)
	return b.Sub(a), err1 == nil && err2 == nil
}

// sorted returns a map's keys in order.
func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
