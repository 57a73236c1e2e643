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

// Markdown writes what one pastes into a pull request: verdict, expectations,
// jobs, failures, latencies and whether the harness kept up, as tables.
// [GitHub Flavored Markdown Spec: "Tables (extension)"]
//
// Devices are named where they failed and nowhere else. Text of the run is
// escaped, it is never markup; what devices themselves may have said is in
// code spans, where nobody can be mentioned either.
func Markdown(w io.Writer, s *record.Summary, o Options) error {
	m := markdown{page{s: s.Document(), o: Options{ASCII: o.ASCII}}}
	m.top()
	m.expectations()
	m.jobs()
	m.table(m.batches())
	m.table(m.schedules())
	m.failures()
	m.metrics()
	m.foot()
	if _, err := io.WriteString(w, m.b.String()); err != nil {
		return fmt.Errorf("report.md: %w", err)
	}
	return nil
}

type markdown struct{ page }

// text escapes what would be markup in a paragraph or cell, addresses
// included, which become links without any.
func (m *markdown) text(s string) string {
	var b strings.Builder
	s = m.clean(s)
	for i, r := range s {
		switch {
		case strings.ContainsRune("\\`*_[]#|~", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case strings.ContainsRune("<>&@", r), strings.HasPrefix(s[i:], "://"), r == '.' && strings.HasSuffix(s[:i], "www"):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// code writes text as it is, in a code span that no backtick in it can end; a
// bar is escaped even there, since it would end the cell. [GitHub Flavored
// Markdown Spec: "Code spans"]
func (m *markdown) code(s string) string {
	if s = m.clean(s); s == "" {
		return ""
	}
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || strings.HasPrefix(s, " ") && strings.HasSuffix(s, " ") {
		s = " " + s + " "
	}
	return fence + strings.ReplaceAll(s, "|", "\\|") + fence
}

// row writes one row of a table.
func (m *markdown) row(cells ...string) { m.line("| %s |", strings.Join(cells, " | ")) }

// head begins a table; a column whose name begins with > is aligned to the
// right.
func (m *markdown) head(names ...string) {
	rule := make([]string, len(names))
	for i, n := range names {
		rule[i] = "---"
		if right, ok := strings.CutPrefix(n, ">"); ok {
			names[i], rule[i] = right, "--:"
		}
	}
	m.line("")
	m.row(names...)
	m.row(rule...)
}

func (m *markdown) top() {
	var h sheet
	s := m.s
	m.verdict(&h)
	mark := h.Mark
	if m.o.ASCII {
		mark = map[string]string{record.Passed: "[ok]", record.Failed: "[MISSED]", record.Void: "[void]"}[s.Verdict]
	}
	m.line("### %s", strings.TrimSpace(mark+" "+m.text(s.Scenario)+": "+strings.ToLower(h.Outcome)))
	m.line("")
	if s.About != "" {
		m.line("About: %s", m.text(s.About))
		m.line("")
	}
	m.line("**%s**: %s.", h.Outcome, m.text(h.Why))
	m.line("")
	if s.Kind == record.Virtual {
		m.line("**VIRTUAL TIME**: these figures say what the policy does, never how fast anything is.")
	} else {
		how := ""
		for _, t := range []string{s.Transport, s.DeviceClient} {
			if t != "" {
				how += ", " + m.text(t)
			}
		}
		m.line("**LIVE**: real connections in real time%s.", how)
	}
	facts := []string{Plural(int64(s.Devices.Total), "device"), fmt.Sprintf("seed %d", s.Seed)}
	wall := m.duration(time.Duration(s.WallSeconds * float64(time.Second)))
	if d, ok := between(s.Start, s.End); ok && s.Kind == record.Virtual {
		facts = append(facts, m.duration(d)+" played in "+wall)
	} else {
		facts = append(facts, "took "+wall)
	}
	m.line("%s.", strings.Join(facts, ", "))
	for _, w := range s.Warnings {
		m.line("")
		m.line("> **Warning**: %s", m.text(w))
	}
	for _, f := range s.Faults {
		m.line("")
		m.line("> **Fault**: %s on %s", m.code(f.Fault), befallen(f, m.code))
	}
}

func (m *markdown) expectations() {
	if len(m.s.Expectations) == 0 {
		return
	}
	good, bad := "✓", "✗ **missed**"
	if m.o.ASCII {
		good, bad = "ok", "**MISSED**"
	}
	m.head("", "expected", "found", "why")
	list := slices.Clone(m.s.Expectations)
	slices.SortStableFunc(list, func(a, b record.Expectation) int { return cmp.Compare(truth(a.Passed), truth(b.Passed)) })
	for _, e := range list {
		mark, found := good, "no data"
		if !e.Passed {
			mark = bad
		}
		if e.Value != "" {
			found = m.code(e.Value)
		}
		m.row(mark, m.code(e.Expression), found, m.code(e.Reason))
	}
}

func (m *markdown) jobs() {
	head := false
	for _, f := range families(m.s.Jobs) {
		j := f.parent
		if j == nil || j.Devices == nil {
			continue
		}
		if !head {
			m.head("job", "type", "status", ">devices", ">succeeded", ">failed", ">other", ">took", "message")
			head = true
		}
		d := j.Devices
		took := "-"
		if t, ok := j.Took(); ok {
			took = m.duration(t)
		}
		m.row(m.code(j.Label()), m.text(j.Type), m.text(j.Status), Count(int64(d.Total)), Count(int64(d.Succeeded)), Count(int64(d.Failed)),
			Count(int64(d.Running+d.Pending+d.Cancelled)), took, m.code(cmp.Or(j.FailureReason, j.StatusMessage)))
	}
}

// table writes a grid, nothing if it is empty.
func (m *markdown) table(g grid) {
	if len(g.Rows) == 0 {
		return
	}
	head := make([]string, len(g.Head))
	for i, h := range g.Head {
		head[i] = h
		if i >= g.Right {
			head[i] = ">" + h
		}
	}
	m.head(head...)
	for _, r := range g.Rows {
		cells := make([]string, len(r))
		for i, c := range r {
			if cells[i] = m.text(c); i == 0 {
				cells[i] = m.code(c)
			}
		}
		m.row(cells...)
	}
}

func (m *markdown) failures() {
	if len(m.s.Failures) == 0 {
		return
	}
	m.head(">failed", "reason", "job", "which")
	for _, f := range m.s.Failures {
		var names []string
		for _, d := range f.Devices {
			names = append(names, m.code(d))
		}
		if more := f.Count - len(names); more > 0 {
			names = append(names, Count(int64(more))+" more")
		}
		m.row(Count(int64(f.Count)), m.code(cmp.Or(f.Reason, "no reason given")), m.code(m.label(f.Job)), strings.Join(names, ", "))
	}
}

func (m *markdown) metrics() {
	if len(m.s.Metrics) == 0 {
		return
	}
	m.head("metric", ">count", ">p50", ">p90", ">p99", ">p99.9", ">max")
	for _, name := range metricNames(m.s) {
		v := m.s.Metrics[name]
		cells := []string{m.code(name), Count(v.Count)}
		for _, n := range []int64{v.P50, v.P90, v.P99, v.P999, v.Max} {
			cells = append(cells, quantity(n, v.Unit, m.o))
		}
		m.row(cells...)
	}
}

// foot says what the figures are worth and what it takes to repeat them.
func (m *markdown) foot() {
	s := m.s
	m.line("")
	if g := s.Generator; s.Kind == record.Live && g != (record.Generator{}) {
		m.line("Harness: late by %s at p50, %s at p99, %s at most; %s messages planned, %s sent, %s dropped; %s collections.",
			m.duration(time.Duration(g.LagP50)), m.duration(time.Duration(g.LagP99)), m.duration(time.Duration(g.LagMax)),
			Count(g.Planned), Count(g.Sent), Count(g.Dropped), Count(g.GCCycles))
	}
	if b := s.Memory.BytesPerDevice; s.Kind == record.Live && b > 0 {
		m.line("Memory: %s a device, both ends; peak %s.", Bytes(b), Bytes(s.Memory.PeakBytes))
	}
	if v := s.Versions; v != (record.Versions{}) {
		on := ""
		if s.Machine.CPU != "" {
			on = ", " + m.text(s.Machine.CPU)
		}
		m.line("Flotilla %s, %s, %s/%s, %s%s.", m.text(v.Flotilla), m.text(v.Go), m.text(v.OS), m.text(v.Arch), Plural(int64(v.CPUs), "CPU"), on)
	}
	if s.Digest != "" {
		m.line("Digest %s.", m.code(s.Digest))
	}
}
