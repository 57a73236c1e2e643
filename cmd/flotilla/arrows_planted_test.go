package main_test

import (
	"slices"
	"strings"
	"testing"
)

const planted = `
# Title

## Architecture

Words.

| package | what it is | may import | must never |
|---|---|---|---|
| ` + "`sim`" + ` | a | - | b |
| ` + "`sim/device`" + ` | a | ` + "`sim`" + ` | b |
| ` + "`sim/hub`" + ` | a | ` + "`sim`" + ` | b |
| ` + "`sim/world`" + ` | a | ` + "`sim`, `sim/device`, `sim/hub`" + ` | b |
| ` + "`harness/live`" + ` | a | ` + "`sim`, `sim/*`" + ` | b |
| ` + "`cmd/flotilla`" + ` | a | ` + "`*`" + ` | b |

| library | lives in | why |
|---|---|---|
| ` + "`golang.org/x/sync`" + ` | ` + "`harness/live`" + ` | c |

## Next

| package | may import |
|---|---|
| ` + "`other`" + ` | - |
`

// good obeys the planted plan.
func good() map[string]*room {
	return map[string]*room{
		"sim":          {name: "sim"},
		"sim/device":   {name: "sim/device", imports: []string{"sim"}, tests: []string{"sim/device", "sim/hub", "pgregory.net/rapid"}},
		"sim/hub":      {name: "sim/hub", imports: []string{"sim"}},
		"sim/world":    {name: "sim/world", imports: []string{"sim", "sim/device", "sim/hub"}},
		"harness/live": {name: "harness/live", imports: []string{"sim", "sim/hub", "golang.org/x/sync/errgroup"}, tests: []string{"sim/world"}},
		"cmd/flotilla": {name: "cmd/flotilla", imports: []string{"harness/live", "sim"}},
	}
}

func judgePlanted(t *testing.T, readme string, rooms map[string]*room) []string {
	t.Helper()
	plan, err := readPlan(readme)
	if err != nil {
		t.Fatal(err)
	}
	var found []room
	for _, r := range rooms {
		found = append(found, *r)
	}
	slices.SortFunc(found, func(a, b room) int { return strings.Compare(a.name, b.name) })
	return plan.judge(found)
}

// TestArrowsFindsSins plants one violation at a time.
func TestArrowsFindsSins(t *testing.T) {
	if got := judgePlanted(t, planted, good()); len(got) > 0 {
		t.Fatalf("complaints about rooms that obey: %q", got)
	}
	for _, c := range []struct {
		name string
		sin  func(rooms map[string]*room)
		want string
	}{
		{"package without row", func(r map[string]*room) { r["sim/zone"] = &room{name: "sim/zone"} }, "sim/zone is not on the plan"},
		{"row without package", func(r map[string]*room) { delete(r, "sim/world"); r["harness/live"].tests = nil }, "sim/world stands in README's table"},
		{"sibling", func(r map[string]*room) { r["sim/device"].imports = []string{"sim", "sim/hub"} }, "sim/device imports sim/hub, but its row"},
		{"upward", func(r map[string]*room) { r["sim/hub"].imports = []string{"harness/live"} }, "sim/hub imports harness/live, but its row"},
		{"the vocabulary imports", func(r map[string]*room) { r["sim"].imports = []string{"sim/hub"} }, "sim imports sim/hub, but its row"},
		{"below a name is not the name", func(r map[string]*room) { r["harness/live"].imports = []string{"cmd/flotilla"} }, "harness/live imports cmd/flotilla, but its row"},
		{"library elsewhere", func(r map[string]*room) { r["sim/hub"].imports = []string{"golang.org/x/sync/semaphore"} }, "sim/hub imports golang.org/x/sync/semaphore: a library lives"},
		{"library not listed", func(r map[string]*room) { r["harness/live"].imports = []string{"golang.org/x/synctest"} }, "harness/live imports golang.org/x/synctest: a library lives"},
		{"library in the door", func(r map[string]*room) { r["cmd/flotilla"].imports = []string{"golang.org/x/sync"} }, "cmd/flotilla imports golang.org/x/sync: a library lives"},
		{"test upward", func(r map[string]*room) { r["sim/hub"].tests = []string{"harness/live"} }, "a test of sim/hub imports harness/live, a floor above"},
		{"test in a circle", func(r map[string]*room) { r["sim/hub"].tests = []string{"sim/world"} }, "a test of sim/hub imports sim/world, which itself needs sim/hub"},
	} {
		rooms := good()
		c.sin(rooms)
		got := judgePlanted(t, planted, rooms)
		if len(got) != 1 || !strings.HasPrefix(got[0], c.want) {
			t.Errorf("%s: complaints %q; want one beginning with %q", c.name, got, c.want)
		}
	}
}

// TestArrowsReadsTheTables checks the plan itself.
func TestArrowsReadsTheTables(t *testing.T) {
	plan, err := readPlan(planted)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.rooms) != 6 || len(plan.libraries) != 1 || !slices.Equal(plan.rooms[3].may, []string{"sim", "sim/device", "sim/hub"}) {
		t.Errorf("read %+v", plan)
	}
	circle := strings.Replace(planted, "| `sim` | a | - |", "| `sim` | a | `sim/hub` |", 1)
	if got := judgePlanted(t, circle, good()); len(got) != 1 || !strings.Contains(got[0], "row of sim names sim/hub, which does not stand above") {
		t.Errorf("a circle in the plan: complaints %q", got)
	}
	unknown := strings.Replace(planted, "| `sim/hub` | a | `sim` |", "| `sim/hub` | a | `sim`, `sim/query` |", 1)
	if got := judgePlanted(t, unknown, good()); len(got) != 1 || !strings.Contains(got[0], "row of sim/hub names sim/query") {
		t.Errorf("an unknown name in the plan: complaints %q", got)
	}
	for _, c := range []struct{ name, readme, says string }{
		{"no section", "# Title\n", "has no section"},
		{"no table", "## Architecture\n\nWords.\n", "no table under"},
		{"no libraries", strings.Replace(planted, "| library |", "| other |", 1), `has "library" for its first column`},
		{"no column", strings.Replace(planted, "| may import |", "| uses |", 1), `has no column "may import"`},
		{"two rows", strings.Replace(planted, "`sim/device` |", "`sim` |", 1), "sim has two rows"},
		{"no quotes", strings.Replace(planted, "| `*` |", "| all |", 1), "write names in back quotes"},
		{"no name", strings.Replace(planted, "| `sim/hub` |", "| the hub |", 1), "must begin with one name"},
	} {
		if _, err := readPlan(c.readme); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v; want it to say %s", c.name, err, c.says)
		}
	}
}
