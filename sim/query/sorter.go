package query

import "slices"

// sorter sorts what comes in pieces, and merges the pieces in steps of a
// bounded length.
type sorter[T any] struct {
	compare func(a, b T) int // 0 for one and the same alone

	items []T
	runs  []int // ends of the sorted pieces of items

	// A pass merges pairs of neighbouring runs into other.

	other  []T
	merged []int // ends of the runs of other
	pair   int   // the run that is being merged with the one after it
	i, j   int   // what is next of each
}

func (s *sorter[T]) len() int { return len(s.items) }

func (s *sorter[T]) add(x T) { s.items = append(s.items, x) }

// sortTail makes what was added since the last call a sorted run.
func (s *sorter[T]) sortTail() {
	from := end(s.runs, len(s.runs)-1)
	if from == len(s.items) {
		return
	}
	s.sort(s.items[from:])
	s.runs = append(s.runs, len(s.items))
}

func (s *sorter[T]) sort(items []T) {
	slices.SortFunc(items, s.compare)
}

// keep drops all but the first n in order, and returns the last of them.
func (s *sorter[T]) keep(n int) T {
	s.sort(s.items)
	clear(s.items[n:])
	s.items = s.items[:n]
	s.runs = append(s.runs[:0], n)
	return s.items[n-1]
}

// end is where run i ends, 0 before the first.
func end(runs []int, i int) int {
	if i < 0 {
		return 0
	}
	return runs[i]
}

// merge moves up to n items; it returns true when all are in order.
func (s *sorter[T]) merge(n int) (done bool) {
	if len(s.runs) <= 1 {
		return true
	}
	if s.other == nil {
		s.other = make([]T, 0, len(s.items))
	}
	for ; n > 0 && s.pair < len(s.runs); n-- {
		if len(s.other) == end(s.runs, s.pair-1) {
			s.i, s.j = end(s.runs, s.pair-1), s.runs[s.pair]
		}
		endI, endJ := s.runs[s.pair], s.runs[min(s.pair+1, len(s.runs)-1)]
		if s.i < endI && (s.j >= endJ || s.compare(s.items[s.i], s.items[s.j]) < 0) {
			s.other = append(s.other, s.items[s.i])
			s.i++
		} else {
			s.other = append(s.other, s.items[s.j])
			s.j++
		}
		if len(s.other) == endJ {
			s.merged = append(s.merged, endJ)
			s.pair += 2
		}
	}
	if s.pair < len(s.runs) {
		return false
	}
	s.items, s.other = s.other, s.items[:0]
	s.runs, s.merged, s.pair = s.merged, s.runs[:0], 0
	return len(s.runs) == 1
}
