package hub

import (
	"fmt"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// Properties returns the preview's device properties: for each service name
// the newer of what the device reported and what a deep read returned. The
// time of a member is when the hub learned it.
func (d *Device) Properties() doc.Value {
	v := d.Reported.Get("dm")
	if v.Kind() != doc.KindObject {
		v = doc.Object()
	}
	for name, x := range d.Read.Members() {
		if reported := v.Get(name); reported.IsAbsent() || reported.Changed() < x.Changed() {
			v = v.With(name, x, x.Changed())
		}
	}
	return v
}

// Property returns one device property and when the hub learned it; -1 if it
// knows nothing.
func (d *Device) Property(name string) (doc.Value, sim.Time) {
	v, x := d.Reported.Path("dm", name), d.Read.Get(name)
	switch {
	case v.IsAbsent() && x.IsAbsent():
		return v, -1
	case v.IsAbsent() || !x.IsAbsent() && v.Changed() < x.Changed():
		return x, x.Changed()
	}
	return v, v.Changed()
}

// find returns a device's number.
func (h *Hub) find(id sim.DeviceID) (uint32, error) {
	n, ok := h.byID[id]
	if !ok {
		return 0, &Error{CodeNotFound, fmt.Sprintf("device %q is not registered", id)}
	}
	return n, nil
}

// mut returns device n for writing: a copy if somebody holds what is there.
func (h *Hub) mut(n uint32, out *sim.Outbox) *Device {
	out.Dirty = append(out.Dirty, sim.Row{Table: sim.TableDevice, Key: uint64(n)})
	p := h.devices.Mut(int(n))
	if (*p).gen != *h.gen {
		c := **p
		c.gen = *h.gen
		*p = &c
	}
	return *p
}

// handOut returns device n as it is now, never to be changed again.
func (h *Hub) handOut(n uint32, out *sim.Outbox) *Device {
	d := *h.devices.At(int(n))
	if last := *h.activity.At(int(n)); d.LastActivity < last {
		d = h.mut(n, out)
		d.LastActivity = last
	}
	if d.gen == *h.gen {
		d.gen = 0
	}
	return d
}

func (h *Hub) register(now sim.Time, c Register, out *sim.Outbox) (Reply, error) {
	if err := checkID(c.ID); err != nil {
		return Reply{}, err
	}
	if _, ok := h.byID[c.ID]; ok {
		return Reply{}, &Error{CodeExists, fmt.Sprintf("device %q is registered already", c.ID)}
	}
	if c.PrimaryKey == nil && c.Thumbprints == (Thumbprints{}) {
		return Reply{}, &Error{CodeInvalid, fmt.Sprintf("device %q has neither a key nor a thumbprint", c.ID)}
	}
	if err := checkSecrets(c.ID, c.PrimaryKey, &c.SecondaryKey, c.Thumbprints, c.StatusReason); err != nil {
		return Reply{}, err
	}
	if err := checkLabels(c.ID, c.Labels); err != nil {
		return Reply{}, err
	}
	for _, v := range []struct {
		name  string
		value doc.Value
	}{{"tags", c.Tags}, {"serviceProperties", c.Service}} {
		if k := v.value.Kind(); k != doc.KindAbsent && k != doc.KindObject {
			return Reply{}, &Error{CodeInvalid, fmt.Sprintf("device %q: %s is not an object", c.ID, v.name)}
		}
	}
	n := uint32(h.devices.Len())
	h.devices.Append(&Device{
		gen: *h.gen, ID: c.ID, Number: n, Generation: h.rand.Uint64()>>10 | 1<<53, Etag: 1,
		PrimaryKey: c.PrimaryKey, SecondaryKey: c.SecondaryKey, Thumbprints: c.Thumbprints,
		Disabled: c.Disabled, StatusReason: c.StatusReason,
		ConnectionChanged: sim.Never, StatusChanged: sim.Never, LastActivity: sim.Never,
		Labels: c.Labels, Service: c.Service, ServiceEtag: 1, Tags: c.Tags,
		TwinVersion: 2, TwinEtag: 1, DesiredVersion: 1, ReportedVersion: 1,
	})
	h.activity.Append(sim.Never)
	h.sessions = append(h.sessions, session{calls: none})
	h.byID[c.ID] = n
	h.ids.Set(string(c.ID), n)
	h.label(c.ID, c.Labels, n, true)
	h.tag(c.ID, c.Tags, n, true)
	h.bar(c.ID, n, c.Disabled)
	h.count.Devices++
	h.changed(now, n, out)
	out.Dirty = append(out.Dirty, sim.Row{Table: sim.TableDevice, Key: uint64(n)})
	return Reply{Device: h.handOut(n, out)}, nil
}

// checkID holds an id against the hub's rule. [IoT Hub: "Understand the
// identity registry", device identity properties]
func checkID(id sim.DeviceID) error {
	if len(id) == 0 || len(id) > 128 {
		return &Error{CodeInvalid, fmt.Sprintf("device id %.20q has %d characters; it must have 1 to 128", id, len(id))}
	}
	for _, c := range id {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.ContainsRune("-:.+%_#*?!(),=@;$'", c):
		default:
			return &Error{CodeInvalid, fmt.Sprintf("device id %q holds %q; allowed are letters, digits and - : . + %% _ # * ? ! ( ) , = @ $ ' and the semicolon", id, c)}
		}
	}
	return nil
}

func (h *Hub) unregister(now sim.Time, c Unregister, out *sim.Outbox) (Reply, error) {
	id := c.ID
	n, err := h.find(id)
	if err != nil {
		return Reply{}, err
	}
	d := h.handOut(n, out)
	if err := checkEtag("identity", c.Etag, d.Etag); err != nil {
		return Reply{}, err
	}
	h.end(now, n, sim.ReasonDisabled, true, out)
	h.dropWaiting(now, n, &Error{CodeNotFound, fmt.Sprintf("device %q was deleted", id)}, out)
	h.jobs.Deleted(now, n, out)
	h.empty(n)
	h.ids.Delete(string(id))
	h.label(id, d.Labels, n, false)
	h.tag(id, d.Tags, n, false)
	h.bar(id, n, false)
	*h.devices.Mut(int(n)) = nil
	delete(h.byID, id)
	h.count.Devices--
	out.Dirty = append(out.Dirty, sim.Row{Table: sim.TableDevice, Key: uint64(n)})
	return Reply{Device: d}, nil
}

func (h *Hub) setStatus(now sim.Time, c SetStatus, out *sim.Outbox) (Reply, error) {
	n, err := h.find(c.ID)
	if err != nil {
		return Reply{}, err
	}
	if c.Disabled {
		h.end(now, n, sim.ReasonDisabled, true, out)
	}
	d := h.mut(n, out)
	if d.Disabled != c.Disabled {
		d.Disabled, d.StatusChanged = c.Disabled, now
		h.bar(c.ID, n, c.Disabled)
	}
	d.Etag++
	return Reply{Device: h.handOut(n, out)}, nil
}
