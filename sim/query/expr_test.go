package query_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/query"
	"pgregory.net/rapid"
)

func tag(names ...string) query.Path {
	return query.Path{Space: query.Tags, Name: names[0], Rest: names[1:]}
}

func list(texts ...string) (values []doc.Value) {
	for _, s := range texts {
		values = append(values, doc.MustParse(s))
	}
	return values
}

// Three values: a row is selected by neither a condition that is undefined nor
// by its opposite. [Azure IoT Hub query language: operators, type checking]
func TestThreeValues(t *testing.T) {
	r := row{doc.MustParse(`{"tags":{"one":1,"word":"a","nil":null,"list":["a",1],"in":{"side":"x"},"yes":true}}`)}
	eq := func(p query.Path, v string, mode query.Mode) query.Expr {
		return query.Equals(p, doc.MustParse(v), mode)
	}
	const no, yes, undefined = "false", "true", "undefined"
	two := query.Mode{}
	long := list("1", "2", "3", "4", "5", "6", "7", "8", "9", `"a"`)
	for _, tt := range []struct {
		name     string
		e        query.Expr
		sql, pre string // by the rules of SQL and of the preview
	}{
		{"one = 1", eq(tag("one"), "1.0", query.SQL), yes, ""},
		{"one = '1'", eq(tag("one"), `"1"`, query.SQL), undefined, ""},
		{"none = 1", eq(tag("none"), "1", query.SQL), undefined, ""},
		{"nil = null", eq(tag("nil"), "null", query.SQL), yes, ""},
		{"none = null", eq(tag("none"), "null", query.SQL), undefined, ""},
		{"one = null", eq(tag("one"), "null", query.SQL), no, ""},
		{"nil = 1", eq(tag("nil"), "1", query.SQL), no, ""},
		{"list = list", eq(tag("list"), `["a",1]`, query.SQL), no, ""},
		{"in.side = x", eq(tag("in", "side"), `"x"`, query.SQL), yes, ""},
		{"word.side = x", eq(tag("word", "side"), `"x"`, query.SQL), undefined, ""},
		{"one < 2", query.Compare{query.Lt, tag("one"), query.Const{doc.Int(2)}, query.SQL}, yes, ""},
		{"one < 'a'", query.Compare{query.Lt, tag("one"), query.Const{doc.String("a")}, query.SQL}, undefined, ""},
		{"nil < 1", query.Compare{query.Lt, tag("nil"), query.Const{doc.Int(1)}, query.SQL}, undefined, ""},
		{"list < list", query.Compare{query.Lt, tag("list"), tag("list"), query.SQL}, undefined, ""},
		{"one = one", query.Compare{query.Eq, tag("one"), tag("one"), query.SQL}, yes, ""},
		{"in", query.In(tag("one"), list("2", "1"), query.SQL), yes, ""},
		{"in other kinds", query.In(tag("one"), list(`"1"`), query.SQL), no, ""},
		{"none in", query.In(tag("none"), list("1"), query.SQL), undefined, ""},
		{"none not in", query.NotIn(tag("none"), list("1"), query.SQL), undefined, ""},
		{"list in", query.In(tag("list"), list(`["a",1]`), query.SQL), no, ""},
		{"in long", query.In(tag("word"), long, query.SQL), yes, ""},
		{"list in long", query.In(tag("list"), append(list(`["a",1]`), long...), query.SQL), no, ""},
		{"none in long", query.In(tag("none"), long, query.SQL), undefined, ""},
		{"nil in long", query.In(tag("nil"), append(list("null"), long...), query.SQL), yes, ""},
		{"all", query.All(tag("list"), list("1.0", `"a"`), query.SQL), yes, ""},
		{"all but one", query.All(tag("list"), list("1.0", `"b"`), query.SQL), no, ""},
		{"all of a word", query.All(tag("word"), list(`"a"`), query.SQL), undefined, ""},
		{"all of none", query.All(tag("none"), nil, query.SQL), undefined, ""},
		{"yes", tag("yes"), yes, ""},
		{"one is no condition", query.And{tag("one")}, undefined, ""},
		{"false and undefined", query.And{tag("none"), eq(tag("one"), "2", query.SQL)}, no, ""},
		{"true and undefined", query.And{tag("none"), tag("yes")}, undefined, ""},
		{"true or undefined", query.Or{tag("none"), tag("yes")}, yes, ""},
		{"false or undefined", query.Or{tag("none"), eq(tag("one"), "2", query.SQL)}, undefined, ""},
		{"not a number", query.Not{tag("one")}, undefined, ""},
		{"defined", query.Defined{tag("nil")}, yes, ""},
		{"not defined", query.Defined{tag("none")}, no, ""},

		{"none = null", eq(tag("none"), "null", two), "", yes},
		{"nil = null", eq(tag("nil"), "null", two), "", yes},
		{"one = '1'", eq(tag("one"), `"1"`, two), "", no},
		{"none < 1", query.Compare{query.Lt, tag("none"), query.Const{doc.Int(1)}, two}, "", no},
		{"list = list", eq(tag("list"), `["a",1.0]`, two), "", yes},
		{"list in long", query.In(tag("list"), append(list(`["a",1e0]`), long...), two), "", yes},
		{"none in long", query.In(tag("none"), append(list("null"), long...), two), "", yes},
		{"none not in", query.NotIn(tag("none"), list("1"), two), "", yes},
		{"all of a word", query.All(tag("word"), list(`"a"`), two), "", no},
		{"words", eq(tag("word"), `"A"`, query.Mode{Text: query.Word}), "", yes},
		{"words in long", query.In(tag("word"), append(list(`"A"`), long[:9]...), query.Mode{Text: query.Word}), "", yes},
	} {
		got := undefined
		if query.Run(query.Rows[row]{r}, query.Query{Where: tt.e}).Rows != nil && (&query.Query{Where: tt.e}).Match(r) {
			got = yes
		} else if (&query.Query{Where: query.Not{tt.e}}).Match(r) {
			got = no
		}
		if want := tt.sql + tt.pre; got != want {
			t.Errorf("%s: %s, want %s", tt.name, got, want)
		}
	}
}

