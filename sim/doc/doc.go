// Package doc is an immutable JSON value that knows when each of its members
// was last written: what twins, tags and service properties are made of.
//
// A Value is 32 bytes and may be copied, shared and kept by anyone; every
// function that changes something returns a new Value. The whole document
// below a Value lies in one string without pointers (layout.go says how), so
// that a collector has nothing to follow in it; members and elements taken out
// of it are cuts of that string and cost no allocation. What is cut out keeps
// the whole document alive for as long as it is held.
//
// Facts to know:
//
//   - The zero Value is absent, which is not Null. Functions answer what is
//     not there with an absent Value, never with an error.
//   - The members of an object are sorted by name, byte by byte; a name occurs
//     once. Text is valid UTF-8; what is not is replaced by U+FFFD.
//   - A number keeps the text it was written with and is compared exactly, as
//     a decimal: 1, 1.0 and 10e-1 are equal, and no digit is ever lost.
//   - Every member has the time at which it was written. An array is written
//     as a whole: what is inside it has its time. Times never take part in
//     Equal, Compare, Diff and JSON.
package doc

import (
	"iter"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
)

// Value is a JSON value, or none. Two Values are compared with Equal, not
// with ==.
type Value struct {
	enc string   // the value and everything below it; "" if absent
	ext *outside // what enc refers to instead of holding it; nil if nothing
	at  sim.Time
}

// Member is a named value of an object.
type Member struct {
	Name  string
	Value Value
}

// Kind says what a Value is.
type Kind uint8

// The kinds.
const (
	KindAbsent Kind = iota
	KindNull
	KindBool
	KindNumber
	KindString
	KindArray
	KindObject
)

var kindNames = [...]string{"absent", "null", "bool", "number", "string", "array", "object"}

// String returns the kind's word.
func (k Kind) String() string { return kindNames[k] }

// Null returns the null value.
func Null() Value { return Value{enc: encNull} }

// Bool returns a boolean.
func Bool(b bool) Value {
	if b {
		return Value{enc: encTrue}
	}
	return Value{enc: encFalse}
}

// String returns a string.
func String(s string) Value {
	return Value{enc: strings.ToValidUTF8(s, "\uFFFD") + encString}
}

// Array returns the array of the given elements; absent ones become null. Its
// time is that of the latest element.
func Array(elements ...Value) Value {
	w := newWriter(16 * len(elements))
	m := w.open()
	var at sim.Time
	for _, v := range elements {
		if v.IsAbsent() {
			v = Null()
		}
		at = max(at, v.at)
		e := w.element()
		w.copy(v, false)
		w.done(e, 0)
	}
	w.closeArray(m)
	return w.value(at)
}

// Object returns the object of the given members, in any order; of members
// with the same name the last one counts, absent ones are left out. Members
// keep their times, the object has that of the latest.
func Object(members ...Member) Value {
	w := newWriter(64 * len(members))
	m := w.open()
	var at sim.Time
	for _, x := range members {
		if x.Value.IsAbsent() {
			continue
		}
		at = max(at, x.Value.at)
		e := w.name(strings.ToValidUTF8(x.Name, "\uFFFD"))
		w.copy(x.Value, true)
		w.done(e, x.Value.at)
	}
	w.sort(m)
	w.closeObject(m, at)
	return w.value(at)
}

// Kind returns what v is.
func (v Value) Kind() Kind {
	if v.enc == "" {
		return KindAbsent
	}
	return tagKinds[v.tag()]
}

// IsAbsent says whether there is no value at all.
func (v Value) IsAbsent() bool { return v.enc == "" }

// IsNull says whether v is null; an absent Value is not.
func (v Value) IsNull() bool { return v.enc == encNull }

// Get returns the member of that name; absent if there is none or v is not an
// object.
func (v Value) Get(name string) Value {
	f, ok := v.object()
	if !ok {
		return Value{}
	}
	i, found := f.find(name)
	if !found {
		return Value{}
	}
	return f.raw(v, i).resolve()
}

// Path goes from member to member; without names it returns v.
func (v Value) Path(names ...string) Value {
	for _, n := range names {
		v = v.Get(n)
	}
	return v
}

// Len returns how many elements or members v has; 0 if it is neither array
// nor object.
func (v Value) Len() int {
	if f, ok := v.container(); ok {
		return f.n
	}
	return 0
}

// Index returns the i-th element of an array, from 0; absent beyond its ends.
func (v Value) Index(i int) Value {
	f, ok := v.container()
	if !ok || f.names || i < 0 || i >= f.n {
		return Value{}
	}
	return f.raw(v, i).resolve()
}

// Member returns the i-th member of an object in order of names, from 0; the
// zero Member beyond its ends.
func (v Value) Member(i int) Member {
	f, ok := v.object()
	if !ok || i < 0 || i >= f.n {
		return Member{}
	}
	return Member{f.name(i), f.raw(v, i).resolve()}
}

// Members walks an object's members in order of names.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		f, ok := v.object()
		for i := 0; ok && i < f.n; i++ {
			if !yield(f.name(i), f.raw(v, i).resolve()) {
				return
			}
		}
	}
}

// Text returns a string's characters or a number as it was written; "" of
// anything else.
func (v Value) Text() string {
	if k := v.Kind(); k == KindString || k == KindNumber {
		return v.enc[:len(v.enc)-1]
	}
	return ""
}

// Truth says whether v is true.
func (v Value) Truth() bool { return v.enc == encTrue }

// Changed returns when v was last written as a member, or as a document. It
// is 0 of what was parsed or made and not yet written into anything.
func (v Value) Changed() sim.Time { return v.at }

// ChangedOf returns when the member of that name was last written; 0 if there
// is none.
func (v Value) ChangedOf(name string) sim.Time { return v.Get(name).at }
