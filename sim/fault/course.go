package fault

import (
	"cmp"
	"slices"

	"github.com/flotilla-sim/flotilla/sim"
)

// Spell is a fault with its time and those it befalls.
type Spell struct {
	Name       string   // for Course.Clear: the recipe's
	Begin, End sim.Time // of what happens at an instant the same one; sim.Never: it lasts
	Who        Who      // looked at unless it befalls the hub
	Scope      Scope
	Conditions Conditions
}

// Who is a choice of devices by their numbers in the run: a range, or a list.
type Who struct {
	First, Count uint64   // of List nil
	List         []uint64 // ascending
}

// Has says whether device number n is chosen.
func (w Who) Has(n uint64) bool {
	if w.List == nil {
		return n-w.First < w.Count
	}
	_, ok := slices.BinarySearch(w.List, n)
	return ok
}

// Len is how many devices are chosen.
func (w Who) Len() int {
	if w.List == nil {
		return int(w.Count)
	}
	return len(w.List)
}

// each calls f for each of them, in order of their numbers.
func (w Who) each(f func(n uint64)) {
	for _, n := range w.List {
		f(n)
	}
	if w.List == nil {
		for n := w.First; n < w.First+w.Count; n++ {
			f(n)
		}
	}
}

// Course is the timetable of a run's faults: a machine whose driver adds
// spells, steps it at its Deadline, and carries out what it says. Driven from
// one goroutine at a time; the zero value has no spells.
type Course struct {
	spells []*spell
	events []event // ahead, sorted by time, then by order of adding
}

type spell struct {
	Spell
	on bool
}

type event struct {
	at    sim.Time
	s     *spell
	begin bool
}

// Add puts a spell into the timetable. One that has begun already begins at
// the next Step.
func (c *Course) Add(s Spell) {
	p := &spell{Spell: s}
	c.spells = append(c.spells, p)
	c.plan(event{s.Begin, p, true})
	if s.End != sim.Never {
		c.plan(event{s.End, p, false})
	}
}

func (c *Course) plan(e event) {
	i, _ := slices.BinarySearchFunc(c.events, e.at, func(x event, at sim.Time) int {
		if x.at == at {
			return -1 // behind those of its instant
		}
		return cmp.Compare(x.at, at)
	})
	c.events = slices.Insert(c.events, i, e)
}

// Clear ends spells at the next Step, the instant now: those of a name, begun
// or ahead; all of them for "". It returns how many there are.
func (c *Course) Clear(now sim.Time, name string) (n int) {
	for _, s := range c.spells {
		if name != "" && s.Name != name {
			continue
		}
		n++
		c.events = slices.DeleteFunc(c.events, func(e event) bool { return e.s == s })
		c.plan(event{now, s, false})
	}
	return n
}

// Deadline is when something begins or ends next.
func (c *Course) Deadline() sim.Time {
	if len(c.events) == 0 {
		return sim.Never
	}
	return c.events[0].at
}

// Step has begin and end what is due. afflict is called once for each device
// whose conditions may have changed, in order of their numbers: its
// conditions are At now, with Link.Cut set if something cuts its connection at
// this instant. befall is called once if something of the hub has begun or
// ended: Slow is how slow it is from now on, the rest what happens to it at
// this instant.
func (c *Course) Step(now sim.Time, afflict func(n uint64, cut bool), befall func(Hub)) {
	var changed []*spell
	var begun []*spell
	for len(c.events) > 0 && c.events[0].at <= now {
		e := c.events[0]
		c.events = slices.Delete(c.events, 0, 1)
		if e.begin {
			e.s.on = true
			begun = append(begun, e.s)
		} else {
			e.s.on = false
			c.spells = slices.DeleteFunc(c.spells, func(s *spell) bool { return s == e.s })
		}
		changed = append(changed, e.s)
	}
	var all []uint64
	for _, s := range changed {
		if s.Scope == OnDevice {
			s.Who.each(func(n uint64) { all = append(all, n) })
		}
	}
	slices.Sort(all)
	for _, n := range slices.Compact(all) {
		cut := false
		for _, s := range begun {
			cut = cut || s.Conditions.Link.Cut && s.Scope == OnDevice && s.Who.Has(n)
		}
		afflict(n, cut)
	}
	if !slices.ContainsFunc(changed, func(s *spell) bool { return s.Scope == OnHub }) {
		return
	}
	var h Hub
	for _, s := range begun {
		h = h.with(s.Conditions.Hub)
	}
	h.Slow = 0
	for _, s := range c.spells {
		if s.on {
			h.Slow = max(h.Slow, s.Conditions.Hub.Slow)
		}
	}
	befall(h)
}

// At is what is wrong with a device at present, over what is wrong with it
// through the whole run.
func (c *Course) At(n uint64, base Conditions) Conditions {
	all := []Conditions{base}
	for _, s := range c.spells {
		if s.on && s.Scope == OnDevice && s.Who.Has(n) {
			all = append(all, s.Conditions)
		}
	}
	m := Merge(all...)
	m.Link.Cut = false
	return m
}
