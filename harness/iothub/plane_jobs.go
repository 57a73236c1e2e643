package iothub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// maxShown is up to how many devices a job's parts are looked at while it
// runs: of more, at its end.
const maxShown = maxQueryPage

// Parameters writes a job as the preview has it. What it has no word for is an
// error; but a timeout of another job than a firmware update is left to the
// caller, as the preview has none.
func Parameters(s *job.Spec) (*JobParameters, error) {
	kind, ok := jobType(s.Kind)
	if !ok || kind != s.Kind {
		return nil, unsaid(fmt.Sprintf("job %s: the jobs of 2016 have no kind %s", s.ID, s.Kind))
	}
	for _, x := range []struct {
		name string
		is   bool
	}{
		{"a group", s.Group != "" && len(s.Targets) == 0}, {"a schedule", s.Schedule != ""},
		{"inFlight", s.InFlight != 0}, {"batches", s.Batch != nil}, {"a pause", s.Pause != 0}, {"a gate", s.Gate != nil},
		{"a cancellation threshold", s.Threshold != nil}, {"a rollout", s.Rollout != nil}, {"retries", s.Retry != nil},
		{"a timeout of a device's part", s.DeviceTimeout != 0}, {"a timeout of a step", s.StepTimeout != 0},
		{"a grace for offline devices", s.Grace != 0 && s.Grace != job.DefaultGrace},
		{"no timeout at all", s.Timeout < 0}, {"a queue", s.Queued}, {"going on for ever", s.Continuous},
	} {
		if x.is {
			return nil, unsaid(fmt.Sprintf("job %s: %s: the jobs of 2016 do not have it", s.ID, x.name))
		}
	}
	p := &JobParameters{JobType: kind, DeviceIDs: make(DeviceIDs, len(s.Targets))}
	for i, id := range s.Targets {
		p.DeviceIDs[i] = string(id)
	}
	switch kind {
	case JobFirmwareUpdate:
		p.PackageURI = s.PackageURI
		if s.Timeout > 0 {
			if s.Timeout < MinJobTimeout || s.Timeout > MaxJobTimeout {
				return nil, unsaid(fmt.Sprintf("job %s: a timeout of %s: a firmware update of 2016 has 1 minute to 1 day", s.ID, s.Timeout))
			}
			t := Timeout(s.Timeout)
			p.Timeout = &t
		}
	case JobConfigurationUpdate:
		p.Value = &s.Configuration
	case JobReadDeviceProperties:
		p.DevicePropertyNames = s.Names
	case JobWriteDeviceProperties:
		p.DeviceProperties = doc.Object()
		for _, m := range s.Properties {
			p.DeviceProperties = p.DeviceProperties.With(m.Name, m.Value, 0)
		}
	}
	return p, nil
}

// submit schedules a job and follows it to its end.
func (p *Plane) submit(ctx context.Context, c hub.SubmitJob) (hub.Reply, error) {
	w, err := Parameters(&c.Spec)
	if err != nil {
		return hub.Reply{}, err
	}
	switch present, err := p.jobs.GetJob(ctx, c.Spec.ID); {
	case err == nil && !present.Finished(): // it would be answered as if it were this one
		return hub.Reply{}, &hub.Error{Code: hub.CodePrecondition, Message: fmt.Sprintf("a job %q is under way on the hub; wait for its end, or cancel it", c.Spec.ID)}
	case err == nil && c.Unique:
		return hub.Reply{}, &hub.Error{Code: hub.CodePrecondition, Message: fmt.Sprintf("job %q exists", c.Spec.ID)}
	case err != nil && !isStatus(err, http.StatusNotFound):
		return hub.Reply{}, err
	}
	answer, err := p.jobs.schedule(ctx, c.Spec.ID, *w)
	if err != nil {
		return hub.Reply{}, err
	}
	f := &followed{spec: c.Spec, number: make(map[sim.DeviceID]int, len(c.Spec.Targets)), began: p.cfg.Now()}
	for i, id := range c.Spec.Targets {
		f.number[id] = i
	}
	f.view = p.parentView(answer, f)
	p.mu.Lock()
	p.course = slices.DeleteFunc(p.course, func(x *followed) bool { return x.spec.ID == c.Spec.ID }) // replaced
	p.course = append(p.course, f)
	p.last++
	f.ticket = p.last
	r := hub.Reply{Job: viewOf(f)}
	p.mu.Unlock()
	p.note(f, nil, nil)
	if c.Forget {
		f.ticket = 0
	}
	r.Ticket = f.ticket
	p.followers.Go(func() { p.follow(f) })
	return r, nil
}

func viewOf(f *followed) *job.View {
	v := f.view
	return &v
}

func isStatus(err error, status int) bool {
	e, ok := errors.AsType[*RESTError](err)
	return ok && e.Status == status
}

