package record

import (
	"cmp"
	"slices"

	"github.com/flotilla-sim/flotilla/sim"
)

// Timeline returns every event that was kept, ordered by time and at one
// instant by arrival.
func (r *Recorder) Timeline() []sim.Observation {
	var all []event
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for _, d := range s.devices { // any order: sorted below
			all = append(all, d.events...)
		}
		s.mu.Unlock()
	}
	slices.SortFunc(all, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.number, b.number))
	})
	out := make([]sim.Observation, len(all))
	for i, e := range all {
		out[i] = e.Observation
	}
	return out
}
