package doc

import (
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
)

// With returns v with the member set to x, at the time `at`: v, the member
// and everything inside it were then written. If v is not an object, the
// result has this member alone. An absent x is Without.
func (v Value) With(name string, x Value, at sim.Time) Value {
	if x.IsAbsent() {
		return v.Without(name, at)
	}
	name = strings.ToValidUTF8(name, "\uFFFD")
	w := newWriter(len(v.enc) + len(name) + len(x.enc) + 9*v.Len() + 16)
	m := w.open()
	f, _ := v.object()
	at0, found := f.find(name)
	for i := range at0 {
		w.member(f.name(i), f.raw(v, i))
	}
	x.at = at
	e := w.name(name)
	w.copy(x, false)
	w.done(e, at)
	if found {
		at0++
	}
	for i := at0; i < f.n; i++ {
		w.member(f.name(i), f.raw(v, i))
	}
	w.closeObject(m, at)
	return w.value(at)
}

// Without returns v without the member, at the time `at`; v as it is if it
// has no such member.
func (v Value) Without(name string, at sim.Time) Value {
	f, ok := v.object()
	if !ok {
		return v
	}
	gone, found := f.find(name)
	if !found {
		return v
	}
	w := newWriter(len(v.enc) + 8*v.Len())
	m := w.open()
	for i := range f.n {
		if i != gone {
			w.member(f.name(i), f.raw(v, i))
		}
	}
	w.closeObject(m, at)
	return w.value(at)
}

// member writes a member as it is, with its times.
func (w *writer) member(name string, v Value) {
	e := w.name(name)
	w.copy(v, true)
	w.done(e, v.at)
}

// Merge writes a patch into base at the time `at`, as device twins do: a null
// deletes the member if there is one, an object is merged into the object
// there (into {} if there is none), anything else replaces. What the patch
// names and the objects on the way have the time `at` afterwards, even where
// nothing is different. [Azure IoT Hub: "Understand and use device twins",
// "Back-end operations": partial update]
//
// An absent base counts as {}; an absent patch changes nothing; a null patch
// deletes all members; a patch that is no object replaces base.
func Merge(base, patch Value, at sim.Time) Value {
	if base.IsAbsent() {
		base = Value{enc: encObject}
	}
	w := newWriter(len(base.enc) + len(patch.enc) + 8*base.Len())
	switch patch.Kind() {
	case KindAbsent:
		return base
	case KindNull:
		return Value{enc: encObject, at: at}
	case KindObject:
		w.merge(base, patch, at)
	default:
		w.copy(patch, false)
	}
	return w.value(at)
}

// merge writes the object that base becomes by patch, an object.
func (w *writer) merge(base, patch Value, at sim.Time) {
	m := w.open()
	b, _ := base.object()
	p, _ := patch.object()
	i := 0
	for j := range p.n {
		name, x := p.name(j), p.raw(patch, j).resolve()
		for i < b.n && b.name(i) < name {
			w.member(b.name(i), b.raw(base, i))
			i++
		}
		var old Value
		if i < b.n && b.name(i) == name {
			old = b.raw(base, i).resolve()
			i++
		}
		if x.IsNull() {
			continue
		}
		e := w.name(name)
		if x.Kind() == KindObject {
			w.merge(old, x, at)
		} else {
			x.at = at
			w.copy(x, false)
		}
		w.done(e, at)
	}
	for ; i < b.n; i++ {
		w.member(b.name(i), b.raw(base, i))
	}
	w.closeObject(m, at)
}

// Diff returns the smallest patch that makes from into to: Merge(from,
// Diff(from, to)) is equal to it. Absent counts as {}. A null member of to
// cannot be expressed by a patch; documents never hold one.
func Diff(from, to Value) Value {
	if to.IsAbsent() {
		to = Value{enc: encObject}
	}
	if from.IsAbsent() {
		from = Value{enc: encObject}
	}
	w := newWriter(len(to.enc))
	if from.Kind() == KindObject && to.Kind() == KindObject {
		m := w.open()
		w.diff(from, to)
		w.closeObject(m, 0)
	} else {
		w.copy(to, false)
	}
	return w.value(0)
}

// diff writes the members in which two objects differ and says whether there
// are any.
func (w *writer) diff(from, to Value) (any bool) {
	a, _ := from.object()
	b, _ := to.object()
	for i, j := 0, 0; i < a.n || j < b.n; {
		switch {
		case j == b.n || i < a.n && a.name(i) < b.name(j):
			w.member(a.name(i), Value{enc: encNull})
			i, any = i+1, true
			continue
		case i == a.n || b.name(j) < a.name(i):
			w.fresh(b.name(j), b.raw(to, j))
			j, any = j+1, true
			continue
		}
		name, x, y := b.name(j), a.raw(from, i).resolve(), b.raw(to, j).resolve()
		i, j = i+1, j+1
		if x.Kind() == KindObject && y.Kind() == KindObject {
			before := w.open()
			e := w.name(name)
			m := w.open()
			if !w.diff(x, y) {
				w.undo(before)
				continue
			}
			w.closeObject(m, 0)
			w.done(e, 0)
			any = true
		} else if !Equal(x, y) {
			w.fresh(name, y)
			any = true
		}
	}
	return any
}

// fresh writes a member without any times.
func (w *writer) fresh(name string, v Value) {
	e := w.name(name)
	w.copy(v, false)
	w.done(e, 0)
}
