package harness

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// collect asks the hub how everything stands at the end. It goes on after an
// interruption; what the hub cannot say is a warning.
func (r *run) collect(s *record.Summary) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), maxWait)
	defer cancel()
	s.End = r.Epoch.Text(r.Stage.Now())
	s.Devices.Total = r.Plan.Devices
	if r.Plan.Devices > 0 && r.bytes > 0 {
		s.Memory.BytesPerDevice = r.bytes / int64(r.Plan.Devices)
	}
	for _, part := range []struct {
		what string
		ask  func(context.Context, *record.Summary) error
	}{{"counters", r.collectCounters}, {"jobs", r.collectJobs}, {"schedules", r.collectSchedules}, {"devices", r.collectDevices}} {
		if err := part.ask(ctx, s); err != nil {
			s.Warnings = append(s.Warnings, fmt.Sprintf("%s: the hub did not say: %v", part.what, err))
		}
	}
}

func (r *run) collectCounters(ctx context.Context, s *record.Summary) error {
	reply, err := r.Stage.Hub().Do(ctx, hub.GetCounters{})
	if err != nil {
		return err
	}
	c := reply.Counters
	s.Hub = map[string]int64{
		"devices": int64(c.Devices), "connected": int64(c.Connected), "accepted": int64(c.Accepted), "refused": int64(c.Refused),
		"closed": int64(c.Closed), "messages": int64(c.Messages), "telemetry": int64(c.Telemetry), "reports": int64(c.Reports),
		"twinReads": int64(c.TwinReads), "calls": int64(c.Calls), "answers": int64(c.Answers), "lateAnswers": int64(c.LateAnswers),
		"callsTimedOut": int64(c.CallsTimedOut), "callsOffline": int64(c.CallsOffline), "jobsEnded": int64(c.JobsEnded),
		"childrenEnded": int64(c.ChildrenEnded), "stale": int64(c.Stale), "throttled": int64(c.Throttled), "wills": int64(c.Wills),
		"commandsQueued": int64(c.CommandsQueued), "commandsDelivered": int64(c.CommandsDelivered), "commandsExpired": int64(c.CommandsExpired),
	}
	return nil
}

func (r *run) collectJobs(ctx context.Context, s *record.Summary) error {
	for after := ""; ; {
		reply, err := r.Stage.Hub().Do(ctx, hub.ListJobs{After: after})
		if err != nil {
			return err
		}
		for i := range reply.Jobs {
			v := &reply.Jobs[i]
			s.Jobs = append(s.Jobs, r.parent(v))
			for from, more := 0, true; more; {
				children, err := r.Stage.Hub().Do(ctx, hub.ListChildren{Job: v.ID, From: from})
				if err != nil {
					return err
				}
				for _, c := range children.Children {
					s.Jobs = append(s.Jobs, r.child(&c))
				}
				from += len(children.Children)
				more = children.More && len(children.Children) > 0
			}
			after = v.ID
		}
		if !reply.More || len(reply.Jobs) == 0 {
			return nil
		}
	}
}

func (r *run) parent(v *job.View) record.Job {
	c := v.Counts
	start := v.Start
	if start == sim.Never {
		start = v.Created
	}
	name := v.Spec.Name
	if name == v.ID {
		name = ""
	}
	return record.Job{
		ID: v.ID, Type: v.Kind, Status: v.Status.String(), Start: r.text(start), End: r.text(v.End), Name: name,
		ScheduleID: v.Spec.Schedule, Batches: r.batches(v),
		FailureReason: v.FailureReason, StatusMessage: v.StatusMessage, TimeoutSeconds: v.Timeout.Seconds(),
		Devices: &record.JobDevices{Total: c.Total, Succeeded: c.Succeeded, Failed: c.Failed, Running: c.Running, Pending: c.Pending, Cancelled: c.Cancelled},
	}
}