// Times compare as time.Parse reads them.
func TestInstants(t *testing.T) {
	less := func(a, b string) bool {
		r := row{doc.Object(doc.Member{Name: "tags", Value: doc.Object(doc.Member{Name: "t", Value: doc.String(a)})})}
		q := query.Query{Where: query.Compare{query.Lt, tag("t"), query.Const{doc.String(b)}, query.Mode{Text: query.Instant}}}
		return q.Match(r)
	}
	rapid.Check(t, func(t *rapid.T) {
		draw := func() (string, time.Time) {
			at := time.Unix(rapid.Int64Range(-62_000_000_000, 250_000_000_000).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos"))
			s := at.In(time.FixedZone("", 60*rapid.IntRange(-1000, 1000).Draw(t, "offset"))).Format(rapid.SampledFrom([]string{time.RFC3339, time.RFC3339Nano, "2006-01-02T15:04:05.0000000Z07:00"}).Draw(t, "layout"))
			parsed, err := time.Parse(time.RFC3339Nano, s)
			if err != nil {
				t.Fatal(err)
			}
			return s, parsed
		}
		a, timeA := draw()
		b, timeB := draw()
		if rapid.Bool().Draw(t, "near") {
			timeB = timeA.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "by")))
			b = timeB.UTC().Format("2006-01-02T15:04:05.999999999")
		}
		if got, want := less(a, b), timeA.Before(timeB); got != want {
			t.Fatalf("%s before %s: %t, want %t", a, b, got, want)
		}
	})
	// What is no time is of another kind: neither before nor after one.
	const some = "2016-05-01T10:00:00Z"
	for _, s := range []string{"", "2016", "2016-05-01", "2016-13-01T10:00:00Z", "2016-00-01T10:00:00Z", "2016-02-30T10:00:00Z", "2015-02-29T10:00:00Z",
		"1900-02-29T00:00:00", "2016-04-31T10:00:00Z", "2016-05-00T10:00:00Z", "2016-05-01T24:00:00Z", "2016-05-01T10:60:00Z", "2016-05-01T10:00:60Z", "0000-05-01T10:00:00Z",
		"2016-05-01 10:00:00Z", "2016-05-01T10:00:00.Z", "2016-05-01T10:00:00.0123456789Z", "2016-05-01T10:00:00z", "2016-05-01T10:00:00+2:00", "2016-05-01T10:00:00+24:00",
		"2016-05-01T10:00:00+02:60", "2016-05-01T10:00:00+0200", "2016-05-01T10:00:00 02:00", "2016-05-01T10:00:00+02:0x", "2016-05-01T10:0a:00Z"} {
		if less(s, some) || less(some, s) {
			t.Errorf("%q is taken for a time", s)
		}
	}
	for _, s := range []string{"2016-02-29T10:00:00", "2000-02-29T10:00:00", "0001-01-01T00:00:00"} {
		if !less(s, some) {
			t.Errorf("%q is not before %s", s, some)
		}
	}
}

