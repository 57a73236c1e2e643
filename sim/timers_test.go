package sim_test

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/sim"
)

// sorted is the dumb twin of sim.Timers: a list, sorted whenever it is asked.
type sorted struct {
	list []armed
	seq  int
}

type armed struct {
	key uint32
	at  sim.Time
	seq int
}

func (s *sorted) clear(key uint32) {
	s.list = slices.DeleteFunc(s.list, func(a armed) bool { return a.key == key })
}

func (s *sorted) set(key uint32, at sim.Time) {
	s.clear(key)
	if at != sim.Never {
		s.seq++
		s.list = append(s.list, armed{key, at, s.seq})
	}
}

func (s *sorted) first() (armed, bool) {
	if len(s.list) == 0 {
		return armed{at: sim.Never}, false
	}
	return slices.MinFunc(s.list, func(a, b armed) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.seq, b.seq))
	}), true
}

func (s *sorted) at(key uint32) sim.Time {
	for _, a := range s.list {
		if a.key == key {
			return a.at
		}
	}
	return sim.Never
}

func TestTimersAgainstSortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var fast sim.Timers
		var dumb sorted
		key := rapid.Uint32Range(0, 12)
		at := rapid.Map(rapid.Int64Range(0, 9), func(n int64) sim.Time {
			if n == 9 {
				return sim.Never
			}
			return sim.Time(n) // few instants, so that many are equal
		})
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				k, when := key.Draw(t, "key"), at.Draw(t, "at")
				fast.Set(k, when)
				dumb.set(k, when)
			},
			"clear": func(t *rapid.T) {
				k := key.Draw(t, "key")
				fast.Clear(k)
				dumb.clear(k)
			},
			"pop": func(t *rapid.T) {
				now := at.Draw(t, "now")
				want, any := dumb.first()
				due := any && want.at <= now
				got, ok := fast.Pop(now)
				if ok != due || ok && got != want.key {
					t.Fatalf("Pop(%s) = %d, %t; want %d, %t", now, got, ok, want.key, due)
				}
				if due {
					dumb.clear(want.key)
				}
			},
			"reset": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "really") == 0 {
					fast.Reset()
					dumb.list = nil
				}
			},
			"": func(t *rapid.T) {
				if first, _ := dumb.first(); fast.Next() != first.at || fast.Len() != len(dumb.list) {
					t.Fatalf("Next() = %s with %d armed; want %s with %d", fast.Next(), fast.Len(), first.at, len(dumb.list))
				}
				for k := range uint32(13) {
					if got, want := fast.At(k), dumb.at(k); got != want {
						t.Fatalf("At(%d) = %s; want %s", k, got, want)
					}
				}
			},
		})
	})
}

func TestTimersOrderOfArming(t *testing.T) {
	var timers sim.Timers
	for _, k := range []uint32{7, 3, 5, 1} {
		timers.Set(k, 10)
	}
	timers.Set(7, 10) // armed anew: goes to the end
	timers.Set(9, 4)
	timers.Set(5, sim.Never)
	var got []uint32
	for k, ok := timers.Pop(10); ok; k, ok = timers.Pop(10) {
		got = append(got, k)
	}
	if want := []uint32{9, 3, 1, 7}; !slices.Equal(got, want) {
		t.Errorf("popped %v; want %v", got, want)
	}
}

func BenchmarkTimers(b *testing.B) {
	var timers sim.Timers
	r := sim.NewRand(1, 1)
	for k := range uint32(100_000) {
		timers.Set(k, sim.Time(r.N(1e9)))
	}
	for b.Loop() {
		now := timers.Next()
		k, _ := timers.Pop(now)
		timers.Set(k, now+sim.Time(r.N(1e9)))
	}
}
