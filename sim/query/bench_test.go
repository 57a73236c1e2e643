package query_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/query"
)

// twinRow is a device as a hub would offer it: fields that are there already.
type twinRow struct {
	id, status, labels doc.Value
	tags, reported     doc.Value
}

func (r *twinRow) Field(space query.Space, name string) doc.Value {
	var v doc.Value
	switch space {
	case query.Default:
		switch name {
		case "deviceId":
			return r.id
		case "status":
			return r.status
		}
		return doc.Value{}
	case query.Labels:
		return r.labels
	case query.Tags:
		v = r.tags
	case query.Reported:
		v = r.reported
	}
	if name == "" {
		return v
	}
	return v.Get(name)
}

// twins has an index of labels, as a hub has.
type twins struct {
	query.Rows[*twinRow]
	labels map[string]query.Rows[*twinRow]
	ids    map[string]int
}

func (s *twins) Lookup(e query.Equality) (query.Source, bool) {
	switch {
	case e.Path.Is(query.DeviceID):
		var some query.Rows[*twinRow]
		for _, id := range e.Values {
			if i, ok := s.ids[id]; ok {
				some = append(some, s.Rows[i])
			}
		}
		return some, true
	case e.Path.Is(query.Path{Space: query.Labels}) && e.Contains:
		return s.labels[e.Values[0]], true
	}
	return nil, false
}

// makeTwins makes twins of some 2 KB: 40 reported properties and 10 tags.
func makeTwins(n int) *twins {
	var b strings.Builder
	for i := range 38 {
		fmt.Fprintf(&b, `"property%02d":{"value":%d,"unit":"of something","note":"as the device said"},`, i, i*1000)
	}
	s := &twins{labels: map[string]query.Rows[*twinRow]{}, ids: map[string]int{}}
	enabled := doc.String("enabled")
	for i := range n {
		label := fmt.Sprintf("rack-%d", i/100)
		r := &twinRow{
			id: doc.String(fmt.Sprintf("device-%06d", i)), status: enabled, labels: doc.Array(doc.String("fleet"), doc.String(label)),
			tags: doc.MustParse(fmt.Sprintf(`{"building":"b%d","floor":%d,"location":{"region":"r%d","site":"s%d"},"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}`, i%50, i%7, i%5, i%500)),
			reported: doc.MustParse(fmt.Sprintf(`{%s"telemetryConfig":{"sendFrequencyInSecs":%d},"firmware":{"version":"%d.0"}}`,
				b.String(), 10+i%100, i%3)),
		}
		s.ids[r.id.Text()] = i
		s.labels[label] = append(s.labels[label], r)
		s.Rows = append(s.Rows, r)
	}
	return s
}

func pathTo(space query.Space, names ...string) query.Path {
	return query.Path{Space: space, Name: names[0], Rest: names[1:]}
}

func reportPerOp(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/row")
}

// A full scan of 100,000 twins with two conditions, and no index.
func BenchmarkQueryScan(b *testing.B) {
	s := makeTwins(100_000)
	q := query.Query{Limit: 100, Where: query.And{
		query.Equals(pathTo(query.Tags, "location", "region"), doc.String("r3"), query.SQL),
		query.Compare{query.Ge, pathTo(query.Reported, "telemetryConfig", "sendFrequencyInSecs"), query.Const{doc.Int(60)}, query.SQL},
	}}
	b.Run("page", func(b *testing.B) {
		for b.Loop() {
			if res := query.Run(s.Rows, q); len(res.Rows) != 100 {
				b.Fatal(len(res.Rows))
			}
		}
		reportPerOp(b, s.Len())
	})
	b.Run("all", func(b *testing.B) {
		q := q
		q.Limit = 0
		for b.Loop() {
			query.Run(s.Rows, q)
		}
		reportPerOp(b, s.Len())
	})
	b.Run("everything-sorted", func(b *testing.B) {
		q := query.Query{Sort: []query.Sort{{Path: pathTo(query.Tags, "floor"), Desc: true}}}
		for b.Loop() {
			query.Run(s.Rows, q)
		}
		reportPerOp(b, s.Len())
	})
	b.Run("group", func(b *testing.B) {
		of := pathTo(query.Reported, "telemetryConfig", "sendFrequencyInSecs")
		q := query.Query{Group: &query.Aggregation{Keys: []query.Column{{"building", pathTo(query.Tags, "building")}},
			Aggregates: []query.Aggregate{{Name: "n"}, {Name: "avg", Op: query.AverageOf, Of: &of}}}}
		for b.Loop() {
			query.Run(s.Rows, q)
		}
		reportPerOp(b, s.Len())
	})
	b.Run("slices", func(b *testing.B) {
		longest := 0
		for b.Loop() {
			sc := query.NewScan(s.Rows, q)
			for n := 1; !sc.Next(1000); n++ {
				longest = max(longest, n)
			}
		}
		b.ReportMetric(float64(longest), "slices")
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(longest), "us/slice")
	})
}

