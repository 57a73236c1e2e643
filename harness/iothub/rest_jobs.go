package iothub

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// maxJobID is how long a job id may be, in bytes.
const maxJobID = 128

// putJob schedules a job: PUT /jobs/v2/{jobId}.
func (r *request) putJob() error {
	var body JobRequest
	if err := r.read(&body, MaxJobBody); err != nil {
		return err
	}
	id := r.last()
	if len(id) > maxJobID {
		return invalid("the job id has %d bytes, the limit is %d", len(id), maxJobID)
	}
	if body.JobID != "" && body.JobID != id {
		return invalid("jobId is %.40q in the body and %.40q in the path", body.JobID, id)
	}
	if body.JobParameters == nil {
		return refuse(http.StatusBadRequest, "ArgumentNull", "jobParameters is missing")
	}
	spec, err := body.JobParameters.spec()
	if err != nil {
		return err
	}
	spec.ID = id
	if len(spec.Targets) > sim.MaxSlice {
		if err := r.known(spec.Targets); err != nil {
			return err
		}
	}
	reply, err := r.do(hub.SubmitJob{Spec: spec, Unique: r.cfg.Strict, Forget: true})
	if err != nil {
		return err
	}
	return r.reply(r.asParent(reply.Job))
}

// known says which of many devices is not there or named twice, so that no job
// is made. The hub itself looks at so many only when the job has begun.
func (r *request) known(ids []sim.DeviceID) error {
	v, err := r.cfg.Hub.View(r.Context())
	if err != nil {
		return err
	}
	seen := make(map[sim.DeviceID]bool, len(ids))
	for _, id := range ids {
		switch {
		case v.Find(id) == nil:
			return refuse(http.StatusNotFound, "DeviceNotFound", "device %q is not registered", id)
		case seen[id]:
			return invalid("device %q is named twice", id)
		}
		seen[id] = true
	}
	return nil
}

// spec makes a job's parameters a job of the engine.
func (p *JobParameters) spec() (s job.Spec, err error) {
	kind, ok := jobType(p.JobType)
	if !ok {
		return s, invalid("jobType is %.40q, it must be one of %s", p.JobType, strings.Join(jobTypes[:], ", "))
	}
	s.Kind = kind
	if len(p.DeviceIDs) == 0 {
		return s, refuse(http.StatusBadRequest, "ArgumentNull", "DeviceIds names no device")
	}
	s.Targets = make([]sim.DeviceID, len(p.DeviceIDs))
	for i, id := range p.DeviceIDs {
		if strings.TrimSpace(id) == "" {
			return s, invalid("DeviceIds[%d] is blank", i)
		}
		s.Targets[i] = sim.DeviceID(id)
	}
	if p.Timeout != nil {
		if s.Timeout = time.Duration(*p.Timeout); s.Timeout < MinJobTimeout || s.Timeout > MaxJobTimeout {
			return s, invalid("Timeout is %s, it must be 1 minute to 1 day", *p.Timeout)
		}
	}
	switch kind {
	case JobFirmwareUpdate:
		if s.PackageURI = p.PackageURI; s.PackageURI == "" {
			return s, refuse(http.StatusBadRequest, "ArgumentNull", "PackageUri is missing")
		}
	case JobConfigurationUpdate:
		if p.Value == nil {
			return s, refuse(http.StatusBadRequest, "ArgumentNull", "Value is missing; it is a string and may be empty")
		}
		s.Configuration = *p.Value
	case JobReadDeviceProperties:
		if s.Names = p.DevicePropertyNames; s.Names == nil {
			s.Names = p.SystemPropertyNames
		}
		if len(s.Names) == 0 {
			return s, refuse(http.StatusBadRequest, "ArgumentNull", "DevicePropertyNames names no property")
		}
	case JobWriteDeviceProperties:
		if k := p.DeviceProperties.Kind(); k != doc.KindObject && k != doc.KindAbsent && k != doc.KindNull {
			return s, invalid("DeviceProperties is of type %s, it must be an object of names and values", k)
		}
		if p.DeviceProperties.Len() == 0 {
			return s, refuse(http.StatusBadRequest, "ArgumentNull", "DeviceProperties names no property")
		}
		for name, v := range p.DeviceProperties.Members() {
			s.Properties = append(s.Properties, doc.Member{Name: name, Value: writtenValue(name, v)})
		}
	}
	return s, nil
}

