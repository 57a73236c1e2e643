package zone_test

import (
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim/zone"
)

func TestLoad(t *testing.T) {
	for _, tt := range []struct{ name, err string }{
		{"Europe/Paris", ""},
		{"America/Argentina/ComodRivadavia", ""},
		{"GMT+0", ""},
		{"UTC", ""},
		{"Europe/Pari", `time zone "Europe/Pari": unknown; did you mean "Europe/Paris"?`},
		{"europe/paris", `did you mean "Europe/Paris"?`},
		{"Paris", `did you mean "Europe/Paris"?`},
		{" Asia/Katmandu", `did you mean "Asia/Katmandu"?`},
		{"Europe", `unknown; names are those`},
		{"utc", `did you mean "Etc/UTC"?`},
		{"", `names are those of the IANA Time Zone Database, like "Europe/Paris"`},
		{"Local", `unknown`},
		{"Factory", `unknown`},
		{"Middle-earth/Minas_Tirith", `unknown; names are those`},
		{"../doc.go", `unknown`},
		{"Europe/../UTC", `unknown`},
		{"/etc/localtime", `unknown`},
		{"UTC\x00", `unknown`},
		{strings.Repeat("Europe/", 40), `time zone "Europe/Europe/Europe"...: names have at most 64 bytes`},
	} {
		z, err := zone.Load(tt.name)
		switch {
		case tt.err == "" && err != nil:
			t.Errorf("Load(%q): %v", tt.name, err)
		case tt.err == "" && z.Name() != tt.name:
			t.Errorf("Load(%q).Name() = %q", tt.name, z.Name())
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("Load(%q): error %v; want one with %q", tt.name, err, tt.err)
		}
	}
}

// TestEveryZone: every embedded file can be loaded, and Offset agrees with
// package time in the first, the present and the last centuries.
func TestEveryZone(t *testing.T) {
	for _, name := range zone.Names() {
		z, loc := load(t, name), location(t, name)
		if z.Fixed() {
			t.Errorf("%s is a fixed offset", name)
		}
		for year := 1; year < 10000; year++ {
			if year > 100 && year < 1900 || year > 2100 && year < 9900 {
				continue
			}
			u := time.Date(year, time.Month(1+year%12), 15, 3, 4, 5, 0, time.UTC)
			if _, want := u.In(loc).Zone(); z.Offset(instant(u).Date) != want {
				t.Fatalf("%s: Offset(%s) = %d, want %d", name, u, z.Offset(instant(u).Date), want)
			}
		}
	}
}

// TestChangesOfClock holds the reading of a wall clock against a walk in steps
// of five minutes, which divide the offsets of these years, around every change
// of clock from 2010 to 2040 in zones with all sorts of them: some three hours
// of readings, for the day that Samoa left out more than two days. [decision
//
func TestChangesOfClock(t *testing.T) {
	from, to := 2010, 2041
	if testing.Short() {
		to = 2028
	}
	for _, name := range []string{"Europe/Paris", "Europe/Dublin", "Australia/Sydney", "America/St_Johns", "Asia/Kathmandu",
		"Pacific/Apia", "Africa/Casablanca", "Australia/Lord_Howe", "America/Sao_Paulo", "America/Nuuk", "Asia/Gaza"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			z, loc := load(t, name), location(t, name)
			end := time.Date(to, 1, 1, 0, 0, 0, 0, time.UTC)
			changes, skipped, twice := 0, 0, 0
			for u := time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC); u.Before(end); u = u.Add(time.Hour) {
				for read(u.Add(24*time.Hour), loc).Sub(read(u, loc)) == 24*time.Hour && u.Before(end) {
					u = u.Add(24 * time.Hour) // nothing in this day
				}
				before, after := read(u, loc), read(u.Add(time.Hour), loc)
				jump := after.Sub(before) - time.Hour
				if jump == 0 {
					continue
				}
				changes++
				reach, step := 100*time.Minute, 10*time.Minute
				if jump.Abs() > 2*time.Hour {
					reach, step = 26*time.Hour, 30*time.Minute
				}
				for w := before.Add(time.Hour - reach); w.Before(before.Add(time.Hour + reach)); w = w.Add(step) {
					text := w.Format("2006-01-02T15:04:05")
					s, err := zone.ParseStart(text, z)
					if err != nil {
						t.Fatal(err)
					}
					want := walkFind(loc, w, 5*time.Minute)
					if got := civil(s.At()); !got.Equal(want) {
						t.Errorf("%s = %s, want %s", text, got, want)
					}
					if !read(want, loc).Equal(w) {
						skipped++
						if jump < 0 || read(want, loc).Sub(w) != jump {
							t.Errorf("%s is put forward by %s; the clocks are by %s", text, read(want, loc).Sub(w), jump)
						}
					} else if jump < 0 && read(want.Add(-jump), loc).Equal(w) {
						twice++
					}
				}
			}
			t.Logf("%d changes, %d readings skipped, %d read twice", changes, skipped, twice)
			if name != "Asia/Kathmandu" && (skipped == 0 || twice == 0) {
				t.Error("not all sorts of changes were met")
			}
		})
	}
}

// TestChangesAreApart: what the package relies on: no zone is as far from UTC
// as a fixed offset may be, changes its offset twice within two days, or is
// put forward by more than a day.
func TestChangesAreApart(t *testing.T) {
	least := time.Duration(1 << 62)
	for _, name := range zone.Names() {
		loc := location(t, name)
		u := time.Date(1, 1, 1, 0, 0, 0, 0, loc)
		_, offset := u.Zone()
		var last time.Time
		for u.Year() < 2410 {
			_, end := u.ZoneBounds()
			if end.IsZero() {
				break
			}
			if !end.After(u) {
				end = u.AddDate(0, 0, 1) // see find
			}
			u = end
			_, o := u.Zone()
			if o == offset {
				continue
			}
			if !last.IsZero() {
				least = min(least, u.Sub(last))
			}
			if o-offset > 24*60*60 {
				t.Errorf("%s is put forward by %d s at %s", name, o-offset, u)
			}
			last, offset = u, o
			if o <= -86340 || o >= 86340 {
				t.Errorf("%s is %d s from UTC at %s", name, o, u)
			}
		}
	}
	t.Logf("the shortest time between two changes is %s", least)
	if least <= 48*time.Hour {
		t.Errorf("the shortest time between two changes is %s, want more than 48h", least)
	}
}
