package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/harness/record"
)

// sheet is what a page says: texts, ready to be put down. Every text of the
// run is clean.
type sheet struct {
	Title, About         string
	Live                 bool
	When                 string // when it began, and its seed
	How                  string // live: transport and client
	Verdict              string // class: passed, failed, void, interrupted
	Mark, Outcome, Why   string
	Facts                []fact
	Faults, Warnings     []string
	Expectations         []expected
	Jobs                 []jobRow
	Batches, Schedules   grid
	Omitted              string
	Campaign             []*areas
	Latency              *curves
	Metrics              []metricRow
	Shares               []share // legend of Slowest
	Slowest              []slow
	Failures             []failureRow
	Firmware, Results    []count
	Harness, Hub, Played []fact
	Kept                 string // how well the harness kept to its plan
	Settings             []string
	SourceName, Source   string
}

type fact struct{ Name, Value, Note string }

type expected struct {
	Passed            bool
	Expression, Found string
	Source, Reason    string
}

type metricRow struct {
	Name, About string
	Values      []string
}

type failureRow struct {
	Count, Job, Reason string
	Devices            []string
	More               string
}

type count struct {
	Name, Note, Count, Width string
}

// jobRow is a job with its children.
type jobRow struct {
	ID, Type, Status, Class, Mark string
	Began, Took, Message          string
	Failed                        string // how many devices, empty if none
	Segments                      []segment
	Open                          bool
	Reasons                       bool // one of the children has one
	Children                      []childRow
	Rest                          string
}

// segment is the part of a job's devices that is in one state.
type segment struct{ State, Count, Width string }

type childRow struct {
	Device, Status, Mark, Began, Took, Reason, ID string
}