// follow asks for a job until it has ended. One of another kind than a
// firmware update is cancelled when its timeout is over.
func (p *Plane) follow(f *followed) {
	tick := time.NewTicker(p.cfg.Every)
	defer tick.Stop()
	overdue := f.spec.Kind == JobFirmwareUpdate || f.spec.Timeout <= 0
	for missed := 0; ; {
		select {
		case <-tick.C:
		case <-p.ctx.Done():
			return
		}
		err := p.look(p.ctx, f)
		p.mu.Lock()
		ended := f.view.Status.Ended()
		p.mu.Unlock()
		switch {
		case p.ctx.Err() != nil:
			return
		case err == nil && ended:
			p.settle(f, nil)
			return
		case err == nil:
			missed = 0
		case !passing(err) || missed == maxUnanswered:
			p.settle(f, fmt.Errorf("job %s: %w", f.spec.ID, err))
			return
		default:
			missed++
		}
		if !overdue && p.cfg.Now().Sub(f.began) > f.spec.Timeout {
			overdue = p.jobs.Cancel(p.ctx, f.spec.ID) == nil
		}
	}
}

// look asks how a job stands and notes what has changed.
func (p *Plane) look(ctx context.Context, f *followed) error {
	f.looking.Lock()
	defer f.looking.Unlock()
	answer, err := p.jobs.GetJob(ctx, f.spec.ID)
	if err != nil {
		return err
	}
	var children []job.ChildView
	if answer.Finished() || len(f.spec.Targets) <= maxShown {
		rows, err := p.jobs.Children(ctx, f.spec.ID)
		if err != nil {
			return err
		}
		children = make([]job.ChildView, len(rows))
		for i := range rows {
			children[i] = p.childView(&rows[i], f)
		}
		slices.SortStableFunc(children, func(a, b job.ChildView) int { return a.Number - b.Number })
	}
	view := p.parentView(answer, f)
	if children != nil {
		view.Counts = job.Counts{Total: len(children)}
		for i := range children {
			switch children[i].Status {
			case job.Pending:
				view.Counts.Pending++
			case job.Completed:
				view.Counts.Succeeded++
			case job.Failed:
				view.Counts.Failed++
			case job.Cancelled:
				view.Counts.Cancelled++
			default:
				view.Counts.Running++
			}
		}
	}
	p.mu.Lock()
	before, parts := f.view, f.children
	f.view = view
	if children != nil {
		f.children = children
	}
	p.mu.Unlock()
	p.note(f, &before, parts)
	return nil
}

// settle gives a job's ticket its answer.
func (p *Plane) settle(f *followed, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.ticket == 0 {
		return
	}
	p.settled = append(p.settled, Settled{Ticket: f.ticket, Reply: hub.Reply{Job: viewOf(f)}, Err: err})
	select {
	case p.ready <- struct{}{}:
	default:
	}
}

// note observes what has changed of a job and its parts; nil before: all of it.
func (p *Plane) note(f *followed, before *job.View, parts []job.ChildView) {
	var list []sim.Observation
	p.mu.Lock()
	was := make(map[string]job.Status, len(parts))
	for i := range parts {
		was[parts[i].ID] = parts[i].Status
	}
	for i := range f.children {
		c := &f.children[i]
		last, known := was[c.ID]
		if known && last == c.Status || c.Status == job.Pending {
			continue
		}
		if c.Status.Ended() && last != job.Running && c.Start != sim.Never { // between two looks
			list = append(list, sim.Observation{At: c.Start, Device: c.Device, Event: sim.EventChild, Job: f.spec.ID, Text: job.Running.String()})
		}
		o := sim.Observation{At: c.Start, Device: c.Device, Event: sim.EventChild, Job: f.spec.ID, Text: c.Status.String()}
		if c.Status.Ended() {
			o.At = c.End
			if c.Status == job.Failed {
				o.Text += ": " + c.FailureReason
			}
			if c.Start != sim.Never && c.End != sim.Never {
				list = append(list, sim.Observation{At: c.End, Device: c.Device, Metric: sim.MetricDeviceJob, Value: int64(max(0, c.End-c.Start))})
			}
		}
		if o.At == sim.Never {
			o.At = p.cfg.Now()
		}
		list = append(list, o)
	}
	if v := &f.view; before == nil || before.Status != v.Status {
		at := v.Start
		if v.Status.Ended() {
			at = v.End
		}
		if at == sim.Never {
			at = p.cfg.Now()
		}
		list = append(list, sim.Observation{At: at, Event: sim.EventJob, Job: f.spec.ID, Text: v.Status.String()})
	}
	p.mu.Unlock()
	if len(list) > 0 {
		p.cfg.Observe(list)
	}
}

