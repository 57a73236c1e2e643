package query

import (
	"cmp"
	"strings"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// The order of values of all kinds, for sorting: nothing, false, true,
// numbers, times, strings, arrays, objects. Absent and null are alike.
func (t Text) order(a, b doc.Value) int {
	ra, rb := rank(a), rank(b)
	if ra != rb {
		return cmp.Compare(ra, rb)
	}
	switch ra {
	case doc.KindNull:
		return 0
	case doc.KindString:
		if t != Ordinal {
			c, ok := t.compare(a.Text(), b.Text())
			if !ok { // one is a time
				if _, first := parseInstant(a.Text()); first {
					return -1
				}
				return 1
			}
			return c
		}
		return strings.Compare(a.Text(), b.Text())
	case doc.KindArray, doc.KindObject:
		return orderParts(a, b)
	}
	c, _ := doc.Compare(a, b)
	return c
}

func rank(v doc.Value) doc.Kind { return max(v.Kind(), doc.KindNull) }

// orderParts compares arrays by their elements and objects by their members,
// the first difference decides.
func orderParts(a, b doc.Value) int {
	for i := range min(a.Len(), b.Len()) {
		x, y := a.Index(i), b.Index(i)
		if a.Kind() == doc.KindObject {
			m, n := a.Member(i), b.Member(i)
			if c := strings.Compare(m.Name, n.Name); c != 0 {
				return c
			}
			x, y = m.Value, n.Value
		}
		if c := Ordinal.order(x, y); c != 0 {
			return c
		}
	}
	return cmp.Compare(a.Len(), b.Len())
}

// orderExactly is Ordinal.order with absent before null: values without order
// are equal.
func orderExactly(a, b doc.Value) int {
	if c := Ordinal.order(a, b); c != 0 {
		return c
	}
	return cmp.Compare(min(a.Kind(), doc.KindNull), min(b.Kind(), doc.KindNull))
}