func newSheet(s *record.Summary) *sheet {
	p := page{s: s}
	h := &sheet{
		Title: p.clean(s.Scenario), About: p.clean(s.About), Live: s.Kind == record.Live,
		Campaign: campaignCharts(s.Campaign), Latency: newCurves(s), Slowest: slowDevices(s),
		SourceName: p.clean(s.Source.Name), Source: lines(s.Source.Text),
	}
	var how []string
	for _, t := range []string{s.Transport, s.DeviceClient} {
		if t != "" {
			how = append(how, p.clean(t))
		}
	}
	h.How = strings.Join(how, ", ")
	if began, err := time.Parse(time.RFC3339Nano, s.Start); err == nil {
		h.When = began.Format("2006-01-02 15:04:05") + " UTC, "
	}
	h.When += fmt.Sprintf("seed %d", s.Seed)
	p.verdict(h)
	p.facts(h)
	for _, f := range s.Faults {
		h.Faults = append(h.Faults, fmt.Sprintf("%s on %s", p.clean(f.Fault), befallen(f, p.clean)))
	}
	for _, w := range s.Warnings {
		h.Warnings = append(h.Warnings, p.clean(w))
	}
	for _, e := range s.Expectations {
		h.Expectations = append(h.Expectations, expected{e.Passed, p.clean(e.Expression), cmp.Or(p.clean(e.Value), "no data"), p.clean(e.Source), p.clean(e.Reason)})
	}
	slices.SortStableFunc(h.Expectations, func(a, b expected) int { return cmp.Compare(truth(a.Passed), truth(b.Passed)) })
	p.sheetJobs(h)
	h.Batches, h.Schedules = p.batches(), p.schedules()
	for _, name := range metricNames(s) {
		m := s.Metrics[name]
		row := metricRow{Name: p.clean(name), About: aboutMetric(name), Values: []string{Count(m.Count)}}
		for _, v := range []int64{m.Min, m.Mean, m.P50, m.P90, m.P99, m.P999, m.Max} {
			row.Values = append(row.Values, quantity(v, m.Unit, p.o))
		}
		h.Metrics = append(h.Metrics, row)
	}
	if len(h.Slowest) > 0 {
		for _, n := range shareNames {
			h.Shares = append(h.Shares, share{Name: n.name, Class: n.class, Time: n.about})
		}
	}
	for _, f := range s.Failures {
		names := make([]string, len(f.Devices))
		for i, d := range f.Devices {
			names[i] = p.clean(d)
		}
		row := failureRow{Count: Count(int64(f.Count)), Job: p.clean(p.label(f.Job)), Reason: cmp.Or(p.clean(f.Reason), "no reason given"), Devices: names}
		if more := f.Count - len(names); more > 0 {
			row.More = Count(int64(more)) + " more"
		}
		h.Failures = append(h.Failures, row)
	}
	h.Firmware = p.counts(s.Devices.FirmwareVersions, func(string) string { return "" })
	h.Results = p.counts(s.Devices.UpdateResults, func(k string) string { return updateResults[k] })
	p.health(h)
	for _, set := range s.Source.Settings {
		h.Settings = append(h.Settings, p.clean(set))
	}
	return h
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (p *page) verdict(h *sheet) {
	s := p.s
	missed := p.missed()
	h.Verdict = s.Verdict
	switch s.Verdict {
	case record.Passed:
		h.Mark, h.Outcome, h.Why = "✓", "Passed", "nothing was expected"
		switch n := int64(len(s.Expectations)); {
		case n == 1:
			h.Why = "the one expectation held"
		case n > 1:
			h.Why = "all " + Plural(n, "expectation") + " held"
		}
	case record.Failed:
		h.Mark, h.Outcome, h.Why = "✗", "Failed", fmt.Sprintf("%d of %s missed", missed, Plural(int64(len(s.Expectations)), "expectation"))
	case record.Void:
		h.Mark, h.Outcome, h.Why = "!", "Void", cmp.Or(p.clean(s.VoidReason), "no reason given")
	default:
		h.Mark, h.Outcome, h.Why = "–", "Interrupted", "ended from outside"+p.unfinished()
	}
}

// missed is how many expectations were not met.
func (p *page) missed() int {
	n := 0
	for _, e := range p.s.Expectations {
		if !e.Passed {
			n++
		}
	}
	return n
}

// facts are the few figures at the top and what is said of the run at the end.
func (p *page) facts(h *sheet) {
	s := p.s
	add := func(name, value, note string) { h.Facts = append(h.Facts, fact{name, value, note}) }
	if d := s.Devices; d.Total > 0 {
		add("devices", Count(int64(d.Total)), Count(int64(d.Connected))+" connected at the end")
	}
	parents, total, good, bad := 0, 0, 0, 0
	for i := range s.Jobs {
		if d := s.Jobs[i].Devices; d != nil && s.Jobs[i].ParentID == "" {
			parents++
			total, good, bad = total+d.Total, good+d.Succeeded, bad+d.Failed
		}
	}
	if parents > 0 {
		note := fmt.Sprintf("succeeded, in %s", Plural(int64(parents), "job"))
		if bad > 0 {
			note = fmt.Sprintf("succeeded, %s failed, in %s", Count(int64(bad)), Plural(int64(parents), "job"))
		}
		add("device jobs", Count(int64(good))+" of "+Count(int64(total)), note)
	}
	wall := p.duration(time.Duration(s.WallSeconds * float64(time.Second)))
	if d, ok := between(s.Start, s.End); ok && !h.Live {
		add("virtual time", p.duration(d), "played in "+wall)
	} else {
		add("took", wall, "on the wall clock")
	}
	if r := s.Rates.DeviceJobsPerSecond; r > 0 {
		add("job rate", significant(r)+" /s", "device jobs ended, while there were any")
	}
	if r := s.Rates.ConnectsPerSecond; r > 0 {
		add("connect rate", significant(r)+" /s", "first connects, until all were there")
	}
	if m := s.Memory; h.Live && m.BytesPerDevice > 0 {
		add("memory", Bytes(m.BytesPerDevice), "a device, both ends of its connection")
	}

	about := func(name, value string) {
		if value != "" {
			h.Played = append(h.Played, fact{Name: name, Value: value})
		}
	}
	about("seed", fmt.Sprint(s.Seed))
	about("began (UTC)", p.clean(s.Start))
	about("ended (UTC)", p.clean(s.End))
	about("digest", p.clean(s.Digest))
	if v := s.Versions; v != (record.Versions{}) {
		about("flotilla", p.clean(v.Flotilla))
		about("built with", p.clean(v.Go)+" for "+p.clean(v.OS)+"/"+p.clean(v.Arch))
		about("processors", Count(int64(v.CPUs)))
	}
	m := s.Machine
	about("processor", p.clean(m.CPU))
	about("system", p.clean(m.Kernel))
	if m.Cores > 0 {
		about("usable cores", Count(int64(m.Cores)))
	}
	if m.MemoryBytes > 0 {
		about("memory", Bytes(m.MemoryBytes))
	}
	if m.MemoryLimit > 0 {
		about("memory limit", Bytes(m.MemoryLimit))
	}
	if m.OpenFiles > 0 {
		about("open files limit", Count(m.OpenFiles))
	}
}

// counts lists the ten most frequent of a map.
func (p *page) counts(m map[string]int, about func(string) string) []count {
	const shown = 10
	keys := sorted(m)
	slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(m[b], m[a]) })
	var list []count
	for i, k := range keys {
		if i == shown {
			rest := 0
			for _, k := range keys[shown:] {
				rest += m[k]
			}
			list = append(list, count{Name: Plural(int64(len(keys)-shown), "other"), Count: Count(int64(rest)), Width: decimal(float64(rest) / float64(max(p.s.Devices.Total, 1)) * 100)})
			break
		}
		list = append(list, count{p.clean(k), about(k), Count(int64(m[k])), decimal(float64(m[k]) / float64(max(p.s.Devices.Total, 1)) * 100)})
	}
	return list
}