// counted counts how many rows were looked at.
type counted struct {
	shelf
	n *int
}

func (c counted) Row(i int) query.Row { *c.n++; return c.shelf.Row(i) }

func (c counted) Lookup(e query.Equality) (query.Source, bool) {
	s, ok := c.shelf.Lookup(e)
	if !ok {
		return nil, false
	}
	return counted{s.(shelf), c.n}, true
}

// With indexes and order, few rows are looked at.
func TestFewRowsLookedAt(t *testing.T) {
	var rows query.Rows[row]
	for i := range 10_000 {
		rows = append(rows, row{doc.MustParse(fmt.Sprintf(`{"default":{"deviceId":"d%05d","status":"Enabled"},"labels":["l%d"],"tags":{"x":"t%d"}}`, i, i%10, i%1000))})
	}
	byStatus := query.Equals(query.Path{Name: "status"}, doc.String("enabled"), query.Mode{Text: query.Word})
	id := func(op query.Op, s string) query.Expr {
		return query.Compare{op, query.DeviceID, query.Const{doc.String(s)}, query.Mode{}}
	}
	for _, tt := range []struct {
		name             string
		indexed, ordered bool
		q                query.Query
		most, want       int
	}{
		{"tag", true, false, query.Query{Where: query.And{byStatus, query.Equals(tag("x"), doc.String("t5"), query.SQL)}}, 10, 10},
		{"tag from the left", true, false, query.Query{Where: query.Compare{query.Eq, query.Const{doc.String("t5")}, tag("x"), query.SQL}}, 10, 10},
		{"label", true, false, query.Query{Where: query.HasLabels("l3", "l4")}, 1000, 0},
		{"ids", true, false, query.Query{Where: query.IDs(query.DeviceID, "d00005", "d09999", "none")}, 2, 2},
		{"id", false, true, query.Query{Where: id(query.Eq, "d00005")}, 40, 1},
		{"id in any case", false, true, query.Query{Where: query.Equals(query.DeviceID, doc.String("D00005"), query.Mode{Text: query.Word})}, 10_020, 1},
		{"first page", false, true, query.Query{Limit: 100}, 101, 100},
		{"page of a tag, ordered", true, true, query.Query{Where: query.HasLabels("l3"), Limit: 100}, 101, 100},
		{"page after", true, true, query.Query{Where: query.And{query.HasLabels("l3"), id(query.Gt, "d09000")}, Limit: 10}, 40, 10},
		{"span", false, true, query.Query{Where: query.And{id(query.Ge, "d00100"), query.And{id(query.Lt, "d00110"), id(query.Le, "d5")}}}, 60, 10},
		{"aggregate of a span", false, true, query.Query{Where: query.And{id(query.Ge, "d00100"), id(query.Lt, "d00110")}, Group: &query.Aggregation{Keys: []query.Column{{"x", tag("x")}}}}, 60, 10},
	} {
		n := 0
		src := counted{shelf{rows, tt.indexed, false, tt.ordered}, &n}
		res := query.Run(src, tt.q)
		if got := len(res.Rows) + len(res.Groups); got != tt.want || n > tt.most {
			t.Errorf("%s: %d rows after looking at %d, want %d after %d", tt.name, got, n, tt.want, tt.most)
		}
	}
}

