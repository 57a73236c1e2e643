package job

import (
	"fmt"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// The numbers of the firmware update object. [Azure IoT Hub device management
// preview, firmware update; OMA LwM2M firmware update object]
const (
	stateIdle       = 1
	stateDownloaded = 3

	resultDefault = 0
	resultSuccess = 1
)

var resultNames = [...]string{"default", "success", "not enough storage", "out of memory", "connection lost",
	"CRC check failure", "unsupported package type", "invalid URI"}

// firmwareUpdate writes the package URI, waits until the device has the
// package, executes the update and waits until the device is idle again.
var firmwareUpdate = Kind{
	Name: "firmwareUpdate", Help: "download a package and flash it", Exclusive: true,
	Validate: func(s *Spec) error {
		if s.PackageURI == "" {
			return fmt.Errorf("packageUri is empty")
		}
		if len(s.PackageURI) > MaxURI {
			return fmt.Errorf("packageUri has %d bytes; the limit is %d", len(s.PackageURI), MaxURI)
		}
		return nil
	},
	Steps: []Step{
		connect,
		{
			// A device that is not idle would refuse the URI; an empty one
			// brings every profile back to idle.
			Name: "preparing", Waiting: "the device to become idle",
			Enter: func(r *run) {
				state, _ := r.property("FirmwareUpdateState")
				if n, ok := state.Int64(); ok && n != stateIdle {
					r.write(doc.Member{Name: "/5/0/1", Value: doc.String("")})
					return
				}
				r.next()
			},
			Answer: func(r *run, _ *Ack) { r.next() },
		},
		{
			Name: "starting", Waiting: "the device to take the package URI",
			Enter: func(r *run) {
				r.child.state, r.child.result, r.child.reconnected = 0, unknown, false
				r.child.since = r.now
				r.write(doc.Member{Name: "/5/0/1", Value: doc.String(r.job.spec.PackageURI)})
			},
			Answer: func(r *run, _ *Ack) { r.next() },
		},
		{
			Name: "downloading", Waiting: "the package to be downloaded (state 3)",
			Enter:   func(r *run) { downloading(r) },
			Report:  func(r *run) { downloading(r) },
			Offline: func(r *run) { r.child.reconnected = true },
			Online:  func(r *run) { r.readFirmware() },
			Answer:  func(r *run, a *Ack) { r.took(a); downloading(r) },
			Refused: func(*run, *Ack) {}, // the reports will tell
		},
		{
			Name: "executing", Waiting: "the device to start the update",
			Enter: func(r *run) {
				if !r.fleet().Online(r.dev()) {
					return // Online enters again
				}
				version, _ := r.property("FirmwareVersion")
				r.child.before = version.Text()
				r.child.state, r.child.result, r.child.reconnected = 0, unknown, false
				r.child.since = r.now
				r.execute("/5/0/2")
			},
			Answer: func(r *run, _ *Ack) { r.next() },
			Online: func(r *run) {
				if !r.calling() {
					r.enter(int(r.child.step))
				}
			},
			Refused: func(r *run, a *Ack) {
				if a.Lost == "" || r.fleet().Online(r.dev()) && !r.child.reconnected {
					r.refuse(a)
					return
				}
				r.next() // the update itself may have cut the answer off
			},
			Offline: func(r *run) { r.child.reconnected = true },
		},
		{
			Name: "applying", Waiting: "the device to come back with the new version (state 1)",
			Enter: func(r *run) {
				if !r.fleet().Online(r.dev()) {
					r.child.reconnected = true
				}
				applying(r)
			},
			Report:  func(r *run) { applying(r) },
			Offline: func(r *run) { r.child.reconnected = true },
			Online:  func(r *run) { r.child.reconnected = true; r.readFirmware() },
			Answer:  func(r *run, a *Ack) { r.took(a); applying(r) },
			Refused: func(*run, *Ack) {},
		},
		{
			// The twin shall show the new version as soon as the job is done,
			// whatever the notification period.
			Name: "refreshing", Waiting: "the device to say its version",
			Enter: func(r *run) {
				if _, at := r.property("FirmwareVersion"); at >= r.child.since || !r.fleet().Online(r.dev()) {
					r.complete()
					return
				}
				r.readFirmware()
			},
			Answer:  func(r *run, a *Ack) { r.took(a); r.complete() },
			Refused: func(r *run, _ *Ack) { r.complete() },
		},
	},
}

// downloading judges what the device has said since the URI was written.
func downloading(r *run) {
	switch c := r.child; {
	case c.state == stateDownloaded:
		r.next()
	case c.state == stateIdle && c.result > resultSuccess && c.result != unknown:
		r.fail(WhyResult, firmwareResult(c.result))
	case c.state == stateIdle && c.reconnected && c.result == resultDefault && !r.calling():
		r.fail(WhyResult, "the device restarted and lost the download (state 1, result 0)")
	}
}

// applying judges what the device has said since the update was executed. A
// device that is idle with result 0 on the same connection may still be
// flashing: nothing follows from it.
func applying(r *run) {
	c := r.child
	if c.state != stateIdle {
		return
	}
	switch {
	case c.result == resultSuccess:
		r.next()
	case c.result == unknown && !r.calling():
		r.readFirmware()
	case c.result == resultDefault && c.reconnected && !r.calling():
		version, at := r.property("FirmwareVersion")
		if at < c.since {
			r.readFirmware()
			return
		}
		if version.Text() != c.before {
			r.next()
			return
		}
		r.fail(WhyResult, fmt.Sprintf("the device came back with the version it had before (%s, result 0)", c.before))
	case c.result > resultSuccess && c.result != unknown:
		r.fail(WhyResult, firmwareResult(c.result))
	}
}

func firmwareResult(n uint8) string {
	meaning := "unknown"
	if int(n) < len(resultNames) {
		meaning = resultNames[n]
	}
	return fmt.Sprintf("firmware update result %d: %s", n, meaning)
}
