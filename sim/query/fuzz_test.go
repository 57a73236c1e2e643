package query_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/query"
)

// zoo has a bit of everything in every field.
var zoo = append(slices.Concat(six[:3], gateways), rowsOf(
	`{"default":{"deviceId":"z1"}}`,
	`{"default":{"deviceId":"z2","status":5,"lastActivityTime":"2016-05-01T10:00:00.5+02:00"},"labels":null,"service":{"QoS":[1,{"a":null}]},"device":null}`,
)...)

// play asks everything that can be asked with a query that was understood.
func play(t *testing.T, q query.Query) {
	t.Helper()
	want := answer(q, query.Run(zoo, q))
	if q.Group == nil && query.Count(zoo, q) != len(want) {
		t.Fatalf("Count %d, %d rows", query.Count(zoo, q), len(want))
	}
	ordered := slices.Clone(zoo)
	slices.SortFunc(ordered, func(a, b row) int { return strings.Compare(a.id(), b.id()) })
	for _, src := range []query.Source{
		shelf{Rows: ordered, ordered: true},
		shelf{Rows: zoo, indexed: true},
		shelf{Rows: ordered, indexed: true, sloppy: true, ordered: true},
	} {
		var got []string
		for page := q; ; {
			page.Limit = 2
			s := query.NewScan(src, page)
			for !s.Next(2) {
			}
			res := s.Result()
			got = append(got, answer(q, res)...)
			for _, r := range res.Rows {
				if !q.Match(r) {
					t.Fatalf("%s is in the answer and does not match", r.(row).id())
				}
				if cells := q.Project(r); len(cells) != len(q.Columns) || len(cells) > 0 && cells[0].IsAbsent() {
					t.Fatalf("cells %v of columns %v", cells, q.Columns)
				}
			}
			if res.Next.IsAbsent() {
				break
			}
			var err error
			if page, err = q.Resume(doc.MustParse(res.Next.String())); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("in pages %q\n at once %q", got, want)
		}
	}
}

func isError(t *testing.T, err error, text string) {
	t.Helper()
	e, ok := errors.AsType[*query.Error](err)
	switch {
	case !ok:
		t.Fatalf("%v is of type %T", err, err)
	case e.What == "" || e.Offset < 0 || e.Offset > len(text):
		t.Fatalf("error %+v about %d bytes", e, len(text))
	case utf8.ValidString(text) && !utf8.ValidString(e.Error()):
		t.Fatalf("error %q is not valid UTF-8", e.Error())
	}
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		`SELECT * FROM devices`,
		`SELECT * FROM devices WHERE $template = "dtmi:acme:gateway;1" AND $provisioned = true`,
		`select * from dtmi:acme:gateway;1 where fan.rpm >= 9e2 or building <> 'North'`,
		`SELECT * FROM devices WHERE ($id = "a")`,
		`SELECT * FROM devices WHERE a IN ["a"]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := query.ParseFilter(text)
		if err != nil {
			isError(t, err, text)
			return
		}
		_ = filter.Strict()
		play(t, filter.Query)
	})
}

func FuzzObject(f *testing.F) {
	for _, s := range []string{
		`{}`,
		where(compare(service("CustomerId"), "eq", `"123456"`)),
		where(logical("and", compare(deflt("Status"), "in", `["ENABLED",5]`), logical("not", compare(deflt("tags"), "all", `["bacon"]`)))),
		sums("null", "avg"),
		`{"project":{"properties":[{"name":"tags"},` + service("QoS") + `]},"sort":{"order":"desc","property":{"name":"lastActivityTime"}}}`,
	} {
		f.Add(uint8(0), []byte(s))
		f.Add(uint8(1), []byte(s))
	}
	f.Fuzz(func(t *testing.T, subject uint8, b []byte) {
		q, err := query.ParseObject(query.Subject(subject%2), b)
		if err != nil {
			isError(t, err, string(b))
			return
		}
		if q.Limit != query.PageSize {
			t.Fatalf("limit %d", q.Limit)
		}
		q.ID = query.DeviceID // what the rows have
		if len(q.Columns) > 0 {
			q.Columns[0].Path = query.DeviceID
		}
		play(t, q)
	})
}

func FuzzSelector(f *testing.F) {
	for _, s := range []string{`label=bacon, firmwareVersion!=3.0`, `id in (a, "b")`, `!tags.site.country, status == Enabled`, `service.QoS notin (3,9)`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := query.ParseSelector(text)
		if err != nil {
			isError(t, err, text)
			return
		}
		play(t, q)
	})
}
