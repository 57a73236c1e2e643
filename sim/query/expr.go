package query

import (
	"slices"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// Expr is what can be worked out of a row: one of the types below. A condition
// is an Expr that gives true or false; absent means undefined. A row is
// selected only if its condition is true.
type Expr interface {
	eval(r Row) doc.Value
}

// Const is always the same.
type Const struct{ Value doc.Value }

// Compare holds two values against each other.
type Compare struct {
	Op          Op
	Left, Right Expr
	Mode        Mode
}

// Op is a comparison.
type Op uint8

// The comparisons.
const (
	Eq Op = iota
	Ne
	Lt
	Le
	Gt
	Ge
)

// And is true if all are, also if there is none; false if one is false, else
// undefined.
type And []Expr

// Or is true if one is; false if all are, also if there is none, else
// undefined.
type Or []Expr

// Not is true of false, false of true, else undefined.
type Not struct{ Of Expr }

// Defined says whether there is a value; null is one.
type Defined struct{ Of Expr }

// Members says how a value relates to a list; make it with In or All.
type Members struct {
	of   Expr
	list []doc.Value
	mode Mode
	all  bool
	keys map[string]struct{} // canonical forms of list, if it is long
}

// longList is from how many values on a list is looked up, not walked.
const longList = 8

// In is true if the value equals one of a list, else false; of what is absent
// it is undefined where comparing with it is.
func In(of Expr, list []doc.Value, mode Mode) *Members {
	m := &Members{of: of, list: list, mode: mode}
	if len(list) > longList {
		m.keys = make(map[string]struct{}, len(list))
		for _, v := range list {
			m.keys[string(mode.appendKey(nil, v))] = struct{}{}
		}
	}
	return m
}

// NotIn is the opposite of In.
func NotIn(of Expr, list []doc.Value, mode Mode) Expr { return Not{In(of, list, mode)} }

// All is true if the value is an array that contains every value of a list.
// Of what is no array it is false, or undefined where kinds do not mix.
func All(of Expr, list []doc.Value, mode Mode) *Members {
	return &Members{of: of, list: list, mode: mode, all: true}
}

// Equals compares a field with a constant.
func Equals(p Path, v doc.Value, mode Mode) Compare { return Compare{Eq, p, Const{v}, mode} }

// IDs selects rows by the words in a field: devices by DeviceID, jobs by JobID.
func IDs[S ~string](of Path, ids ...S) Expr {
	list := make([]doc.Value, len(ids))
	for i, id := range ids {
		list[i] = doc.String(string(id))
	}
	return In(of, list, Mode{})
}

// HasLabels selects the rows that have all of these labels.
func HasLabels(words ...string) Expr {
	list := make([]doc.Value, len(words))
	for i, w := range words {
		list[i] = doc.String(w)
	}
	return All(Path{Space: Labels}, list, Mode{})
}

func (p Path) eval(r Row) doc.Value    { return p.Of(r) }
func (c Const) eval(Row) doc.Value     { return c.Value }
func (d Defined) eval(r Row) doc.Value { return doc.Bool(!d.Of.eval(r).IsAbsent()) }

func (c Compare) eval(r Row) doc.Value {
	a, b := c.Left.eval(r), c.Right.eval(r)
	switch c.Op {
	case Eq:
		return c.Mode.equal(a, b)
	case Ne:
		return not(c.Mode.equal(a, b))
	}
	n, ok, otherwise := c.Mode.order(a, b)
	if !ok {
		return otherwise
	}
	return doc.Bool(c.Op.holds(n))
}

// holds says whether values in the order n (below, at or above 0) fit.
func (op Op) holds(n int) bool {
	switch op {
	case Lt:
		return n < 0
	case Le:
		return n <= 0
	case Gt:
		return n > 0
	case Ge:
		return n >= 0
	case Ne:
		return n != 0
	}
	return n == 0
}

func (a And) eval(r Row) doc.Value { return fold(a, r, false) }
func (o Or) eval(r Row) doc.Value  { return fold(o, r, true) }

// fold looks for the truth that settles it: one false makes And false, one
// true makes Or true.
func fold(of []Expr, r Row, settles bool) doc.Value {
	undefined := false
	for _, e := range of {
		switch v := e.eval(r); {
		case v.Kind() != doc.KindBool:
			undefined = true
		case v.Truth() == settles:
			return v
		}
	}
	if undefined {
		return doc.Value{}
	}
	return doc.Bool(!settles)
}

func (n Not) eval(r Row) doc.Value { return not(n.Of.eval(r)) }

func not(v doc.Value) doc.Value {
	if v.Kind() != doc.KindBool {
		return doc.Value{}
	}
	return doc.Bool(!v.Truth())
}

func (m *Members) eval(r Row) doc.Value {
	v := m.of.eval(r)
	if m.mode.Nulls == NullIsValue && v.IsAbsent() {
		return doc.Value{}
	}
	if !m.all {
		return doc.Bool(m.has(v))
	}
	if v.Kind() != doc.KindArray {
		return m.mode.mixed()
	}
	return doc.Bool(!slices.ContainsFunc(m.list, func(wanted doc.Value) bool {
		for i := range v.Len() {
			if m.mode.equal(v.Index(i), wanted).Truth() {
				return false
			}
		}
		return true
	}))
}

// has says whether v is on the list.
func (m *Members) has(v doc.Value) bool {
	if m.keys == nil {
		return slices.ContainsFunc(m.list, func(w doc.Value) bool { return m.mode.equal(v, w).Truth() })
	}
	if v.Kind() >= doc.KindArray && m.mode.Types == TypesUndefined {
		return false
	}
	var a [64]byte
	_, ok := m.keys[string(m.mode.appendKey(a[:0], v))]
	return ok
}
