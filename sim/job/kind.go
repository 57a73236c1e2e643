package job

import (
	"fmt"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// Kind is one family of jobs: what is asked of each device, step by step.
type Kind struct {
	Name      string
	Help      string
	Exclusive bool // children of exclusive kinds on one device run one after the other
	Validate  func(*Spec) error
	Steps     []Step
}

// Step is one stage of a child. A child enters a step, waits in it for one of
// the things below, and leaves it with next, complete or fail.
type Step struct {
	Name    string           // as the child's statusMessage says it
	Waiting string           // what a time-out says it waited for
	Enter   func(*run)       // when the step begins
	Answer  func(*run, *Ack) // when the step's call is answered with 200
	Report  func(*run)       // when the device reported firmware state, result or version
	Online  func(*run)       // when the device is reachable again
	Offline func(*run)       // when it is gone; nil: go on waiting
	Refused func(*run, *Ack) // when the call is not answered with 200; nil: the child fails
}

// Kinds is the one table of kinds; a scenario's and a dialect's word for a
// kind is its Name. The first six are the device management preview's, the
// others Azure IoT Central's. [Azure IoT Hub device management preview: "Device
// jobs"; Azure IoT Central: "Manage devices in bulk"]
var Kinds = []Kind{
	firmwareUpdate,
	rebootDevice,
	factoryResetDevice,
	updateDeviceConfiguration,
	readDeviceProperties,
	writeDeviceProperties,
	property,
	cloudProperty,
	command,
}

// FindKind returns the kind of that name.
func FindKind(name string) (*Kind, error) {
	names := make([]string, len(Kinds))
	for i := range Kinds {
		if Kinds[i].Name == name {
			return &Kinds[i], nil
		}
		names[i] = Kinds[i].Name
	}
	return nil, fmt.Errorf("unknown job kind %q; the kinds are %s", name, strings.Join(names, ", "))
}

// connect is the first step of every kind: an offline device is waited for.
var connect = Step{
	Name: "waiting for the device", Waiting: "the device to connect",
	Enter: func(r *run) {
		if r.fleet().Online(r.dev()) {
			r.next()
			return
		}
		r.grace()
	},
	Online: func(r *run) { r.next() },
}

// execute returns the only working step of a kind that executes a resource.
func execute(name, resource string) Step {
	return Step{Name: name, Waiting: "the device to answer", Enter: func(r *run) { r.execute(resource) },
		Answer: func(r *run, _ *Ack) { r.complete() }}
}

// resources maps service names to LwM2M paths.
func resources(names []string) ([]sim.Resource, error) {
	if len(names) == 0 {
		return nil, fmt.Errorf("no property is named")
	}
	list := make([]sim.Resource, len(names))
	for i, n := range names {
		r, ok := sim.ResourceByName(n)
		if !ok || r.Access&sim.Executable != 0 {
			return nil, fmt.Errorf("unknown device property %q", n)
		}
		list[i] = r
	}
	return list, nil
}

// object renders members as JSON.
func object(members ...doc.Member) []byte { return doc.Object(members...).JSON() }
