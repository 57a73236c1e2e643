package query_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/query"
	"pgregory.net/rapid"
)

// Few names and few values, so that they meet; values in several spellings.
var (
	properties = rapid.SampledFrom([]string{deflt("deviceId"), `{"name":"DeviceID"}`, deflt("Status"), `{"name":"lastActivityTime"}`, deflt("none"),
		service("a"), service("b"), device("a")})
	scalars = rapid.SampledFrom([]string{"null", "true", "false", "0", "-0.0", "1", "1.0", "10e-1", "2", "-3.25", "1e400", "123456789012345678901234567890",
		`""`, `"a"`, `"A"`, `"b"`, `"1"`, `"é"`, `"d1"`, `"d2"`, `"d3"`, `"enabled"`, `"Disabled"`,
		`"2016-05-01T10:00:00Z"`, `"2016-05-01T12:00:00.000+02:00"`, `"2016-05-01T10:00:00.5"`})
	values = rapid.OneOf(scalars, scalars, scalars, rapid.Map(rapid.SliceOfN(scalars, 0, 3), func(s []string) string { return "[" + strings.Join(s, ",") + "]" }),
		rapid.Map(scalars, func(s string) string { return `{"x":` + s + `}` }))
	lists = rapid.Map(rapid.OneOf(rapid.SliceOfN(values, 0, 3), rapid.SliceOfN(values, 9, 12)), func(s []string) string { return "[" + strings.Join(s, ",") + "]" })
)

// drawRows draws rows in an order of chance.
func drawRows(t *rapid.T) (rows query.Rows[row]) {
	members := func(label string, names ...string) string {
		var m []string
		for _, n := range names {
			if rapid.IntRange(0, 3).Draw(t, label) > 0 {
				m = append(m, fmt.Sprintf("%q:%s", n, values.Draw(t, n)))
			}
		}
		return strings.Join(m, ",")
	}
	ids := rapid.Permutation([]string{"d0", "d1", "d2", "d3", "d4", "d5", "d10", "D1", "é", "e", "d"}).Draw(t, "ids")
	for _, id := range ids[:rapid.IntRange(0, len(ids)).Draw(t, "rows")] {
		fields := fmt.Sprintf(`"deviceId":%q`, id)
		if s := rapid.SampledFrom([]string{"", `"enabled"`, `"Enabled"`, `"disabled"`}).Draw(t, "status"); s != "" {
			fields += `,"status":` + s
		}
		if m := members("default", "lastActivityTime"); m != "" {
			fields += "," + m
		}
		labels := rapid.SampledFrom([]string{"", `"labels":[],`, `"labels":["a"],`, `"labels":["b","a"],`}).Draw(t, "labels")
		rows = append(rows, row{doc.MustParse(fmt.Sprintf(`{"default":{%s},%s"service":{%s},"device":{%s}}`,
			fields, labels, members("service", "a", "b"), members("device", "a")))})
	}
	return rows
}

func drawFilter(t *rapid.T, depth int) string {
	if op := rapid.SampledFrom([]string{"", "", "and", "or", "not"}).Draw(t, "logical"); depth > 0 && op != "" {
		n := 1
		if op != "not" {
			n = rapid.IntRange(0, 3).Draw(t, "filters")
		}
		parts := make([]string, n)
		for i := range parts {
			parts[i] = drawFilter(t, depth-1)
		}
		return logical(op, parts...)
	}
	if rapid.IntRange(0, 5).Draw(t, "tags") == 0 {
		return compare(`{"name":"Tags"}`, "all", rapid.SampledFrom([]string{"[]", `["a"]`, `["b","a"]`, `["c"]`}).Draw(t, "words"))
	}
	op := rapid.SampledFrom([]string{"eq", "eq", "ne", "lt", "lte", "gt", "gte", "in", "nin", "all"}).Draw(t, "op")
	from := values
	if op == "in" || op == "nin" || op == "all" {
		from = lists
	}
	return compare(properties.Draw(t, "property"), op, from.Draw(t, "value"))
}

func drawSort(t *rapid.T, of []string) string {
	var sorts []string
	for range rapid.IntRange(0, 2).Draw(t, "sorts") {
		sorts = append(sorts, fmt.Sprintf(`{"order":%q,"property":%s}`, rapid.SampledFrom([]string{"asc", "desc"}).Draw(t, "order"), rapid.SampledFrom(of).Draw(t, "by")))
	}
	return "[" + strings.Join(sorts, ",") + "]"
}

// shelf is a Source with both abilities, perhaps: indexes that are computed on
// the spot, with some rows too many in them, and rows in order of ids.
type shelf struct {
	query.Rows[row]
	indexed, sloppy, ordered bool
}

func (s shelf) OrderedBy(p query.Path) bool { return s.ordered && p.Is(query.DeviceID) }

