package scenarios

import (
	"fmt"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// invokeText is a direct method call as it is written.
type invokeText struct {
	group   placed[string]
	devices placed[[]placed[string]]
	method  placed[string]
	payload doc.Value
	expect  placed[int64]
	timeout placed[time.Duration]
	connect time.Duration
}

var invokeTable = newTable("invoke", "invoke", []key[invokeText]{
	field("group", "the group whose devices are called", where(textOf("group", 1, 64)), func(v *invokeText) *placed[string] { return &v.group }),
	field("devices", "ids of the devices that are called, instead of a group", where(listOf("devices", where(textOf("a device id", 0, 1000)))), func(v *invokeText) *placed[[]placed[string]] { return &v.devices }),
	required(field("method", "name of the direct method", where(textOf("method", 1, 100)), func(v *invokeText) *placed[string] { return &v.method })),
	field("payload", "any JSON; default null", jsonKind, func(v *invokeText) *doc.Value { return &v.payload }),
	field("expect", "the status that must be answered; default 200", where(integerOf("expect", 0, 999)), func(v *invokeText) *placed[int64] { return &v.expect }),
	field("timeout", "how long a device may take to answer; default 30s", where(durationOf(5*time.Second, 5*time.Minute)), func(v *invokeText) *placed[time.Duration] { return &v.timeout }),
	field("connectTimeout", "how long to wait for a device that is not connected; default 0s", durationOf(0, 5*time.Minute), func(v *invokeText) *time.Duration { return &v.connect }),
})

// invoke calls a direct method on devices. Bounds of the timeouts: [Azure IoT
// Hub: "Understand and invoke direct methods", method invocation]
var invoke = verb("invoke", "call a direct method on devices and look at the status", invokeTable.kind(),
	func(c *compiler, at spot, v invokeText) func() Act {
		ids, _ := c.aim(aim{what: "invoke", at: at, group: v.group, devices: v.devices})
		if wrong := badMethod(v.method.v); v.method.ok && wrong != "" {
			c.r.complain(v.method.at, "", "%s: %s", quote(v.method.v), wrong)
		}
		status := int32(200)
		if v.expect.ok {
			status = int32(v.expect.v)
		}
		timeout := 30 * time.Second
		if v.timeout.ok {
			timeout = v.timeout.v
		}
		payload := []byte("null")
		if !v.payload.IsAbsent() {
			payload = v.payload.JSON()
		}
		return func() Act {
			return &burst{ids: ids(), what: c.where(at) + ": invoke " + v.method.v,
				commands: []func(sim.Time, sim.DeviceID) hub.Command{func(now sim.Time, id sim.DeviceID) hub.Command {
					return hub.Invoke{ID: id, Method: v.method.v, Payload: payload, ConnectTimeout: v.connect, ResponseTimeout: timeout, Due: now}
				}},
				judge: func(reply hub.Reply, err error) error {
					if err == nil && reply.Status != status {
						return fmt.Errorf("answered %d, expected %d", reply.Status, status)
					}
					return err
				},
			}
		}
	})
