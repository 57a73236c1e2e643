package query

import (
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// Scan answers a query in slices. It is driven by one caller; between slices
// the Source must stay as it is.
type Scan struct {
	q       Query
	src     Source
	id      Path
	at, end int  // rows of src still to be looked at
	ordered bool // rows come in the order of the answer
	full    bool // Limit is reached and what follows would be cut off

	groups  *grouper // with Group
	settled int      // groups whose values are worked out
	sorter  sorter[*hit]
	worst   *mark // what is behind it is not wanted; nil: not known
	taken   int   // rows that were kept, for a while at least
	block   []hit // where the next hits are made
	values  []doc.Value
	done    bool
}

// hit is a row of the answer.
type hit struct {
	mark
	row   Row
	cells []doc.Value // of a group
	seq   int         // in order of coming, should a Source have two rows of one id
}

// pruned is the greatest Limit with which rows behind it are dropped on the
// way. Above it all are kept until the end, as without Limit.
const pruned = 1000

// NewScan begins to answer a query.
func NewScan(src Source, q Query) *Scan {
	s := &Scan{q: q, id: q.id()}
	s.src = s.q.candidates(src)
	s.end = s.src.Len()
	s.sorter.compare = func(a, b *hit) int {
		if c := s.q.compare(&a.mark, &b.mark); c != 0 {
			return c
		}
		return a.seq - b.seq
	}
	if q.Group != nil {
		s.groups = newGrouper(q.Group)
	}
	if isOrdered(s.src, s.id) {
		s.ordered = q.Group == nil && len(q.Sort) == 0
		s.at, s.end = q.between().cut(s.src, s.id)
	}
	return s
}

// Next goes on with the answer: it looks at up to n rows, or does as much work
// on what it found. It returns true when the answer is there.
func (s *Scan) Next(n int) (done bool) {
	n = max(n, 1)
	switch {
	case s.done:
	case s.at < s.end && !s.full:
		s.look(min(n, s.end-s.at))
	case s.groups != nil && s.settled < len(s.groups.groups):
		s.settle(min(n, len(s.groups.groups)-s.settled))
	case s.ordered:
		s.done = true
	default:
		s.done = s.sorter.merge(n)
	}
	return s.done
}

// look takes n rows.
func (s *Scan) look(n int) {
	for range n {
		r := s.src.Row(s.at)
		s.at++
		if !s.q.Match(r) {
			continue
		}
		if s.groups != nil {
			s.groups.add(r)
			continue
		}
		if s.take(r); s.full {
			return
		}
	}
	if s.groups == nil && !s.ordered {
		s.sorter.sortTail()
	}
}

// take keeps a selected row, unless it is on another page.
func (s *Scan) take(r Row) {
	h := s.spare()
	h.row, h.seq = r, s.taken
	if !s.ordered || s.q.after != nil {
		s.mark(h)
	}
	if s.q.after != nil && s.q.compare(&h.mark, s.q.after) <= 0 {
		return
	}
	if s.worst != nil && s.q.compare(&h.mark, s.worst) >= 0 {
		return
	}
	s.sorter.add(h)
	s.taken++
	s.block = s.block[1:]
	if h.tie != nil {
		s.values = s.values[len(s.q.Sort)+1:]
	}
	want := s.q.Limit + 1 // one more, to know whether a page follows
	switch {
	case s.q.Limit <= 0:
	case s.ordered:
		s.full = s.sorter.len() == want
	case s.q.Limit <= pruned && s.sorter.len() >= 2*want+256:
		s.worst = &s.sorter.keep(want).mark
	}
}

// spare returns room for a hit: the same again until that is kept. Hits are
// made in blocks, the larger the more there are.
func (s *Scan) spare() *hit {
	if len(s.block) == 0 {
		s.block = make([]hit, min(max(s.sorter.len(), 8), 128))
	}
	return &s.block[0]
}

// mark fills in a hit's place in the order.
func (s *Scan) mark(h *hit) {
	n := len(s.q.Sort) + 1
	if len(s.values) < n {
		s.values = make([]doc.Value, n*max(len(s.block), 1))
	}
	h.sort, h.tie = s.values[:n-1:n-1], s.values[n-1:n:n]
	for i, k := range s.q.Sort {
		h.sort[i] = k.Path.Of(h.row)
	}
	h.tie[0] = s.id.Of(h.row)
}

// settle works out the values of n groups.
func (s *Scan) settle(n int) {
	keys := len(s.q.Group.Keys)
	for range n {
		h := &hit{cells: s.groups.cells(s.settled), seq: s.settled}
		s.settled++
		h.tie = h.cells[:keys]
		for _, k := range s.q.Sort {
			var v doc.Value
			if i := s.q.Group.column(k.Path); i >= 0 {
				v = h.cells[i]
			}
			h.sort = append(h.sort, v)
		}
		if s.q.after == nil || s.q.compare(&h.mark, s.q.after) > 0 {
			s.sorter.add(h)
		}
	}
	s.sorter.sortTail()
}

// Result returns the answer; only after Next has returned true.
func (s *Scan) Result() Result {
	if !s.done {
		panic("query: Result before Next has returned true")
	}
	var res Result
	hits := s.sorter.items
	if s.q.Limit > 0 && len(hits) > s.q.Limit {
		hits = hits[:s.q.Limit]
		last := *hits[len(hits)-1]
		if s.ordered {
			s.mark(&last)
		}
		res.Next = last.value()
	}
	if s.groups != nil {
		res.Groups = make([][]doc.Value, len(hits))
		for i := range hits {
			res.Groups[i] = hits[i].cells
		}
		return res
	}
	res.Rows = make([]Row, len(hits))
	for i := range hits {
		res.Rows[i] = hits[i].row
	}
	return res
}
