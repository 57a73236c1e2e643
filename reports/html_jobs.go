package reports

import (
	"cmp"
	"slices"
	"strings"

	"github.com/flotilla-sim/flotilla/harness/record"
)

// statusMarks stand beside the word of a state, for who does not see its
// colour.
var statusMarks = map[string]string{
	"completed": "✓", "failed": "✗", "cancelled": "⊘", "running": "▸", "pending": "·", "scheduled": "·", "stopped": "‖",
}

// statusRank brings first what a reader looks for.
var statusRank = map[string]int{"failed": -5, "running": -4, "stopped": -3, "pending": -2, "scheduled": -2, "cancelled": -1}

func (p *page) sheetJobs(h *sheet) {
	rows := 0
	all := families(p.s.Jobs)
	for _, f := range all {
		row := jobRow{}
		if j := f.parent; j != nil {
			row = jobRow{ID: p.clean(j.Label()), Type: p.clean(j.Type), Status: p.clean(j.Status), Class: class(j.Status), Mark: statusMarks[j.Status],
				Began: p.clock(j.Start), Took: p.took(j), Message: p.clean(cmp.Or(j.FailureReason, j.StatusMessage))}
			if d := j.Devices; d != nil {
				row.Segments = segments(d)
				if d.Failed > 0 {
					row.Failed = Count(int64(d.Failed)) + " failed"
				}
			}
		} else {
			row.ID, row.Status, row.Class = p.clean(f.children[0].ParentID), "not in the summary", "pending"
		}
		slices.SortStableFunc(f.children, func(a, b *record.Job) int {
			return cmp.Or(cmp.Compare(statusRank[a.Status], statusRank[b.Status]), compareStart(a, b))
		})
		listed := f.children
		if len(listed)+p.omitted(f) > MaxChildrenShown {
			good := func(c *record.Job) bool { return c.Status == "completed" }
			if i := slices.IndexFunc(listed, good); i >= 0 {
				listed = listed[:i] // they are sorted
			}
		}
		listed = listed[:min(len(listed), MaxPageChildren, max(0, maxPageRows-rows))]
		row.Open = len(listed) > 0 && len(listed) <= MaxChildrenShown && (len(all) <= 2 || row.Failed != "" || f.parent == nil)
		rows += len(listed)
		for _, c := range listed {
			row.Reasons = row.Reasons || c.FailureReason != "" || c.StatusMessage != ""
			row.Children = append(row.Children, childRow{p.clean(c.DeviceID), p.clean(c.Status), statusMarks[c.Status], p.clock(c.Start), p.took(c),
				p.clean(cmp.Or(c.FailureReason, c.StatusMessage)), p.clean(c.ID)})
		}
		if len(listed) < len(f.children)+p.omitted(f) {
			row.Rest = strings.ReplaceAll(p.rest(f, listed), "children", "device jobs")
		}
		h.Jobs = append(h.Jobs, row)
	}
}

// class is the state's name if the page's style knows it.
func class(status string) string {
	if _, ok := statusMarks[status]; ok {
		return status
	}
	return "pending"
}

func (p *page) took(j *record.Job) string {
	if d, ok := j.Took(); ok {
		return p.duration(d)
	}
	return "–"
}

// segments are a job's devices by state, as wide as they are many.
func segments(d *record.JobDevices) []segment {
	var list []segment
	for _, part := range []struct {
		state string
		n     int
	}{{"completed", d.Succeeded}, {"failed", d.Failed}, {"cancelled", d.Cancelled}, {"running", d.Running}, {"pending", d.Pending}} {
		if part.n > 0 && d.Total > 0 {
			list = append(list, segment{part.state, Count(int64(part.n)), decimal(float64(part.n) / float64(d.Total) * 100)})
		}
	}
	return list
}
