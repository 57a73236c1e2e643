package doc_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"pgregory.net/rapid"
)

// Generators of documents: few names, so that they meet; numbers in many
// spellings of few values.
var (
	names   = rapid.SampledFrom([]string{"", "a", "b", "c", "$v", "ä", "\U0001F600", "name\nwith \"quotes\"", "a.b", "long-name-of-a-member-of-an-object"})
	texts   = rapid.OneOf(rapid.SampledFrom([]string{"", "x", "\\", "\x00\x1f", "\u0085ab\x7f", "\uFFFD"}), rapid.String())
	numbers = rapid.OneOf(
		rapid.SampledFrom([]string{"0", "-0", "0.0", "0e9", "1", "1.0", "10e-1", "0.1e+01", "100E-2", "-1", "-1.00", "1e3", "1000", "12.50", "12.5", "0.001", "1E-3", "123456789012345678901234567890"}),
		rapid.Custom(func(t *rapid.T) string { return fmt.Sprint(rapid.Int64().Draw(t, "int")) }),
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,3})?([eE][-+]?[0-9]{1,2})?`),
	)
)

// scalar draws a scalar's text; null only if wanted.
func scalar(t *rapid.T, null bool) string {
	switch n := rapid.IntRange(0, 3).Draw(t, "scalar"); {
	case n == 0 && null:
		return "null"
	case n <= 1:
		return rapid.SampledFrom([]string{"true", "false"}).Draw(t, "bool")
	case n == 2:
		return numbers.Draw(t, "number")
	}
	b, _ := json.Marshal(texts.Draw(t, "string"))
	return string(b)
}

// text draws the text of a value; names may occur twice in an object.
func text(t *rapid.T, depth int, null bool) string {
	switch n := rapid.IntRange(0, 5).Draw(t, "value"); {
	case depth == 0 || n <= 1:
		return scalar(t, null)
	case n == 2:
		return list(t, "[", "]", func() string { return text(t, depth-1, true) })
	}
	return object(t, depth, null)
}

func object(t *rapid.T, depth int, null bool) string {
	return list(t, "{", "}", func() string {
		name, _ := json.Marshal(names.Draw(t, "name"))
		return string(name) + ":" + text(t, depth-1, null)
	})
}

func list(t *rapid.T, open, end string, item func() string) string {
	b := []byte(open)
	for i := range rapid.IntRange(0, 5).Draw(t, "length") {
		if i > 0 {
			b = append(b, " ,"...)
		}
		b = append(b, item()...)
	}
	return string(b) + end
}

// drawObject draws an object; patches may have null members.
func drawObject(t *rapid.T, label string, null bool) doc.Value {
	s := object(t, 3, null)
	v, err := doc.ParseString(s)
	if err != nil {
		t.Fatalf("%s %s: %v", label, s, err)
	}
	return v
}

// drawWritten draws an object that was written in several goes.
func drawWritten(t *rapid.T) doc.Value {
	var v doc.Value
	for i := range rapid.IntRange(0, 3).Draw(t, "goes") {
		v = doc.Merge(v, drawObject(t, "patch", true), sim.Time(rapid.Int64Range(0, 1<<40).Draw(t, "at")+int64(i)<<40))
	}
	return v
}

// twin is the dumb twin of a Value: maps and slices, each with its time.
type twin struct {
	at     sim.Time
	object map[string]*twin // nil if it is no object
	leaf   doc.Value        // anything else
}

func twinOf(v doc.Value) *twin {
	w := &twin{at: v.Changed()}
	if v.Kind() != doc.KindObject {
		w.leaf = v
		return w
	}
	w.object = map[string]*twin{}
	for name, x := range v.Members() {
		w.object[name] = twinOf(x)
	}
	return w
}

// merge is Merge by the rules as they are told.
func (w *twin) merge(patch doc.Value, at sim.Time) *twin {
	if patch.Kind() != doc.KindObject {
		return &twin{at: at, leaf: patch}
	}
	if w == nil || w.object == nil {
		w = &twin{object: map[string]*twin{}}
	}
	w.at = at
	for name, x := range patch.Members() {
		if x.IsNull() {
			delete(w.object, name)
		} else {
			w.object[name] = w.object[name].merge(x, at)
		}
	}
	return w
}

// differs says where v is not what the twin is.
func (w *twin) differs(v doc.Value) string {
	if v.Changed() != w.at {
		return fmt.Sprintf(": written at %d, want %d", v.Changed(), w.at)
	}
	if w.object == nil {
		if !bytes.Equal(v.JSON(), w.leaf.JSON()) {
			return fmt.Sprintf(": %s, want %s", v, w.leaf)
		}
		return inside(v, w.at)
	}
	if v.Kind() != doc.KindObject || v.Len() != len(w.object) {
		return fmt.Sprintf(": %s, want an object of %d", v, len(w.object))
	}
	last := ""
	for i := range v.Len() {
		m := v.Member(i)
		if i > 0 && m.Name <= last {
			return fmt.Sprintf(": %q after %q", m.Name, last)
		}
		last = m.Name
		x := w.object[m.Name]
		if x == nil {
			return fmt.Sprintf(": has %q", m.Name)
		}
		if d := x.differs(m.Value); d != "" {
			return "." + m.Name + d
		}
		if g := v.Get(m.Name); !doc.Equal(g, m.Value) || g.Changed() != m.Value.Changed() || v.ChangedOf(m.Name) != g.Changed() {
			return fmt.Sprintf(": Get(%q) is not member %d", m.Name, i)
		}
	}
	return ""
}

// inside looks for a time other than at below v.
func inside(v doc.Value, at sim.Time) string {
	for i := range v.Len() {
		x := v.Index(i)
		if v.Kind() == doc.KindObject {
			x = v.Member(i).Value
		}
		if x.Changed() != at {
			return fmt.Sprintf(": %s inside was written at %d, want %d", x, x.Changed(), at)
		}
		if d := inside(x, at); d != "" {
			return d
		}
	}
	return ""
}

// plain is v as encoding/json decodes it.
func plain(v doc.Value) any {
	switch v.Kind() {
	case doc.KindBool:
		return v.Truth()
	case doc.KindNumber:
		return json.Number(v.Text())
	case doc.KindString:
		return v.Text()
	case doc.KindArray:
		a := make([]any, 0, v.Len())
		for i := range v.Len() {
			a = append(a, plain(v.Index(i)))
		}
		return a
	case doc.KindObject:
		o := map[string]any{}
		for name, x := range v.Members() {
			o[name] = plain(x)
		}
		return o
	}
	return nil
}

// decode is encoding/json with numbers kept.
func decode(b []byte) (x any, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	err = d.Decode(&x)
	return x, err
}

func mustParse(t testing.TB, s string) doc.Value {
	t.Helper()
	v, err := doc.ParseString(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return v
}
