package hub

import (
	"fmt"
	"strconv"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// AppendCommand appends a command in words, the same for equal commands in
// every run: for digests and logs. Keys are left out.
func AppendCommand(b []byte, c Command) []byte {
	switch c := c.(type) {
	case Register:
		b = append(append(b, "register "...), c.ID...)
		b = fmt.Appendf(b, " disabled=%t labels=%q tags=", c.Disabled, c.Labels)
		b = appendDoc(b, c.Tags)
		return appendDoc(append(b, " service="...), c.Service)
	case UpdateIdentity:
		b = append(append(b, "update-identity "...), c.ID...)
		return fmt.Appendf(b, " etag=%s disabled=%t reason=%q keys=%t thumbprints=%s,%s", c.Etag, c.Disabled, c.StatusReason,
			c.PrimaryKey != nil, c.Thumbprints.Primary, c.Thumbprints.Secondary)
	case ReplaceService:
		b = append(append(b, "replace-service "...), c.ID...)
		b = fmt.Appendf(b, " etag=%s labels=%q properties=", c.Etag, c.Labels)
		return appendDoc(b, c.Properties)
	case SetLabels:
		return fmt.Appendf(append(append(b, "set-labels "...), c.ID...), " labels=%q", c.Labels)
	case PatchTwin:
		b = append(append(b, "patch-twin "...), c.ID...)
		b = appendDoc(append(b, " tags="...), c.Tags)
		b = appendDoc(append(b, " desired="...), c.Desired)
		return append(append(b, " etag="...), c.Etag...)
	case Invoke:
		b = append(append(b, "invoke "...), c.ID...)
		b = fmt.Appendf(b, " %s connect=%s response=%s ", c.Method, c.ConnectTimeout, c.ResponseTimeout)
		return append(b, c.Payload...)
	case SubmitJob:
		b = append(b, "submit-job "...)
		if c.Unique || c.Forget {
			b = fmt.Appendf(b, "unique=%t forget=%t ", c.Unique, c.Forget)
		}
		return appendSpec(b, &c.Spec)
	case PutSchedule:
		b = fmt.Appendf(b, "put-schedule %q disabled=%t misfire=%d rule=%s ", c.ID, c.Disabled, c.Misfire, c.Rule)
		return appendSpec(b, &c.Spec)
	}
	return fmt.Appendf(b, "%T %+v", c, c) // the others hold plain values only
}

func appendDoc(b []byte, v doc.Value) []byte {
	if v.IsAbsent() {
		return append(b, '-')
	}
	return v.AppendJSON(b)
}

// Append appends a device's row in words; nil is a deleted device. Keys are
// left out.
func (d *Device) Append(b []byte) []byte {
	if d == nil {
		return append(b, "device -"...)
	}
	b = append(append(b, "device "...), d.ID...)
	b = fmt.Appendf(b, " number=%d generation=%d etag=%d disabled=%t connected=%t managed=%t changed=%d,%d,%d labels=%q configuration=%q,%t versions=",
		d.Number, d.Generation, d.Etag, d.Disabled, d.Connected, d.Managed,
		int64(d.ConnectionChanged), int64(d.StatusChanged), int64(d.LastActivity), d.Labels, d.Configuration, d.Configured)
	for _, n := range []uint64{d.TwinVersion, d.TwinEtag, d.DesiredVersion, d.ReportedVersion, d.ServiceEtag} {
		b = append(strconv.AppendUint(b, n, 10), ',')
	}
	if d.StatusReason != "" || d.Thumbprints != (Thumbprints{}) {
		b = fmt.Appendf(b, " reason=%q thumbprints=%s,%s", d.StatusReason, d.Thumbprints.Primary, d.Thumbprints.Secondary)
	}
	if d.Waiting > 0 {
		b = fmt.Appendf(b, " waiting=%d", d.Waiting)
	}
	for _, v := range []doc.Value{d.Service, d.Tags, d.Cloud, d.Desired, d.Reported, d.Read} {
		b = append(b, ' ')
		b = appendTimed(b, v)
	}
	return b
}

// appendTimed appends a value with the time of change of its members, two
// levels deep.
func appendTimed(b []byte, v doc.Value) []byte {
	b = appendDoc(b, v)
	for name, x := range v.Members() {
		b = appendTime(append(append(b, ' '), name...), x.Changed())
		for name, y := range x.Members() {
			b = appendTime(append(append(b, ' '), name...), y.Changed())
		}
	}
	return b
}

func appendTime(b []byte, t sim.Time) []byte { return strconv.AppendInt(append(b, '@'), int64(t), 10) }

// appendSpec appends a job as it is submitted.
func appendSpec(b []byte, s *job.Spec) []byte {
	b = fmt.Appendf(b, "%q %s name=%q group=%q schedule=%q timeout=%s device=%s step=%s grace=%s inflight=%d uri=%q configuration=%q names=%q command=%q payload=%q",
		s.ID, s.Kind, s.Name, s.Group, s.Schedule, s.Timeout, s.DeviceTimeout, s.StepTimeout, s.Grace, s.InFlight,
		s.PackageURI, s.Configuration, s.Names, s.Command, s.Payload)
	b = fmt.Appendf(b, " durable=%t queued=%t continuous=%t pause=%s", s.Durable, s.Queued, s.Continuous, s.Pause)
	if s.Batch != nil {
		b = fmt.Appendf(b, " batch=%s", s.Batch)
	}
	if s.Gate != nil {
		b = fmt.Appendf(b, " gate=%s", s.Gate)
	}
	if s.Threshold != nil {
		b = fmt.Appendf(b, " threshold=%s,%t", s.Threshold.Amount, s.Threshold.PerBatch)
	}
	if s.Rollout != nil {
		b = fmt.Appendf(b, " rollout=%+v", *s.Rollout)
	}
	if s.Retry != nil {
		b = fmt.Appendf(b, " retry=%+v", *s.Retry)
	}
	b = appendDoc(append(b, " properties="...), doc.Object(s.Properties...))
	b = append(b, " targets="...)
	for i, id := range s.Targets {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, id...)
	}
	return b
}
