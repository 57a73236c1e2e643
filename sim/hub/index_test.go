package hub

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// TestGroupIndexes: whatever happens to devices, a group has the members that a
// look at each of them finds, in order of their ids, counted in a View and
// gathered slice by slice.
func TestGroupIndexes(t *testing.T) {
	filters := []string{"tags.site=a", "tags.site=b, label=x", "label=x, label=y", "id=d3", "id=d3, tags.site=a", "tags.site!=a",
		"tags.level=1", "tags.odd=a", "firmwareVersion!=3.0", `SELECT * FROM devices WHERE $id = "d1"`, "tags.nosuch=a"}
	key := make([]byte, 32)
	rapid.Check(t, func(rt *rapid.T) {
		h := New(Config{})
		var out sim.Outbox
		ids := rapid.Map(rapid.IntRange(0, 9), func(n int) sim.DeviceID { return sim.DeviceID(fmt.Sprint("d", n)) })
		tags := rapid.SampledFrom([]string{`{"site":"a"}`, `{"site":"b","level":1}`, `{"site":null}`, `{"site":{"deep":"a"}}`, `{"odd":"a"}`,
			`{"site":"a\u0000d3"}`, `{"site":"a","level":"1"}`})
		labels := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"x", "y"}), 0, 2, rapid.ID)
		for range rapid.IntRange(1, 40).Draw(rt, "changes") {
			id := ids.Draw(rt, "id")
			v, err := doc.Parse([]byte(tags.Draw(rt, "tags")))
			if err != nil {
				rt.Fatal(err)
			}
			var c Command
			switch rapid.IntRange(0, 4).Draw(rt, "what") {
			case 0, 1:
				c = Register{ID: id, PrimaryKey: key, Labels: labels.Draw(rt, "labels"), Tags: v}
			case 2:
				c = PatchTwin{ID: id, Tags: v}
			case 3:
				c = SetLabels{ID: id, Labels: labels.Draw(rt, "labels")}
			case 4:
				c = Unregister{ID: id}
			}
			h.Do(0, c, &out) // refused if it is there already, or not there
			out.Reset()
		}
		view := h.View()
		for i, text := range filters {
			f, err := compile(text)
			if err != nil {
				rt.Fatalf("%s: %v", text, err)
			}
			var want []sim.DeviceID
			for n := range view.Len() {
				if d := view.Device(n); d != nil && f.match(d) {
					want = append(want, d.ID)
				}
			}
			slices.Sort(want)
			if n, err := Count(view, text); n != len(want) || err != nil {
				rt.Errorf("%s: counts %d, %v; want %v", text, n, err, want)
			}
			group := fmt.Sprint("g", i)
			if _, err := h.Do(0, PutGroup{ID: group, Filter: text}, &out); err != nil {
				rt.Fatal(err)
			}
			var got []sim.DeviceID
			for after, done := sim.DeviceID(""), false; !done; {
				after, _, done, err = fleet{h}.Gather(group, after, 2, func(id sim.DeviceID, _ uint32) { got = append(got, id) })
				if err != nil {
					rt.Fatal(err)
				}
			}
			if !slices.Equal(got, want) {
				rt.Errorf("%s: gathers %v; want %v", text, got, want)
			}
		}
	})
}

// TestGroupLooks: a group by a tag looks at those alone that have it.
func TestGroupLooks(t *testing.T) {
	h := New(Config{})
	var out sim.Outbox
	key := make([]byte, 32)
	for n := range 100 {
		tags, _ := doc.Parse(fmt.Appendf(nil, `{"site":"s%d"}`, n%10))
		if _, err := h.Do(0, Register{ID: sim.DeviceID(fmt.Sprintf("d%02d", n)), PrimaryKey: key, Labels: []string{fmt.Sprint("l", n%20)}, Tags: tags}, &out); err != nil {
			t.Fatal(err)
		}
	}
	for filter, most := range map[string]int{"tags.site=s3": 10, "label=l3": 5, "label=l3, tags.site=s3": 5, "id=d42": 1, "tags.site!=s3": 100} { // any order: each for itself
		if _, err := h.Do(0, PutGroup{ID: "g", Filter: filter}, &out); err != nil {
			t.Fatal(err)
		}
		if _, looked, done, err := (fleet{h}).Gather("g", "", 1000, func(sim.DeviceID, uint32) {}); looked != most || !done || err != nil {
			t.Errorf("%s: looked at %d, %t, %v; want %d", filter, looked, done, err, most)
		}
	}
}

// BenchmarkGroupCount is what a group of one device in a hundred has, of
// 100,000, by a tag that an index knows and by one that it does not.
func BenchmarkGroupCount(b *testing.B) {
	h := New(Config{})
	var out sim.Outbox
	key := make([]byte, 32)
	for n := range 100_000 {
		tags, _ := doc.Parse(fmt.Appendf(nil, `{"site":"s%d","level":%d}`, n%100, n%100))
		if _, err := h.Do(0, Register{ID: sim.DeviceID(fmt.Sprintf("d%05d", n)), PrimaryKey: key, Tags: tags}, &out); err != nil {
			b.Fatal(err)
		}
		out.Reset()
	}
	v := h.View()
	for _, filter := range []string{"tags.site=s7", "tags.level=7"} {
		b.Run(filter, func(b *testing.B) {
			for b.Loop() {
				if n, err := Count(v, filter); n != 1000 || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}
