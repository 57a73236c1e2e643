package scenarios

import (
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// patchText is a change of twins as it is written.
type patchText struct {
	group         placed[string]
	devices       placed[[]placed[string]]
	desired, tags doc.Value
}

var patchTable = newTable("patch", "patch", []key[patchText]{
	field("group", "the group whose twins are changed", where(textOf("group", 1, 64)), func(v *patchText) *placed[string] { return &v.group }),
	field("devices", "ids of the devices whose twins are changed, instead of a group", where(listOf("devices", where(textOf("a device id", 0, 1000)))), func(v *patchText) *placed[[]placed[string]] { return &v.devices }),
	field("desired", "merged into the desired properties, null removes a member", objectOf("desired"), func(v *patchText) *doc.Value { return &v.desired }),
	field("tags", "merged into the twin's tags, null removes a member", objectOf("tags"), func(v *patchText) *doc.Value { return &v.tags }),
})

// patch merges into twins; it does not wait for devices.
var patch = verb("patch", "merge into the desired properties or tags of twins", patchTable.kind(),
	func(c *compiler, at spot, v patchText) func() Act {
		ids, _ := c.aim(aim{what: "patch", at: at, group: v.group, devices: v.devices})
		if v.desired.IsAbsent() && v.tags.IsAbsent() {
			c.r.complain(at, "add `desired: {...}` or `tags: {...}`", "patch changes nothing")
		}
		return func() Act {
			return &burst{ids: ids(), what: c.where(at) + ": patch",
				command: func(_ sim.Time, id sim.DeviceID) hub.Command {
					return hub.PatchTwin{ID: id, Desired: v.desired, Tags: v.tags}
				},
				judge: func(_ hub.Reply, err error) error { return err },
			}
		}
	})
