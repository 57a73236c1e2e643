package hub

import (
	"fmt"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/job"
)

func noJob(id string) error { return &Error{CodeJobNotFound, fmt.Sprintf("no job %q", id)} }

// submit checks a job and hands it to the engine. A short list of devices is
// checked as a whole before; in a long one the engine finds what is wrong, by
// and by, and fails the job.
func (h *Hub) submit(now sim.Time, c SubmitJob, out *sim.Outbox) (Reply, error) {
	if err := job.Check(&c.Spec); err != nil {
		return Reply{}, &Error{CodeInvalid, err.Error()}
	}
	if len(c.Spec.Targets) <= sim.MaxSlice {
		seen := make(map[sim.DeviceID]bool, len(c.Spec.Targets))
		for _, id := range c.Spec.Targets {
			if _, err := h.find(id); err != nil {
				return Reply{}, err
			}
			if seen[id] {
				return Reply{}, &Error{CodeInvalid, fmt.Sprintf("device %q is named twice", id)}
			}
			seen[id] = true
		}
	}
	if c.Spec.Group != "" && len(c.Spec.Targets) == 0 {
		if _, ok := h.findGroup(c.Spec.Group); !ok {
			return Reply{}, &Error{CodeGroupNotFound, fmt.Sprintf("no device group %q", c.Spec.Group)}
		}
	}
	if c.Unique {
		if _, _, known := h.jobs.Find(c.Spec.ID); known {
			return Reply{}, &Error{CodePrecondition, fmt.Sprintf("job %q exists", c.Spec.ID)}
		}
	}
	if c.Forget {
		n, err := h.jobs.Submit(now, c.Spec, out)
		if err != nil {
			return Reply{}, &Error{CodePrecondition, err.Error()}
		}
		v := h.jobs.View(n)
		return Reply{Job: &v}, nil
	}
	return h.ticketed(func() (uint32, error) { return h.jobs.Submit(now, c.Spec, out) }, CodePrecondition)
}

// ticketed opens a ticket for a job that is made, to be settled at its end.
func (h *Hub) ticketed(submit func() (uint32, error), code Code) (Reply, error) {
	t, err := h.open()
	if err != nil {
		return Reply{}, err
	}
	n, err := submit()
	if err != nil {
		delete(h.tickets, t)
		return Reply{}, &Error{code, err.Error()}
	}
	h.waiting[n] = append(h.waiting[n], t)
	v := h.jobs.View(n)
	return Reply{Ticket: t, Job: &v}, nil
}

// control answers a stop or resume of a job.
func (h *Hub) control(id string, err error) (Reply, error) {
	r, none := h.getJob(id)
	switch {
	case none != nil:
		return Reply{}, none
	case err != nil:
		return Reply{}, &Error{CodeState, err.Error()}
	}
	return r, nil
}

func (h *Hub) rerun(now sim.Time, c RerunJob, out *sim.Outbox) (Reply, error) {
	if _, err := h.getJob(c.ID); err != nil {
		return Reply{}, err
	}
	return h.ticketed(func() (uint32, error) { return h.jobs.Rerun(now, c.ID, c.NewID, c.Name, out) }, CodeState)
}

// copyJob submits a job like another one; its list of devices is that of its
// group at present, if it has one. [Azure IoT Central: "Create and run a job",
// copy a job]
func (h *Hub) copyJob(now sim.Time, c CopyJob, out *sim.Outbox) (Reply, error) {
	r, err := h.getJob(c.ID)
	if err != nil || r.Job == nil {
		return Reply{}, noJob(c.ID)
	}
	s := *r.Job.Spec
	name := s.Name
	if name == "" {
		name = s.ID
	}
	const word, limit = " Copy", 148
	s.Name = name[:min(len(name), limit-len(word))] + word
	s.ID, s.Schedule = c.NewID, ""
	if _, ok := h.findGroup(s.Group); ok {
		s.Targets = nil
	}
	return h.submit(now, SubmitJob{Spec: s}, out)
}

func (h *Hub) getJob(id string) (Reply, error) {
	ref, child, ok := h.jobs.Find(id)
	if !ok {
		return Reply{}, noJob(id)
	}
	if child {
		return Reply{Children: h.jobs.Children(ref.Job, int(ref.Child), 1)}, nil
	}
	v := h.jobs.View(ref.Job)
	return Reply{Job: &v}, nil
}

func (h *Hub) listJobs(c ListJobs) (Reply, error) {
	from := 0
	if c.After != "" {
		ref, child, ok := h.jobs.Find(c.After)
		if !ok || child {
			return Reply{}, noJob(c.After)
		}
		from = int(ref.Job) + 1
	}
	var r Reply
	for limit := page(c.Limit); from < h.jobs.Number() && len(r.Jobs) < limit; from++ {
		if n := uint32(from); !h.jobs.Purged(n) {
			r.Jobs = append(r.Jobs, h.jobs.View(n))
		}
	}
	r.More = from < h.jobs.Number()
	return r, nil
}

func (h *Hub) listChildren(c ListChildren) (Reply, error) {
	ref, child, ok := h.jobs.Find(c.Job)
	if !ok || child {
		return Reply{}, noJob(c.Job)
	}
	list := h.jobs.Children(ref.Job, c.From, page(c.Limit))
	return Reply{Children: list, More: max(0, c.From)+len(list) < h.jobs.View(ref.Job).Counts.Total}, nil
}

// fleet is the hub as the job engine sees it.
type fleet struct{ h *Hub }

func (f fleet) Find(id sim.DeviceID) (uint32, bool) {
	n, ok := f.h.byID[id]
	return n, ok
}

func (f fleet) Gone(dev uint32) bool { return *f.h.devices.At(int(dev)) == nil }

func (f fleet) Desire(now sim.Time, dev uint32, patch doc.Value, out *sim.Outbox) error {
	return f.h.desire(now, dev, doc.Value{}, patch, out)
}

func (f fleet) Cloud(now sim.Time, dev uint32, patch doc.Value, out *sim.Outbox) error {
	v, err := patched("cloudProperties", (*f.h.devices.At(int(dev))).Cloud, patch, maxTags, now)
	if err != nil {
		return err
	}
	f.h.mut(dev, out).Cloud = v
	return nil
}

func (f fleet) Enqueue(now sim.Time, dev uint32, command string, payload []byte, out *sim.Outbox) error {
	return f.h.enqueue(now, dev, command, payload, out)
}

func (f fleet) Online(dev uint32) bool { return f.h.sessions[dev].online() }

func (f fleet) Property(dev uint32, name string) (doc.Value, sim.Time) {
	d := *f.h.devices.At(int(dev))
	if d == nil {
		return doc.Value{}, -1
	}
	return d.Property(name)
}

func (f fleet) Call(now sim.Time, dev uint32, c job.CallRef, method string, body []byte, timeout time.Duration, out *sim.Outbox) {
	if !f.h.sessions[dev].online() {
		f.h.count.CallsOffline++
		f.h.lost = append(f.h.lost, ack{c, "device not connected", job.WhyOffline})
		return
	}
	f.h.send(now, dev, call{child: c, due: now}, method, body, timeout, out)
}

func (f fleet) Read(now sim.Time, dev uint32, values doc.Value, out *sim.Outbox) {
	d := f.h.mut(dev, out)
	for path, v := range values.Members() {
		if r, ok := sim.ResourceByPath(path); ok && r.Name != "" {
			d.Read = d.Read.With(r.Name, v, now)
		}
	}
}

func (f fleet) Configured(dev uint32, value string, out *sim.Outbox) {
	d := f.h.mut(dev, out)
	d.Configuration, d.Configured = value, true
}
