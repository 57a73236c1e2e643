package device

import (
	"time"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// edisonPause is how long the board's sample waits before it does what would
// cut off its answer. [preview sample for Intel Edison]
const edisonPause = 500 * time.Millisecond

// installReboot: executing RebootDevice, and the direct method `reboot`, take
// the device down and bring it back after its boot time. It may be done
// whatever else goes on; what goes on is lost. The simulated device of the
// preview says yes and stays up.
func installReboot(m *Model) {
	switch m.Profile().Firmware {
	case FirmwareSimple:
		m.OnExecute(RebootDevice, func(*Device, string) error { return nil })
	case FirmwareEdison:
		m.OnExecute(RebootDevice, func(d *Device, _ string) error {
			d.After(edisonPause, (*Device).Reboot)
			return nil
		})
	default:
		m.OnExecute(RebootDevice, func(d *Device, _ string) error {
			d.Reboot()
			return nil
		})
	}
	m.OnMethod("reboot", func(d *Device, payload doc.Value) (int32, doc.Value) {
		return later(d, RebootDevice, payload)
	})
}

// maxDelay bounds the delay of a method that is carried out later.
const maxDelay = 24 * time.Hour

// later executes a resource after the `delay` of the payload, in seconds, and
// answers 202; a payload that says nothing of the kind is ignored. What is to
// be done at once and is refused at once is answered with 409.
func later(d *Device, r Resource, payload doc.Value) (int32, doc.Value) {
	seconds, ok := payload.Get("delay").Int64()
	if !ok || seconds <= 0 {
		err := d.Execute(r, "")
		switch StatusOf(err) {
		case OK:
			return Accepted, doc.Value{}
		case BadRequest, DeviceFailure:
			return Conflict, refusal("", err)
		}
		return refuse("", err)
	}
	wait := maxDelay
	if seconds < int64(maxDelay/time.Second) {
		wait = time.Duration(seconds) * time.Second
	}
	d.After(wait, func(d *Device) { d.Execute(r, "") }) // refused then: the event says so
	return Accepted, doc.Value{}
}
