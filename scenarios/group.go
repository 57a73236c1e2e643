package scenarios

import (
	"fmt"
	"slices"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/fault"
)

// MaxDevices is how many devices a scenario has at most, over all groups.
const MaxDevices = 1_000_000

// groupText is a group as it is written.
type groupText struct {
	traits
	profile placed[string]
	count   placed[int64]
	id      placed[string]
	devices placed[[]deviceText]
	faults  []faultText
	mix     placed[[]mixText]
}

// mixText is what some devices of a generated group have of their own, as it
// is written.
type mixText struct {
	traits
	node  *node
	every placed[int64]
	from  placed[int64]
}

// traits are what a group and a single device have in common.
type traits struct {
	changes  []change
	firmware string
	values   []doc.Member
	labels   []string
	tags     doc.Value
	service  doc.Value
}

// deviceText is one device of a list as it is written.
type deviceText struct {
	traits
	node   *node
	id     placed[string]
	faults []placed[affliction]
}

// traitKeys are the rows of what groups and devices have in common.
var traitKeys = append(lift(changes, func(t *traits) *[]change { return &t.changes }),
	field("firmwareVersion", "the version at the start", textOf("firmwareVersion", 1, 64), func(t *traits) *string { return &t.firmware }),
	field("values", "device properties at the start, by service name", valuesKind, func(t *traits) *[]doc.Member { return &t.values }),
	field("labels", "words: the preview's tags", listOf("labels", textOf("a label", 1, 128)), func(t *traits) *[]string { return &t.labels }),
	field("tags", "the twin's tags, a map", objectOf("tags"), func(t *traits) *doc.Value { return &t.tags }),
	field("serviceProperties", "the preview's service properties, a map", objectOf("serviceProperties"), func(t *traits) *doc.Value { return &t.service }),
)

// profiles are the firmware behaviours of package device.
var profiles = []string{device.FirmwareStandard, device.FirmwareSimple, device.FirmwareEdison, device.FirmwareNone}

var groupTable = newTable("group", "a group", append([]key[groupText]{
	field("profile", "what its devices do in a firmware update; default standard", where(wordOf("a profile", profiles...)), func(g *groupText) *placed[string] { return &g.profile }),
	field("count", "how many devices, with ids made from `id`", where(integerOf("count", 1, MaxDevices)), func(g *groupText) *placed[int64] { return &g.count }),
	field("id", "pattern of the ids, {number} counts from 1, {number:05} with leading zeros; default <group>-{number:06}", where(textOf("id", 1, MaxID+20)), func(g *groupText) *placed[string] { return &g.id }),
	field("devices", "its devices one by one, instead of count", where(listOf("devices", deviceKind)), func(g *groupText) *placed[[]deviceText] { return &g.devices }),
	field("faults", "what goes wrong", listOf("faults", faultKind), func(g *groupText) *[]faultText { return &g.faults }),
	field("mix", "what every so many-th of its devices has of its own, with count", where(listOf("mix", mixKind)), func(g *groupText) *placed[[]mixText] { return &g.mix }),
}, lift(traitKeys, func(g *groupText) *traits { return &g.traits })...))

// mixKind is one entry of a group's mix.
var mixKind = kind[mixText]{schema: mixTable.schema, read: func(r *reader, n *node) (mixText, bool) {
	m, ok := mixTable.kind().read(r, n)
	m.node = n
	return m, ok
}}

var mixTable = newTable("mix", "an entry of a mix", append([]key[mixText]{
	required(field("every", "which devices: every so many-th of the group, 50 for 2 %", where(integerOf("every", 1, MaxDevices)), func(m *mixText) *placed[int64] { return &m.every })),
	field("from", "the first of them, counted from 1; default: `every`", where(integerOf("from", 1, MaxDevices)), func(m *mixText) *placed[int64] { return &m.from }),
}, lift(traitKeys, func(m *mixText) *traits { return &m.traits })...))

// deviceKind is an id alone or a map.
var deviceKind = kind[deviceText]{
	schema: &schema{either: []*schema{{types: []string{"string"}, help: "a device id"}, deviceTable.schema}},
	read: func(r *reader, n *node) (deviceText, bool) {
		if n.kind == mapNode {
			d, ok := deviceTable.kind().read(r, n)
			d.node = n
			return d, ok
		}
		id, ok := where(textOf("a device id", 0, 1000)).read(r, n)
		return deviceText{id: id}, ok
	},
}

var deviceTable = newTable("device", "a device", append([]key[deviceText]{
	required(field("id", "", where(textOf("a device id", 0, 1000)), func(d *deviceText) *placed[string] { return &d.id })),
	field("faults", "what goes wrong: `name` or `name=argument`", listOf("faults", conditionsKind), func(d *deviceText) *[]placed[affliction] { return &d.faults }),
}, lift(traitKeys, func(d *deviceText) *traits { return &d.traits })...))

