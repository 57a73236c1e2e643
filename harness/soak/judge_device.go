package soak

import (
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// executes says which resource a kind of job has a device execute.
var executes = map[string]string{"firmwareUpdate": "UpdateFirmware", "rebootDevice": "RebootDevice", "factoryResetDevice": "FactoryResetDevice",
	"updateDeviceConfiguration": "ConfigApply"}

// deed is what a job has a device execute: a resource, or a command by its
// name; "" if nothing.
func deed(s *job.Spec) string {
	if s.Kind == "command" {
		return s.Command
	}
	return executes[s.Kind]
}

// device follows what a device does.
func (j *judge) device(o *sim.Observation) {
	if o.Metric != sim.NoMetric && o.Value < 0 {
		j.breaks("time", "%s of %s is %d", sim.Metrics[o.Metric].Name, o.Device, o.Value)
	}
	d := j.devices[o.Device]
	switch {
	case d == nil:
	case (o.Event == sim.EventExecute || o.Event == sim.EventCommand) && !strings.Contains(o.Text, " "): // not refused
		d.executed[o.Text] = append(d.executed[o.Text], o.At)
		if n := len(d.executed[o.Text]); n > d.begun[o.Text] {
			j.breaks("execution", "%s executes %s for the %d. time; jobs and calls began %d times", o.Device, o.Text, n, d.begun[o.Text])
		}
	case o.Event == sim.EventResource:
		j.resource(d, o)
	}
}

// didIt: a device's part is completed only if the device did it, meanwhile.
func (j *judge) didIt(r *record, dev sim.DeviceID, p *part) {
	what := deed(&r.spec)
	if what == "" {
		return
	}
	for _, at := range j.devices[dev].executed[what] {
		if at >= p.since && at <= j.now {
			return
		}
	}
	j.breaks("execution", "%s of %s is completed, but the device did not execute %s", dev, r.spec.ID, what)
}

// resource follows a device's firmware: a version comes only through its
// states.
func (j *judge) resource(d *tracked, o *sim.Observation) {
	if v, ok := strings.CutPrefix(o.Text, "FirmwareVersion="); ok {
		switch {
		case v == d.version:
		case v != "3.0" && v != "1.0":
			j.breaks("firmware", "%s is at version %s, which nobody has made", o.Device, v)
		case v == "3.0" && (d.state != "3" || len(d.executed["UpdateFirmware"]) == 0):
			j.breaks("firmware", "%s is at version %s in state %s, without having downloaded and executed it", o.Device, v, d.state)
		}
		d.version = v
	}
	if v, ok := strings.CutPrefix(o.Text, "FirmwareUpdateState="); ok {
		if v == "3" && d.state != "2" && d.state != "3" {
			j.breaks("firmware", "%s has downloaded (state 3) what it did not begin to (state %s)", o.Device, d.state)
		}
		d.state = v
	}
}

// wire follows the calls between the hub and its devices: what the hub was
// told and what it sends.
func (j *judge) wire(in *sim.Input, out *sim.Outbox) {
	taken, value := 0, int64(0)
	for i := range out.Observe {
		if o := &out.Observe[i]; o.Metric == sim.MetricMethodRoundTrip {
			taken++
			value = o.Value
		}
	}
	if in != nil && in.Kind == sim.Received && in.Msg.Kind == sim.Answer {
		j.answer(&in.Msg, taken, value)
	} else if taken > 0 {
		j.breaks("answers", "an answer is taken where none came")
	}
	if in != nil && in.Kind == sim.Received && in.Msg.Kind == sim.Close {
		if d := j.devices[in.Msg.Device]; d != nil && d.conn == in.Msg.Conn {
			d.conn = 0
		}
	}
	for i := range out.Send {
		m := &out.Send[i]
		d := j.devices[m.Device]
		switch {
		case d == nil:
		case m.Kind == sim.Accept && m.Status == 0:
			d.conn = m.Conn
		case m.Kind == sim.Close && d.conn == m.Conn:
			d.conn = 0
		case m.Kind == sim.Call:
			k := callKey{m.Device, m.Conn, m.ID}
			if j.calls[k] != nil {
				j.breaks("answers", "two calls of %s have the number %d", m.Device, m.ID)
			}
			j.calls[k] = &called{due: m.Due, sent: j.now}
		}
	}
}

// answer holds an answer against its call: it is taken if the call is open,
// and only then.
func (j *judge) answer(m *sim.Message, taken int, value int64) {
	d, c := j.devices[m.Device], j.calls[callKey{m.Device, m.Conn, m.ID}]
	late := c == nil || c.answered || d == nil || d.conn != m.Conn || j.now > c.sent.Add(j.c.Call) && !j.slow()
	unsure := c != nil && (j.now == c.sent.Add(j.c.Call) || j.slow() && j.now > c.sent.Add(j.c.Call))
	switch {
	case taken > 1:
		j.breaks("answers", "the answer of %s to call %d is taken %d times", m.Device, m.ID, taken)
	case taken == 1 && late:
		j.breaks("answers", "the answer of %s to call %d is taken, but that call is not open", m.Device, m.ID)
	case taken == 1 && value != int64(j.now.Sub(c.due)):
		j.breaks("answers", "the answer of %s to call %d is taken for that of another call", m.Device, m.ID)
	case taken == 0 && !late && !unsure:
		j.breaks("answers", "the answer of %s to call %d is lost in the hub", m.Device, m.ID)
	}
	if taken == 1 && c != nil {
		c.answered = true
		j.taken, j.from = c, m.Device
	}
}

// owners notes whose parts the calls are that the hub has sent, where there is
// but one that may be, and holds an answer that was taken against its part: it
// must have ended.
func (j *judge) owners(out *sim.Outbox) {
	if c := j.taken; c != nil {
		j.taken = nil
		p := (*part)(nil)
		if c.owner != nil {
			p = c.owner.part(j.from)
		}
		if p != nil && p.state == "running" && p.begun == c.try {
			j.breaks("answers", "the answer to the call of %s is taken, but %s's part goes on waiting for it", c.owner.spec.ID, j.from)
		}
	}
	for i := range out.Send {
		m := &out.Send[i]
		if m.Kind != sim.Call || string(m.Body) == "null" { // an operator's
			continue
		}
		c, may := j.calls[callKey{m.Device, m.Conn, m.ID}], 0
		for _, r := range j.order {
			p := r.part(m.Device)
			if n, few := asks[r.spec.Kind]; p == nil || p.state != "running" || few && n == 0 || n == 1 && p.asked == p.begun {
				continue
			} else if n == 1 {
				c.owner, c.try = r, p.begun
			}
			may++
		}
		if may > 1 { // or it is another one's
			c.owner = nil
		}
		if c.owner != nil {
			c.owner.part(m.Device).asked = c.try
		}
	}
}
