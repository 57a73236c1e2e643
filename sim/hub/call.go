package hub

import (
	"fmt"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/planted"
)

// call is a direct method call on its way, or waiting for its device. The
// calls of a device are a list through next.
type call struct {
	dev      uint32
	next     uint32
	rid      uint64 // 0: waits for the device
	ticket   uint64 // 0: child's
	child    job.CallRef
	due      sim.Time
	method   string        // while it waits
	body     []byte        // while it waits
	response time.Duration // while it waits
}

// none ends a list of calls.
const none = ^uint32(0)

// ack is a job's call that found no device.
type ack struct {
	child job.CallRef
	text  string
	why   job.Why
}

const (
	defaultResponse = 30 * time.Second
	maxResponse     = 300 * time.Second
	maxPayload      = 128 << 10 // bytes, each way [IoT Hub: "Quotas and throttling", direct methods]
	maxMethod       = 100
	maxCalls        = 1000 // outstanding calls of one device
)

func (h *Hub) invoke(now sim.Time, c Invoke, out *sim.Outbox) (Reply, error) {
	n, err := h.find(c.ID)
	if err != nil {
		return Reply{}, err
	}
	if c.ResponseTimeout == 0 {
		c.ResponseTimeout = defaultResponse
	}
	switch {
	case c.Method == "" || len(c.Method) > maxMethod:
		return Reply{}, &Error{CodeInvalid, fmt.Sprintf("method name has %d bytes; it must have 1 to %d", len(c.Method), maxMethod)}
	case len(c.Payload) > maxPayload:
		return Reply{}, &Error{CodeTooLarge, fmt.Sprintf("payload has %d bytes; the limit is %d", len(c.Payload), maxPayload)}
	case c.ResponseTimeout < 0 || c.ResponseTimeout > maxResponse || c.ConnectTimeout < 0 || c.ConnectTimeout > maxResponse:
		return Reply{}, &Error{CodeInvalid, fmt.Sprintf("timeouts must be within 0 and %s", maxResponse)}
	}
	if c.Payload == nil {
		c.Payload = []byte("null")
	} else if _, err := doc.Parse(c.Payload); err != nil {
		return Reply{}, &Error{CodeInvalid, "payload is not JSON: " + err.Error()}
	}
	t, err := h.open()
	if err != nil {
		return Reply{}, err
	}
	if c.Due == 0 {
		c.Due = now
	}
	s := &h.sessions[n]
	switch {
	case s.online():
		h.send(now, n, call{ticket: t, due: c.Due}, c.Method, c.Payload, c.ResponseTimeout, out)
	case c.ConnectTimeout > 0:
		h.add(n, call{ticket: t, due: c.Due, method: c.Method, body: c.Payload, response: c.ResponseTimeout}, now.Add(c.ConnectTimeout))
	default:
		h.count.CallsOffline++
		h.settle(t, Reply{}, offline(c.ID), out)
	}
	return Reply{Ticket: t}, nil
}

func offline(id sim.DeviceID) error {
	return &Error{CodeOffline, fmt.Sprintf("device %q is not connected or does not listen for direct methods", id)}
}

// add puts a call into the slab and on its device's list.
func (h *Hub) add(dev uint32, c call, limit sim.Time) uint32 {
	var i uint32
	if n := len(h.freed); n > 0 {
		i, h.freed = h.freed[n-1], h.freed[:n-1]
	} else {
		i = uint32(len(h.calls))
		h.calls = append(h.calls, call{})
	}
	c.dev, c.next = dev, h.sessions[dev].calls
	h.calls[i] = c
	h.sessions[dev].calls = i
	h.limits.Set(i, limit)
	return i
}

// remove takes a call out of the slab and returns what it was.
func (h *Hub) remove(i uint32) call {
	c := h.calls[i]
	for p := &h.sessions[c.dev].calls; *p != none; p = &h.calls[*p].next {
		if *p == i {
			*p = c.next
			break
		}
	}
	h.calls[i] = call{}
	h.freed = append(h.freed, i)
	h.limits.Clear(i)
	return c
}

// send sends a method request to an online device.
func (h *Hub) send(now sim.Time, dev uint32, c call, method string, body []byte, timeout time.Duration, out *sim.Outbox) {
	s := &h.sessions[dev]
	s.rid++
	c.rid = s.rid
	h.add(dev, c, now.Add(timeout))
	h.count.Calls++
	out.Send = append(out.Send, sim.Message{
		Kind: sim.Call, Device: (*h.devices.At(int(dev))).ID, Conn: s.conn, ID: c.rid, Name: method, Body: body, Due: c.due})
}

