package doc

// minShared is how long a value must be, as written, to lie outside its
// document: a reference costs 19 bytes and its share of a list.
const minShared = 64

// Share returns v, with its times, but with what it has in common with base
// kept once: all of it if it is as base, else those members which are, at any
// depth of objects. Only what was written at one time is shared. It pays for
// documents that are many and long-lived, such as the twins of a profile;
// base is kept alive by them.
func Share(base, v Value) Value {
	if v.enc == base.enc && v.ext == nil && base.ext == nil {
		v.enc = base.enc
		return v
	}
	if _, ok := base.object(); !ok {
		return v
	}
	if _, ok := v.object(); !ok {
		return v
	}
	w := newWriter(len(v.enc))
	w.share(base, v)
	if len(w.refs) == 0 {
		return v
	}
	return w.value(v.at)
}

// share writes v, an object, with references to what it has in common with
// base, an object.
func (w *writer) share(base, v Value) {
	b, _ := base.object()
	f, _ := v.object()
	m := w.open()
	for i := range f.n {
		name, c := f.name(i), f.raw(v, i)
		e := w.name(name)
		x, y := Value{}, c.resolve()
		if j, ok := b.find(name); ok {
			x = b.raw(base, j).resolve()
		}
		switch {
		case x.ext == nil && y.ext == nil && x.enc == y.enc && len(y.enc) >= minShared && y.below() == 0:
			w.outside(x.enc)
		case x.Kind() == KindObject && y.Kind() == KindObject:
			w.share(x, y)
		default:
			w.copy(c, true)
		}
		w.done(e, c.at)
	}
	w.closeObject(m, v.at)
}
