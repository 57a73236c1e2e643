package doc

import (
	"strings"
	"unicode"
)

// Equal says whether two values are the same: numbers by value, objects and
// arrays member by member, times ignored. Absent equals absent alone.
func Equal(a, b Value) bool {
	if a.enc == b.enc && a.ext == b.ext {
		return true
	}
	k := a.Kind()
	if k != b.Kind() {
		return false
	}
	switch k {
	case KindNumber:
		return compareNumbers(a.Text(), b.Text()) == 0
	case KindArray, KindObject:
	default:
		return a.enc == b.enc
	}
	f, _ := a.container()
	g, _ := b.container()
	if f.n != g.n {
		return false
	}
	for i := range f.n {
		if f.names && f.name(i) != g.name(i) {
			return false
		}
		if !Equal(f.raw(a, i).resolve(), g.raw(b, i).resolve()) {
			return false
		}
	}
	return true
}

// Equal is the function Equal, for go-cmp and its like.
func (v Value) Equal(w Value) bool { return Equal(v, w) }

// Compare orders two scalars of the same kind: numbers by their exact value,
// strings by code points, false before true, null as null. Anything else has
// no order and answers false.
func Compare(a, b Value) (int, bool) {
	k := a.Kind()
	if k != b.Kind() {
		return 0, false
	}
	switch k {
	case KindNull:
		return 0, true
	case KindBool:
		return strings.Compare(a.enc, b.enc), true
	case KindNumber:
		return compareNumbers(a.Text(), b.Text()), true
	case KindString:
		return strings.Compare(a.Text(), b.Text()), true
	}
	return 0, false
}

// Size returns what v counts towards the size limits of a twin's sections, in
// bytes: names by their UTF-8 length, strings likewise without control
// characters, numbers 8, booleans 4, arrays and objects the sum of what they
// hold; members whose name begins with $ count nothing. [Azure IoT Hub:
// "Understand and use device twins", "Device twin size"] Null is not said
// there; it counts 4.
func Size(v Value) int {
	switch v.Kind() {
	case KindAbsent:
		return 0
	case KindNull, KindBool:
		return 4
	case KindNumber:
		return 8
	case KindString:
		return printable(v.Text())
	}
	f, _ := v.container()
	n := 0
	for i := range f.n {
		if f.names {
			name := f.name(i)
			if strings.HasPrefix(name, "$") {
				continue
			}
			n += len(name)
		}
		n += Size(f.raw(v, i).resolve())
	}
	return n
}

// printable counts the bytes of s that belong to no control character (C0,
// DEL, C1).
func printable(s string) int {
	n := len(s)
	for _, r := range s {
		if unicode.IsControl(r) {
			n--
			if r > unicode.MaxASCII {
				n--
			}
		}
	}
	return n
}
