package virtue

import (
	"cmp"
	"maps"
	"slices"
)

type index map[string]int

func names(m index) []string { return slices.Sorted(maps.Keys(m)) }

func ranked(m index) []int {
	return slices.SortedFunc(maps.Values(m), func(a, b int) int { return cmp.Compare(b, a) })
}

func total(m index) (n int) {
	// any order: adds up
	for _, v := range m {
		n += v
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		n += m[k]
	}
	// any order: only counts
	for range maps.Keys(m) {
		n++
	}
	delete(m, "x")
	clear(m)
	return n
}
