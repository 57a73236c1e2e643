package device

import (
	"fmt"
	"strconv"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// builtIn are the direct methods of the built-in behaviours.
var builtIn = [...]string{"dm.read", "dm.write", "dm.execute", "reboot", "factoryReset", "firmwareUpdate"}

// call is a direct method that waits for its turn. Its effect and its answer
// come at the same instant, after the time the device takes to answer: a call
// whose connection ends before that was never carried out.
type call struct {
	at   sim.Time
	id   uint64
	name string
	body []byte
	slow bool // waits for itself, not in the line of the others
	mute bool // nobody waits for its answer: it outlives its connection
}

// maxCalls is how many calls wait in a device; one more is answered 429.
// maxMute is how many commands wait that nobody waits for an answer to: as many
// as a hub keeps for a device.
const (
	maxCalls = 16
	maxMute  = 50
)

// call is when the first call is due.
func (b *volatile) call() sim.Time {
	at := sim.Never
	for i := range b.calls {
		at = min(at, b.calls[i].at)
	}
	return at
}

// called takes a call in. Calls are answered in the order in which they came,
// but for declared commands that take their own time.
func (d *Device) called(m *sim.Message) {
	c := call{at: d.at.Add(d.Draw(d.model.profile.Answer)), id: m.ID, name: m.Name, mute: m.Kind == sim.Cloud}
	if d.declares(m.Name) {
		d.Note(sim.EventCall, m.Name)
	}
	if takes, ok := d.takes(m.Name); ok {
		c.at, c.slow = d.at.Add(takes), true
	}
	waiting := 0
	if d.busy != nil {
		for i := range d.busy.calls {
			o := &d.busy.calls[i]
			if o.mute == c.mute {
				waiting++
			}
			if !o.slow && !c.slow {
				c.at = max(c.at, o.at)
			}
		}
	}
	switch {
	case c.mute && waiting == maxMute:
		d.Note(sim.EventDrop, "command: 50 are waiting already")
	case !c.mute && waiting == maxCalls:
		d.Note(sim.EventDrop, "call: 16 are waiting already")
		body := refusal("", Errorf(TooMany, "the device is busy with 16 calls; try again"))
		d.send(sim.Message{Kind: sim.Answer, ID: m.ID, Status: TooMany, Body: body.JSON()})
	case c.at <= d.now && (d.busy == nil || len(d.busy.calls) == 0):
		d.carryOut(&c, m.Body)
	default:
		c.body = append([]byte(nil), m.Body...)
		b := d.atWork()
		b.calls = append(b.calls, c)
	}
}

func (d *Device) callDue() {
	b := d.busy
	first := 0
	for i := range b.calls {
		if b.calls[i].at < b.calls[first].at {
			first = i
		}
	}
	c := b.calls[first]
	b.calls = append(b.calls[:first], b.calls[first+1:]...)
	d.carryOut(&c, c.body)
}

// commanded takes in a cloud-to-device message. It is acknowledged when it is
// taken in, and may come twice: when its acknowledgement is lost. [Azure IoT
// Hub: "Understand cloud-to-device messaging from an IoT hub"]
func (d *Device) commanded(m *sim.Message) {
	if m.ID != 0 {
		d.send(sim.Message{Kind: sim.CloudAck, ID: m.ID})
	}
	d.called(m)
}

// carryOut does what is called for and answers. The answer leaves before
// anything that is said in the course of it: its place is taken first.
func (d *Device) carryOut(c *call, body []byte) {
	if c.mute {
		if status, _ := d.invoke(c.name, body); status/100 != 2 {
			d.Note(sim.EventDrop, fmt.Sprintf("command %.100s: %d", c.name, status))
		}
		return
	}
	i := len(d.out.Send)
	if d.condition.Answering != (sim.Answering{}) {
		d.carryOutBadly(c, body)
		return
	}
	d.send(sim.Message{Kind: sim.Answer, ID: c.id})
	status, answer := d.invoke(c.name, body)
	if answer.IsAbsent() {
		answer = doc.Object()
	}
	d.out.Send[i].Status, d.out.Send[i].Body = status, answer.JSON()
	if d.down {
		d.Note(sim.EventDevice, "answering")
	}
}

func (d *Device) invoke(name string, body []byte) (int32, doc.Value) {
	for i := range d.model.methods {
		if d.model.methods[i].name != name {
			continue
		}
		var payload doc.Value
		if len(body) > 0 {
			var err error
			if payload, err = doc.Parse(body); err != nil {
				err = Errorf(BadRequest, "payload: %v", err)
				return BadRequest, refusal("", err)
			}
		}
		return d.model.methods[i].call(d, payload)
	}
	return NotImplemented, refusal("", Errorf(NotImplemented, "no method %.100q", name))
}

// takes is how long a declared command takes, if it says so.
func (d *Device) takes(name string) (time.Duration, bool) {
	for i := range d.model.profile.Commands {
		if c := &d.model.profile.Commands[i]; c.Name == name && c.Takes.Max() > 0 {
			return d.Draw(c.Takes), true
		}
	}
	return 0, false
}

// declares says whether a method is a command of the profile.
func (d *Device) declares(name string) bool {
	for i := range d.model.profile.Commands {
		if d.model.profile.Commands[i].Name == name {
			return true
		}
	}
	return false
}

// answer is a declared command as a method.
func (c Command) answer(d *Device, _ doc.Value) (int32, doc.Value) {
	status, text := c.Status, c.Name
	if status == 0 {
		status = OK
	}
	if status/100 != 2 {
		text += " " + strconv.Itoa(int(status))
	}
	d.Note(sim.EventCommand, text)
	return status, c.Response
}
