package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/harness/record"
)

// MaxChildrenShown is how many children of one job a text report lists; of a
// job with more it lists so many of those that failed, and counts the rest.
const MaxChildrenShown = 20

// family is a job and its children.
type family struct {
	parent   *record.Job // nil: not in the summary
	children []*record.Job
}

// families joins parents and children, in order of the parents' start, jobs
// not begun last.
func families(jobs []record.Job) []*family {
	byID := make(map[string]*family)
	var all []*family
	of := func(id string) *family {
		f := byID[id]
		if f == nil {
			f = new(family)
			byID[id] = f
			all = append(all, f)
		}
		return f
	}
	for i := range jobs {
		j := &jobs[i]
		if j.ParentID == "" {
			of(j.ID).parent = j
		} else {
			f := of(j.ParentID)
			f.children = append(f.children, j)
		}
	}
	slices.SortStableFunc(all, func(a, b *family) int { return compareStart(a.parent, b.parent) })
	return all
}

// label is what people call the job of an id.
func (p *page) label(id string) string {
	for i := range p.s.Jobs {
		if j := &p.s.Jobs[i]; j.ID == id && j.ParentID == "" {
			return j.Label()
		}
	}
	return id
}

// label is what people call the job.
func (f *family) label() string {
	if f.parent != nil {
		return f.parent.Label()
	}
	return f.children[0].ParentID
}

// routine says whether the job is an instance of a schedule that completed on
// all its devices.
func (f *family) routine() bool {
	j := f.parent
	return j != nil && j.ScheduleID != "" && j.Status == "completed" && j.Devices != nil && j.Devices.Failed == 0
}

// compareStart orders by start; what has not begun comes last. The document's
// instants have one length, so they compare as text.
func compareStart(a, b *record.Job) int {
	start := func(j *record.Job) string {
		if j == nil || j.Start == "" {
			return "~"
		}
		return j.Start
	}
	return strings.Compare(start(a), start(b))
}

func (p *page) jobs() {
	if len(p.s.Jobs) == 0 {
		return
	}
	p.heading("JOBS", "children by start, their parent last")
	t := table{indent: "  "}
	t.head("START (UTC)", "JOB", "PARENT", "DEVICE", "TYPE", "STATUS", "TOOK", "REASON")
	short := false
	for i, f := range families(p.s.Jobs) {
		// Of the instances of schedules there are many; where nothing went
		// wrong, their line says it all.
		was := short
		if short = f.routine(); i > 0 && !(was && short) {
			t.note("")
		}
		if short {
			p.job(&t, f.parent, "")
			continue
		}
		slices.SortStableFunc(f.children, compareStart)
		listed := f.children
		many := len(f.children) + p.omitted(f)
		if many > MaxChildrenShown {
			listed = failedFirst(f.children)
		}
		for _, c := range listed {
			p.job(&t, c, f.label())
		}
		if rest := p.rest(f, listed); many > len(listed) && rest != "" {
			t.note(rest)
		}
		if f.parent != nil {
			p.job(&t, f.parent, "")
		}
	}
	t.append(&p.b, p.o)
}

// omitted is how many children of a job the document left out.
func (p *page) omitted(f *family) int {
	if f.parent == nil || f.parent.Devices == nil {
		return 0
	}
	return max(0, f.parent.Devices.Total-len(f.children))
}

func failedFirst(children []*record.Job) []*record.Job {
	var failed []*record.Job
	for _, c := range children {
		if c.Status == "failed" && len(failed) < MaxChildrenShown {
			failed = append(failed, c)
		}
	}
	return failed
}

// rest counts the children that are not listed, by state.
func (p *page) rest(f *family, listed []*record.Job) string {
	states := []string{"completed", "failed", "running", "pending", "cancelled"}
	counts := make(map[string]int)
	if f.parent != nil && f.parent.Devices != nil {
		d := f.parent.Devices
		for i, n := range []int{d.Succeeded, d.Failed, d.Running, d.Pending, d.Cancelled} {
			counts[states[i]] = n
		}
	} else {
		for _, c := range f.children {
			counts[c.Status]++
		}
	}
	for _, c := range listed {
		counts[c.Status]--
	}
	var parts []string
	total := 0
	for _, state := range states {
		if n := counts[state]; n > 0 {
			parts = append(parts, Count(int64(n))+" "+state)
			total += n
		}
	}
	if total == 0 {
		return ""
	}
	what := "children"
	if len(listed) > 0 {
		what = "more children"
	}
	return fmt.Sprintf("%s %s: %s", Count(int64(total)), what, strings.Join(parts, ", "))
}

// job writes a job, or a child with the name of its parent.
func (p *page) job(t *table, j *record.Job, parent string) {
	took := "-"
	if d, ok := j.Took(); ok {
		took = p.duration(d)
	}
	colour := plain
	switch j.Status {
	case "completed":
		colour = green
	case "failed", "cancelled":
		colour = red
	case "running", "pending", "scheduled", "stopped":
		colour = yellow
	}
	const status = 5 // column
	cell := func(s string) string { return cmp.Or(p.clean(s), "-") }
	t.paint(colour, status, p.clock(j.Start), cell(j.Label()), cell(parent), cell(j.DeviceID), cell(j.Type), cell(j.Status), took,
		p.clean(cmp.Or(j.FailureReason, j.StatusMessage)))
}

// clock writes an instant of the run: the time of day when the whole run lies
// in one day, else with the date.
func (p *page) clock(at string) string {
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return "-"
	}
	if len(p.s.Start) >= 10 && len(p.s.End) >= 10 && p.s.Start[:10] == p.s.End[:10] {
		return t.Format("15:04:05.000")
	}
	return t.Format("2006-01-02 15:04:05")
}
