package hub

import (
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// View is a snapshot of the hub, to be read by any goroutine.
type View struct {
	Epoch    sim.Epoch
	Now      sim.Time
	Jobs     job.Jobs
	devices  sim.Pages[*Device]
	activity sim.Pages[sim.Time]
	indexes
}

// View takes a snapshot in constant time.
func (h *Hub) View() View {
	v := View{Epoch: h.cfg.Epoch, Now: h.now, Jobs: h.jobs.Snapshot(), devices: h.devices, activity: h.activity, indexes: h.indexes}
	*h.gen++
	return v
}

// Len returns how many device numbers have been given out.
func (v View) Len() int { return v.devices.Len() }

// Device returns device number n, nil if it was deleted.
func (v View) Device(n int) *Device { return *v.devices.At(n) }

// Count returns how many devices there are.
func (v View) Count() int { return v.ids.Len() }

// Find returns the device of that id, nil if there is none.
func (v View) Find(id sim.DeviceID) *Device {
	n, ok := v.ids.Get(string(id))
	if !ok {
		return nil
	}
	return v.Device(int(n))
}

// LastActivity returns when the hub last heard of device d of the View, which
// may be later than what d itself has.
func (v View) LastActivity(d *Device) sim.Time { return *v.activity.At(int(d.Number)) }

// Devices are devices of a View in ascending order of their ids.
type Devices struct {
	view View
	span sim.Span
}

// Devices returns all devices from the id `from` on that are below `to`; ""
// is no bound.
func (v View) Devices(from, to sim.DeviceID) Devices {
	return Devices{v, v.ids.From(string(from), string(to))}
}

// Labelled returns the devices that have a label.
func (v View) Labelled(label string) Devices {
	return Devices{v, run(&v.labels, label+"\x00", "")}
}

// Disabled returns the devices that may not connect.
func (v View) Disabled() Devices { return Devices{v, v.barred.From("", "")} }

// Len returns how many there are.
func (d Devices) Len() int { return d.span.Len() }

// At returns one of them, 0 to Len()-1.
func (d Devices) At(i int) *Device {
	_, n := d.span.At(i)
	return d.view.Device(int(n))
}
