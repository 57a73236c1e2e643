package zone

import (
	"embed"
	"fmt"
	"slices"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

//go:embed data
var data embed.FS

// Zone is a time zone: of the IANA Time Zone Database, or a fixed offset. It
// does not change and may be shared; nil is UTC.
type Zone struct {
	name   string
	loc    *time.Location // nil for a fixed offset
	offset int64          // of a fixed one, in seconds east of UTC
}

// maxName is how long the name of a zone may be, in bytes; the longest there
// is has 32.
const maxName = 64

// Load returns the zone of a name like "Europe/Paris", in the letters in which
// the database writes it; the error names the nearest one. It reads the
// embedded file every time: keep the zone.
func Load(name string) (*Zone, error) {
	if len(name) > maxName {
		return nil, fmt.Errorf("time zone %.20q...: names have at most %d bytes", name, maxName)
	}
	file, err := data.ReadFile("data/" + name)
	if err != nil || name == "" {
		const hint = "names are those of the IANA Time Zone Database, like \"Europe/Paris\""
		if near := nearest(name, Names()); near != "" {
			return nil, fmt.Errorf("time zone %q: unknown; did you mean %q?", name, near)
		}
		return nil, fmt.Errorf("time zone %q: unknown; %s", name, hint)
	}
	// The clock is read in here, but only to choose what to cache: it has no
	// effect on what is answered.
	loc, err := time.LoadLocationFromTZData(name, file)
	if err != nil {
		return nil, fmt.Errorf("time zone %q: embedded file: %w", name, err)
	}
	return &Zone{name: name, loc: loc}, nil
}

// maxOffset is how far a fixed offset may be from UTC, in seconds: what
// RFC 3339 can write. Clocks of the database stay within it too.
const maxOffset = day - 60

// fixed returns the zone of an offset in seconds east of UTC, whole minutes.
func fixed(offset int64) *Zone {
	name, o, sign := "Z", offset/60, '+'
	if o < 0 {
		o, sign = -o, '-'
	}
	if o != 0 {
		name = fmt.Sprintf("%c%02d:%02d", sign, o/60, o%60)
	}
	return &Zone{name: name, offset: offset}
}

// Names returns the names of all zones and links, sorted.
func Names() []string {
	var names []string
	for folders := []string{""}; len(folders) > 0; {
		folder := folders[0]
		folders = folders[1:]
		entries, err := data.ReadDir("data" + trimmed(folder))
		if err != nil {
			panic(fmt.Sprintf("zone: embedded folder %q: %v", folder, err))
		}
		for _, e := range entries {
			if e.IsDir() {
				folders = append(folders, folder+e.Name()+"/")
			} else {
				names = append(names, folder+e.Name())
			}
		}
	}
	slices.Sort(names)
	return names
}

// trimmed turns a folder's "Europe/" into "/Europe".
func trimmed(folder string) string {
	if folder == "" {
		return ""
	}
	return "/" + folder[:len(folder)-1]
}

// Name returns the zone's name: as given to Load, or a fixed offset as
// RFC 3339 writes it, "Z" for 0.
func (z *Zone) Name() string {
	if z == nil {
		return "Z"
	}
	return z.name
}

// Fixed says whether the zone is a fixed offset rather than one of the
// database.
func (z *Zone) Fixed() bool { return z == nil || z.loc == nil }

// Offset returns how far the zone's clocks are ahead of UTC at d, in seconds.
func (z *Zone) Offset(d sim.Date) int {
	if z.Fixed() {
		return int(z.fixedOffset())
	}
	_, offset := time.Unix(int64(d), 0).In(z.loc).Zone()
	return offset
}

func (z *Zone) fixedOffset() int64 {
	if z == nil {
		return 0
	}
	return z.offset
}

// wall is the reading of a zone's clocks: the seconds since 1970 of a UTC
// clock that reads the same.
type wall int64

// read returns what the zone's clocks show at d.
func (z *Zone) read(d sim.Date) wall { return wall(int64(d) + int64(z.Offset(d))) }

// find returns when the zone's clocks show w: the first time, if they do so
// twice, and as much later as they were put forward, if they skipped it. It
// also returns when they first show w or anything later: the same instant,
// or that of the change that skipped w.
//
// It wants that no zone changes its offset twice within two days. It does not
// ask package time for the change: Time.ZoneBounds is exact only close to
// one, and ends an interval too early on 31 December of a leap year.
func (z *Zone) find(w wall) (at, reached sim.Date) {
	if z.Fixed() {
		at = sim.Date(int64(w) - z.fixedOffset())
		return at, at
	}
	// No clock shows w at low yet, nor at high any more.
	low, high := sim.Date(w-maxOffset), sim.Date(w+maxOffset)
	before, after := z.Offset(low), z.Offset(high)
	at = sim.Date(int64(w) - int64(before))
	if before == after {
		return at, at
	}
	for high-low > 1 {
		if mid := low + (high-low)/2; z.Offset(mid) == before {
			low = mid
		} else {
			high = mid
		}
	}
	if at < high {
		return at, at
	}
	if second := sim.Date(int64(w) - int64(after)); second >= high {
		return second, second
	}
	return at, high
}