func (p *Plane) cancel(ctx context.Context, c hub.CancelJob) (hub.Reply, error) {
	if err := p.jobs.Cancel(ctx, c.ID); err != nil {
		return hub.Reply{}, err
	}
	return p.getJob(ctx, c.ID)
}

// getJob asks the hub for a job or a part of one, of this run or not.
func (p *Plane) getJob(ctx context.Context, id string) (hub.Reply, error) {
	answer, err := p.jobs.GetJob(ctx, id)
	if err != nil {
		return hub.Reply{}, err
	}
	if answer.ParentJobID != "" {
		return hub.Reply{Children: []job.ChildView{p.childView(answer, p.find(answer.ParentJobID))}}, nil
	}
	v := p.parentView(answer, p.find(id))
	return hub.Reply{Job: &v}, nil
}

// find returns a job that was submitted here, nil if it was not.
func (p *Plane) find(id string) *followed {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.course {
		if f.spec.ID == id {
			return f
		}
	}
	return nil
}

// listJobs answers with the jobs submitted here, as they were last heard of.
func (p *Plane) listJobs(c hub.ListJobs) hub.Reply {
	limit := c.Limit
	if limit <= 0 || limit > sim.MaxSlice {
		limit = sim.MaxSlice
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	from := 0
	if c.After != "" {
		from = slices.IndexFunc(p.course, func(f *followed) bool { return f.spec.ID == c.After }) + 1
	}
	var r hub.Reply
	for _, f := range p.course[from:] {
		if len(r.Jobs) == limit {
			r.More = true
			break
		}
		r.Jobs = append(r.Jobs, f.view)
	}
	return r
}

// listChildren answers with the parts of a job that was submitted here.
func (p *Plane) listChildren(ctx context.Context, c hub.ListChildren) (hub.Reply, error) {
	f := p.find(c.Job)
	if f == nil {
		return hub.Reply{}, &hub.Error{Code: hub.CodeJobNotFound, Message: fmt.Sprintf("no job %q was submitted here", c.Job)}
	}
	p.mu.Lock()
	known := f.view.Status.Ended() && f.children != nil
	p.mu.Unlock()
	if !known {
		if err := p.look(ctx, f); err != nil {
			return hub.Reply{}, err
		}
	}
	limit := c.Limit
	if limit <= 0 || limit > sim.MaxSlice {
		limit = sim.MaxSlice
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	from := min(max(0, c.From), len(f.children))
	to := min(from+limit, len(f.children))
	return hub.Reply{Children: slices.Clone(f.children[from:to]), More: to < len(f.children)}, nil
}

// coreStatus is jobStatus backwards; false for a word there is none for.
func coreStatus(word string) (job.Status, bool) {
	for s := job.Pending; s <= job.Cancelled; s++ {
		if s != job.Scheduled && s != job.Stopped && jobStatus(s) == word {
			return s, true
		}
	}
	return job.Running, false
}

// parentView reads a job; f is nil if it was not submitted here.
func (p *Plane) parentView(w *JobResponse, f *followed) job.View {
	v := job.View{
		ID: w.JobID, Kind: w.Type, Created: p.time(w.StartTimeUTC), Start: p.time(w.StartTimeUTC), End: p.time(w.EndTimeUTC),
		FailureReason: w.FailureReason, StatusMessage: w.StatusMessage,
	}
	v.Status, _ = coreStatus(w.Status)
	if total, succeeded, failed, ok := w.Counts(); ok {
		v.Counts = job.Counts{Total: total, Succeeded: succeeded, Failed: failed}
		rest := max(0, total-succeeded-failed)
		switch v.Status { // what is not told is taken to be where the job is
		case job.Pending:
			v.Counts.Pending = rest
		case job.Cancelled:
			v.Counts.Cancelled = rest
		default:
			v.Counts.Running = rest
		}
	}
	if f != nil {
		v.Timeout, v.Spec = max(0, f.spec.Timeout), &f.spec
		if v.Counts.Total == 0 {
			v.Counts.Total, v.Counts.Pending = len(f.spec.Targets), len(f.spec.Targets)
		}
	}
	v.BatchSize = v.Counts.Total
	return v
}

// childView reads one device's part of a job.
func (p *Plane) childView(w *JobResponse, f *followed) job.ChildView {
	v := job.ChildView{
		ID: w.JobID, Parent: w.ParentJobID, Kind: w.Type, Device: sim.DeviceID(w.DeviceID),
		Start: p.time(w.StartTimeUTC), End: p.time(w.EndTimeUTC), FailureReason: w.FailureReason, StatusMessage: w.StatusMessage,
	}
	if f != nil {
		v.Number = f.number[v.Device]
	}
	if v.Status, _ = coreStatus(w.Status); v.Status == job.Pending {
		v.Start = sim.Never // what is said then is when the job was scheduled
	}
	return v
}