// health is whether the harness itself was the limit, and what hub and package
// server counted.
func (p *page) health(h *sheet) {
	s := p.s
	if g := s.Generator; h.Live && g != (record.Generator{}) {
		lag := func(ns int64) string { return p.duration(time.Duration(ns)) }
		h.Harness = []fact{
			{"late, p50", lag(g.LagP50), "from due to done"},
			{"late, p99", lag(g.LagP99), ""},
			{"late, most", lag(g.LagMax), ""},
			{"messages planned", Count(g.Planned), "by devices"},
			{"sent", Count(g.Sent), ""},
			{"dropped", Count(g.Dropped), "queue full, or no connection"},
			{"hub queue", Count(g.HubQueue), "messages, at its deepest"},
			{"device queue", Count(g.DeviceQueue), "messages, the deepest of any"},
			{"download wait", lag(g.DownloadWait), "longest for a turn"},
			{"collections", Count(g.GCCycles), "of garbage; stopped all for " + lag(g.GCPause)},
		}
		if s.Hub == nil { // another hub, which does not tell
			h.Harness = slices.DeleteFunc(h.Harness, func(f fact) bool { return f.Name == "hub queue" })
		}
		h.Kept = fmt.Sprintf("99 %% of what was due was done within %s.", lag(g.LagP99))
		if g.Planned > 0 {
			h.Kept += fmt.Sprintf(" Of %s planned %s were sent, %s dropped.", Plural(g.Planned, "message"), Count(g.Sent), Count(g.Dropped))
		}
		if m := s.Memory; m.PeakBytes > 0 {
			h.Harness = append(h.Harness, fact{"peak memory", Bytes(m.PeakBytes), "of the whole process"})
		}
	}
	for _, name := range sorted(s.Hub) {
		if n := s.Hub[name]; n != 0 {
			h.Hub = append(h.Hub, fact{Name: p.clean(spaced(name)), Value: Count(n)})
		}
	}
	if k := s.Packages; k != (record.Packages{}) {
		h.Hub = append(h.Hub, fact{Name: "downloads", Value: Count(k.Downloads), Note: Bytes(k.BytesServed)}, fact{Name: "downloads refused", Value: Count(k.Refused)})
	}
}

// spaced makes words of a counter's name: lateAnswers, late answers.
func spaced(name string) string {
	var b strings.Builder
	for _, r := range name {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte(' ')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// lines cleans a text of several lines.
func lines(text string) string {
	list := strings.Split(strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
	for i, l := range list {
		list[i] = strings.ReplaceAll(clean(strings.ReplaceAll(l, "\t", "\x00"), Options{}), `\x00`, "\t")
	}
	return strings.Join(list, "\n")
}
