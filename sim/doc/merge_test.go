package doc_test

import (
	"testing"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"pgregory.net/rapid"
)

func TestMerge(t *testing.T) {
	for _, c := range []struct{ base, patch, want string }{
		{`{}`, `{}`, `{}`},
		{`{"a":1}`, `{"b":2}`, `{"a":1,"b":2}`},
		{`{"a":1,"b":2,"c":3}`, `{"b":null}`, `{"a":1,"c":3}`},
		{`{"a":1}`, `{"b":null}`, `{"a":1}`},
		{`{"a":{"x":1,"y":2}}`, `{"a":{"x":null,"z":3}}`, `{"a":{"y":2,"z":3}}`},
		{`{"a":5}`, `{"a":{"x":1,"y":null}}`, `{"a":{"x":1}}`},
		{`{"a":[1]}`, `{"a":{}}`, `{"a":{}}`},
		{`{}`, `{"a":{"b":null}}`, `{"a":{}}`},
		{`{}`, `{"a":{"b":{"c":null}}}`, `{"a":{"b":{}}}`},
		{`{"a":{"b":1}}`, `{"a":{"b":null}}`, `{"a":{}}`},
		{`{"a":{"b":1}}`, `{"a":[null,{"b":null}]}`, `{"a":[null,{"b":null}]}`},
		{`{"a":[1,2]}`, `{"a":[3]}`, `{"a":[3]}`},
		{`{"a":1}`, `null`, `{}`},
		{`{"a":1}`, `[1]`, `[1]`},
		{`7`, `{"a":1}`, `{"a":1}`},
	} {
		got := doc.Merge(mustParse(t, c.base), mustParse(t, c.patch), 5)
		if got.String() != c.want || got.Changed() != 5 {
			t.Errorf("Merge(%s, %s) = %s at %d, want %s", c.base, c.patch, got, got.Changed(), c.want)
		}
	}
	if got := doc.Merge(doc.Value{}, doc.Value{}, 5); got.String() != "{}" || got.Changed() != 0 {
		t.Errorf("Merge of nothing into nothing = %s at %d", got, got.Changed())
	}
	base := doc.Merge(doc.Value{}, doc.MustParse(`{"a":1}`), 3)
	if got := doc.Merge(base, doc.Value{}, 5); !doc.Equal(got, base) || got.Changed() != 3 {
		t.Errorf("Merge of nothing = %s at %d", got, got.Changed())
	}
}

func TestMergeTimes(t *testing.T) {
	v := doc.Merge(doc.Value{}, doc.MustParse(`{"a":1,"b":{"c":1,"d":{"e":1}},"l":[{"x":1}]}`), 10)
	v = doc.Merge(v, doc.MustParse(`{"a":1,"b":{"d":{"f":null}}}`), 1<<40)
	for _, c := range []struct {
		path []string
		want sim.Time
	}{
		{nil, 1 << 40}, {[]string{"a"}, 1 << 40}, {[]string{"b"}, 1 << 40}, {[]string{"b", "c"}, 10},
		{[]string{"b", "d"}, 1 << 40}, {[]string{"b", "d", "e"}, 10}, {[]string{"l"}, 10}, {[]string{"x"}, 0},
	} {
		if got := v.Path(c.path...).Changed(); got != c.want {
			t.Errorf("%v was written at %d, want %d", c.path, got, c.want)
		}
	}
	if got := v.Get("l").Index(0).ChangedOf("x"); got != 10 {
		t.Errorf("l[0].x was written at %d, want 10", got)
	}
	// A time may even be later than that of the object, or below 0.
	v = doc.Merge(v, doc.MustParse(`{"z":1}`), -3)
	if v.Changed() != -3 || v.ChangedOf("a") != 1<<40 || v.ChangedOf("l") != 10 || v.Path("b", "c").Changed() != 10 {
		t.Errorf("after a step back: %d %d %d", v.Changed(), v.ChangedOf("a"), v.ChangedOf("l"))
	}
}

func TestMergeTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := drawWritten(t)
		if rapid.Bool().Draw(t, "shared") {
			base = doc.Share(drawObject(t, "base of all", false), base)
		}
		patch := drawObject(t, "patch", true)
		if rapid.Bool().Draw(t, "patch with times") {
			patch = drawWritten(t)
		}
		at := sim.Time(rapid.Int64Range(0, 1<<50).Draw(t, "at"))
		before := base.String()
		got := doc.Merge(base, patch, at)
		if patch.IsAbsent() {
			return
		}
		if d := twinOf(base).merge(patch, at).differs(got); d != "" {
			t.Fatalf("Merge(%s, %s) = %s%s", base, patch, got, d)
		}
		if base.String() != before {
			t.Fatalf("Merge changed %s to %s", before, base)
		}
	})
}

