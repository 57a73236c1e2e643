package scenarios

import (
	"strings"
	"time"

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
	Fault    string // as the scenario writes it, with its time
	Group    string // "": it befalls the hub, or devices of several groups
	Devices  int    // how many devices it befalls; 0: the hub
	LiveOnly bool   // it has no meaning in virtual time
}

// faultText is a fault with those it befalls and its time, as it is written.
type faultText struct {
	at         spot
	conditions placed[affliction]
	group      placed[string]
	devices    placed[[]placed[string]]
	selector   placed[string]
	share      placed[string]
	count      placed[int64]
	whom       placed[string] // the short form's: a group, ids or a selector
	begin      placed[time.Duration]
	length     placed[time.Duration]
}

// conditionsKind is a fault recipe, with its argument if it has one.
var conditionsKind = where(kind[affliction]{
	schema: &schema{types: []string{"string"}, pattern: faultPattern("$"), help: "a fault, `name` or `name=argument`"},
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

func faultPattern(end string) string {
	s := "^("
	for i, r := range fault.Recipes {
		if i > 0 {
			s += "|"
		}
		s += r.Name
	}
	return s + ")(=.+)?" + end
}

// faultKeys are the rows of what faults of devices have in common.
var faultKeys = []key[faultText]{
	required(field("fault", "", conditionsKind, func(f *faultText) *placed[affliction] { return &f.conditions })),
	field("devices", "ids of those it befalls; without it, and without select, share and count, all of them", where(listOf("devices", where(textOf("a device id", 0, 1000)))), func(f *faultText) *placed[[]placed[string]] { return &f.devices }),
	field("select", "a selector of those it befalls, over what devices have at the start: id, label, firmwareVersion, tags, service and device properties", where(textOf("a selector", 1, 10_000)), func(f *faultText) *placed[string] { return &f.selector }),
	field("share", "what part of them it befalls, chosen by the seed and exactly so many, at least one: `10%`", where(shareKind), func(f *faultText) *placed[string] { return &f.share }),
	field("count", "how many of them it befalls, chosen by the seed", where(integerOf("count", 1, MaxDevices)), func(f *faultText) *placed[int64] { return &f.count }),
	field("at", "when it begins, from the start of the run; default: it holds from the start", where(anyDuration), func(f *faultText) *placed[time.Duration] { return &f.begin }),
	field("for", "how long it lasts; default: to the end of the run", where(durationOf(time.Millisecond, 1<<63-1)), func(f *faultText) *placed[time.Duration] { return &f.length }),
}

var (
	faultTable      = newTable("fault", "a fault", faultKeys)
	fleetFaultTable = newTable("fleet-fault", "a fault", append([]key[faultText]{
		field("group", "the group that it befalls; default: all devices", where(textOf("group", 1, 64)), func(f *faultText) *placed[string] { return &f.group }),
	}, faultKeys...))
)

// faultKind is a fault of a group, fleetFaultKind one of any devices or of the
// hub.
var (
	faultKind      = faultOf(faultTable)
	fleetFaultKind = faultOf(fleetFaultTable)
)

// faultOf is a fault in its short form or as a map.
func faultOf(table *table[faultText]) kind[faultText] {
	short := &schema{types: []string{"string"}, pattern: faultPattern("(( on |@).+)?( at .+)?( for .+)?$"), help: shortForm}
	return kind[faultText]{
		schema: &schema{either: []*schema{short, table.schema}},
		read: func(r *reader, n *node) (faultText, bool) {
			var f faultText
			ok := false
			if n.kind == mapNode {
				f, ok = table.kind().read(r, n)
			} else {
				f, ok = readShort(r, n)
			}
			f.at = n.at
			return f, ok && f.conditions.ok
		},
	}
}

// shortForm is how a fault is written in one line.
const shortForm = "a fault, `name[=argument] [on WHOM] [at TIME] [for TIME]`; WHOM is `10%`, `3`, a group, ids with commas between, a selector, or `10% of` or `3 of` one of them"

// shareKind is a percentage above 0, kept as it is written.
var shareKind = kind[string]{
	schema: &schema{types: []string{"string"}, pattern: `^[0-9]+(\.[0-9]+)?%$`},
	read: func(r *reader, n *node) (string, bool) {
		s, ok := scalar(r, n, "a share")
		if !ok {
			return "", false
		}
		number, unit := strings.CutSuffix(strings.TrimSpace(s), "%")
		x, ok := decimal(number)
		switch {
		case ok && !unit:
			r.complain(n.at, "write "+quote(s+"%")+", or `count: "+s+"`", "the share %s has no unit", s)
			return "", false
		case !ok:
			r.complain(n.at, "write `10%` or `12.5%`", "%s is not a share", quote(s))
			return "", false
		case x.Sign() <= 0 || x.Cmp(hundred) > 0:
			r.complain(n.at, "", "a share is above 0%% and at most 100%%, is %s", s)
			return "", false
		}
		return number, true
	},
}

// readShort reads the short form.
func readShort(r *reader, n *node) (f faultText, ok bool) {
	s, ok := scalar(r, n, "a fault")
	if !ok {
		return f, false
	}
	// part reads what stands behind a word, and leaves what stands before it.
	part := func(word string) *node {
		i := strings.LastIndex(s, word)
		if i < 0 || strings.ContainsAny(s[i:], `"'`) {
			return nil
		}
		p := &node{kind: textNode, text: strings.TrimSpace(s[i+len(word):]), at: n.at}
		s = s[:i]
		return p
	}
	good := true
	if p := part(" for "); p != nil {
		f.length, ok = where(durationOf(time.Millisecond, 1<<63-1)).read(r, p)
		good = good && ok
	}
	if p := part(" at "); p != nil {
		f.begin, ok = where(anyDuration).read(r, p)
		good = good && ok
	}
	whom := ""
	if i, width := strings.Index(s, " on "), 4; i >= 0 || strings.Contains(s, "@") {
		if at := strings.Index(s, "@"); i < 0 || at >= 0 && at < i {
			i, width = at, 1
		}
		whom, s = strings.TrimSpace(s[i+width:]), s[:i]
		if whom == "" {
			r.complain(n.at, shortForm, "nothing stands behind `on`")
			return f, false
		}
	}
	f.conditions, ok = conditionsKind.read(r, &node{kind: textNode, text: strings.TrimSpace(s), at: n.at})
	if whom == "" {
		return f, ok && good
	}
	amount, rest, of := strings.Cut(whom, " of ")
	amount = strings.TrimSpace(amount)
	number, percent := strings.CutSuffix(amount, "%")
	_, numeric := decimal(strings.TrimSpace(number))
	p := &node{kind: textNode, plain: true, text: amount, at: n.at}
	amounts := true
	switch {
	case numeric && percent:
		f.share, amounts = where(shareKind).read(r, p)
	case numeric:
		f.count, amounts = where(integerOf("count", 1, MaxDevices)).read(r, p)
	default:
		rest, of = whom, true
	}
	if of {
		f.whom = placed[string]{strings.TrimSpace(rest), n.at, true}
	}
	return f, ok && good && amounts
}

// befall spreads a group's faults over its devices.
func (c *compiler) befall(t *troop, faults []faultText) {
	for _, f := range faults {
		if c.ofDevices(f.conditions) {
			c.spread(f, t)
		}
	}
}

// faults compiles those of the whole scenario.
func (c *compiler) faults(faults []faultText) {
	for _, f := range faults {
		if f.conditions.v.recipe.Scope == fault.OnHub {
			c.hubFault(f)
			continue
		}
		c.spread(f, nil)
	}
}

// spread has a fault befall those it is for: from the start, or at its time.
func (c *compiler) spread(f faultText, in *troop) {
	if !c.timely(f) {
		return
	}
	who, names, ok := c.choose(f, in)
	if !ok {
		return
	}
	a := f.conditions.v
	if f.begin.ok || f.length.ok {
		s := c.spell(f, who)
		s.Begin = sim.Time(f.begin.v)
		s.End = c.ends(f, s.Begin)
		c.plan.Spells = append(c.plan.Spells, s)
		a.text += f.window()
	} else {
		for _, t := range c.among(in) {
			t.befall(who, a.conditions)
		}
	}
	c.afflict(a, names, who.Len())
}

// window is a fault's time as it is shown.
func (f faultText) window() (s string) {
	if f.begin.ok {
		s = " at " + brief(f.begin.v)
	}
	if f.length.ok {
		s += " for " + brief(f.length.v)
	}
	return s
}

// The bounds of what may go wrong in one scenario.
const (
	MaxFaults = 1000
	maxLooked = 50 * MaxDevices // devices that all its faults may have to look at
)

// bounded counts a fault, and complains of the first too many.
func (c *compiler) bounded(f faultText) bool {
	if c.counted++; c.counted == MaxFaults+1 {
		c.r.complain(f.at, "let one fault befall more devices: a group, a share, a selector", "the scenario has more than %d faults", MaxFaults)
	}
	return c.counted <= MaxFaults
}

// look counts the devices that are looked at for a fault, and complains of the
// first too many.
func (c *compiler) look(f faultText, devices int) bool {
	before := c.looked
	if c.looked += devices; c.looked > maxLooked && before <= maxLooked {
		c.r.complain(f.at, "use fewer shares, counts and selectors, or name groups", "the faults choose among more than %d devices in all", maxLooked)
	}
	return c.looked <= maxLooked
}

// timely says whether a fault's time fits its recipe, and that there are not
// too many of them; it complains if not.
func (c *compiler) timely(f faultText) bool {
	if !c.bounded(f) {
		return false
	}
	r := f.conditions.v.recipe
	switch {
	case r.Instant && f.length.ok:
		hint := "leave out `for`"
		if r.Argument.Unit != "" {
			hint = "write how long as its argument: `" + r.Name + "=" + r.Argument.Default + "`"
		}
		c.r.complain(f.length.at, hint, "the fault %s happens at an instant", r.Name)
	case r.Instant && r.Scope == fault.OnDevice && !f.begin.ok:
		c.r.complain(f.conditions.at, "add its time: `"+r.Name+" at 10s`", "the fault %s happens at an instant, and there is no connection at the start", r.Name)
	case f.length.ok && f.begin.v+f.length.v < 0:
		c.r.complain(f.length.at, "", "the fault ends after more than 292 years")
	default:
		return true
	}
	return false
}

// spell makes what goes into the timetable, without its time.
func (c *compiler) spell(f faultText, who fault.Who) fault.Spell {
	a := f.conditions.v
	if a.conditions.Link != (fault.Link{}) {
		c.rough = append(c.rough, who)
	}
	return fault.Spell{Name: a.recipe.Name, Scope: a.recipe.Scope, Who: who, Conditions: a.conditions}
}

// ends is when a fault that begins then ends.
func (c *compiler) ends(f faultText, begin sim.Time) sim.Time {
	switch {
	case f.conditions.v.recipe.Instant:
		return begin
	case f.length.ok:
		return begin.Add(f.length.v)
	}
	return sim.Never
}

// befall has conditions hold for those of its devices that are chosen, through
// the whole run.
func (t *troop) befall(who fault.Who, conditions fault.Conditions) {
	if who.List == nil && who.First <= t.first && who.First+who.Count >= t.first+uint64(t.count) {
		t.all = fault.Merge(t.all, conditions)
		return
	}
	for i := range t.count {
		if who.Has(t.first + uint64(i)) {
			t.faults[i] = fault.Merge(t.faults[i], conditions)
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
