package scenarios

import (
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
)

// affliction is a fault as it is written and what it means.
type affliction struct {
	text       string
	recipe     fault.Recipe
	conditions fault.Conditions
}

// Fault is something that goes wrong in a plan.
type Fault struct {
	Fault    string // as the scenario writes it
	Group    string // "": it befalls the hub
	Devices  int    // how many of the group's devices it befalls
	LiveOnly bool   // it has no meaning in virtual time
}

// faultText is one entry of a group's faults.
type faultText struct {
	conditions placed[affliction]
	devices    placed[[]placed[string]]
}

// conditionsKind is a fault recipe, with its argument if it has one.
var conditionsKind = where(kind[affliction]{
	schema: &schema{types: []string{"string"}, pattern: faultPattern(), help: "a fault, `name` or `name=argument`"},
	read: func(r *reader, n *node) (affliction, bool) {
		s, ok := scalar(r, n, "a fault")
		if !ok {
			return affliction{}, false
		}
		recipe, c, err := fault.Read(s)
		if err != nil {
			r.complain(n.at, "", "%s", err)
			return affliction{}, false
		}
		return affliction{s, recipe, c}, true
	},
})

func faultPattern() string {
	s := "^("
	for i, r := range fault.Recipes {
		if i > 0 {
			s += "|"
		}
		s += r.Name
	}
	return s + ")(=.+)?$"
}

// faultKind is a fault for the whole group, or for some of its devices.
var faultKind = kind[faultText]{
	schema: &schema{either: []*schema{conditionsKind.schema, faultTable.schema}},
	read: func(r *reader, n *node) (faultText, bool) {
		if n.kind == mapNode {
			f, ok := faultTable.kind().read(r, n)
			return f, ok && f.conditions.ok
		}
		c, ok := conditionsKind.read(r, n)
		return faultText{conditions: c}, ok
	},
}

var faultTable = newTable("fault", "a fault", []key[faultText]{
	required(field("fault", "", conditionsKind, func(f *faultText) *placed[affliction] { return &f.conditions })),
	field("devices", "ids of those it befalls; without it all of the group", where(listOf("devices", where(textOf("a device id", 0, 1000)))), func(f *faultText) *placed[[]placed[string]] { return &f.devices }),
})

// befall spreads a group's faults over its devices.
func (c *compiler) befall(t *troop, faults []faultText) {
	for _, f := range faults {
		if !c.ofDevices(f.conditions) {
			continue
		}
		if !f.devices.ok {
			t.all = fault.Merge(t.all, f.conditions.v.conditions)
			c.afflict(f.conditions.v, t.name, t.count)
			continue
		}
		if len(f.devices.v) == 0 {
			c.r.complain(f.devices.at, "name devices, or leave the key out for all of the group", "the fault befalls no device")
		}
		for _, id := range f.devices.v {
			i, ok := t.find(sim.DeviceID(id.v))
			if !ok {
				c.r.complain(id.at, nearID(id.v, t), "group %s has no device %s", t.name, quote(id.v))
				continue
			}
			t.faults[i] = fault.Merge(t.faults[i], f.conditions.v.conditions)
			c.afflict(f.conditions.v, t.name, 1)
		}
	}
}

// ofDevices says whether a fault befalls devices, and complains if not.
func (c *compiler) ofDevices(f placed[affliction]) bool {
	if f.v.recipe.Scope == fault.OnDevice {
		return true
	}
	c.r.complain(f.at, "write `hub: {faults: [...]}` beside groups", "the fault %s befalls the hub, not devices", f.v.recipe.Name)
	return false
}

// afflict counts a fault for the plan's list.
func (c *compiler) afflict(a affliction, group string, devices int) {
	for i := range c.plan.Faults {
		if f := &c.plan.Faults[i]; f.Fault == a.text && f.Group == group {
			f.Devices += devices
			return
		}
	}
	c.plan.Faults = append(c.plan.Faults, Fault{a.text, group, devices, a.recipe.LiveOnly})
}
