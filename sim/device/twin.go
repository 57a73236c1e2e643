package device

import (
	"strconv"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// getTwin asks for the whole twin, once at a time.
func (d *Device) getTwin() {
	if d.getting {
		return
	}
	d.getting = true
	d.send(sim.Message{Kind: sim.GetTwin, Name: d.request(askTwin)})
}

// twinAnswered takes the answer to a request of this connection.
func (d *Device) twinAnswered(m *sim.Message) {
	if d.open == 0 || len(m.Name) < 2 {
		return
	}
	text, _, ok := strings.Cut(m.Name[1:], "-")
	due, err := strconv.ParseInt(text, 36, 64)
	if !ok || err != nil || due < 0 || sim.Time(due) > d.now {
		return
	}
	kind := m.Name[0]
	if kind != askReport && (kind != askTwin || !d.getting) {
		return
	}
	d.open--
	d.Measure(sim.MetricTwinRoundTrip, sim.Time(due))
	failed := m.Status < 200 || m.Status >= 300
	again := m.Status == TooMany || m.Status >= DeviceFailure
	if kind == askTwin {
		d.getting = false
		if !failed {
			d.catchUp(m.Body)
		} else if d.Note(sim.EventDrop, "twin: status "+strconv.Itoa(int(m.Status))); again {
			d.After(d.pause(0), (*Device).askAgain)
		}
		return
	}
	if failed {
		d.Note(sim.EventDrop, "report: status "+strconv.Itoa(int(m.Status)))
		if again {
			d.After(d.pause(0), (*Device).reportAgain)
		}
	}
}

// askAgain asks for the twin the hub could not give.
func (d *Device) askAgain() {
	if d.Online() {
		d.getTwin()
	}
}

// reportAgain reports everything observed, for something of it was refused.
func (d *Device) reportAgain() {
	if d.Online() {
		d.reportAll()
	}
}

// catchUp applies the desired properties of a whole twin, if the device does
// not have them yet.
func (d *Device) catchUp(body []byte) {
	twin, err := doc.Parse(body)
	if err != nil {
		d.Note(sim.EventDrop, "twin: "+err.Error())
		return
	}
	desired := twin.Get("desired")
	version, ok := desired.Get("$version").Int64()
	if ok && version > 0 && uint64(version) != d.desired {
		d.desired = uint64(version)
		d.apply(desired)
	}
}

// desiredChanged applies a change of desired properties. What the twin that is
// on its way will bring is left to it; after a gap the twin is asked for.
// [Azure IoT Hub: "Understand and use device twins", "Device reconnection
// flow"]
func (d *Device) desiredChanged(m *sim.Message) {
	if d.link != linkOnline || d.getting || m.ID <= d.desired {
		return
	}
	if m.ID > d.desired+1 {
		d.getTwin()
		return
	}
	patch, err := doc.Parse(m.Body)
	if err != nil {
		d.Note(sim.EventDrop, "desired: "+err.Error())
		return
	}
	d.desired = m.ID
	d.apply(patch)
}

// apply acknowledges the desired properties the profile calls writable:
// {"name":{"value":v,"ac":200,"av":version,"ad":"done"}}; a component's carry
// its marker; null takes the property back. [IoT Plug and Play conventions:
// "Writable properties"]
func (d *Device) apply(desired doc.Value) {
	var root []doc.Member
	writable := d.model.profile.Writable
	for i, name := range writable {
		component, _, dotted := strings.Cut(name, ".")
		if !dotted {
			if v := desired.Get(name); !v.IsAbsent() {
				root = append(root, doc.Member{Name: name, Value: d.acknowledge(v)})
			}
			continue
		}
		if member(writable[:i], component) {
			continue // was told with the component's first property
		}
		inner := []doc.Member{{Name: "__t", Value: doc.String("c")}}
		for _, other := range writable[i:] {
			c, p, ok := strings.Cut(other, ".")
			if v := desired.Path(component, p); ok && c == component && !v.IsAbsent() {
				inner = append(inner, doc.Member{Name: p, Value: d.acknowledge(v)})
			}
		}
		if len(inner) > 1 {
			root = append(root, doc.Member{Name: component, Value: doc.Object(inner...)})
		}
	}
	if len(root) > 0 {
		d.sendReport(doc.Object(root...).JSON())
	}
}

// member says whether one of the names is of the component.
func member(names []string, component string) bool {
	for _, n := range names {
		if c, _, ok := strings.Cut(n, "."); ok && c == component {
			return true
		}
	}
	return false
}

func (d *Device) acknowledge(v doc.Value) doc.Value {
	if v.IsNull() {
		return v
	}
	return doc.Object(
		doc.Member{Name: "value", Value: v},
		doc.Member{Name: "ac", Value: doc.Int(int64(OK))},
		doc.Member{Name: "av", Value: doc.Int(int64(d.desired))},
		doc.Member{Name: "ad", Value: doc.String("done")},
	)
}
