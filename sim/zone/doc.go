// Package zone says when a schedule fires: time zones from one pinned copy of
// the zone files, and recurrence in fixed offset or on a zone's wall clock.
// Everything is a function of its arguments: nothing reads a clock, a file,
// $TZ or the machine's own zone files, so every machine reckons the same.
//
//	z, err := zone.Load("Europe/Paris") // nil where a fixed offset will do
//	start, err := zone.ParseStart("2026-03-20T02:30:00+01:00", z)
//	r := zone.Rule{Start: start, Kind: zone.Daily, End: zone.Times(30)}
//	err = r.Validate()
//	err = r.Admit(now) // once, when the schedule is accepted
//	at, ok := r.From(now, 0)
//	... at `at`, the first instance is created
//	at, ok = r.Next(at, 1)
//
// The caller keeps the zone it loaded (Load reads the file anew), the instant
// it has armed and how many instances were created; it converts between
// instants and its own clock with At and Instant.Time. A one-time schedule
// that has not fired is armed for its start, however late that is by then.
//
// # When a schedule fires
//
// Occurrence 0 is the start as written: an instant, whatever the zone. The
// others are reckoned from the start, never from the one before, so that
// nothing drifts. Kind Every counts elapsed time. Daily, Weekly and Monthly
// repeat the reading of a clock:
//
//   - Without a zone it is the clock of the offset written in the start: a
//     day is 24 hours, always.
//   - With a zone it is that zone's wall clock. A reading that is skipped
//     fires as much later as the clocks are put forward (02:30 becomes
//     03:30); one that comes twice fires the first time.
//   - Monthly keeps the start's day of the month; a month that lacks it uses
//     its last day (31 January, 28 February, 31 March).
//
// Two occurrences that fall on one instant are one: where a zone left out a
// whole day (Pacific/Apia, 30 December 2011), that day's occurrence is put
// forward onto the next day's.
//
// An end date is a whole day of the schedule's zone, inclusive. It is over as
// soon as the zone's clocks first show a later day; clocks put back over
// midnight do not bring it back. A count ends a schedule by the instances
// created, so occurrences that were missed do not count.
//
// Instants have nanoseconds, from the year 0001 to 9999 in UTC; there are no
// occurrences beyond. All occurrences of Daily, Weekly and Monthly have the
// start's fraction of a second. Leap seconds do not exist.
//
// # The zone files
//
// The folder data holds the compiled zone files (RFC 9636), all zones and
// links, that the Go distribution ships as lib/time/zoneinfo.zip; Version is
// their version. They are made from the IANA Time Zone Database, which its
// maintainers state to be in the public domain. To take over the files of the
// Go distribution in use:
//
//	go test ./sim/zone -run TestPinned -pin
//
// then set Version, run the tests, and read what changed in testdata.
package zone

// Version is the release of the IANA Time Zone Database in the folder data.
const Version = "2025c"
