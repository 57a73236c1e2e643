package job

import (
	"fmt"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// property sets desired properties. It is done as soon as the hub has taken
// the values: an offline device gets them when it comes. [Azure IoT Central:
// "Create and run a job", property jobs]
var property = Kind{
	Name: "property", Help: "set properties the device is to take over; offline devices get them when they connect",
	Validate: paths,
	Steps: []Step{{
		Name: "setting", Waiting: "the hub",
		Enter: func(r *run) { r.done(r.fleet().Desire(r.now, r.dev(), patch(r.job.spec.Properties, true), r.out)) },
	}},
}

// cloudProperty sets what the hub alone keeps of a device; the device never
// hears of it.
var cloudProperty = Kind{
	Name: "cloudProperty", Help: "set properties that the hub alone keeps of the device",
	Validate: paths,
	Steps: []Step{{
		Name: "setting", Waiting: "the hub",
		Enter: func(r *run) { r.done(r.fleet().Cloud(r.now, r.dev(), patch(r.job.spec.Properties, false), r.out)) },
	}},
}

// command invokes a direct method, which a device answers with any 2xx. It
// does not wait for an offline device; a durable one is queued for it. [Azure
// IoT Central: "How to use commands", offline commands]
var command = Kind{
	Name: "command", Help: "invoke a command; offline devices fail unless it is durable",
	Validate: func(s *Spec) error {
		if s.Command == "" || len(s.Command) > 100 {
			return fmt.Errorf("the command's name has %d bytes; it must have 1 to 100", len(s.Command))
		}
		if s.Payload != nil {
			if _, err := doc.Parse(s.Payload); err != nil {
				return fmt.Errorf("the command's payload is not JSON: %w", err)
			}
		}
		return nil
	},
	Steps: []Step{{
		Name: "invoking", Waiting: "the device to answer",
		Enter: func(r *run) {
			s := r.job.spec
			if s.Durable {
				r.done(r.fleet().Enqueue(r.now, r.dev(), s.Command, s.Payload, r.out))
				return
			}
			if !r.fleet().Online(r.dev()) {
				r.fail(WhyOffline, "device not connected")
				return
			}
			r.call(s.Command, payload(s.Payload))
		},
		Answer: func(r *run, _ *Ack) { r.complete() },
		Refused: func(r *run, a *Ack) {
			switch {
			case a.Lost != "":
				r.refuse(a)
			case a.Status/100 == 2:
				r.complete()
			default:
				r.fail(WhyRefused, fmt.Sprintf("device answered %d: %.200s", a.Status, a.Body))
			}
		},
	}},
}

func payload(b []byte) []byte {
	if b == nil {
		return []byte("null")
	}
	return b
}

// done ends a child whose work was the hub's alone.
func (r *run) done(err error) {
	if err != nil {
		r.fail(WhyRefused, err.Error())
		return
	}
	r.complete()
}

// paths checks that a job names properties, none of them twice.
func paths(s *Spec) error {
	if len(s.Properties) == 0 {
		return fmt.Errorf("no property is named")
	}
	seen := map[string]bool{}
	for _, p := range s.Properties {
		name, part, component := strings.Cut(p.Name, ".")
		if name == "" || component && (part == "" || strings.Contains(part, ".")) {
			return fmt.Errorf("property %q: write `name` or `component.name`", p.Name)
		}
		if p.Value.IsAbsent() || seen[p.Name] {
			return fmt.Errorf("property %q has no value, or is named twice", p.Name)
		}
		seen[p.Name] = true
	}
	return nil
}

// patch builds the document that sets properties. A component's members carry
// the marker of one where the device is to see them. [IoT Plug and Play
// convention: writable properties, components]
func patch(list []doc.Member, marked bool) doc.Value {
	v := doc.Object()
	for _, p := range list {
		name, part, component := strings.Cut(p.Name, ".")
		x := p.Value
		if component {
			o := v.Get(name)
			if o.IsAbsent() {
				o = doc.Object()
				if marked {
					o = o.With("__t", doc.String("c"), sim.Time(0))
				}
			}
			x = o.With(part, p.Value, 0)
		}
		v = v.With(name, x, 0)
	}
	return v
}