func (s shelf) Lookup(e query.Equality) (query.Source, bool) {
	if !s.indexed || len(e.Values) == 0 {
		return nil, false
	}
	var some query.Rows[row]
	for i, r := range s.Rows {
		v := e.Path.Of(r)
		fits := slices.ContainsFunc(e.Values, func(want string) bool {
			if !e.Contains {
				return v.Kind() == doc.KindString && (v.Text() == want || e.Text == query.Word && strings.EqualFold(v.Text(), want))
			}
			for j := range v.Len() {
				if v.Index(j).Kind() == doc.KindString && v.Index(j).Text() == want {
					return true
				}
			}
			return false
		})
		if fits || s.sloppy && i%3 == 0 {
			some = append(some, r)
		}
	}
	return shelf{Rows: some, ordered: s.ordered}, true
}

// drawSource puts the rows on a shelf.
func drawSource(t *rapid.T, rows query.Rows[row]) query.Source {
	s := shelf{slices.Clone(rows), rapid.Bool().Draw(t, "indexed"), rapid.Bool().Draw(t, "sloppy"), rapid.Bool().Draw(t, "ordered")}
	if s.ordered {
		slices.SortFunc(s.Rows, func(a, b row) int { return strings.Compare(a.id(), b.id()) })
	}
	return s
}

// drawPages answers a query page by page and slice by slice.
func drawPages(t *rapid.T, src query.Source, q query.Query) (pages []query.Result) {
	q.Limit = rapid.IntRange(0, 4).Draw(t, "limit")
	n := rapid.IntRange(1, 7).Draw(t, "slice")
	for range 100 {
		s := query.NewScan(src, q)
		for !s.Next(n) {
		}
		res := s.Result()
		if q.Limit > 0 && len(res.Rows)+len(res.Groups) > q.Limit {
			t.Fatalf("%d rows and %d groups, the limit is %d", len(res.Rows), len(res.Groups), q.Limit)
		}
		pages = append(pages, res)
		if res.Next.IsAbsent() {
			return pages
		}
		next, err := doc.Parse(res.Next.JSON())
		if err != nil {
			t.Fatal(err)
		}
		if q, err = q.Resume(next); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("no end of pages")
	return nil
}

// Rows of a query object: as the dumb twin has them, whatever indexes and
// order the source offers, in slices and pages of any length.
func TestRowsAgainstTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t)
		text := fmt.Sprintf(`{"filter":%s,"sort":%s}`, drawFilter(t, 3), drawSort(t, []string{deflt("deviceId"), `{"name":"STATUS"}`, deflt("lastActivityTime"), service("a"), device("a"), deflt("none")}))
		q, err := query.ParseObject(query.Devices, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var maps []object
		for _, r := range rows {
			maps = append(maps, decode(r.String()).(object))
		}
		want := dumbRows(decode(text).(object), maps)
		got := []string{}
		for _, res := range drawPages(t, drawSource(t, rows), q) {
			got = append(got, idsOf(res.Rows)...)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s\n got %q\nwant %q", text, got, want)
		}
		if n := query.Count(rows, q); n != len(want) {
			t.Fatalf("%s: Count %d, want %d", text, n, len(want))
		}
	})
}

// Aggregates of a query object likewise.
func TestGroupsAgainstTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t)
		keys := rapid.SampledFrom([][]string{{service("a")}, {`{"name":"tags"}`}, {deflt("lastActivityTime"), service("b")}, {service("b"), device("a")}}).Draw(t, "keys")
		var columns []string
		by := keys
		for i := range rapid.IntRange(1, 3).Draw(t, "columns") {
			p := properties.Draw(t, "of")
			op := rapid.SampledFrom([]string{"count", "sum", "avg", "min", "max"}).Draw(t, "op")
			if op == "count" && rapid.Bool().Draw(t, "rows") {
				p = "null"
			}
			columns = append(columns, fmt.Sprintf(`{"operator":%q,"property":%s,"columnName":"c%d"}`, op, p, i))
			if p != deflt("Status") && !strings.Contains(p, "lastActivity") { // their texts have other rules, the twin does not know of
				by = append(slices.Clip(by), fmt.Sprintf(`{"name":"c%d","type":"aggregated"}`, i))
			}
		}
		if strings.Contains(keys[0], "tags") {
			by = []string{keys[0]}
		}
		text := fmt.Sprintf(`{"filter":%s,"sort":%s,"aggregate":{"keys":[%s],"properties":[%s]}}`,
			drawFilter(t, 1), drawSort(t, by), strings.Join(keys, ","), strings.Join(columns, ","))
		q, err := query.ParseObject(query.Devices, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var maps []object
		for _, r := range rows {
			maps = append(maps, decode(r.String()).(object))
		}
		want := dumbGroups(decode(text).(object), maps)
		var got [][]doc.Value
		for _, res := range drawPages(t, drawSource(t, rows), q) {
			got = append(got, res.Groups...)
		}
		if len(got) != len(want) {
			t.Fatalf("%s\n got %d groups\nwant %d", text, len(got), len(want))
		}
		for i, g := range want {
			b, err := json.Marshal(append(g.keys, g.values...))
			if err != nil {
				t.Fatal(err)
			}
			cells := decode(string(b)).([]any)
			if len(cells) != len(got[i]) {
				t.Fatalf("%s: %d cells, want %d", text, len(got[i]), len(cells))
			}
			for j, w := range cells {
				if dumbOrder(decode(got[i][j].String()), w, dumbColumn(q, j)) != 0 {
					t.Fatalf("%s\ngroup %d, %s: got %s, want %v", text, i, q.Group.Names()[j], got[i][j], w)
				}
			}
		}
	})
}