// sendWaiting sends the calls that waited for the device, oldest first.
func (h *Hub) sendWaiting(now sim.Time, dev uint32, out *sim.Outbox) {
	var list []uint32
	for i := h.sessions[dev].calls; i != none; i = h.calls[i].next {
		if h.calls[i].rid == 0 {
			list = append(list, i)
		}
	}
	for k := len(list) - 1; k >= 0; k-- {
		c := h.remove(list[k])
		h.send(now, dev, call{ticket: c.ticket, child: c.child, due: c.due}, c.method, c.body, c.response, out)
	}
}

// answered matches an answer with its call; a late, unknown or second one is
// counted and dropped. One that is not JSON ends its call, with no status: what
// the device made of it is not known.
func (h *Hub) answered(now sim.Time, dev uint32, m *sim.Message, out *sim.Outbox) {
	i := h.sessions[dev].calls
	for i != none && (h.calls[i].rid != m.ID || m.ID == 0) {
		i = h.calls[i].next
	}
	if i == none && planted.In(h.cfg.Planted, planted.LateAnswer) {
		i = h.sessions[dev].calls
	}
	if i == none || planted.In(h.cfg.Planted, planted.LostAnswer) && m.ID%3 == 0 {
		h.count.LateAnswers++
		return
	}
	c := h.remove(i)
	h.count.Answers++
	out.Measure(now, m.Device, sim.MetricMethodRoundTrip, c.due)
	wrong := malformed(m.Body)
	if c.ticket == 0 {
		a := job.Ack{Status: m.Status, Body: m.Body}
		if wrong != nil {
			a = job.Ack{Lost: "the device answered with what is not JSON (" + wrong.Error() + ")", Why: job.WhyRefused}
		}
		h.jobs.Answered(now, c.child, a, out)
		return
	}
	if wrong != nil {
		h.settle(c.ticket, Reply{}, &Error{CodeAnswer, fmt.Sprintf("device %q answered with what is not JSON: %v", m.Device, wrong)}, out)
		return
	}
	if len(m.Body) > maxPayload {
		h.settle(c.ticket, Reply{}, &Error{CodeTooLarge, fmt.Sprintf("device %q answered with %d bytes; the limit is %d", m.Device, len(m.Body), maxPayload)}, out)
		return
	}
	h.settle(c.ticket, Reply{Status: m.Status, Payload: append([]byte(nil), m.Body...)}, nil, out)
}

// malformed says what is wrong with the body of an answer; it may be empty.
func malformed(body []byte) error {
	if len(body) == 0 || len(body) > maxPayload || string(body) == "{}" {
		return nil
	}
	_, err := doc.Parse(body)
	return err
}

func (h *Hub) callTimedOut(now sim.Time, i uint32, out *sim.Outbox) {
	c := h.remove(i)
	id := (*h.devices.At(int(c.dev))).ID
	if c.rid == 0 {
		h.count.CallsOffline++
		h.settle(c.ticket, Reply{}, offline(id), out)
		return
	}
	h.count.CallsTimedOut++
	if c.ticket == 0 {
		h.jobs.Answered(now, c.child, job.Ack{Lost: "the device did not answer in time", Why: job.WhyTimeout}, out)
		return
	}
	h.settle(c.ticket, Reply{}, &Error{CodeTimeout, fmt.Sprintf("device %q did not answer in time", id)}, out)
}

// dropCalls ends the calls that are on their way on a connection that ended.
func (h *Hub) dropCalls(now sim.Time, dev uint32, why sim.Reason, out *sim.Outbox) {
	var list []uint32
	for i := h.sessions[dev].calls; i != none; i = h.calls[i].next {
		if h.calls[i].rid != 0 {
			list = append(list, i)
		}
	}
	id := (*h.devices.At(int(dev))).ID
	for k := len(list) - 1; k >= 0; k-- {
		c := h.remove(list[k])
		switch {
		case c.ticket == 0:
			h.lost = append(h.lost, ack{c.child, "the device disconnected", job.WhyLost})
		case why == sim.ReasonTakeover:
			h.settle(c.ticket, Reply{}, &Error{CodeTakeover, fmt.Sprintf("device %q opened a new connection", id)}, out)
		default:
			h.settle(c.ticket, Reply{}, &Error{CodeOffline, fmt.Sprintf("device %q disconnected before it answered", id)}, out)
		}
	}
}

// dropWaiting ends what waits for a device that will not come.
func (h *Hub) dropWaiting(now sim.Time, dev uint32, err error, out *sim.Outbox) {
	for h.sessions[dev].calls != none {
		if c := h.remove(h.sessions[dev].calls); c.ticket != 0 {
			h.settle(c.ticket, Reply{}, err, out)
		}
	}
}
