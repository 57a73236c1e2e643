package query

import (
	"strings"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// Mode is how a comparison judges: the rules in which dialects differ. The
// zero Mode is the preview's, for plain text.
type Mode struct {
	Nulls Nulls
	Types Types
	Text  Text
}

// Nulls says what nothing is.
type Nulls uint8

// The rules of nothing.
const (
	// NullIsAbsent: null and absent are one value. It equals itself alone, so
	// that `ne null` means "is there"; it is neither before nor after another.
	NullIsAbsent Nulls = iota
	// NullIsValue: null equals null and differs from every other value; a
	// comparison with what is absent is undefined.
	NullIsValue
)

// Types says how values of different kinds compare.
type Types uint8

// The rules of kinds.
const (
	// TypesDiffer: they are not equal, and none is before the other. Arrays
	// and objects are equal if all in them is, and have no order.
	TypesDiffer Types = iota
	// TypesUndefined: the comparison is undefined. Arrays and objects equal
	// nothing, and comparing their order is undefined.
	TypesUndefined
)

// Text says what strings are.
type Text uint8

// The rules of text.
const (
	Ordinal Text = iota // bytes: letter case counts
	Word                // words of an enumeration: letter case of A-Z does not count
	Instant             // times in ISO 8601, UTC if no offset is given; those that are none are a kind apart, bytes
)

// SQL is the Mode of the SQL-like languages: three-valued, without any
// conversion. [Azure IoT Hub query language: operators]
var SQL = Mode{Nulls: NullIsValue, Types: TypesUndefined}

// equal says whether two values are the same: true, false or absent, which is
// undefined.
func (m Mode) equal(a, b doc.Value) doc.Value {
	ka, kb := a.Kind(), b.Kind()
	if m.Nulls == NullIsAbsent {
		ka, kb = max(ka, doc.KindNull), max(kb, doc.KindNull)
	}
	switch {
	case ka == doc.KindAbsent || kb == doc.KindAbsent:
		return doc.Value{}
	case ka == doc.KindNull || kb == doc.KindNull:
		return doc.Bool(ka == kb)
	case m.Types == TypesUndefined && (ka >= doc.KindArray || kb >= doc.KindArray):
		return doc.Bool(false)
	case ka != kb:
		return m.mixed()
	case ka != doc.KindString || m.Text == Ordinal:
		return doc.Bool(doc.Equal(a, b))
	}
	c, ok := m.Text.compare(a.Text(), b.Text())
	if !ok {
		return m.mixed()
	}
	return doc.Bool(c == 0)
}

// mixed is the answer about values of different kinds.
func (m Mode) mixed() doc.Value {
	if m.Types == TypesUndefined {
		return doc.Value{}
	}
	return doc.Bool(false)
}

// order compares two values. If they have no order, ok is false and
// otherwise is the answer of the comparison.
func (m Mode) order(a, b doc.Value) (c int, ok bool, otherwise doc.Value) {
	ka, kb := a.Kind(), b.Kind()
	if ka <= doc.KindNull || kb <= doc.KindNull {
		if m.Nulls == NullIsAbsent {
			return 0, false, doc.Bool(false)
		}
		return 0, false, doc.Value{}
	}
	if ka == kb && ka == doc.KindString {
		c, ok = m.Text.compare(a.Text(), b.Text())
	} else {
		c, ok = doc.Compare(a, b)
	}
	if !ok {
		return 0, false, m.mixed()
	}
	return c, true, doc.Value{}
}

// compare compares two strings; ok is false if one is a time and the other is
// none.
func (t Text) compare(a, b string) (c int, ok bool) {
	switch t {
	case Word:
		return compareFolded(a, b), true
	case Instant:
		x, isX := parseInstant(a)
		y, isY := parseInstant(b)
		if isX != isY {
			return 0, false
		}
		if isX {
			return x.compare(y), true
		}
	}
	return strings.Compare(a, b), true
}

// compareFolded compares as if all letters A-Z were small.
func compareFolded(a, b string) int {
	for i := range min(len(a), len(b)) {
		if x, y := lower(a[i]), lower(b[i]); x != y {
			return int(x) - int(y)
		}
	}
	return len(a) - len(b)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
