package reports

import (
	"fmt"
	"time"

	"github.com/flotilla-sim/flotilla/harness/record"
)

// MaxBatchesShown is how many batches of one job a report lists one by one.
const MaxBatchesShown = 20

// grid is a table that every format shows alike: its first cells of a row are
// text, those from column right on numbers.
type grid struct {
	Head  []string
	Right int
	Rows  [][]string
}

// batches are the jobs in batches: how many there are, how long they took and
// what lay between them, then batch by batch where there are not too many.
func (p *page) batches() grid {
	g := grid{Head: []string{"job", "batch", "devices", "failed", "took", "gap before", "makespan"}, Right: 2}
	sums := map[string]*batchSum{}
	for i := range p.s.Jobs {
		j := &p.s.Jobs[i]
		b := j.Batches
		if b == nil || j.Devices == nil {
			continue
		}
		if id := j.ScheduleID; id != "" { // one row for all instances of a schedule, in place of the first
			if sums[id] == nil {
				g.Rows = append(g.Rows, nil)
				sums[id] = &batchSum{row: len(g.Rows) - 1}
			}
			sums[id].add(b, j.Devices)
			g.Rows[sums[id].row] = p.batchRow(fmt.Sprintf("%s - 1..%d", p.clean(id), sums[id].jobs), sums[id])
			continue
		}
		one := &batchSum{}
		one.add(b, j.Devices)
		g.Rows = append(g.Rows, p.batchRow(p.clean(j.Label()), one))
		if b.Number > MaxBatchesShown || b.Ended < 2 {
			continue
		}
		for n, x := range b.List {
			gap := "-"
			if n > 0 {
				gap = p.duration(time.Duration(x.GapNs))
			}
			g.Rows = append(g.Rows, []string{"", Count(int64(n + 1)), Count(int64(x.Devices)), Count(int64(x.Failed)), p.duration(time.Duration(x.TookNs)), gap, ""})
		}
	}
	return g
}

// batchSum sums up the batches of jobs.
type batchSum struct {
	row, jobs, number, ended, devices, failed int
	took, gap, makespan                       spread
}

// spread is the smallest and the largest of n values, and their sum.
type spread struct {
	n              int
	low, high, sum int64
}

// add takes in n values by their smallest, largest and mean.
func (s *spread) add(n int, low, mean, high int64) {
	if n <= 0 {
		return
	}
	if s.n == 0 || low < s.low {
		s.low = low
	}
	s.high = max(s.high, high)
	s.n += n
	s.sum += mean * int64(n)
}

func (s *batchSum) add(b *record.JobBatches, d *record.JobDevices) {
	s.jobs++
	s.number += b.Number
	s.ended += b.Ended
	s.devices += d.Total
	s.failed += d.Failed
	s.took.add(b.Ended, b.ShortestNs, b.MeanNs, b.LongestNs)
	s.gap.add(b.Ended-1, b.GapMinNs, b.GapMeanNs, b.GapMaxNs)
	if b.Ended > 0 {
		s.makespan.add(1, b.MakespanNs, b.MakespanNs, b.MakespanNs)
	}
}

func (p *page) batchRow(name string, s *batchSum) []string {
	return []string{name, fmt.Sprintf("%d of %d", s.ended, s.number), Count(int64(s.devices)), Count(int64(s.failed)),
		p.spread(s.took), p.spread(s.gap), p.spread(s.makespan)}
}

func (p *page) spread(s spread) string {
	span := func(ns int64) string { return p.duration(time.Duration(ns)) }
	switch {
	case s.n == 0:
		return "-"
	case s.low == s.high:
		return span(s.low)
	}
	return fmt.Sprintf("%s..%s, mean %s", span(s.low), span(s.high), span(s.sum/int64(s.n)))
}

// schedules are the schedules and what came of their instances.
func (p *page) schedules() grid {
	g := grid{Head: []string{"schedule", "of kind", "over", "fires", "state", "instances", "devices", "succeeded", "failed", "other"}, Right: 5}
	for _, x := range p.s.Schedules {
		d := x.Devices
		g.Rows = append(g.Rows, []string{p.clean(x.ID), p.clean(x.Type), p.clean(x.Group), p.clean(x.Rule), p.planState(x), Count(int64(x.Instances)),
			Count(int64(d.Total)), Count(int64(d.Succeeded)), Count(int64(d.Failed)), Count(int64(d.Running + d.Pending + d.Cancelled))})
	}
	return g
}

// planState says in words what is still to come of a schedule.
func (p *page) planState(x record.Schedule) string {
	state := "over"
	switch {
	case x.Completed:
	case !x.Enabled:
		state = "unscheduled"
	case x.Next != "":
		state = "next " + p.clock(x.Next)
	}
	if x.Skipped > 0 {
		state += ", " + Count(int64(x.Skipped)) + " missed"
	}
	return state
}
