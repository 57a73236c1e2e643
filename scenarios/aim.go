package scenarios

import (
	"fmt"

	"github.com/flotilla-sim/flotilla/sim"
)

// aim is a choice of devices as it is written: a group or a list of ids.
type aim struct {
	what    string
	at      spot
	group   placed[string]
	devices placed[[]placed[string]]
}

// aim finds the devices of a choice; it complains when there are none.
func (c *compiler) aim(a aim) (ids func() []sim.DeviceID, count int) {
	none := func() []sim.DeviceID { return nil }
	switch {
	case a.group.ok && a.devices.ok:
		c.r.complain(a.group.at, "use one of them", "%s has both group and devices", a.what)
	case a.group.ok:
		for _, t := range c.troops {
			if t.name == a.group.v {
				return t.ids, t.count
			}
		}
		if c.complete {
			c.r.complain(a.group.at, didYouMean(a.group.v, c.troopNames()), "no group %s", quote(a.group.v))
		}
	case a.devices.ok:
		if len(a.devices.v) == 0 {
			c.r.complain(a.devices.at, "", "%s is for no device", a.what)
		}
		seen := map[string]spot{}
		var list []sim.DeviceID
		for _, id := range a.devices.v {
			if first, ok := seen[id.v]; ok {
				c.r.complain(id.at, "", "device %s is there twice, first in %s", quote(id.v), first)
				continue
			}
			seen[id.v] = id.at
			if !c.deviceNamed(id.v) {
				if c.complete {
					c.r.complain(id.at, nearID(id.v, c.troops...), "no group has a device %s", quote(id.v))
				}
				continue
			}
			list = append(list, sim.DeviceID(id.v))
		}
		return func() []sim.DeviceID { return append([]sim.DeviceID(nil), list...) }, len(list)
	default:
		c.r.complain(a.at, "add `group: <name>` or `devices: [...]`", "%s is for no device", a.what)
	}
	return none, 0
}

// ids lists the group's devices.
func (t *troop) ids() []sim.DeviceID {
	all := make([]sim.DeviceID, t.count)
	for i := range all {
		all[i] = t.id(i)
	}
	return all
}

// deviceNamed says whether a group has the device.
func (c *compiler) deviceNamed(id string) bool {
	for _, t := range c.troops {
		if _, ok := t.find(sim.DeviceID(id)); ok {
			return true
		}
	}
	return false
}

// nearID is the hint for an id that is not in the groups.
func nearID(id string, in ...*troop) string {
	if len(in) == 1 && in[0].list == nil && in[0].count > 1 {
		return fmt.Sprintf("its ids are %s to %s", in[0].id(0), in[0].id(in[0].count-1))
	}
	var names []string
	for _, t := range in {
		for i := range min(t.count, 1000) {
			names = append(names, string(t.id(i)))
		}
	}
	return didYouMean(id, names)
}