// An equality that an index answers, among 100,000 twins.
func BenchmarkQueryIndexed(b *testing.B) {
	s := makeTwins(100_000)
	for _, bb := range []struct {
		name string
		text string
		want int
	}{
		{"id", `{"filter":` + compare(`{"name":"deviceId"}`, "eq", `"device-054321"`) + `}`, 1},
		{"label", `{"filter":` + compare(`{"name":"tags"}`, "all", `["rack-7"]`) + `}`, 100},
	} {
		q := mustObject(b, query.Devices, bb.text)
		b.Run(bb.name, func(b *testing.B) {
			for b.Loop() {
				if res := query.Run(s, q); len(res.Rows) != bb.want {
					b.Fatal(len(res.Rows))
				}
			}
		})
	}
}

// jobRows are rows of jobs: parents of 100,000 children each, in order of
// their ids within a parent.
type jobRows struct {
	from, to int // numbers of rows
	byParent bool
}

const children = 100_000

type jobRow int

func (r jobRow) Field(space query.Space, name string) doc.Value {
	if space == query.Default && name == "jobId" {
		return doc.String(fmt.Sprintf("job-%08d", int(r)))
	}
	if space == query.Default && name == "parentJobId" {
		return doc.String(fmt.Sprintf("parent-%d", int(r)/children))
	}
	return doc.Value{}
}

func (s jobRows) Len() int                    { return s.to - s.from }
func (s jobRows) Row(i int) query.Row         { return jobRow(s.from + i) }
func (s jobRows) OrderedBy(p query.Path) bool { return s.byParent && p.Is(query.JobID) }

func (s jobRows) Lookup(e query.Equality) (query.Source, bool) {
	var n int
	if _, err := fmt.Sscanf(e.Values[0], "parent-%d", &n); err != nil || e.Path.Name != "parentJobId" {
		return nil, false
	}
	return jobRows{n * children, (n + 1) * children, true}, true
}

// A page of 100 of one parent's children, from 1,000,000 rows: the first, and
// one from the middle as clients ask for it.
func BenchmarkQueryJobsPage(b *testing.B) {
	s := jobRows{0, 1_000_000, false}
	parent := compare(deflt("ParentJobId"), "eq", `"parent-7"`)
	for _, bb := range []struct{ name, text string }{
		{"first", `{"filter":` + parent + `}`},
		{"middle", `{"filter":` + logical("and", parent, compare(deflt("JobId"), "gt", `"job-00754321"`)) + `}`},
	} {
		q := mustObject(b, query.Jobs, bb.text)
		b.Run(bb.name, func(b *testing.B) {
			for b.Loop() {
				if res := query.Run(s, q); len(res.Rows) != 100 {
					b.Fatal(len(res.Rows))
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	text := []byte(where(logical("and", compare(deflt("ParentJobId"), "eq", `"p"`), compare(deflt("JobId"), "gt", `"c31"`))))
	b.Run("object", func(b *testing.B) {
		for b.Loop() {
			if _, err := query.ParseObject(query.Jobs, text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("filter", func(b *testing.B) {
		for b.Loop() {
			if _, err := query.ParseFilter(`SELECT * FROM devices WHERE $template = "dtmi:acme:gateway;1" AND $provisioned = true`); err != nil {
				b.Fatal(err)
			}
		}
	})
}
