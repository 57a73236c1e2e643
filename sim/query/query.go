package query

import (
	"errors"
	"fmt"
	"strings"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// Query says which rows are wanted, what of them, and in which order. The zero
// Query is all devices in order of their ids.
type Query struct {
	Where   Expr         // nil: all rows
	Columns []Column     // what of a row is wanted; none: all of it. Not with Group
	Group   *Aggregation // sums over rows instead of rows; nil: rows
	Sort    []Sort       // first what counts most; then ID, or the keys of Group
	Limit   int          // rows in the answer; 0: no bound
	ID      Path         // what identifies a row; the zero Path: DeviceID

	after *mark // the row before the first one wanted; nil: from the start
}

// Column is a value in the answer.
type Column struct {
	Name string // as it was asked for
	Path Path
}

// Sort orders the answer by a value. With Group, Path is a key's or names a
// column in the space Aggregated; anything else sorts nothing.
type Sort struct {
	Path Path
	Desc bool
	Text Text
}

// id is the identifying field.
func (q *Query) id() Path {
	if q.ID.Name == "" && q.ID.Rest == nil {
		return DeviceID
	}
	return q.ID
}

// Match says whether a row is selected, whatever Limit and the page are.
func (q *Query) Match(r Row) bool { return q.Where == nil || q.Where.eval(r).Truth() }

// Project returns what is wanted of a row, in order of Columns; nil without.
func (q *Query) Project(r Row) []doc.Value {
	if len(q.Columns) == 0 {
		return nil
	}
	cells := make([]doc.Value, len(q.Columns))
	for i, c := range q.Columns {
		cells[i] = c.Path.Of(r)
	}
	return cells
}

// mark is a row's place in the order of the answer.
type mark struct {
	sort []doc.Value
	tie  []doc.Value // the id, or the keys of a group
}

// ties returns how many values tell rows of the answer apart.
func (q *Query) ties() int {
	if q.Group != nil {
		return len(q.Group.Keys)
	}
	return 1
}

// Resume returns q for the page that follows. next is Result.Next of a page of
// the same query, perhaps after a journey as JSON; it is checked for its shape
// alone, so whoever sends it can skip rows but not see others.
func (q *Query) Resume(next doc.Value) (Query, error) {
	page := *q
	n := len(q.Sort) + q.ties()
	if next.Kind() != doc.KindArray || next.Len() != n || n == 0 {
		return *q, fmt.Errorf("continuation: want an array of %d; send back what the page before returned, with the same query", n)
	}
	values := make([]doc.Value, n)
	for i := range values {
		cell := next.Index(i)
		if cell.Kind() != doc.KindArray || cell.Len() > 1 {
			return *q, fmt.Errorf("continuation: element %d: want an array of at most one value", i)
		}
		values[i] = cell.Index(0)
	}
	if q.Group == nil && values[n-1].Kind() != doc.KindString {
		return *q, errors.New("continuation: the last element must hold an id")
	}
	page.after = &mark{values[:len(q.Sort)], values[len(q.Sort):]}
	return page, nil
}

// value writes a mark for Resume: each value in an array of its own, which is
// empty if the value is absent.
func (m *mark) value() doc.Value {
	var cells []doc.Value
	for _, part := range [][]doc.Value{m.sort, m.tie} {
		for _, v := range part {
			if v.IsAbsent() {
				cells = append(cells, doc.Array())
			} else {
				cells = append(cells, doc.Array(v))
			}
		}
	}
	return doc.Array(cells...)
}

// compare puts rows of the answer in order.
func (q *Query) compare(a, b *mark) int {
	for i, s := range q.Sort {
		if c := s.Text.order(a.sort[i], b.sort[i]); c != 0 {
			if s.Desc {
				return -c
			}
			return c
		}
	}
	for i := range a.tie {
		if a.tie[i].Kind() == doc.KindString && b.tie[i].Kind() == doc.KindString {
			if c := strings.Compare(a.tie[i].Text(), b.tie[i].Text()); c != 0 {
				return c
			}
			continue
		}
		if c := orderExactly(a.tie[i], b.tie[i]); c != 0 {
			return c
		}
	}
	return 0
}

// Result is the answer to a Query.
type Result struct {
	Rows   []Row         // without Group; Query.Project takes the columns out
	Groups [][]doc.Value // with Group: the values of its keys, then of its aggregates
	Next   doc.Value     // for Query.Resume; absent if this was the last page
}

// Run answers a query at once.
func Run(src Source, q Query) Result {
	s := NewScan(src, q)
	for !s.Next(1 << 30) {
	}
	return s.Result()
}

// Count returns how many rows a query selects, whatever its Limit is.
func Count(src Source, q Query) int {
	q = Query{Where: q.Where, Group: &Aggregation{Aggregates: []Aggregate{{Op: CountOf}}}, ID: q.ID}
	n, _ := Run(src, q).Groups[0][0].Int64()
	return int(n)
}
