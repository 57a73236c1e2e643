package sim_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/sim"
)

// TestPagesAgainstSlices: a list in pages behaves as a slice, and a snapshot
// as a copy of it.
func TestPagesAgainstSlices(t *testing.T) {
	type snapshot struct {
		pages sim.Pages[int]
		rows  []int
	}
	rapid.Check(t, func(t *rapid.T) {
		var gen uint32
		pages, rows := sim.NewPages[int](&gen), []int{}
		var taken []snapshot
		grow := func(n int) {
			for range n {
				*pages.Append(len(rows)) += 1_000_000
				rows = append(rows, len(rows)+1_000_000)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) { grow(rapid.SampledFrom([]int{1, 2, 255, 256, 300}).Draw(t, "n")) },
			"change": func(t *rapid.T) {
				if len(rows) == 0 {
					t.Skip("empty")
				}
				i := rapid.IntRange(0, len(rows)-1).Draw(t, "i")
				*pages.Mut(i)++
				rows[i]++
			},
			"snapshot": func(t *rapid.T) {
				taken = append(taken, snapshot{pages, slices.Clone(rows)})
				gen++
				if len(taken) > 3 {
					taken = taken[1:]
				}
			},
			"": func(t *rapid.T) {
				for _, s := range append(taken, snapshot{pages, rows}) {
					if s.pages.Len() != len(s.rows) {
						t.Fatalf("%d rows; want %d", s.pages.Len(), len(s.rows))
					}
					for i, want := range s.rows {
						if got := *s.pages.At(i); got != want {
							t.Fatalf("row %d of %d is %d; want %d", i, len(s.rows), got, want)
						}
					}
				}
			},
		})
	})
}