// getJob answers with a parent or a child: GET /jobs/v2/{jobId}.
func (r *request) getJob() error {
	reply, err := r.do(hub.GetJob{ID: r.last()})
	if err != nil {
		return err
	}
	switch {
	case reply.Job != nil && visible(reply.Job.Kind):
		return r.reply(r.asParent(reply.Job))
	case len(reply.Children) == 1 && visible(reply.Children[0].Kind):
		c, scheduled := &reply.Children[0], sim.Never
		if parent, err := r.do(hub.GetJob{ID: c.Parent}); err == nil && parent.Job != nil {
			scheduled = parent.Job.Created
		}
		return r.reply(r.asChild(c, scheduled))
	}
	return refuse(http.StatusNotFound, "JobNotFound", "no job %q", r.last())
}

// cancelJob cancels a job: DELETE /jobs/v2/{jobId}. Its children that have not
// begun are cancelled, those that have stop at their next step.
func (r *request) cancelJob() error {
	reply, err := r.do(hub.GetJob{ID: r.last()})
	if err != nil {
		return err
	}
	if reply.Job == nil || !visible(reply.Job.Kind) {
		return refuse(http.StatusNotFound, "JobNotFound", "no job %q; a child is cancelled with its parent", r.last())
	}
	if _, err := r.do(hub.CancelJob{ID: r.last()}); err != nil {
		return err
	}
	r.write(http.StatusNoContent, nil)
	return nil
}

// maxListed is how many jobs a listing has at most.
const maxListed = 1000

// listJobs answers GET /jobs/v2: parents first, the latest of them first, then
// children.
func (r *request) listJobs() error {
	v, err := r.cfg.Hub.View(r.Context())
	if err != nil {
		return err
	}
	list := []*JobResponse{}
	type parent struct {
		number    int
		scheduled sim.Time
	}
	var parents []parent
	for n := v.Jobs.Len() - 1; n >= 0 && len(list) < maxListed; n-- {
		if j, ok := v.Jobs.At(n); ok && visible(j.Kind) {
			list = append(list, r.asParent(&j))
			parents = append(parents, parent{n, j.Created})
		}
	}
	for _, p := range parents {
		for _, c := range v.Jobs.Children(p.number, 0, maxListed-len(list)) {
			list = append(list, r.asChild(&c, p.scheduled))
		}
	}
	return r.reply(list)
}

// visible says whether the preview has a word for a kind of job.
func visible(kind string) bool {
	for _, t := range jobTypes {
		if t == kind {
			return true
		}
	}
	return false
}

// jobStatus is a state of the engine in the preview's words.
func jobStatus(s job.Status) string {
	switch s {
	case job.Pending, job.Scheduled:
		return StatusEnqueued
	case job.Running, job.Stopped:
		return StatusRunning
	case job.Completed:
		return StatusCompleted
	case job.Failed:
		return StatusFailed
	case job.Cancelled:
		return StatusCancelled
	}
	return StatusUnknown
}

// asParent writes a job: it starts when it is scheduled, and has a reason of
// failure only if something failed.
func (h *Handler) asParent(v *job.View) *JobResponse {
	j := &JobResponse{
		JobID: v.ID, Type: v.Kind, Status: jobStatus(v.Status), StartTimeUTC: h.at(v.Created), EndTimeUTC: h.at(v.End),
		FailureReason: v.FailureReason, StatusMessage: v.StatusMessage,
	}
	if v.Status.Ended() && j.FailureReason == "" && v.Counts.Failed > 0 {
		j.FailureReason = fmt.Sprintf("%d of %d devices failed", v.Counts.Failed, v.Counts.Total)
	}
	return j
}

// asChild writes one device's part of a job; scheduled is when the job was, and
// stands for the start until that has come. A part that ended without one, for
// it was cancelled, has none.
func (h *Handler) asChild(c *job.ChildView, scheduled sim.Time) *JobResponse {
	start := c.Start
	if start == sim.Never && !c.Status.Ended() {
		start = scheduled
	}
	return &JobResponse{
		JobID: c.ID, Type: c.Kind, Status: jobStatus(c.Status), StartTimeUTC: h.at(start), EndTimeUTC: h.at(c.End),
		FailureReason: c.FailureReason, StatusMessage: c.StatusMessage, DeviceID: string(c.Device), ParentJobID: c.Parent,
	}
}

// at is an instant on the wire, nil for one that has not come.
func (h *Handler) at(t sim.Time) *Time {
	if t == sim.Never {
		return nil
	}
	return &Time{h.cfg.Epoch.UTC(t)}
}