// troop is a compiled group, with what is needed to find its devices.
type troop struct {
	name    string
	at      spot
	first   uint64
	count   int
	pattern pattern // of a generated group
	list    []deviceText
	index   map[sim.DeviceID]int // of a listed group
	faults  map[int]fault.Conditions
	all     fault.Conditions
	base    *device.Profile
	own     []*device.Profile // of a listed group, base where a device has no overrides
	traits  traits
	rough   []fault.Who
	mix     []blend
	rate    int64 // at which devices begin to connect, per 1,000 s; 0: all at once
}

// blend is a compiled entry of a mix: device i of the group has it if i is
// from, or so many times every after it.
type blend struct {
	every, from int
	profile     *device.Profile
	traits      traits
}

func (b *blend) has(i int) bool { return i >= b.from && (i-b.from)%b.every == 0 }

// id returns the id of its device i.
func (t *troop) id(i int) sim.DeviceID {
	if t.list != nil {
		return sim.DeviceID(t.list[i].id.v)
	}
	return t.pattern.id(i)
}

// find returns which of its devices has that id.
func (t *troop) find(id sim.DeviceID) (int, bool) {
	if t.list != nil {
		i, ok := t.index[id]
		return i, ok
	}
	return t.pattern.index(id, t.count)
}

// member returns its device i.
func (t *troop) member(i int) Member {
	m := Member{
		ID: t.id(i), Profile: t.base, FirmwareVersion: t.traits.firmware, Values: t.traits.values,
		Labels: t.traits.labels, Tags: t.traits.tags, Service: t.traits.service, Fault: t.all,
	}
	if t.rate > 0 { // MaxDevices times 10^12 is below 2^63
		m.Starts = sim.Time((int64(t.first) + int64(i)) * 1e12 / t.rate)
	}
	if f, ok := t.faults[i]; ok {
		m.Fault = fault.Merge(t.all, f)
	}
	for _, w := range t.rough {
		m.Rough = m.Rough || w.Has(t.first+uint64(i))
	}
	if t.list == nil {
		for k := range t.mix {
			if b := &t.mix[k]; b.has(i) { // the last one that has it
				m.Profile = b.profile
				m.take(&b.traits)
			}
		}
		return m
	}
	m.Profile = t.own[i]
	m.take(&t.list[i].traits)
	return m
}

// take lays over a member what it has of its own.
func (m *Member) take(own *traits) {
	if own.firmware != "" {
		m.FirmwareVersion = own.firmware
	}
	if own.labels != nil {
		m.Labels = own.labels
	}
	if !own.tags.IsAbsent() {
		m.Tags = own.tags
	}
	if !own.service.IsAbsent() {
		m.Service = own.service
	}
	if len(own.values) > 0 {
		m.Values = overlaid(m.Values, own.values)
	}
}

// overlaid returns the members of both lists; of one name the second's.
func overlaid(a, b []doc.Member) []doc.Member {
	all := make([]doc.Member, 0, len(a)+len(b))
	for _, m := range a {
		if !slices.ContainsFunc(b, func(o doc.Member) bool { return o.Name == m.Name }) {
			all = append(all, m)
		}
	}
	return append(all, b...)
}

// groups compiles them and looks for ids that two devices share.
func (c *compiler) groups(all []named[groupText]) {
	var first uint64
	for i := range all {
		t := c.group(&all[i], first)
		if t == nil {
			continue
		}
		first += uint64(t.count)
		if first > MaxDevices {
			c.r.complain(t.at, "", "the groups have %d devices with this one, at most %d are allowed", first, MaxDevices)
			return
		}
		for _, o := range c.troops {
			c.disjoint(o, t)
		}
		c.troops = append(c.troops, t)
		c.plan.Groups = append(c.plan.Groups, Group{Name: t.name, First: t.first, Count: t.count, Member: t.member})
	}
}