func TestEqualities(t *testing.T) {
	q := query.Query{Where: query.And{
		query.NotIn(tag("a"), list(`"x"`), query.SQL),
		query.Or{query.Equals(tag("b"), doc.String("x"), query.SQL)},
		query.Equals(tag("c"), doc.Int(1), query.SQL),
		query.In(tag("d"), list(`"x"`, "null"), query.SQL),
		query.Equals(tag("e"), doc.String("2016-05-01T10:00:00Z"), query.Mode{Text: query.Instant}),
		query.And{query.Equals(tag("f", "g"), doc.String("x"), query.SQL)},
		query.Equals(query.Path{Name: "status"}, doc.String("Enabled"), query.Mode{Text: query.Word}),
		query.HasLabels("v", "w"),
		query.In(query.DeviceID, list(`"x"`, `"y"`), query.SQL),
	}}
	got := fmt.Sprint(q.Equalities())
	want := fmt.Sprint([]query.Equality{
		{Path: tag("f", "g"), Values: []string{"x"}},
		{Path: query.Path{Name: "status"}, Values: []string{"Enabled"}, Text: query.Word},
		{Path: query.Path{Space: query.Labels}, Values: []string{"v"}, Contains: true},
		{Path: query.Path{Space: query.Labels}, Values: []string{"w"}, Contains: true},
		{Path: query.DeviceID, Values: []string{"x", "y"}},
	})
	if got != want {
		t.Errorf("Equalities:\n got %s\nwant %s", got, want)
	}
	if space, name, value, ok := q.Equality(); space != query.Default || name != "status" || value != "Enabled" || !ok {
		t.Errorf("Equality: %s %s %s %t, want default status Enabled", space, name, value, ok)
	}
	if _, _, _, ok := new(query.Query).Equality(); ok {
		t.Error("the zero Query has an Equality")
	}
}

func TestResumeErrors(t *testing.T) {
	rows := query.Query{Sort: []query.Sort{{Path: tag("a")}}}
	group := query.Query{Group: &query.Aggregation{}}
	for _, tt := range []struct {
		q    query.Query
		next string
	}{
		{rows, `{}`}, {rows, `[]`}, {rows, `[["a"]]`}, {rows, `[["a"],["b"],["c"]]`}, {rows, `["a",["b"]]`},
		{rows, `[["a","b"],["c"]]`}, {rows, `[["a"],[1]]`}, {rows, `[["a"],[]]`}, {group, `[]`},
	} {
		if _, err := tt.q.Resume(doc.MustParse(tt.next)); err == nil {
			t.Errorf("Resume(%s): no error", tt.next)
		}
	}
	if _, err := rows.Resume(doc.MustParse(`[[],["b"]]`)); err != nil {
		t.Error(err)
	}
}

// A Scan does no more at a time than it is told to, from the first row to the
// last merge, and a long answer is in order.
func TestScanInSlices(t *testing.T) {
	var rows query.Rows[row]
	for i := range 5000 {
		rows = append(rows, row{doc.MustParse(fmt.Sprintf(`{"default":{"deviceId":"d%04d"},"tags":{"x":%d}}`, i*2741%5000, i%7))})
	}
	n := 0
	src := counted{shelf{Rows: rows}, &n}
	for _, q := range []query.Query{{}, {Sort: []query.Sort{{Path: tag("x"), Desc: true}}}, {Sort: []query.Sort{{Path: tag("x")}}, Limit: 1500},
		{Group: &query.Aggregation{Keys: []query.Column{{"id", query.DeviceID}}, Aggregates: []query.Aggregate{{Name: "n"}}}}} {
		want := answer(q, query.Run(rows, q))
		s := query.NewScan(src, q)
		turns := 0
		for n = 0; !s.Next(100); n = 0 {
			if n > 100 {
				t.Fatalf("looked at %d rows at once", n)
			}
			turns++
		}
		check(t, "in slices", answer(q, s.Result()), want)
		if turns < 50+5000/100*5 {
			t.Errorf("only %d slices: the answer was sorted at one go", turns)
		}
		if q.Sort == nil && q.Group == nil && (!slices.IsSorted(want) || len(want) != 5000) {
			t.Error("the answer is not in order")
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("Result of an unfinished Scan does not panic")
		}
	}()
	query.NewScan(rows, query.Query{}).Result()
}

