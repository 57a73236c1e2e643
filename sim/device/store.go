package device

import (
	"strconv"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// slot is a resource's value where it differs from the layer below: changed
// over factory over model.
type slot struct {
	text string
	at   Resource
}

func find(list []slot, r Resource) int {
	for i := range list {
		if list[i].at == r {
			return i
		}
	}
	return -1
}

func put(list []slot, r Resource, text string) []slot {
	if i := find(list, r); i >= 0 {
		list[i].text = text
		return list
	}
	if len(list) == cap(list) { // a device changes a handful and stays with them
		list = append(make([]slot, 0, len(list)+2), list...)
	}
	return append(list, slot{text, r})
}

// below returns r's stored text as it was when the device left the factory.
func (d *Device) below(r Resource) (text string, own bool) {
	if i := find(d.factory, r); i >= 0 {
		return d.factory[i].text, true
	}
	return d.model.defaults[r], false
}

// stored returns r's text as stored; own says whether it is the device's and
// not the profile's.
func (d *Device) stored(r Resource) (text string, own bool) {
	if i := find(d.slots, r); i >= 0 {
		return d.slots[i].text, true
	}
	return d.below(r)
}

// Value returns the value of r now.
func (d *Device) Value(r Resource) Value {
	text, own := d.stored(r)
	switch {
	case r == CurrentTime:
		return Integer(d.clock(text))
	case r == BatteryLevel && !own && d.model.draining:
		return Integer(int64(d.drained(d.at)))
	}
	return Value{text, table[r].Integer}
}

// Text returns the value of r as text.
func (d *Device) Text(r Resource) string { return d.Value(r).text }

// Int returns the value of an integer r.
func (d *Device) Int(r Resource) int64 { return d.Value(r).Int() }

// store stores a text and says whether r's value is another one than before.
func (d *Device) store(r Resource, text string) (changed bool) {
	old, own := d.stored(r)
	if r == BatteryLevel && !own && d.model.draining {
		old = "" // from now on it is what it is set to
	}
	if old == text {
		return false
	}
	if base, _ := d.below(r); base == text && r != BatteryLevel {
		if i := find(d.slots, r); i >= 0 {
			d.slots = append(d.slots[:i], d.slots[i+1:]...)
		}
		return true
	}
	d.slots = put(d.slots, r, text)
	return true
}

// change gives r another value and tells who wants to know; from outside or by
// the device itself makes no difference.
func (d *Device) change(r Resource, v Value) (changed bool) {
	text := v.text
	if r == CurrentTime {
		text = strconv.FormatInt(v.Int()-int64(d.epoch.Date(d.at)), 10)
	}
	return d.store(r, text)
}

func (d *Device) changed(r Resource) {
	d.report(r)
	for _, f := range d.model.change[r] {
		f(d)
	}
}

// Set gives a readable resource a value from within the device; nothing
// happens if it has that value already. The setters below are Set for one
// resource each.
func (d *Device) Set(r Resource, v Value) {
	if d.change(r, v) {
		d.Note(sim.EventResource, table[r].Name+"="+v.text)
		d.changed(r)
	}
}

// Write writes a resource as a write from outside does: the value is stored
// first, then the write callback runs; its error is returned and the value
// stays.
func (d *Device) Write(r Resource, v Value) error {
	if err := r.fits(v.text); err != nil {
		return err
	}
	f := d.model.write[r]
	changed := d.change(r, v)
	d.Note(sim.EventWrite, table[r].Name+"="+v.text)
	if changed {
		d.changed(r)
	}
	if f == nil {
		return nil
	}
	return f(d, v)
}

// Execute executes a resource as an execute from outside does.
func (d *Device) Execute(r Resource, arg string) error {
	i := len(d.out.Observe)
	d.Note(sim.EventExecute, table[r].Name)
	var err error
	if f := d.model.execute[r]; f != nil {
		err = f(d, arg)
	} else {
		err = Errorf(NotImplemented, "%s: no callback", table[r].Name)
	}
	if err != nil {
		d.out.Observe[i].Text += " " + strconv.Itoa(int(StatusOf(err)))
	}
	return err
}

// RestoreFactory makes every resource, setting and memory what it was when the
// device left the factory. Its identity and keys stay.
func (d *Device) RestoreFactory() {
	version := d.Text(FirmwareVersion)
	d.slots, d.kept, d.desired = nil, nil, 0
	if now := d.Text(FirmwareVersion); now != version {
		d.Note(sim.EventResource, table[FirmwareVersion].Name+"="+now)
	}
	if d.Online() {
		d.dirty |= observed
	}
}

// persistent is what few devices keep beside resources.
type persistent struct {
	memory   []memory
	settings settings
}

type memory struct{ name, text string }

// settings are what a configuration has put in place of the profile's; below
// 0 is the profile's.
type settings struct{ telemetry, pmin, pmax, keepAlive time.Duration }

var noSettings = settings{-1, -1, -1, -1}

func (d *Device) keep() *persistent {
	if d.kept == nil {
		d.kept = &persistent{settings: noSettings}
	}
	return d.kept
}

// maxMemory is how many names a device remembers.
const maxMemory = 64

// Remember keeps a text under a name over reboots, until RestoreFactory; ""
// forgets it. A device remembers up to 64 names; one more panics.
func (d *Device) Remember(name, text string) {
	if d.kept == nil && text == "" {
		return
	}
	list := d.keep().memory
	for i := range list {
		if list[i].name == name {
			if text == "" {
				d.kept.memory = append(list[:i], list[i+1:]...)
				if len(list) == 1 && d.kept.settings == noSettings {
					d.kept = nil
				}
			} else {
				list[i].text = strings.Clone(text)
			}
			return
		}
	}
	if text == "" {
		return
	}
	if len(list) == maxMemory {
		panic("device " + string(d.id) + ": remembers more than 64 names")
	}
	d.kept.memory = append(list, memory{name, strings.Clone(text)})
}

// Recall returns what is remembered under a name, "" for nothing.
func (d *Device) Recall(name string) string {
	if d.kept != nil {
		for _, m := range d.kept.memory {
			if m.name == name {
				return m.text
			}
		}
	}
	return ""
}
