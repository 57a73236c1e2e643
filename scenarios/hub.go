package scenarios

import (
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
)

// HubFault is something that befalls the hub at an instant of the run.
type HubFault struct {
	At  sim.Time
	Hub fault.Hub
}

// hubText is what is said of the hub, as it is written.
type hubText struct {
	faults []hubFaultText
}

// hubFaultText is one entry of the hub's faults.
type hubFaultText struct {
	conditions placed[affliction]
	at         time.Duration
}

var hubTable = newTable("hub", "the hub", []key[hubText]{
	field("faults", "what befalls it, and when", listOf("faults", hubFaultKind), func(h *hubText) *[]hubFaultText { return &h.faults }),
})

// hubFaultKind is a fault of the hub with its time.
var hubFaultKind = kind[hubFaultText]{
	schema: hubFaultTable.schema,
	read: func(r *reader, n *node) (hubFaultText, bool) {
		if n.kind != mapNode {
			r.complain(n.at, "write `{fault: hub-paused=2s, at: 10s}`", "a fault of the hub is a map, is %s", n.describe())
			return hubFaultText{}, false
		}
		f, ok := hubFaultTable.kind().read(r, n)
		return f, ok && f.conditions.ok
	},
}

var hubFaultTable = newTable("hub-fault", "a fault of the hub", []key[hubFaultText]{
	required(field("fault", "", conditionsKind, func(f *hubFaultText) *placed[affliction] { return &f.conditions })),
	field("at", "when it begins, from the start of the run; default 0s", anyDuration, func(f *hubFaultText) *time.Duration { return &f.at }),
})

// hub compiles what befalls the hub.
func (c *compiler) hub(h hubText) {
	for _, f := range h.faults {
		a := f.conditions.v
		if a.recipe.Scope != fault.OnHub {
			c.r.complain(f.conditions.at, "write it under `faults:` of a group", "the fault %s befalls devices, not the hub", a.recipe.Name)
			continue
		}
		c.plan.Hub = append(c.plan.Hub, HubFault{At: sim.Time(f.at), Hub: a.conditions.Hub})
		a.text += " at " + brief(f.at)
		c.afflict(a, "", 0)
	}
}