// Sums are exact beyond 64 bits and beyond binary fractions.
func TestSums(t *testing.T) {
	for _, tt := range []struct{ values, sum, avg string }{
		{"", "0", "null"},
		{`"7" true [1]`, "0", "null"},
		{"0.1 0.2", "0.3", "0.15"},
		{"1 2 2", "5", "1.6666666666666667"},
		{"-1 -2", "-3", "-1.5"},
		{"0.5 -0.5", "0", "0"},
		{"9223372036854775807 9223372036854775807", "18446744073709551614", "9223372036854775807"},
		{"-9223372036854775808 -1 0.25", "-9223372036854775808.75", "-3074457345618258400"},
		{"1e30 1 -1e30", "1", "0.3333333333333333"},
		{"1e-3 1e3", "1000.001", "500.0005"},
		{"5 1e99999 1e-99999", "5", "5"}, // beyond what is added up
		{"1e400 1e400 1", "2" + fmt.Sprintf("%0399d", 0) + "1", ""},
	} {
		var rows query.Rows[row]
		for v := range strings.FieldsSeq(tt.values) {
			rows = append(rows, row{doc.MustParse(fmt.Sprintf(`{"default":{"deviceId":"%d"},"tags":{"x":%s}}`, len(rows), v))})
		}
		x := tag("x")
		res := query.Run(rows, query.Query{Group: &query.Aggregation{Aggregates: []query.Aggregate{{Op: query.SumOf, Of: &x}, {Op: query.AverageOf, Of: &x}}}})
		sum, avg := res.Groups[0][0].String(), res.Groups[0][1].String()
		if sum != tt.sum || avg != tt.avg && tt.avg != "" {
			t.Errorf("%s: sum %s, average %s; want %s and %s", tt.values, sum, avg, tt.sum, tt.avg)
		}
	}
}

// Of equal values the same spelling is shown, whichever row comes first.
func TestSpelling(t *testing.T) {
	rows := rowsOf(
		`{"default":{"deviceId":"a"},"tags":{"x":1.0,"list":[1.0],"word":"enabled"}}`,
		`{"default":{"deviceId":"b"},"tags":{"x":1,"list":[1],"word":"Enabled"}}`,
		`{"default":{"deviceId":"c"},"tags":{"x":10e-1,"list":[10e-1],"word":"ENABLED"}}`)
	word := tag("word")
	q := query.Query{Group: &query.Aggregation{Keys: []query.Column{{"x", tag("x")}, {"list", tag("list")}}, Aggregates: []query.Aggregate{
		{Name: "min", Op: query.MinOf, Of: &word, Text: query.Word}, {Name: "max", Op: query.MaxOf, Of: &word, Text: query.Word}, {Name: "none", Op: query.MaxOf, Of: &word, Numbers: true}}}}
	want := []string{`x:1 list:[1.0] min:"ENABLED" max:"ENABLED" none:null`}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {0, 2, 1}} {
		var some query.Rows[row]
		for _, i := range order {
			some = append(some, rows[i])
		}
		check(t, fmt.Sprint(order), answer(q, query.Run(some, q)), want)
	}
}

// By the rules of SQL a row without a key and one with null are two groups,
// and pages tell them apart.
func TestGroupsWithoutKey(t *testing.T) {
	rows := rowsOf(`{"default":{"deviceId":"a"},"tags":{"x":null}}`, `{"default":{"deviceId":"b"},"tags":{}}`, `{"default":{"deviceId":"c"},"tags":{"x":false}}`,
		`{"default":{"deviceId":"d"},"tags":{}}`)
	q := query.Query{Limit: 1, Group: &query.Aggregation{Keys: []query.Column{{"x", tag("x")}}, Aggregates: []query.Aggregate{{Name: "n"}}, Nulls: query.NullIsValue}}
	var got []string
	for page := q; ; {
		res := query.Run(rows, page)
		got = append(got, answer(q, res)...)
		if res.Next.IsAbsent() {
			break
		}
		var err error
		if page, err = q.Resume(doc.MustParse(res.Next.String())); err != nil {
			t.Fatal(err)
		}
	}
	check(t, "groups", got, []string{"x: n:2", "x:null n:1", "x:false n:1"})
}
