package sim

import "slices"

// Sorted is an index: row numbers in ascending order of their keys, byte by
// byte, each key once. Like Pages it is copied on write: a copy of the value
// is a snapshot as soon as the generation it was made with has moved on.
// Looking a key up takes a binary search, setting one the move of a page at
// most.
type Sorted struct {
	gen   *uint32
	owned uint32 // generation in which table was last copied
	n     int
	table []*leaf // none empty
}

type leaf struct {
	gen     uint32
	entries []entry
}

type entry struct {
	key string
	row uint32
}

// maxLeaf is how many entries share a leaf; a full one is split.
const maxLeaf = 512

// NewSorted returns an empty index that belongs to the generation gen.
func NewSorted(gen *uint32) Sorted { return Sorted{gen: gen, owned: *gen} }

// Len returns how many keys there are.
func (s *Sorted) Len() int { return s.n }

// Get returns the row of a key.
func (s *Sorted) Get(key string) (row uint32, ok bool) {
	i, j, ok := s.find(key)
	if !ok {
		return 0, false
	}
	return s.table[i].entries[j].row, true
}

// Set puts a key in, or gives it another row.
func (s *Sorted) Set(key string, row uint32) {
	i, j, ok := s.find(key)
	if ok {
		s.own(i).entries[j].row = row
		return
	}
	s.n++
	if len(s.table) == 0 {
		s.ownTable()
		s.table = append(s.table, &leaf{gen: *s.gen})
	}
	if i == len(s.table) { // behind all others
		i--
		j = len(s.table[i].entries)
	}
	l := s.own(i)
	if len(l.entries) == maxLeaf {
		s.ownTable()
		cut := maxLeaf / 2
		if j == maxLeaf && i == len(s.table)-1 { // keys that ascend leave full leaves behind
			cut = maxLeaf
		}
		right := &leaf{gen: *s.gen, entries: slices.Clone(l.entries[cut:])}
		clear(l.entries[cut:])
		l.entries = l.entries[:cut]
		s.table = slices.Insert(s.table, i+1, right)
		if j >= cut {
			l, j = right, j-cut
		}
	}
	l.entries = slices.Insert(l.entries, j, entry{key, row})
}

// Delete takes a key out.
func (s *Sorted) Delete(key string) {
	i, j, ok := s.find(key)
	if !ok {
		return
	}
	s.n--
	l := s.own(i)
	l.entries = slices.Delete(l.entries, j, j+1)
	if len(l.entries) == 0 {
		s.ownTable()
		s.table = slices.Delete(s.table, i, i+1)
	}
}

// find returns the leaf and the place in it where a key is or belongs; the
// leaf behind all others if the key does.
func (s *Sorted) find(key string) (i, j int, ok bool) {
	lo, hi := 0, len(s.table)
	for lo < hi { // the first leaf whose last key is not below
		mid := int(uint(lo+hi) / 2)
		if e := s.table[mid].entries; e[len(e)-1].key < key {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == len(s.table) {
		return lo, 0, false
	}
	e := s.table[lo].entries
	a, b := 0, len(e)
	for a < b {
		mid := int(uint(a+b) / 2)
		if e[mid].key < key {
			a = mid + 1
		} else {
			b = mid
		}
	}
	return lo, a, a < len(e) && e[a].key == key
}

func (s *Sorted) own(i int) *leaf {
	l := s.table[i]
	if l.gen == *s.gen {
		return l
	}
	s.ownTable()
	c := &leaf{gen: *s.gen, entries: make([]entry, len(l.entries), max(cap(l.entries), len(l.entries)+1))}
	copy(c.entries, l.entries)
	s.table[i] = c
	return c
}

func (s *Sorted) ownTable() {
	if s.owned == *s.gen {
		return
	}
	t := make([]*leaf, len(s.table), len(s.table)+1)
	copy(t, s.table)
	s.table, s.owned = t, *s.gen
}

// Span is a run of an index, to be read like a slice. It must not be used
// after its index was changed in the same generation.
type Span struct {
	table []*leaf
	ends  []int // of the rows of each leaf, counted from the start of the span
	skip  int   // entries of the first leaf before the span
}

// From returns the keys from `from` on that are below `to`; "" for to is no
// bound.
func (s *Sorted) From(from, to string) Span {
	i, j, _ := s.find(from)
	k, l := len(s.table), 0
	if to != "" {
		k, l, _ = s.find(to)
	}
	if i > k || i == k && j >= l {
		return Span{}
	}
	p := Span{skip: j}
	n := 0
	for ; i < len(s.table) && i <= k; i++ {
		end := len(s.table[i].entries)
		if i == k {
			end = l
		}
		if end <= j {
			break
		}
		n += end - j
		j = 0
		p.table, p.ends = append(p.table, s.table[i]), append(p.ends, n)
	}
	return p
}

// Len returns how many keys there are.
func (p Span) Len() int {
	if len(p.ends) == 0 {
		return 0
	}
	return p.ends[len(p.ends)-1]
}

// At returns one of them, 0 to Len()-1, and its row.
func (p Span) At(i int) (key string, row uint32) {
	a, b := 0, len(p.ends)
	for a < b {
		mid := int(uint(a+b) / 2)
		if p.ends[mid] <= i {
			a = mid + 1
		} else {
			b = mid
		}
	}
	if a == 0 {
		i += p.skip
	} else {
		i -= p.ends[a-1]
	}
	e := p.table[a].entries[i]
	return e.key, e.row
}
