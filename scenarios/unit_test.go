package scenarios

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/sim"
)

// What a size prints as reads as that size.
func TestSizeText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.Int64Range(0, 1<<50).Draw(t, "bytes") << rapid.IntRange(0, 12).Draw(t, "shift")
		r := &reader{}
		got, ok := sizeOf(0, 1<<62).read(r, &node{kind: textNode, text: sizeText(b)})
		if !ok || got != b {
			t.Fatalf("%d bytes print as %s, which reads as %d", b, sizeText(b), got)
		}
	})
}

func TestSizes(t *testing.T) {
	for _, tt := range []struct {
		text string
		want int64
	}{{"0", 0}, {"300", 300}, {"300B", 300}, {"1KB", 1000}, {"1kB", 1000}, {"1KiB", 1024}, {"0.5KiB", 512}, {"256KiB", 262144}, {"1MB", 1e6}, {"1.5MiB", 1572864}, {"2 GiB", 2 << 30}, {"1_000", 1000}, {"0x10", 16}} {
		if got, ok := sizeOf(0, 1<<62).read(&reader{}, &node{kind: textNode, text: tt.text}); !ok || got != tt.want {
			t.Errorf("%s = %d, %v; want %d", tt.text, got, ok, tt.want)
		}
	}
}

// A duration that Go prints is read as it is.
func TestDurationText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, 1<<60).Draw(t, "ns"))
		for _, s := range []string{d.String(), brief(d)} {
			if got, wrong, _ := durationText(s); s != "0s" && (wrong != "" || got != d) {
				t.Fatalf("%s reads as %s, %s", s, got, wrong)
			}
		}
	})
}

func TestBrief(t *testing.T) {
	for _, tt := range []struct {
		d    time.Duration
		want string
	}{{0, "0s"}, {time.Hour, "1h"}, {time.Minute, "1m"}, {90 * time.Second, "1m30s"}, {10 * time.Minute, "10m"}, {time.Hour + time.Second, "1h0m1s"}, {20 * time.Second, "20s"}} {
		if got := brief(tt.d); got != tt.want {
			t.Errorf("brief(%d) = %s, want %s", tt.d, got, tt.want)
		}
	}
}

// index is the inverse of id, and of nothing else.
func TestPattern(t *testing.T) {
	word := rapid.StringMatching(`[a-c0-2-]{0,3}`)
	draw := func(t *rapid.T, name string) pattern {
		return pattern{word.Draw(t, name+" prefix"), word.Draw(t, name+" suffix"), rapid.IntRange(0, 4).Draw(t, name+" width")}
	}
	rapid.Check(t, func(t *rapid.T) {
		p, q := draw(t, "p"), draw(t, "q")
		n := rapid.IntRange(1, 130).Draw(t, "count")
		all := map[sim.DeviceID]int{}
		for i := range n {
			all[p.id(i)] = i
		}
		if len(all) != n {
			t.Fatalf("%+v makes %d ids of %d", p, len(all), n)
		}
		shared := false
		for i := range 130 {
			id := q.id(i)
			got, ok := p.index(id, n)
			want, known := all[id]
			if ok != known || got != want {
				t.Fatalf("index(%s) of %+v = %d, %v; want %d, %v", id, p, got, ok, want, known)
			}
			shared = shared || ok
		}
		if shared && !p.meets(q) {
			t.Fatalf("%+v and %+v share ids and do not meet", p, q)
		}
	})
}

func TestParsePattern(t *testing.T) {
	for _, tt := range []struct {
		text  string
		first sim.DeviceID
	}{{"dev-{number:05}", "dev-00001"}, {"{number}", "1"}, {"a{number:1}b", "a1b"}, {"x{number:20}", "x00000000000000000001"}} {
		p, wrong, _ := parsePattern(tt.text)
		if wrong != "" || p.id(0) != tt.first {
			t.Errorf("%s makes %s, %s; want %s", tt.text, p.id(0), wrong, tt.first)
		}
	}
	if got := (pattern{prefix: "d", width: 2}).id(122); got != "d123" {
		t.Errorf("a number wider than its width is %s", got)
	}
}

// distance against the textbook's recursion.
func TestDistance(t *testing.T) {
	var slow func(a, b string) int
	slow = func(a, b string) int {
		if a == "" || b == "" {
			return len(a) + len(b)
		}
		cost := 1
		if a[0] == b[0] {
			cost = 0
		}
		d := min(slow(a[1:], b)+1, slow(a, b[1:])+1, slow(a[1:], b[1:])+cost)
		if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
			d = min(d, slow(a[2:], b[2:])+1)
		}
		return d
	}
	word := rapid.StringMatching(`[abc]{0,5}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		if got, want := distance(a, b), slow(a, b); got != want {
			t.Fatalf("distance(%q, %q) = %d, want %d", a, b, got, want)
		}
	})
}

// The table of profiles names every key a group knows but those of groups.
func TestNearestKey(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{"cuont", "count"}, {"Count", "count"}, {"device", "devices"}, {"keepalive", "keepAlive"}, {"keep_alive", "keepAlive"}, {"lables", "labels"}, {"pmni", "pmin"},
		{"serviceproperty", "serviceProperties"}, {"x", ""}, {"frobnicate", ""},
	} {
		if got := nearest(tt.got, groupTable.schema.known()); got != tt.want {
			t.Errorf("nearest(%s) = %q, want %q", tt.got, got, tt.want)
		}
	}
}

// No two rows of a table have the same key, and every row has a help or is
// plain.
func TestTables(t *testing.T) {
	plain := []string{"id", "kind", "fault"}
	for _, s := range []*schema{fileTable.schema, groupTable.schema, deviceTable.schema, packageTable.schema, jobTable.schema, commandTable.schema, faultTable.schema, invokeTable.schema, patchTable.schema, waitTable.schema} {
		seen := map[string]bool{}
		for _, p := range s.keys {
			if seen[p.name] {
				t.Errorf("%s has %s twice", s.name, p.name)
			}
			seen[p.name] = true
			if p.schema.help == "" && !slices.Contains(plain, p.name) {
				t.Errorf("%s.%s has no help", s.name, p.name)
			}
		}
	}
}

// Many complaints are bounded and sorted.
func TestManyComplaints(t *testing.T) {
	body := "groups: {g: {count: 1}}\njobs:\n"
	for i := range 200 {
		body += fmt.Sprintf("  - {id: j%d, kind: nothing, group: g}\n", i)
	}
	_, err := Load(Source{Name: "x.yaml", Text: []byte(body)}, nil)
	e, ok := err.(*Error)
	if !ok || len(e.Complaints) != MaxComplaints {
		t.Fatalf("%d complaints", len(e.Complaints))
	}
	if !slices.IsSortedFunc(e.Complaints, func(a, b Complaint) int { return a.Line - b.Line }) {
		t.Error("complaints are not in order")
	}
}
