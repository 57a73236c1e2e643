package scenarios

import (
	"fmt"
	"strings"
)

// nearest returns the known word that is most like got, or "" if none is like
// it. Of equally near ones the first wins.
func nearest(got string, known []string) string {
	if len(got) > 64 {
		return ""
	}
	a := strings.ToLower(got)
	best, at := "", len(a)/3+2 // exclusive bound: one slip in short words, a third in long ones
	for _, k := range known {
		if len(k) > 64 {
			continue
		}
		b := strings.ToLower(k)
		if d := distance(a, b); d < at {
			best, at = k, d
		}
	}
	return best
}

// didYouMean is the hint for an unknown word: the nearest known one, else all
// of them when they are few.
func didYouMean(got string, known []string) string {
	if n := nearest(got, known); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	if len(known) > 0 && len(known) <= 18 {
		return "known: " + strings.Join(known, ", ")
	}
	return ""
}

// distance is the number of insertions, deletions, replacements and swaps of
// neighbours that make b of a (optimal string alignment).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
