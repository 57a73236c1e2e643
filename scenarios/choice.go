package scenarios

import (
	"cmp"
	"math/big"
	"slices"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/query"
)

var hundred = big.NewRat(100, 1)

// among is the group in question, or all of them.
func (c *compiler) among(in *troop) []*troop {
	if in != nil {
		return []*troop{in}
	}
	return c.troops
}

// choose finds those that a fault befalls, of a group or of all (in nil), and
// the group's name if it is one; it complains when there are none.
func (c *compiler) choose(f faultText, in *troop) (who fault.Who, group string, ok bool) {
	given := 0
	for _, x := range [...]bool{f.devices.ok, f.selector.ok, f.whom.ok} {
		if x {
			given++
		}
	}
	switch {
	case given > 1:
		c.r.complain(f.at, "use one of them", "the fault has both devices and select")
		return who, "", false
	case f.share.ok && f.count.ok:
		c.r.complain(f.count.at, "use one of them", "the fault has both share and count")
		return who, "", false
	}
	if f.group.ok {
		if in = c.troopNamed(f.group.v); in == nil {
			if c.complete {
				c.r.complain(f.group.at, didYouMean(f.group.v, c.troopNames()), "no group %s", quote(f.group.v))
			}
			return who, "", false
		}
	}
	if f.selector.ok || f.whom.ok || f.share.ok || f.count.ok {
		n := 0
		for _, t := range c.among(in) {
			n += t.count
		}
		if !c.look(f, n) {
			return who, "", false
		}
	}
	list, all := []uint64(nil), false
	switch {
	case f.devices.ok:
		if len(f.devices.v) == 0 {
			c.r.complain(f.devices.at, "name devices, or leave the key out for all of them", "the fault befalls no device")
			return who, "", false
		}
		if list, ok = c.numbers(f.devices.v, in); !ok {
			return who, "", false
		}
	case f.selector.ok:
		if list, ok = c.selected(f.selector, in); !ok {
			return who, "", false
		}
	case f.whom.ok:
		if in == nil {
			if t := c.troopNamed(f.whom.v); t != nil {
				in, all = t, true
				break
			}
		}
		if list, ok = c.whom(f.whom, in); !ok {
			return who, "", false
		}
	default:
		all = true
	}
	troops := c.among(in)
	if len(troops) == 0 {
		return who, "", false // what is wrong with the groups is said
	}
	if len(troops) == 1 {
		group = troops[0].name
	}
	who.First = troops[0].first
	for _, t := range troops {
		who.Count += uint64(t.count)
	}
	n := len(list)
	if all {
		n = int(who.Count)
	}
	k := n
	switch {
	case f.count.ok:
		if k = int(f.count.v); k > n {
			c.r.complain(f.count.at, "", "the fault is to befall %d devices of %d", k, n)
			return who, "", false
		}
	case f.share.ok:
		x, _ := decimal(f.share.v)
		k = max(1, rounding(x.Mul(x, big.NewRat(int64(n), 100))))
	}
	if k < n && all {
		list = make([]uint64, n)
		for i := range list {
			list[i] = who.First + uint64(i)
		}
	}
	if k < n {
		list = c.draw(list, k)
	}
	if all && k == n {
		return who, group, true
	}
	return fault.Who{List: list}, group, true
}

// rounding is the nearest whole number, of two the larger.
func rounding(x *big.Rat) int {
	x = new(big.Rat).Add(x, big.NewRat(1, 2))
	return int(new(big.Int).Quo(x.Num(), x.Denom()).Int64())
}

// draw chooses k of the devices: those with the smallest numbers of a draw of
// their own, so that a device's chance does not hang on the others. Each
// choice of a scenario draws anew.
func (c *compiler) draw(list []uint64, k int) []uint64 {
	c.draws++
	type lot struct{ draw, number uint64 }
	lots := make([]lot, len(list))
	for i, n := range list {
		r := sim.NewRand(c.plan.Seed+c.draws<<32, sim.ActorChoice+n)
		lots[i] = lot{r.Uint64(), n}
	}
	slices.SortFunc(lots, func(a, b lot) int { return cmp.Or(cmp.Compare(a.draw, b.draw), cmp.Compare(a.number, b.number)) })
	chosen := make([]uint64, k)
	for i := range chosen {
		chosen[i] = lots[i].number
	}
	slices.Sort(chosen)
	return chosen
}

