package query

import "github.com/flotilla-sim/flotilla/sim/doc"

// Aggregation sums rows up: one row of the answer for each combination of
// values of its keys; one row in all, even over no rows, without keys.
type Aggregation struct {
	Keys       []Column
	Aggregates []Aggregate
	Nulls      Nulls // NullIsAbsent: rows without a key are a group of null
}

// Aggregate is a value made of many.
type Aggregate struct {
	Name    string
	Op      AggregateOp
	Of      *Path // nil for CountOf alone: rows
	Text    Text  // how MinOf and MaxOf compare strings
	Numbers bool  // MinOf and MaxOf skip what is no number
}

// AggregateOp is a way of summing up.
type AggregateOp uint8

// The ways. SumOf and AverageOf skip what is no number, and numbers of more
// than 4,096 digits or of an exponent beyond 4,096. A sum is exact, an average
// is exact if it is whole, else the nearest binary64. What there is none of
// sums up to 0 and has neither average, least nor greatest value: null.
const (
	CountOf AggregateOp = iota // rows in which there is a value, null not counted
	SumOf
	AverageOf
	MinOf // least in the order of Sort, null skipped
	MaxOf // greatest
)

// Names returns the names of the columns of Result.Groups.
func (a *Aggregation) Names() []string {
	var names []string
	for _, k := range a.Keys {
		names = append(names, k.Name)
	}
	for _, g := range a.Aggregates {
		names = append(names, g.Name)
	}
	return names
}

// column returns the place of what a Sort names; -1 if it names nothing.
func (a *Aggregation) column(p Path) int {
	if p.Space == Aggregated {
		for i, g := range a.Aggregates {
			if g.Name == p.Name {
				return len(a.Keys) + i
			}
		}
		return -1
	}
	for i, k := range a.Keys {
		if k.Path.Is(p) {
			return i
		}
	}
	return -1
}

// group is the state of one row of the answer.
type group struct {
	keys []doc.Value
	acc  []accumulator
}

type accumulator struct {
	count int64
	total *total
	value doc.Value // least or greatest
}

// grouper sums rows up.
type grouper struct {
	*Aggregation
	groups []*group       // in order of their first row
	byKey  map[string]int // canonical keys -> number in groups
	keys   []doc.Value    // of the present row
	text   []byte         // canonical keys of the present row
}

func newGrouper(a *Aggregation) *grouper {
	g := &grouper{Aggregation: a, byKey: map[string]int{}, keys: make([]doc.Value, len(a.Keys))}
	if len(a.Keys) == 0 {
		g.group()
	}
	return g
}

// group returns the group of the present row.
func (g *grouper) group() *group {
	if i, ok := g.byKey[string(g.text)]; ok {
		x := g.groups[i]
		for j := range x.keys {
			if spelledBefore(g.keys[j], x.keys[j]) {
				x.keys[j] = g.keys[j]
			}
		}
		return x
	}
	g.byKey[string(g.text)] = len(g.groups)
	x := &group{append([]doc.Value(nil), g.keys...), make([]accumulator, len(g.Aggregates))}
	g.groups = append(g.groups, x)
	return x
}

// add takes a row in.
func (g *grouper) add(r Row) {
	g.text = g.text[:0]
	for i, k := range g.Keys {
		v := k.Path.Of(r)
		if v.IsAbsent() && g.Nulls == NullIsAbsent {
			v = doc.Null()
		}
		g.keys[i] = v
		g.text = append(Mode{Nulls: g.Nulls}.appendKey(g.text, v), ' ')
	}
	x := g.group()
	for i := range g.Aggregates {
		x.acc[i].add(&g.Aggregates[i], r)
	}
}

func (a *accumulator) add(g *Aggregate, r Row) {
	if g.Of == nil {
		a.count++
		return
	}
	v := g.Of.Of(r)
	if v.Kind() <= doc.KindNull {
		return
	}
	switch g.Op {
	case SumOf, AverageOf:
		if v.Kind() != doc.KindNumber {
			return
		}
		if a.total == nil {
			a.total = &total{}
		}
		if !a.total.add(v) {
			return
		}
	case MinOf, MaxOf:
		if g.Numbers && v.Kind() != doc.KindNumber {
			return
		}
		c := -1
		if !a.value.IsAbsent() {
			if c = g.Text.order(v, a.value); g.Op == MaxOf {
				c = -c
			}
		}
		if c < 0 || c == 0 && spelledBefore(v, a.value) {
			a.value = v
		}
	}
	a.count++
}

func (a *accumulator) result(op AggregateOp) doc.Value {
	switch {
	case op == CountOf:
		return doc.Int(a.count)
	case op == SumOf && a.total == nil:
		return doc.Int(0)
	case op == SumOf:
		return a.total.sum()
	case a.count == 0:
		return doc.Null()
	case op == AverageOf:
		return a.total.average(a.count)
	}
	return a.value
}

// spelledBefore chooses between equal values, so that the order of rows does
// not: of 1 and 1.0 the first is shown.
func spelledBefore(v, w doc.Value) bool {
	if v.Kind() >= doc.KindArray {
		return string(v.JSON()) < string(w.JSON())
	}
	return v.Text() < w.Text()
}

// cells returns the values of the i-th group.
func (g *grouper) cells(i int) []doc.Value {
	x := g.groups[i]
	cells := x.keys
	for j := range x.acc {
		cells = append(cells, x.acc[j].result(g.Aggregates[j].Op))
	}
	return cells
}
