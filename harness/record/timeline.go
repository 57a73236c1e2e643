package record

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/flotilla-sim/flotilla/sim"
)

// event is an observation with its place in the order of arrival.
type event struct {
	number uint64
	sim.Observation
}

// note keeps an event, or counts that it could not.
func (r *Recorder) note(s *shard, d *device, o *sim.Observation) {
	if o.Device != "" && len(d.events) >= r.options.MaxEventsPerDevice {
		s.dropped++
		return
	}
	if r.kept.Add(1) > int64(r.options.MaxEvents) {
		r.kept.Add(-1)
		s.dropped++
		return
	}
	e := event{r.arrived.Add(1), *o}
	if len(e.Text) > MaxText {
		e.Text = shorten(e.Text)
	}
	d.events = append(d.events, e)
}

// shorten cuts a text to MaxText bytes at the border of a character and lets
// go of the rest.
func shorten(s string) string {
	const dots = "..."
	n := MaxText - len(dots)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.Clone(s[:n]) + dots
}

// Events returns what happened to one device, its own events and the hub's
// about it, ordered by time and at one instant by arrival. The device "" is
// the hub: the events of jobs as a whole.
//
// With a job, only what lies between the first and the last event that names
// that job and the device, less the events of other jobs: the transcript of
// one child. A job that never touched the device has none.
func (r *Recorder) Events(id sim.DeviceID, job string) []sim.Observation {
	s := r.shard(id)
	s.mu.Lock()
	var all []event
	if d := s.devices[id]; d != nil {
		all = slices.Clone(d.events)
	}
	s.mu.Unlock()
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.number, b.number))
	})
	if job != "" {
		of := func(e event) bool { return e.Job == job }
		first := slices.IndexFunc(all, of)
		if first < 0 {
			return nil
		}
		last := len(all) - 1
		for !of(all[last]) {
			last--
		}
		all = slices.DeleteFunc(all[first:last+1], func(e event) bool { return e.Job != "" && e.Job != job })
	}
	out := make([]sim.Observation, len(all))
	for i, e := range all {
		out[i] = e.Observation
	}
	return out
}

// EventCounts returns how many events were kept and how many were dropped.
func (r *Recorder) EventCounts() EventCounts {
	var c EventCounts
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		c.Dropped += s.dropped
		s.mu.Unlock()
	}
	c.Kept = r.kept.Load()
	return c
}