// batches sums up the batches of a job that has some.
func (r *run) batches(v *job.View) *record.JobBatches {
	if v.Spec.Batch == nil || v.BatchSize == 0 {
		return nil
	}
	b := &record.JobBatches{Size: v.BatchSize, Number: (v.Counts.Total + v.BatchSize - 1) / v.BatchSize, Ended: len(v.Batches)}
	var took, gaps int64
	for i, x := range v.Batches {
		one := record.JobBatch{Devices: x.To - x.From, Failed: x.Failed, Start: r.text(x.Start), End: r.text(x.End), TookNs: int64(x.End.Sub(x.Start))}
		took += one.TookNs
		b.LongestNs = max(b.LongestNs, one.TookNs)
		if i == 0 || one.TookNs < b.ShortestNs {
			b.ShortestNs = one.TookNs
		}
		if i > 0 {
			one.GapNs = int64(x.Start.Sub(v.Batches[i-1].End))
			gaps += one.GapNs
			b.GapMaxNs = max(b.GapMaxNs, one.GapNs)
			if i == 1 || one.GapNs < b.GapMinNs {
				b.GapMinNs = one.GapNs
			}
		}
		if len(b.List) < record.MaxBatches {
			b.List = append(b.List, one)
		}
	}
	if n := int64(len(v.Batches)); n > 0 {
		b.MeanNs = took / n
		b.MakespanNs = int64(v.Batches[n-1].End.Sub(v.Batches[0].Start))
		if n > 1 {
			b.GapMeanNs = gaps / (n - 1)
		}
	}
	return b
}

// collectSchedules tells how the schedules stand, and sums up their
// instances, which were collected before.
func (r *run) collectSchedules(ctx context.Context, s *record.Summary) error {
	reply, err := r.Stage.Hub().Do(ctx, hub.ListSchedules{})
	if err != nil {
		return r.unless(err)
	}
	for i := range reply.Schedules {
		v := &reply.Schedules[i]
		x := record.Schedule{
			ID: v.ID, Type: v.Spec.Kind, Group: v.Spec.Group, Rule: v.Rule.String(), Enabled: v.Enabled, Completed: v.Completed,
			Instances: v.Number, Skipped: v.Skipped, Next: r.text(v.Next),
		}
		for k := range s.Jobs {
			if j := &s.Jobs[k]; j.ParentID == "" && j.ScheduleID == v.ID && j.Devices != nil {
				x.Devices.Add(*j.Devices)
			}
		}
		s.Schedules = append(s.Schedules, x)
	}
	return nil
}

func (r *run) child(c *job.ChildView) record.Job {
	return record.Job{
		ID: c.ID, ParentID: c.Parent, DeviceID: string(c.Device), Type: c.Kind, Status: c.Status.String(),
		Start: r.text(c.Start), End: r.text(c.End), FailureReason: c.FailureReason, StatusMessage: c.StatusMessage,
	}
}

// text writes an instant, nothing for one that has not come.
func (r *run) text(t sim.Time) string {
	if t == sim.Never {
		return ""
	}
	return r.Epoch.Text(t)
}