func TestDiff(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{`{}`, `{}`, `{}`},
		{`{"a":1}`, `{"a":1.0}`, `{}`},
		{`{"a":1,"b":2}`, `{"b":3,"c":4}`, `{"a":null,"b":3,"c":4}`},
		{`{"a":{"x":1,"y":2},"b":{"z":1}}`, `{"a":{"x":1,"y":3},"b":{"z":1}}`, `{"a":{"y":3}}`},
		{`{"a":{"x":1}}`, `{"a":{}}`, `{"a":{"x":null}}`},
		{`{"a":1}`, `{"a":{}}`, `{"a":{}}`},
		{`{"a":{}}`, `{"a":[]}`, `{"a":[]}`},
		{`{"a":[1,2]}`, `{"a":[1,3]}`, `{"a":[1,3]}`},
		{`[1]`, `{"a":1}`, `{"a":1}`},
		{`{"a":1}`, `[1]`, `[1]`},
	} {
		if got := doc.Diff(mustParse(t, c.from), mustParse(t, c.to)); got.String() != c.want {
			t.Errorf("Diff(%s, %s) = %s, want %s", c.from, c.to, got, c.want)
		}
	}
	if got := doc.Diff(doc.MustParse(`{"a":1}`), doc.Value{}); got.String() != `{"a":null}` {
		t.Errorf("Diff to nothing = %s", got)
	}
	if got := doc.Diff(doc.Value{}, doc.MustParse(`{"a":1}`)); got.String() != `{"a":1}` {
		t.Errorf("Diff from nothing = %s", got)
	}
}

func TestDiffMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := drawWritten(t), drawWritten(t)
		if rapid.Bool().Draw(t, "near") {
			to = doc.Merge(from, drawObject(t, "change", true), 1<<50)
		}
		if to.IsAbsent() {
			to = doc.Object()
		}
		if rapid.Bool().Draw(t, "shared") {
			from, to = doc.Share(to, from), doc.Share(from, to)
		}
		patch := doc.Diff(from, to)
		if got := doc.Merge(from, patch, 3); !doc.Equal(got, to) {
			t.Fatalf("Merge(%s, %s) = %s, want %s", from, patch, got, to)
		}
		if doc.Equal(from, to) && patch.Len() != 0 {
			t.Fatalf("Diff of equal %s = %s", from, patch)
		}
		// The smallest: without any of its members it does not do.
		for name := range patch.Members() {
			if got := doc.Merge(from, patch.Without(name, 0), 3); doc.Equal(got, to) {
				t.Fatalf("Diff(%s, %s) = %s does without %q", from, to, patch, name)
			}
		}
	})
}

func TestWith(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawWritten(t)
		if rapid.Bool().Draw(t, "shared") {
			v = doc.Share(drawObject(t, "base", false), v)
		}
		name, x := names.Draw(t, "name"), drawWritten(t)
		at := sim.Time(rapid.Int64Range(0, 1<<50).Draw(t, "at"))
		w := twinOf(v)
		if w.object == nil {
			w = &twin{object: map[string]*twin{}}
		}
		got := v.With(name, x, at)
		if x.IsAbsent() {
			if d := twinOf(v.Without(name, at)).differs(got); d != "" {
				t.Fatalf("%s With absent %q%s", v, name, d)
			}
			return
		}
		w.at, w.object[name] = at, (*twin)(nil).merge(x, at)
		if d := w.differs(got); d != "" {
			t.Fatalf("%s With(%q, %s) = %s%s", v, name, x, got, d)
		}
		gone := got.Without(name, at+1)
		delete(w.object, name)
		w.at = at + 1
		if d := w.differs(gone); d != "" {
			t.Fatalf("%s Without(%q) = %s%s", got, name, gone, d)
		}
		if again := gone.Without(name, at+2); again != gone {
			t.Fatalf("%s Without what it has not = %s at %d", gone, again, again.Changed())
		}
	})
	if got := doc.Int(1).With("a", doc.Null(), 4); got.String() != `{"a":null}` || got.Changed() != 4 {
		t.Errorf("With on a number = %s", got)
	}
	if got := doc.Int(1).Without("a", 4); got.String() != `1` {
		t.Errorf("Without on a number = %s", got)
	}
}
