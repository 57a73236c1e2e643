package scenarios

import (
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
)

// hubText is what is said of the hub, as it is written.
type hubText struct {
	faults []faultText
}

var hubTable = newTable("hub", "the hub", []key[hubText]{
	field("faults", "what befalls it, and when", listOf("faults", faultOf(hubFaultTable)), func(h *hubText) *[]faultText { return &h.faults }),
})

var hubFaultTable = newTable("hub-fault", "a fault of the hub", []key[faultText]{
	faultKeys[0],
	field("at", "when it begins, from the start of the run; default 0s", where(anyDuration), func(f *faultText) *placed[time.Duration] { return &f.begin }),
	field("for", "how long it lasts; default: to the end of the run; what happens at an instant has its length as its argument", where(durationOf(time.Millisecond, 1<<63-1)), func(f *faultText) *placed[time.Duration] { return &f.length }),
})

// hub compiles what befalls the hub.
func (c *compiler) hub(h hubText) {
	for _, f := range h.faults {
		if a := f.conditions.v; a.recipe.Scope != fault.OnHub {
			c.r.complain(f.conditions.at, "write it under `faults:` of a group", "the fault %s befalls devices, not the hub", a.recipe.Name)
			continue
		}
		c.hubFault(f)
	}
}

// hubFault puts a fault of the hub into the timetable.
func (c *compiler) hubFault(f faultText) {
	if !c.forAll(f) || !c.timely(f) {
		return
	}
	s := c.spell(f, fault.Who{})
	s.Begin = sim.Time(f.begin.v)
	s.End = c.ends(f, s.Begin)
	c.plan.Spells = append(c.plan.Spells, s)
	a := f.conditions.v
	f.begin.ok = true
	a.text += f.window()
	c.afflict(a, "", 0)
}

// forAll says whether a fault of the hub leaves its victims out, and complains
// if not.
func (c *compiler) forAll(f faultText) bool {
	if !f.group.ok && !f.devices.ok && !f.selector.ok && !f.share.ok && !f.count.ok && !f.whom.ok {
		return true
	}
	c.r.complain(f.at, "leave out whom it befalls", "the fault %s befalls the hub, and so everybody", f.conditions.v.recipe.Name)
	return false
}