// collectDevices makes a row of every device of the plan and counts them.
func (r *run) collectDevices(ctx context.Context, s *record.Summary) error {
	s.Devices.FirmwareVersions, s.Devices.UpdateResults = map[string]int{}, map[string]int{}
	s.Rows = []record.DeviceRow{} // known: perhaps none
	groups := r.groupOf()
	jobs := map[string][]record.DeviceJob{}
	for i := range s.Jobs {
		if j := &s.Jobs[i]; j.ParentID != "" {
			jobs[j.DeviceID] = append(jobs[j.DeviceID], record.DeviceJob{JobID: j.ParentID, Status: j.Status, Reason: j.FailureReason})
		}
	}
	for from := 0; ; {
		reply, err := r.Stage.Hub().Do(ctx, hub.ListDevices{From: from})
		if err != nil {
			return err
		}
		for _, d := range reply.Devices {
			row := record.DeviceRow{
				ID: d.ID, Group: groups(d.Number), Connected: d.Connected, Jobs: jobs[string(d.ID)],
				FirmwareVersion: word(d, "FirmwareVersion"), FirmwareUpdateState: word(d, "FirmwareUpdateState"),
				FirmwareUpdateResult: word(d, "FirmwareUpdateResult"),
			}
			s.Rows = append(s.Rows, row)
			if d.Connected {
				s.Devices.Connected++
			}
			if row.FirmwareVersion != "" {
				s.Devices.FirmwareVersions[row.FirmwareVersion]++
			}
			if row.FirmwareUpdateResult != "" {
				s.Devices.UpdateResults[row.FirmwareUpdateResult]++
			}
			from = int(d.Number) + 1
		}
		if !reply.More || len(reply.Devices) == 0 {
			return nil
		}
	}
}

// collectMetrics completes the rows with what was measured.
func (r *run) collectMetrics(s *record.Summary) {
	for i := range s.Rows {
		row := &s.Rows[i]
		row.Metrics = r.Recorder.Row(row.ID)
		for _, m := range row.Metrics {
			if m.Metric == sim.MetricConnect {
				row.Connects = m.Count
			}
		}
	}
}

func word(d *hub.Device, name string) string {
	v, _ := d.Property(name)
	return strings.Clone(v.Text())
}

// groupOf finds the group of a device by its number: groups are added in
// order.
func (r *run) groupOf() func(uint32) string {
	return func(n uint32) string {
		for _, g := range r.Plan.Groups {
			if uint64(n) >= g.First && uint64(n) < g.First+uint64(g.Count) {
				return g.Name
			}
		}
		return ""
	}
}

// judge asks every expectation and gives the verdict.
func (r *run) judge(s *record.Summary, err error) {
	s.Expectations = append([]record.Expectation{}, r.missed...)
	for i := range r.Plan.Expect {
		e := &r.Plan.Expect[i]
		res := e.Eval(func(path string) (scenarios.Value, bool) { return look(s, path) })
		s.Expectations = append(s.Expectations, record.Expectation{Expression: e.Text, Source: e.Where, Value: res.Value, Passed: res.Passed, Reason: res.Reason})
	}
	if errors.Is(err, errTimeout) {
		s.Expectations = append(s.Expectations, record.Expectation{
			Expression: fmt.Sprintf("the run ends within %s", r.Plan.Timeout), Reason: "its jobs or steps had not ended by then"})
	}
	s.Verdict = record.Passed
	for _, e := range s.Expectations {
		if !e.Passed {
			s.Verdict = record.Failed
		}
	}
	switch {
	case err == nil, errors.Is(err, errTimeout):
		if s.VoidReason != "" { // the stage doubts its own numbers
			s.Verdict = record.Void
		}
	case errors.Is(err, context.Canceled):
		s.Verdict, s.VoidReason = record.Interrupted, ""
	default:
		s.Verdict, s.VoidReason = record.Void, err.Error()
	}
}

// look finds what an expectation names in the summary.
func look(s *record.Summary, path string) (scenarios.Value, bool) {
	v, unit, ok := s.Lookup(path)
	if !ok {
		return scenarios.Value{}, false
	}
	if v.Word {
		return scenarios.Word(v.Text), true
	}
	n := v.Rat()
	if !n.IsInt() {
		return scenarios.Value{}, false
	}
	if unit == "ns" {
		return scenarios.Span(time.Duration(n.Num().Int64())), true
	}
	return scenarios.Count(n.Num().Int64()), true
}

// faults lists what the plan makes go wrong.
func faults(p *scenarios.Plan) []record.Fault {
	var list []record.Fault
	for _, f := range p.Faults {
		list = append(list, record.Fault{Fault: f.Fault, Group: f.Group, Devices: f.Devices})
	}
	return list
}
