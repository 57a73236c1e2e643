package query

import "github.com/flotilla-sim/flotilla/sim/doc"

// Equality is a condition that an index can answer: the string at Path is one
// of Values, or, with Contains, the array there contains one of them.
type Equality struct {
	Path     Path
	Values   []string // at least one
	Text     Text     // Ordinal, or Word: then in any letter case
	Contains bool
}

// Equality returns what an index may begin with: of the equalities that every
// selected row fulfils, the first.
func (q *Query) Equality() (space Space, name, value string, ok bool) {
	for _, e := range q.Equalities() {
		if len(e.Path.Rest) == 0 && len(e.Values) == 1 {
			return e.Path.Space, e.Path.Name, e.Values[0], true
		}
	}
	return 0, "", "", false
}

// Equalities returns the conditions on strings that every selected row
// fulfils, in the order in which they stand in the query. An index that knows
// one of them need not know the rest.
func (q *Query) Equalities() []Equality { return appendEqualities(nil, q.Where) }

func appendEqualities(dst []Equality, e Expr) []Equality {
	switch e := e.(type) {
	case And:
		for _, x := range e {
			dst = appendEqualities(dst, x)
		}
	case Compare:
		if e.Op != Eq || e.Mode.Text == Instant {
			break
		}
		p, v := e.Left, e.Right
		if _, ok := p.(Const); ok {
			p, v = v, p
		}
		path, ok := p.(Path)
		c, isConst := v.(Const)
		if ok && isConst && c.Value.Kind() == doc.KindString {
			dst = append(dst, Equality{Path: path, Values: []string{c.Value.Text()}, Text: e.Mode.Text})
		}
	case *Members:
		path, ok := e.of.(Path)
		if !ok || e.mode.Text == Instant || len(e.list) == 0 {
			break
		}
		values := make([]string, len(e.list))
		for i, v := range e.list {
			if v.Kind() != doc.KindString {
				return dst
			}
			values[i] = v.Text()
		}
		if !e.all {
			return append(dst, Equality{Path: path, Values: values, Text: e.mode.Text})
		}
		for i := range values {
			dst = append(dst, Equality{Path: path, Values: values[i : i+1], Text: e.mode.Text, Contains: true})
		}
	}
	return dst
}

// candidates returns the Source to look at: src, or one with some of its rows
// that has every selected one. An index is taken without asking how long src
// is, which may be what src would rather not count; but not for rows that are
// in order already and as many.
func (q *Query) candidates(src Source) Source {
	indexed, ok := src.(Indexed)
	if !ok {
		return src
	}
	best, found := src, isOrdered(src, q.id())
	for _, e := range q.Equalities() {
		s, ok := indexed.Lookup(e)
		switch {
		case !ok:
		case !found:
			best, found = s, true
		case s.Len() < best.Len() || s.Len() == best.Len() && isOrdered(s, q.id()):
			best = s
		}
	}
	return best
}

func isOrdered(src Source, id Path) bool {
	o, ok := src.(Ordered)
	return ok && o.OrderedBy(id)
}

// span is a part of an order of ids.
type span struct {
	from string // no selected row is below it
	to   string // nor above this, if bounded
	ends bool
}

// between returns where all selected rows are, as far as the conditions that
// are strung together by `and` tell.
func (q *Query) between() span {
	var s span
	if q.Group == nil && len(q.Sort) == 0 && q.after != nil {
		s.from = q.after.tie[0].Text()
	}
	s.narrow(q.Where, q.id())
	return s
}

func (s *span) narrow(e Expr, id Path) {
	switch e := e.(type) {
	case And:
		for _, x := range e {
			s.narrow(x, id)
		}
	case Compare:
		path, ok := e.Left.(Path)
		c, isConst := e.Right.(Const)
		if !ok || !isConst || !path.Is(id) || e.Mode.Text != Ordinal || c.Value.Kind() != doc.KindString {
			return
		}
		text := c.Value.Text()
		if e.Op == Eq || e.Op == Gt || e.Op == Ge {
			s.from = max(s.from, text)
		}
		if e.Op == Eq || e.Op == Lt || e.Op == Le {
			if !s.ends || text < s.to {
				s.to, s.ends = text, true
			}
		}
	}
}

// cut returns the rows of a Source ordered by id that lie within the span.
func (s span) cut(src Source, id Path) (at, end int) {
	end = src.Len()
	if s.from != "" {
		at = search(at, end, func(i int) bool { return id.Of(src.Row(i)).Text() >= s.from })
	}
	if s.ends {
		end = search(at, end, func(i int) bool { return id.Of(src.Row(i)).Text() > s.to })
	}
	return at, end
}

// search returns the first number from lo on, below hi, for which ok is true;
// hi if there is none.
func search(lo, hi int, ok func(int) bool) int {
	for lo < hi {
		if mid := int(uint(lo+hi) / 2); ok(mid) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}
