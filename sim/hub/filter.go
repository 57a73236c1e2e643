package hub

import (
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/query"
)

// filter is a device group's filter: a test of devices, and what an index may
// begin with.
type filter struct {
	match func(*Device) bool
	by    []query.Equality
}

// compile reads a device group's filter. One that begins with SELECT is Azure
// IoT Central's, any other one a selector.
func compile(text string) (filter, error) {
	var q query.Query
	if word, _, _ := strings.Cut(strings.TrimSpace(text), " "); strings.EqualFold(word, "select") {
		f, err := query.ParseFilter(text)
		if err != nil {
			return filter{}, err
		}
		q = f.Query
	} else {
		var err error
		if q, err = query.ParseSelector(text); err != nil {
			return filter{}, err
		}
	}
	return filter{func(d *Device) bool { return q.Match(row{d}) }, q.Equalities()}, nil
}

// row is a device as queries see it.
type row struct{ d *Device }

// Field returns a field of the device: see query.Row.
func (r row) Field(space query.Space, name string) doc.Value {
	d := r.d
	switch space {
	case query.Default:
		return d.field(name)
	case query.Labels:
		words := make([]doc.Value, len(d.Labels))
		for i, l := range d.Labels {
			words[i] = doc.String(l)
		}
		return doc.Array(words...)
	case query.Device:
		if name == "" {
			return d.Properties()
		}
		v, _ := d.Property(name)
		return v
	case query.Service:
		return member(d.Service, name)
	case query.Tags:
		return member(d.Tags, name)
	case query.Desired:
		return member(d.Desired, name)
	case query.Reported:
		return member(d.Reported, name)
	case query.Property:
		return d.property(name)
	}
	return doc.Value{}
}

func member(v doc.Value, name string) doc.Value {
	if name == "" {
		return v
	}
	return v.Get(name)
}

// field is one of the device's own fields.
func (d *Device) field(name string) doc.Value {
	switch name {
	case "deviceId":
		return doc.String(string(d.ID))
	case "status":
		if d.Disabled {
			return doc.String("disabled")
		}
		return doc.String("enabled")
	case "connectionState":
		if d.Connected {
			return doc.String("Connected")
		}
		return doc.String("Disconnected")
	case "isManaged":
		return doc.Bool(d.Managed)
	case "provisioned": // from its first accepted connection
		return doc.Bool(d.ConnectionChanged != sim.Never)
	case "simulated":
		return doc.Bool(false)
	case "configuration":
		if d.Configured {
			return doc.String(d.Configuration)
		}
	case "tags": // the preview's: a list of words
		return row{d}.Field(query.Labels, "")
	}
	return doc.Value{}
}

// property is a property as Azure IoT Central shows it: what the device
// reported, taken out of its acknowledgement, or else what is desired of it,
// or what the hub alone keeps.
func (d *Device) property(name string) doc.Value {
	if v := d.Reported.Get(name); !v.IsAbsent() {
		if inner := v.Get("value"); !inner.IsAbsent() && !v.Get("ac").IsAbsent() {
			return inner
		}
		return v
	}
	if v := d.Desired.Get(name); !v.IsAbsent() {
		return v
	}
	return d.Cloud.Get(name)
}
