package hub

import (
	"fmt"

	"github.com/flotilla-sim/flotilla/sim"
)

// maxPage is how many rows a listing answers at most.
const maxPage = sim.MaxSlice

// Do carries out a command. It never waits: a Reply with a Ticket is answered
// later. Errors are *Error.
func (h *Hub) Do(now sim.Time, c Command, out *sim.Outbox) (Reply, error) {
	h.now = now
	r, err := h.do(now, c, out)
	h.finish(now, out)
	return r, err
}

func (h *Hub) do(now sim.Time, c Command, out *sim.Outbox) (Reply, error) {
	switch c := c.(type) {
	case Register:
		return h.register(now, c, out)
	case Unregister:
		return h.unregister(now, c, out)
	case SetStatus:
		return h.setStatus(now, c, out)
	case UpdateIdentity:
		return h.updateIdentity(now, c, out)
	case ReplaceService:
		return h.replaceService(now, c, out)
	case SetLabels:
		return h.setLabels(now, c, out)
	case GetDevice:
		n, err := h.find(c.ID)
		if err != nil {
			return Reply{}, err
		}
		return Reply{Device: h.handOut(n, out)}, nil
	case ListDevices:
		return h.listDevices(c, out), nil
	case PatchTwin:
		return h.patchTwin(now, c, out)
	case Invoke:
		return h.invoke(now, c, out)
	case SubmitJob:
		return h.submit(now, c, out)
	case CancelJob:
		if !h.jobs.Cancel(now, c.ID, out) {
			return Reply{}, noJob(c.ID)
		}
		return h.getJob(c.ID)
	case StopJob:
		return h.control(c.ID, h.jobs.Stop(now, c.ID, out))
	case ResumeJob:
		return h.control(c.ID, h.jobs.Resume(now, c.ID, out))
	case RerunJob:
		return h.rerun(now, c, out)
	case CopyJob:
		return h.copyJob(now, c, out)
	case PutGroup:
		return h.putGroup(c)
	case DeleteGroup:
		return h.deleteGroup(c.ID)
	case ListGroups:
		return h.listGroups(), nil
	case PutSchedule:
		return h.putSchedule(now, c)
	case EnableSchedule:
		return h.enableSchedule(now, c)
	case DeleteSchedule:
		return h.deleteSchedule(c.ID)
	case GetSchedule:
		return h.getSchedule(c.ID)
	case ListSchedules:
		return h.listSchedules(), nil
	case GetJob:
		return h.getJob(c.ID)
	case ListJobs:
		return h.listJobs(c)
	case ListChildren:
		return h.listChildren(c)
	case GetCounters:
		n := h.count
		return Reply{Counters: &n}, nil
	}
	return Reply{}, &Error{CodeInvalid, fmt.Sprintf("unknown command %T", c)}
}

func (h *Hub) listDevices(c ListDevices, out *sim.Outbox) Reply {
	var r Reply
	limit := page(c.Limit)
	i := max(0, c.From)
	for ; i < h.devices.Len() && len(r.Devices) < limit; i++ {
		if *h.devices.At(i) != nil {
			r.Devices = append(r.Devices, h.handOut(uint32(i), out))
		}
	}
	r.More = i < h.devices.Len()
	return r
}

func page(limit int) int {
	if limit <= 0 || limit > maxPage {
		return maxPage
	}
	return limit
}