// group compiles one group; nil when it has no devices one could name.
func (c *compiler) group(g *named[groupText], first uint64) *troop {
	t := &troop{name: g.name, at: g.at, first: first, rate: c.rate, traits: g.v.traits, faults: map[int]fault.Conditions{}}
	t.base = device.NewProfile()
	if g.v.profile.ok {
		t.base.Firmware = g.v.profile.v
	}
	t.base = apply(t.base, g.v.changes)
	wrong := t.base.Complaints()
	c.r.judge("group "+g.name, g.at, g.node, append(wrong, device.CheckValues("values", t.traits.values)...))
	c.broken = c.broken || len(wrong) > 0
	switch {
	case g.v.devices.ok && g.v.count.ok:
		c.r.complain(g.v.count.at, "use one of them", "group %s has both count and devices", g.name)
		return nil
	case g.v.devices.ok && g.v.id.ok:
		c.r.complain(g.v.id.at, "leave it out", "group %s lists its devices, an id pattern has no use", g.name)
		return nil
	case g.v.devices.ok && g.v.mix.ok:
		c.r.complain(g.v.mix.at, "give each device what it has of its own", "group %s lists its devices, a mix has no use", g.name)
		return nil
	case g.v.devices.ok:
		if !c.list(t, g.v.devices) {
			return nil
		}
	case g.v.count.ok:
		p, wrong, hint := parsePattern(g.name + "-{number:06}")
		at := g.at
		if g.v.id.ok {
			p, wrong, hint = parsePattern(g.v.id.v)
			at = g.v.id.at
		}
		t.pattern, t.count = p, int(g.v.count.v)
		if wrong == "" && len(p.id(t.count-1)) > MaxID {
			wrong = fmt.Sprintf("the ids would have more than %d characters", MaxID)
		}
		if wrong != "" {
			c.r.complain(at, hint, "%s", wrong)
			return nil
		}
	case g.node.get("count") != nil || g.node.get("devices") != nil: // said already what is wrong with it
		return nil
	default:
		c.r.complain(g.at, "write `count: 6` or `devices: [...]`", "group %s has no devices", g.name)
		return nil
	}
	c.blend(t, g.v.mix.v)
	c.befall(t, g.v.faults)
	return t
}

// blend compiles the mix of a generated group. An entry's profile is the
// group's with its changes laid over.
func (c *compiler) blend(t *troop, mix []mixText) {
	for i := range mix {
		m := &mix[i]
		if !m.every.ok {
			continue
		}
		b := blend{every: int(m.every.v), from: int(m.every.v) - 1, profile: t.base, traits: m.traits}
		if m.from.ok {
			b.from = int(m.from.v) - 1
		}
		if b.from >= t.count {
			c.r.complain(m.every.at, "", "group %s has %d devices, none of them is number %d", t.name, t.count, b.from+1)
			continue
		}
		if len(m.changes) > 0 {
			b.profile = apply(t.base, m.changes)
			if !c.broken {
				c.r.judge("group "+t.name, m.every.at, m.node, b.profile.Complaints())
			}
		}
		c.r.judge("group "+t.name, m.every.at, m.node, device.CheckValues("values", m.values))
		t.mix = append(t.mix, b)
	}
}

// list takes the devices of a listed group.
func (c *compiler) list(t *troop, devices placed[[]deviceText]) bool {
	if len(devices.v) == 0 {
		c.r.complain(devices.at, "", "group %s has no devices", t.name)
		return false
	}
	t.index = make(map[sim.DeviceID]int, len(devices.v))
	for _, d := range devices.v {
		if !d.id.ok {
			continue
		}
		id := sim.DeviceID(d.id.v)
		if wrong := badID(d.id.v); wrong != "" {
			c.r.complain(d.id.at, idRule, "%s: %s", quote(d.id.v), wrong)
			continue
		}
		if o, ok := t.index[id]; ok {
			c.r.complain(d.id.at, "", "device %s is there twice, first in %s", quote(d.id.v), t.list[o].id.at)
			continue
		}
		own := t.base
		if len(d.changes) > 0 {
			own = apply(t.base, d.changes)
			if !c.broken { // else every device would say again what its group said
				c.r.judge("device "+d.id.v, d.id.at, d.node, own.Complaints())
			}
		}
		c.r.judge("device "+d.id.v, d.id.at, d.node, device.CheckValues("values", d.values))
		i := len(t.list)
		t.index[id] = i
		t.list = append(t.list, d)
		t.own = append(t.own, own)
		for _, f := range d.faults {
			if !c.ofDevices(f) || !c.timely(faultText{conditions: f}) {
				continue
			}
			t.faults[i] = fault.Merge(t.faults[i], f.v.conditions)
			c.afflict(f.v, t.name, 1)
		}
	}
	t.count = len(t.list)
	return t.count > 0
}

// disjoint complains about an id that two groups share. A generated group is
// asked, not listed: only the smaller one is walked.
func (c *compiler) disjoint(a, b *troop) {
	walked, asked := b, a
	if a.count < b.count {
		walked, asked = a, b
	}
	if walked.list == nil && asked.list == nil && !walked.pattern.meets(asked.pattern) {
		return
	}
	for i := range walked.count {
		id := walked.id(i)
		j, ok := asked.find(id)
		if !ok {
			continue
		}
		at := b.at
		if b.list != nil {
			k := i
			if walked == a {
				k = j
			}
			at = b.list[k].id.at
		}
		first := a.at
		if a.list != nil {
			k := i
			if walked == b {
				k = j
			}
			first = a.list[k].id.at
		}
		c.r.complain(at, "", "device %s is in group %s too, %s", quote(string(id)), a.name, first)
		return
	}
}
