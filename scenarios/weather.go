package scenarios

import (
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// weatherText is a fault that a step begins, or ends, as it is written.
type weatherText struct {
	faultText
	clear placed[string]
}

var weatherTable = newTable("weather", "fault", append([]key[weatherText]{
	field("clear", "ends a fault that was begun by a step or at a time, by its name, or `all`", where(textOf("a fault", 1, 64)), func(v *weatherText) *placed[string] { return &v.clear }),
	field("group", "the group that it befalls; default: all devices", where(textOf("group", 1, 64)), func(v *weatherText) *placed[string] { return &v.group }),
}, lift(optional(faultKeys), func(v *weatherText) *faultText { return &v.faultText })...))

// optional makes keys ones that may be missing.
func optional[T any](keys []key[T]) []key[T] {
	list := append([]key[T](nil), keys...)
	for i := range list {
		list[i].must = false
	}
	return list
}

// weather begins a fault, or ends one, and does not wait.
var weather = verb("fault", "have a fault begin now, `latency=200ms on 10% for 10s`, or end: {clear: latency}", kind[weatherText]{
	schema: &schema{either: []*schema{fleetFaultKind.schema.either[0], weatherTable.schema}},
	read: func(r *reader, n *node) (weatherText, bool) {
		var v weatherText
		ok := false
		if n.kind == mapNode {
			v, ok = weatherTable.kind().read(r, n)
			ok = ok && (v.clear.ok || v.conditions.ok || n.get("fault") == nil)
		} else {
			v.faultText, ok = readShort(r, n)
		}
		v.at = n.at
		return v, ok
	},
}, func(c *compiler, at spot, v weatherText) func() Act {
	switch {
	case v.clear.ok && v.conditions.ok:
		c.r.complain(v.at, "use one of them", "the step both begins a fault and ends one")
		return nil
	case v.clear.ok:
		name := v.clear.v
		if name != "all" && !c.begins(name) {
			c.r.complain(v.clear.at, didYouMean(name, c.begun()), "no fault %s begins at a time or by a step before; what holds from the start holds to the end, unless it has `at: 0s`", quote(name))
			return nil
		}
		if name == "all" {
			name = ""
		}
		return func() Act { return &weathering{clear: true, name: name} }
	case !v.conditions.ok:
		c.r.complain(v.at, "write `- fault: latency=200ms on 10% for 10s` or `- fault: {clear: latency}`", "the step names no fault")
		return nil
	}
	f := v.faultText
	if f.begin.ok {
		c.r.complain(f.begin.at, "put `- wait: "+brief(f.begin.v)+"` before it", "a step's fault begins when its turn comes")
		return nil
	}
	f.begin.ok = true // now, that is
	if !c.timely(f) {
		return nil
	}
	var who fault.Who
	group := ""
	if f.conditions.v.recipe.Scope == fault.OnDevice {
		var ok bool
		if who, group, ok = c.choose(f, nil); !ok {
			return nil
		}
	} else if !c.forAll(f) {
		return nil
	}
	s := c.spell(f, who)
	c.stepped = append(c.stepped, s.Name)
	a := f.conditions.v
	f.begin.ok = false
	a.text += " by a step" + f.window()
	c.afflict(a, group, who.Len())
	return func() Act {
		return &weathering{begin: func(now sim.Time) fault.Spell {
			s := s
			s.Begin, s.End = now, c.ends(f, now)
			return s
		}}
	}
})

// begins says whether a fault of a name has a beginning.
func (c *compiler) begins(name string) bool {
	for _, b := range c.begun() {
		if b == name {
			return true
		}
	}
	return false
}

// begun are the names of the faults that have a beginning.
func (c *compiler) begun() []string {
	names := append([]string(nil), c.stepped...)
	for _, s := range c.plan.Spells {
		names = append(names, s.Name)
	}
	return names
}

// weathering is such a step being played.
type weathering struct {
	begin func(sim.Time) fault.Spell
	clear bool
	name  string
}

func (a *weathering) Next(s Scene, t *Turn) {
	t.Done = true
	if a.clear {
		t.Relieve = append(t.Relieve, a.name)
		return
	}
	t.Befall = append(t.Befall, a.begin(s.Now))
}

func (*weathering) Answer(int, hub.Reply, error) {}
