package hub

import (
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/query"
)

// indexes find devices without looking at each. A key ends with the device's
// id, so that each run of an index is in ascending order of ids.
type indexes struct {
	ids    sim.Sorted // device id -> number
	labels sim.Sorted // label, a zero byte, device id -> number
	tagged sim.Sorted // name of a tag, a zero byte, its value, a zero byte, device id -> number; tags that are strings
	barred sim.Sorted // id of a disabled device -> number
}

func newIndexes(gen *uint32) indexes {
	return indexes{ids: sim.NewSorted(gen), labels: sim.NewSorted(gen), tagged: sim.NewSorted(gen), barred: sim.NewSorted(gen)}
}

// label writes the labels of a device into the index, or takes them out.
func (x *indexes) label(id sim.DeviceID, labels []string, n uint32, in bool) {
	for _, l := range labels {
		put(&x.labels, l+"\x00"+string(id), n, in)
	}
}

// tag writes the tags of a device into the index, or takes them out.
func (x *indexes) tag(id sim.DeviceID, tags doc.Value, n uint32, in bool) {
	for name, v := range tags.Members() {
		if v.Kind() != doc.KindString || strings.Contains(name, "\x00") || strings.Contains(v.Text(), "\x00") {
			continue
		}
		put(&x.tagged, name+"\x00"+v.Text()+"\x00"+string(id), n, in)
	}
}

// bar writes into the index whether a device is disabled.
func (x *indexes) bar(id sim.DeviceID, n uint32, disabled bool) {
	put(&x.barred, string(id), n, disabled)
}

func put(index *sim.Sorted, key string, n uint32, in bool) {
	if in {
		index.Set(key, n)
	} else {
		index.Delete(key)
	}
}

// candidates are devices behind the id `after` ("" for all), among which are
// all that fulfil the equalities; the fewest that an index knows of.
func (x *indexes) candidates(by []query.Equality, after sim.DeviceID) sim.Span {
	best := run(&x.ids, "", after)
	for _, e := range by {
		if s, ok := x.lookup(e, after); ok && s.Len() < best.Len() {
			best = s
		}
	}
	return best
}

// lookup returns the devices behind an id of which an equality is true; false
// if no index knows.
func (x *indexes) lookup(e query.Equality, after sim.DeviceID) (sim.Span, bool) {
	if len(e.Values) != 1 || len(e.Path.Rest) > 0 || e.Text != query.Ordinal || strings.Contains(e.Path.Name+e.Values[0], "\x00") {
		return sim.Span{}, false
	}
	switch v := e.Values[0]; {
	case e.Path.Is(query.DeviceID) && !e.Contains:
		if sim.DeviceID(v) <= after {
			return sim.Span{}, true
		}
		return x.ids.From(v, v+"\x00"), true
	case e.Path.Is(query.Path{Space: query.Labels}) && e.Contains:
		return run(&x.labels, v+"\x00", after), true
	case e.Path.Space == query.Tags && e.Path.Name != "" && !e.Contains:
		return run(&x.tagged, e.Path.Name+"\x00"+v+"\x00", after), true
	}
	return sim.Span{}, false
}

// run returns the keys of an index that begin with a prefix, which ends with a
// zero byte or is empty, and go on with an id behind `after`.
func run(index *sim.Sorted, prefix string, after sim.DeviceID) sim.Span {
	from, to := prefix, ""
	if after != "" {
		from += string(after) + "\x00" // the first name behind it
	}
	if prefix != "" {
		to = prefix[:len(prefix)-1] + "\x01"
	}
	return index.From(from, to)
}
