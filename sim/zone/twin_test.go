package zone_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/zone"
)

// The twins do by walking, with package time alone, what the package reckons.
// A clock's reading is a time.Time in UTC that shows the same.

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	b, err := os.ReadFile("data/" + name)
	if err != nil {
		t.Fatal(err)
	}
	loc, err := time.LoadLocationFromTZData(name, b)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func load(t testing.TB, name string) *zone.Zone {
	t.Helper()
	z, err := zone.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func read(u time.Time, loc *time.Location) time.Time {
	_, offset := u.In(loc).Zone()
	return u.Add(time.Duration(offset) * time.Second)
}

// walkFind goes through an hour more than the day before and after a reading,
// step by step, until the clock shows it or has gone past it: then it stays
// on the clock as it was.
func walkFind(loc *time.Location, w time.Time, step time.Duration) time.Time {
	for u := w.Add(-25 * time.Hour); ; u = u.Add(step) {
		switch now := read(u, loc); {
		case now.Equal(w):
			return u
		case now.After(w):
			before := u.Add(-step)
			return before.Add(w.Sub(read(before, loc)))
		}
	}
}

// walkOver goes through the day before an occurrence, minute by minute, and
// says whether the clock shows a day after the last.
func walkOver(loc *time.Location, at time.Time, last string) bool {
	for u := at.Add(-24 * time.Hour); !u.After(at); u = u.Add(time.Minute) {
		if read(u, loc).Format(time.DateOnly) > last {
			return true
		}
	}
	return false
}

// walkDays goes day by day from the reading w of a start to `until` and
// collects the instants of the days on which a rule of the kind fires, each
// once.
func walkDays(loc *time.Location, kind zone.Kind, start, w, until time.Time) []time.Time {
	found := []time.Time{start}
	for n := 1; ; n++ {
		d := w.AddDate(0, 0, n)
		if d.After(until) {
			slices.SortFunc(found, time.Time.Compare)
			return slices.CompactFunc(found, time.Time.Equal)
		}
		last := d.AddDate(0, 0, 1).Month() != d.Month()
		switch {
		case kind == zone.Weekly && n%7 != 0:
		case kind == zone.Monthly && d.Day() != w.Day() && !(last && d.Day() < w.Day()):
		default:
			found = append(found, walkFind(loc, d, 15*time.Minute))
		}
	}
}

func instant(u time.Time) zone.Instant {
	return zone.Instant{Date: sim.Date(u.Unix()), Nanos: int32(u.Nanosecond())}
}

func civil(i zone.Instant) time.Time { return time.Unix(int64(i.Date), int64(i.Nanos)).UTC() }
