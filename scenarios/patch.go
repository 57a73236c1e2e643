package scenarios

import (
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// patchText is a change of what the hub keeps of devices as it is written.
type patchText struct {
	group         placed[string]
	devices       placed[[]placed[string]]
	desired, tags placed[doc.Value]
	labels        placed[[]string]
}

var patchTable = newTable("patch", "patch", []key[patchText]{
	field("group", "the group whose devices are changed", where(textOf("group", 1, 64)), func(v *patchText) *placed[string] { return &v.group }),
	field("devices", "ids of the devices that are changed, instead of a group", where(listOf("devices", where(textOf("a device id", 0, 1000)))), func(v *patchText) *placed[[]placed[string]] { return &v.devices }),
	field("desired", "merged into the desired properties, null removes a member", tried(objectOf("desired")), func(v *patchText) *placed[doc.Value] { return &v.desired }),
	field("tags", "merged into the twin's tags, null removes a member", tried(objectOf("tags")), func(v *patchText) *placed[doc.Value] { return &v.tags }),
	field("labels", "in place of the labels they have, [] for none: the preview's tags", tried(listOf("labels", textOf("a label", 1, 128))), func(v *patchText) *placed[[]string] { return &v.labels }),
})

// patch changes twins and labels; it does not wait for devices.
var patch = verb("patch", "merge into the desired properties or tags of twins, or replace labels", patchTable.kind(),
	func(c *compiler, at spot, v patchText) func() Act {
		ids, _ := c.aim(aim{what: "patch", at: at, group: v.group, devices: v.devices})
		var commands []func(sim.Time, sim.DeviceID) hub.Command
		if v.desired.ok || v.tags.ok {
			commands = append(commands, func(_ sim.Time, id sim.DeviceID) hub.Command {
				return hub.PatchTwin{ID: id, Desired: v.desired.v, Tags: v.tags.v}
			})
		}
		if v.labels.ok {
			commands = append(commands, func(_ sim.Time, id sim.DeviceID) hub.Command {
				return hub.SetLabels{ID: id, Labels: v.labels.v}
			})
		}
		if len(commands) == 0 {
			c.r.complain(at, "add `desired: {...}`, `tags: {...}` or `labels: [...]`", "patch changes nothing")
		}
		return func() Act {
			return &burst{ids: ids(), what: c.where(at) + ": patch", commands: commands,
				judge: func(_ hub.Reply, err error) error { return err },
			}
		}
	})
