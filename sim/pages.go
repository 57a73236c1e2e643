package sim

// PageSize is how many rows share a page of Pages.
const PageSize = 256

// Pages is a growing list of rows in copy-on-write pages. Copying the Pages
// value and then adding 1 to the generation it was made with takes a snapshot
// in constant time: the copy is never changed again and may be read by other
// goroutines, while the owner goes on with Mut and Append, which copy a page
// (and the table of pages) the first time they touch it in a generation.
//
// Several Pages share one generation, so that one snapshot covers them all.
type Pages[T any] struct {
	gen   *uint32
	owned uint32 // generation in which table was last copied
	n     int
	table []*page[T]
}

type page[T any] struct {
	gen  uint32
	rows []T
}

// NewPages returns an empty list that belongs to the generation gen.
func NewPages[T any](gen *uint32) Pages[T] { return Pages[T]{gen: gen, owned: *gen} }

// Len returns how many rows there are.
func (p *Pages[T]) Len() int { return p.n }

// At returns row i for reading.
func (p *Pages[T]) At(i int) *T { return &p.table[i/PageSize].rows[i%PageSize] }

// Mut returns row i for writing, until the next snapshot.
func (p *Pages[T]) Mut(i int) *T { return &p.own(i / PageSize).rows[i%PageSize] }

// Append adds a row and returns it for writing, until the next snapshot or
// Append.
func (p *Pages[T]) Append(row T) *T {
	if p.n%PageSize == 0 {
		p.ownTable()
		p.table = append(p.table, &page[T]{gen: *p.gen})
	}
	g := p.own(p.n / PageSize)
	g.rows = append(g.rows, row)
	p.n++
	return &g.rows[len(g.rows)-1]
}

func (p *Pages[T]) own(i int) *page[T] {
	g := p.table[i]
	if g.gen == *p.gen {
		return g
	}
	p.ownTable()
	c := &page[T]{gen: *p.gen, rows: make([]T, len(g.rows), cap(g.rows))}
	copy(c.rows, g.rows)
	p.table[i] = c
	return c
}

func (p *Pages[T]) ownTable() {
	if p.owned == *p.gen {
		return
	}
	t := make([]*page[T], len(p.table), len(p.table)+1)
	copy(t, p.table)
	p.table, p.owned = t, *p.gen
}