// dumbColumn is the rule of text for a column of least or greatest values.
func dumbColumn(q query.Query, i int) string {
	if i -= len(q.Group.Keys); i < 0 {
		return "ordinal"
	}
	return [...]string{query.Ordinal: "ordinal", query.Word: "word", query.Instant: "time"}[q.Group.Aggregates[i].Text]
}

// One spelling of equal values is shown, and the same with every order of rows
// and every index.
func TestResultDoesNotDependOnSource(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t)
		q, err := query.ParseObject(query.Devices, fmt.Appendf(nil, `{"filter":%s,"aggregate":{"keys":[%s],"properties":[
			{"operator":"min","property":{"name":"status"},"columnName":"x"},{"operator":"max","property":{"name":"lastActivityTime"},"columnName":"y"},
			{"operator":"min","property":%s,"columnName":"z"},{"operator":"sum","property":%s,"columnName":"s"}]}}`,
			drawFilter(t, 2), properties.Draw(t, "key"), properties.Draw(t, "min"), properties.Draw(t, "sum")))
		if err != nil {
			t.Fatal(err)
		}
		want := answer(q, query.Run(rows, q))
		if got := answer(q, query.Run(drawSource(t, rapid.Permutation(rows).Draw(t, "other order")), q)); !slices.Equal(got, want) {
			t.Fatalf("got %q\nwant %q", got, want)
		}
	})
}

// Group filters against a twin that knows three-valued logic by hand: a
// condition is true, or it is not.
func TestFilterAgainstTwin(t *testing.T) {
	literals := rapid.SampledFrom([]string{`"a"`, `'b'`, `"é"`, `"1"`, "1", "1.0", "-3.25", "0", "true", "FALSE", `"d1"`, `"dtmi:x;1"`})
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t)
		for i, r := range rows { // the same values, as properties
			rows[i] = row{r.With("property", r.Get("service"), 0)}
		}
		word := rapid.SampledFrom([]string{" AND ", " or "}).Draw(t, "word")
		var conditions []string
		type condition struct{ name, op, literal string }
		var parts []condition
		for range rapid.IntRange(1, 3).Draw(t, "conditions") {
			c := condition{rapid.SampledFrom([]string{"a", "b", "b.x", "c", "$id"}).Draw(t, "name"),
				rapid.SampledFrom([]string{"=", "!=", "<>", "<", ">", "<=", ">="}).Draw(t, "op"), literals.Draw(t, "literal")}
			parts = append(parts, c)
			conditions = append(conditions, c.name+c.op+c.literal)
		}
		text := "SELECT * FROM devices WHERE " + strings.Join(conditions, word)
		f, err := query.ParseFilter(text)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, r := range rows {
			m := decode(r.String()).(object)
			property := m["property"].(object)
			inner, _ := property["b"].(object)
			have := map[string]any{"a": property["a"], "b": property["b"], "b.x": inner["x"], "$id": dumbID(m)}
			_, hasA := property["a"]
			_, hasB := property["b"]
			_, hasX := inner["x"]
			has := map[string]bool{"a": hasA, "b": hasB, "b.x": hasX, "$id": true}
			n := 0
			for _, c := range parts {
				if has[c.name] && dumbCondition(have[c.name], c.op, decode(strings.ToLower(strings.ReplaceAll(c.literal, "'", `"`)))) {
					n++
				}
			}
			if n == len(parts) || n > 0 && word == " or " {
				want = append(want, dumbID(m).(string))
			}
		}
		slices.Sort(want)
		var got []string
		for _, res := range drawPages(t, drawSource(t, rows), f.Query) {
			got = append(got, idsOf(res.Rows)...)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s\n got %q\nwant %q", text, got, want)
		}
	})
}

// dumbCondition compares a value that is there with a literal.
func dumbCondition(have any, op string, want any) bool {
	const text = "ordinal"
	a, b := dumbRank(have, text), dumbRank(want, text)
	unequal := op == "!=" || op == "<>"
	if a == 0 || a >= 5 { // null, arrays and objects equal no literal
		return unequal
	}
	if a != b {
		return false
	}
	c := dumbOrder(have, want, text)
	switch op {
	case "=":
		return c == 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	}
	return c != 0
}
