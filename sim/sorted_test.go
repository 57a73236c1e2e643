package sim_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/flotilla-sim/flotilla/sim"
	"pgregory.net/rapid"
)

// TestSorted plays random changes against a map, and holds every snapshot that
// was taken on the way against what the map was then.
func TestSorted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gen := uint32(1)
		s := sim.NewSorted(&gen)
		twin := map[string]uint32{}
		type snapshot struct {
			sorted sim.Sorted
			twin   map[string]uint32
		}
		var taken []snapshot
		number := rapid.IntRange(0, 1500)
		for range rapid.IntRange(1, 12).Draw(t, "rounds") {
			switch from, n := number.Draw(t, "from"), number.Draw(t, "count"); rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				for i := range n {
					key := fmt.Sprintf("k%04d", from+i)
					s.Set(key, uint32(from+i))
					twin[key] = uint32(from + i)
				}
			case 1:
				for i := n; i >= 0; i-- {
					key := fmt.Sprintf("k%04d", (from+i*7)%5000)
					s.Set(key, uint32(i))
					twin[key] = uint32(i)
				}
			case 2:
				for i := range n {
					key := fmt.Sprintf("k%04d", from+i)
					s.Delete(key)
					delete(twin, key)
				}
			case 3:
				taken = append(taken, snapshot{s, maps.Clone(twin)})
				gen++
			}
		}
		for _, x := range append(taken, snapshot{s, twin}) {
			compareSorted(t, x.sorted, x.twin, number)
		}
	})
}

func compareSorted(t *rapid.T, s sim.Sorted, twin map[string]uint32, number *rapid.Generator[int]) {
	if s.Len() != len(twin) {
		t.Fatalf("%d keys, want %d", s.Len(), len(twin))
	}
	from, to := fmt.Sprintf("k%04d", number.Draw(t, "from")), fmt.Sprintf("k%04d", number.Draw(t, "to"))
	for _, bounds := range [][2]string{{"", ""}, {from, to}, {from, ""}, {"", to}, {from, from}} {
		var want []string
		for _, k := range slices.Sorted(maps.Keys(twin)) {
			if k >= bounds[0] && (bounds[1] == "" || k < bounds[1]) {
				want = append(want, fmt.Sprint(k, "=", twin[k]))
			}
		}
		p := s.From(bounds[0], bounds[1])
		var got []string
		for i := range p.Len() {
			k, row := p.At(i)
			got = append(got, fmt.Sprint(k, "=", row))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("from %q to %q: %d keys, want %d:\n%v\n%v", bounds[0], bounds[1], len(got), len(want), got, want)
		}
	}
	row, ok := s.Get(from)
	if want, known := twin[from]; ok != known || row != want {
		t.Fatalf("Get(%s) = %d, %t; want %d, %t", from, row, ok, want, known)
	}
}

func BenchmarkSorted(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint("set/", n), func(b *testing.B) {
			gen := uint32(1)
			s := sim.NewSorted(&gen)
			for i := range n {
				s.Set(fmt.Sprintf("device-%07d", uint32(i)*2654435761%uint32(n)), uint32(i))
			}
			i := 0
			for b.Loop() {
				s.Set(fmt.Sprintf("new-%07d", i), 1)
				i++
			}
		})
	}
}
