package doc

import (
	"bytes"
	"fmt"
	"math/bits"
	"slices"

	"github.com/flotilla-sim/flotilla/sim"
)

// writer puts a document together, from the first byte to the last. Inside a
// container each entry is begun (name or element), its value written, and
// then noted (done); closing the container turns the notes into its table.
type writer struct {
	buf   []byte
	notes []note // of all open containers
	refs  []string
}

// note is an entry of an open container; offsets are into buf.
type note struct {
	start, name, end int
	at               sim.Time
}

// mark is where a container was opened.
type mark struct{ buf, notes int }

// newWriter returns a writer with room for about size bytes.
func newWriter(size int) writer {
	return writer{buf: make([]byte, 0, size), notes: make([]note, 0, 16)}
}

// value returns what was written.
func (w *writer) value(at sim.Time) Value {
	v := Value{enc: string(w.buf), at: at}
	if len(w.refs) > 0 {
		v.ext = &outside{slices.Clone(w.refs)}
	}
	return v
}

func (w *writer) open() mark { return mark{len(w.buf), len(w.notes)} }

func (w *writer) name(name string) note {
	e := note{start: len(w.buf)}
	w.buf = append(w.buf, name...)
	e.name = len(w.buf)
	return e
}

func (w *writer) element() note { return note{start: len(w.buf), name: len(w.buf)} }

func (w *writer) done(e note, at sim.Time) {
	e.end, e.at = len(w.buf), at
	w.notes = append(w.notes, e)
}

// undo forgets everything since the container was opened.
func (w *writer) undo(m mark) { w.buf, w.notes = w.buf[:m.buf], w.notes[:m.notes] }

// copy writes v. If keep, the times inside it stay, else all of them are v's.
func (w *writer) copy(v Value, keep bool) {
	has := v.below()
	if has&layoutOutside == 0 && (keep || has&layoutStamps == 0) {
		w.buf = append(w.buf, v.enc...)
		return
	}
	if v.tag() == tagOutside {
		w.outside(v.resolve().enc)
		return
	}
	f, _ := v.container()
	m := w.open()
	for i := range f.n {
		e, c := w.element(), f.raw(v, i)
		if f.names {
			e = w.name(f.name(i))
		}
		if !keep {
			c.at = v.at
		}
		w.copy(c, keep)
		w.done(e, c.at)
	}
	if f.names {
		w.closeObject(m, v.at)
	} else {
		w.closeArray(m)
	}
}

// maxOutside is how many values of a document may lie outside.
const maxOutside = 1 << 16

// outside writes a reference to enc, which must have neither times nor
// references in it.
func (w *writer) outside(enc string) {
	if len(w.refs) == maxOutside {
		w.buf = append(w.buf, enc...)
		return
	}
	w.buf = appendInteger(w.buf, uint64(len(w.refs)), 2)
	w.buf = append(w.buf, tagOutside)
	w.refs = append(w.refs, enc)
}

// sort puts the members of the open object in order; of those with the same
// name the last stays.
func (w *writer) sort(m mark) {
	notes, from := w.notes[m.notes:], len(w.buf)
	sorted := true
	for i := 1; i < len(notes) && sorted; i++ {
		sorted = w.order(notes[i-1], notes[i]) < 0
	}
	if sorted {
		return
	}
	slices.SortStableFunc(notes, w.order)
	kept := notes[:0]
	for i, e := range notes {
		if i+1 < len(notes) && w.order(e, notes[i+1]) == 0 {
			continue
		}
		kept = append(kept, e)
	}
	for i, e := range kept {
		start := len(w.buf)
		w.buf = append(w.buf, w.buf[e.start:e.end]...)
		move := start - from + m.buf - e.start
		kept[i] = note{e.start + move, e.name + move, e.end + move, e.at}
	}
	n := copy(w.buf[m.buf:], w.buf[from:])
	w.buf, w.notes = w.buf[:m.buf+n], w.notes[:m.notes+len(kept)]
}

func (w *writer) order(a, b note) int {
	return bytes.Compare(w.buf[a.start:a.name], w.buf[b.start:b.name])
}

// closeObject ends an object that was last written at `at`, whose members are
// in order.
func (w *writer) closeObject(m mark, at sim.Time) {
	notes := w.notes[m.notes:]
	var before uint64 // as wide as the widest time; a time after at takes all 8 bytes
	for i := range notes {
		before |= uint64(at) - uint64(notes[i].at)
	}
	time := (bits.Len64(before) + 7) / 8
	width, layout := w.layout(m)
	for i := range notes {
		w.buf = appendInteger(w.buf, uint64(notes[i].name-m.buf), width)
		w.buf = appendInteger(w.buf, uint64(notes[i].end-m.buf), width)
	}
	for i := range notes {
		w.buf = appendInteger(w.buf, uint64(at)-uint64(notes[i].at), time)
	}
	w.close(m, width, layout|byte(time)<<2, tagObject)
}

// closeArray ends an array.
func (w *writer) closeArray(m mark) {
	width, layout := w.layout(m)
	for _, e := range w.notes[m.notes:] {
		w.buf = appendInteger(w.buf, uint64(e.end-m.buf), width)
	}
	w.close(m, width, layout, tagArray)
}

// layout returns the width of offsets and the layout byte, yet without the
// width of times.
func (w *writer) layout(m mark) (width int, layout byte) {
	size := uint64(len(w.buf) - m.buf)
	if size > 1<<32-1 {
		panic(fmt.Sprintf("doc: a container of %d bytes; at most 4 GiB can be addressed", size))
	}
	width = max(1, (bits.Len64(size)+7)/8)
	layout = byte(width - 1)
	for _, e := range w.notes[m.notes:] {
		layout |= below(w.buf[e.name:e.end])
	}
	return width, layout
}

func (w *writer) close(m mark, width int, layout, tag byte) {
	w.buf = appendInteger(w.buf, uint64(len(w.notes)-m.notes), width)
	w.buf = append(w.buf, layout, tag)
	w.notes = w.notes[:m.notes]
}
