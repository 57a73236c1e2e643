package scenarios

import (
	"strings"

	"github.com/flotilla-sim/flotilla/sim/hub"
)

// MaxDeviceGroups is how many device groups a scenario has at most, as many
// as the hub keeps.
const MaxDeviceGroups = 500

// deviceGroupKind is a filter: which devices belong to a device group.
var deviceGroupKind = where(textOf("a filter", 1, 4096))

// deviceGroups compiles the saved queries. The hub's own judgement of them is
// the check.
func (c *compiler) deviceGroups(all []named[placed[string]]) {
	if len(all) > MaxDeviceGroups {
		c.r.complain(all[MaxDeviceGroups].at, "", "the scenario has %d device groups, at most %d are allowed", len(all), MaxDeviceGroups)
		return
	}
	for _, g := range all {
		put := hub.PutGroup{ID: g.name, Filter: strings.TrimSpace(g.v.v)}
		if err := put.Check(); err != nil {
			c.r.complain(g.v.at, "write `tags.site=paris, label=van`, or SELECT * FROM devices WHERE ...", "%s", oneLine(err))
			continue
		}
		c.plan.DeviceGroups = append(c.plan.DeviceGroups, put)
	}
}

func (c *compiler) deviceGroupNames() []string {
	names := make([]string, len(c.plan.DeviceGroups))
	for i := range names {
		names[i] = c.plan.DeviceGroups[i].ID
	}
	return names
}

// deviceGroup resolves the device group of a job.
func (c *compiler) deviceGroup(j *Job, name placed[string]) {
	j.DeviceGroup, j.spec.Group = name.v, name.v
	for _, known := range c.deviceGroupNames() {
		if known == name.v {
			return
		}
	}
	if c.saved { // else what is wrong with one of them was said
		hint := didYouMean(name.v, c.deviceGroupNames())
		for _, t := range c.troops {
			if hint == "" && t.name == name.v {
				hint = "write `group: " + t.name + "` for all devices of that group, or add a filter under `deviceGroups:`"
			}
		}
		if hint == "" {
			hint = "add its filter under `deviceGroups:`"
		}
		c.r.complain(name.at, hint, "no device group %s", quote(name.v))
	}
}