func (c *compiler) troopNamed(name string) *troop {
	for _, t := range c.troops {
		if t.name == name {
			return t
		}
	}
	return nil
}

// numbers finds devices by their ids.
func (c *compiler) numbers(ids []placed[string], in *troop) (list []uint64, ok bool) {
	ok = true
	for _, id := range ids {
		n, found := c.number(id.v, in)
		switch {
		case found:
			list = append(list, n)
		case in != nil:
			c.r.complain(id.at, nearID(id.v, in), "group %s has no device %s", in.name, quote(id.v))
			ok = false
		case c.complete:
			c.r.complain(id.at, nearID(id.v, c.troops...), "no group has a device %s", quote(id.v))
			ok = false
		}
	}
	slices.Sort(list)
	return slices.Compact(list), ok && len(list) > 0
}

func (c *compiler) number(id string, in *troop) (uint64, bool) {
	for _, t := range c.among(in) {
		if i, ok := t.find(sim.DeviceID(id)); ok {
			return t.first + uint64(i), true
		}
	}
	return 0, false
}

// whom finds what the short form names: ids, or a selector.
func (c *compiler) whom(s placed[string], in *troop) (list []uint64, ok bool) {
	words := strings.Split(s.v, ",")
	ids := make([]placed[string], len(words))
	known := true
	for i, w := range words {
		ids[i] = placed[string]{strings.TrimSpace(w), s.at, true}
		_, found := c.number(ids[i].v, in)
		known = known && found
	}
	if known {
		return c.numbers(ids, in)
	}
	if _, err := query.ParseSelector(s.v); err != nil && !strings.ContainsAny(s.v, "=!") && !strings.Contains(s.v, " in ") {
		if c.complete {
			hint := didYouMean(s.v, c.troopNames())
			if near := nearID(words[0], c.among(in)...); hint == "" {
				hint = near
			}
			c.r.complain(s.at, hint, "%s is no group, no device and no selector", quote(s.v))
		}
		return nil, false
	}
	return c.selected(s, in)
}

// selected finds devices by a selector, over what they have at the start.
func (c *compiler) selected(s placed[string], in *troop) (list []uint64, ok bool) {
	q, err := query.ParseSelector(s.v)
	if err != nil {
		c.r.complain(s.at, "", "%s", oneLine(err))
		return nil, false
	}
	row := &memberRow{}
	for _, t := range c.among(in) {
		for i := range t.count {
			row.m = t.member(i)
			if q.Match(row) {
				list = append(list, t.first+uint64(i))
			}
			if row.later != "" {
				c.r.complain(s.at, "select by id, label, firmwareVersion, tags.NAME, service.NAME or device.NAME", "a fault is for devices as they are at the start, when they have no %s yet", row.later)
				return nil, false
			}
		}
	}
	if len(list) == 0 && c.complete {
		c.r.complain(s.at, "", "the selector %s finds no device", quote(s.v))
	}
	return list, len(list) > 0
}

// memberRow is a device at the start as queries see it.
type memberRow struct {
	m     Member
	later string // what was asked for and comes later
}

// Field returns a field of the device.
func (r *memberRow) Field(space query.Space, name string) doc.Value {
	switch space {
	case query.Default:
		switch name {
		case "deviceId":
			return doc.String(string(r.m.ID))
		case "status":
			return doc.String("enabled")
		}
		r.later = name
	case query.Labels:
		words := make([]doc.Value, len(r.m.Labels))
		for i, l := range r.m.Labels {
			words[i] = doc.String(l)
		}
		return doc.Array(words...)
	case query.Device:
		return r.property(name)
	case query.Tags:
		return part(r.m.Tags, name)
	case query.Service:
		return part(r.m.Service, name)
	default:
		r.later = space.String() + " properties"
	}
	return doc.Value{}
}

// property is a device property as the device leaves the factory, as far as
// the scenario says it.
func (r *memberRow) property(name string) doc.Value {
	if strings.EqualFold(name, device.FirmwareVersion.String()) && r.m.FirmwareVersion != "" {
		return doc.String(r.m.FirmwareVersion)
	}
	for _, v := range r.m.Values {
		if strings.EqualFold(v.Name, name) {
			return v.Value
		}
	}
	return doc.Value{}
}

func part(v doc.Value, name string) doc.Value {
	if name == "" {
		return v
	}
	return v.Get(name)
}
