package device

import (
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// Model is the object table of a profile: what its devices do when a resource
// is written or executed, a method is called, or they start, connect and
// reboot. All devices of the profile share it; it is complete before the
// first of them is made and never changed afterwards.
//
// A callback runs inside the device's Step. It may call everything exported
// on Device, must not keep the Device's address elsewhere, and keeps its own
// state in the device (Remember, Begin), never in a variable it shares with
// other devices.
type Model struct {
	profile   *Profile
	defaults  [resources]string
	slow      set           // notified with PMin and PMax
	fast      set           // notified with FirmwarePMin and FirmwarePMax
	draining  bool          // the battery's level is a function of time
	healthy   sim.Condition // of devices that have none: nothing is wrong
	write     [resources]func(*Device, Value) error
	execute   [resources]func(*Device, string) error
	change    [resources][]func(*Device)
	methods   []method
	starting  []func(*Device)
	connected []func(*Device)
	rebooting []func(*Device)
}

type method struct {
	name string
	call Method
}

// Method answers a direct method: a status and a JSON body, absent for `{}`.
// The payload is absent when it was empty.
type Method func(d *Device, payload doc.Value) (status int32, body doc.Value)

// OnWrite sets what happens when r is written from outside; the value is
// already stored. An error is the answer's; it does not bring the old value
// back. A new callback takes the place of the old one, nil removes it.
func (m *Model) OnWrite(r Resource, f func(*Device, Value) error) { m.write[r] = f }

// OnExecute sets what happens when r is executed; arg is the operation's
// argument, mostly "". Without a callback the answer is 501.
func (m *Model) OnExecute(r Resource, f func(d *Device, arg string) error) { m.execute[r] = f }

// Writes says whether something happens when r is written.
func (m *Model) Writes(r Resource) bool { return m.write[r] != nil }

// Executes says whether something happens when r is executed.
func (m *Model) Executes(r Resource) bool { return m.execute[r] != nil }

// OnChange adds what happens after r has got another value, from outside or by
// a setter.
func (m *Model) OnChange(r Resource, f func(*Device)) { m.change[r] = append(m.change[r], f) }

// OnMethod sets how a direct method is answered.
func (m *Model) OnMethod(name string, f Method) {
	for i := range m.methods {
		if m.methods[i].name == name {
			m.methods[i].call = f
			return
		}
	}
	m.methods = append(m.methods, method{name, f})
}

// OnStart adds what happens when the device's software starts: after its
// creation and after each boot, before it opens its link.
func (m *Model) OnStart(f func(*Device)) { m.starting = append(m.starting, f) }

// OnConnect adds what happens in each new session once the hub has been told
// all observed resources. What is set here is reported at once, each change
// for itself.
func (m *Model) OnConnect(f func(*Device)) { m.connected = append(m.connected, f) }

// OnReboot adds what happens just before the device goes down.
func (m *Model) OnReboot(f func(*Device)) { m.rebooting = append(m.rebooting, f) }

// Profile returns the profile the model belongs to.
func (m *Model) Profile() *Profile { return m.profile }

// newModel builds a valid profile's table with the built-in behaviours.
func newModel(p *Profile) *Model {
	m := &Model{profile: p, draining: p.Battery}
	for r := range table {
		m.defaults[r] = table[r].Initial
	}
	m.defaults[MemoryFree] = Integer(p.MemoryFree).text
	for _, v := range p.Values {
		r, _ := Named(v.Name)
		value, _ := r.Parse(v.Value)
		m.defaults[r] = value.text
		if r == BatteryLevel {
			m.draining = false
		}
	}
	m.fast = firmwareJob
	if p.Firmware != "simple" {
		m.fast |= 1 << FirmwareVersion
	}
	m.slow = observed &^ m.fast
	for _, c := range p.Commands {
		m.OnMethod(c.Name, c.answer)
	}
	for _, b := range behaviours {
		if b.firmware == "" || b.firmware == p.Firmware {
			b.install(m)
		}
	}
	return m
}
