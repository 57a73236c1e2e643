package zone_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/zone"
)

// start makes a start of a text, on the wall clock of a zone unless its name
// is "".
func start(t testing.TB, text, name string) zone.Start {
	t.Helper()
	var z *zone.Zone
	if name != "" {
		z = load(t, name)
	}
	s, err := zone.ParseStart(text, z)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func until(t testing.TB, text string) zone.End {
	t.Helper()
	d, err := zone.ParseDay(text)
	if err != nil {
		t.Fatal(err)
	}
	return zone.Until(d)
}

func utc(t testing.TB, text string) zone.Instant {
	t.Helper()
	return start(t, text, "").At()
}

// fires returns the first n occurrences from an instant on, in UTC.
func fires(r zone.Rule, from zone.Instant, n int) []string {
	var all []string
	at, ok := r.From(from, 0)
	for ; ok && len(all) < n; at, ok = r.Next(at, len(all)) {
		all = append(all, at.String())
	}
	return all
}

func TestFires(t *testing.T) {
	for _, tt := range []struct {
		name       string
		text, zone string
		kind       zone.Kind
		every      time.Duration
		end        zone.End
		from       string // "": the start
		want       string
	}{
		{name: "once", text: "2026-03-01T12:00:00Z", want: "2026-03-01T12:00:00Z"},
		{name: "once, past", text: "2026-03-01T12:00:00Z", from: "2026-03-01T12:00:00.000000001Z"},
		{name: "daily is 24 hours of the offset, whatever Paris does", text: "2026-03-28T02:30:00+01:00", kind: zone.Daily,
			want: "2026-03-28T01:30:00Z 2026-03-29T01:30:00Z 2026-03-30T01:30:00Z 2026-03-31T01:30:00Z"},
		{name: "daily in Paris, the reading of 29 March skipped", text: "2026-03-28T02:30:00+01:00", zone: "Europe/Paris", kind: zone.Daily,
			want: "2026-03-28T01:30:00Z 2026-03-29T01:30:00Z 2026-03-30T00:30:00Z 2026-03-31T00:30:00Z"},
		{name: "daily in Paris, the reading of 25 October twice", text: "2026-10-24T02:30:00", zone: "Europe/Paris", kind: zone.Daily,
			want: "2026-10-24T00:30:00Z 2026-10-25T00:30:00Z 2026-10-26T01:30:00Z 2026-10-27T01:30:00Z"},
		{name: "a start at the second of two readings fires then and not before", text: "2026-10-25T02:30:00+01:00", zone: "Europe/Paris", kind: zone.Daily,
			from: "2026-10-25T00:00:00Z", want: "2026-10-25T01:30:00Z 2026-10-26T01:30:00Z 2026-10-27T01:30:00Z 2026-10-28T01:30:00Z"},
		{name: "a start at a skipped reading keeps it for the other days", text: "2026-03-29T02:30:00", zone: "Europe/Paris", kind: zone.Daily,
			want: "2026-03-29T01:30:00Z 2026-03-30T00:30:00Z 2026-03-31T00:30:00Z 2026-04-01T00:30:00Z"},
		{name: "a start in another offset than the zone's", text: "2026-03-28T01:30:00Z", zone: "Europe/Paris", kind: zone.Daily,
			want: "2026-03-28T01:30:00Z 2026-03-29T01:30:00Z 2026-03-30T00:30:00Z 2026-03-31T00:30:00Z"},
		{name: "daily in Sydney, the reading of 5 April twice", text: "2026-04-04T02:30:00+11:00", zone: "Australia/Sydney", kind: zone.Daily,
			want: "2026-04-03T15:30:00Z 2026-04-04T15:30:00Z 2026-04-05T16:30:00Z 2026-04-06T16:30:00Z"},
		{name: "half an hour skipped on Lord Howe", text: "2026-10-03T02:15:00", zone: "Australia/Lord_Howe", kind: zone.Daily,
			want: "2026-10-02T15:45:00Z 2026-10-03T15:45:00Z 2026-10-04T15:15:00Z 2026-10-05T15:15:00Z"},
		{name: "midnight skipped in Sao Paulo", text: "2018-11-03T00:00:00", zone: "America/Sao_Paulo", kind: zone.Daily,
			want: "2018-11-03T03:00:00Z 2018-11-04T03:00:00Z 2018-11-05T02:00:00Z 2018-11-06T02:00:00Z"},
		{name: "a day skipped in Samoa: two occurrences at one instant are one", text: "2011-12-28T10:00:00", zone: "Pacific/Apia", kind: zone.Daily,
			want: "2011-12-28T20:00:00Z 2011-12-29T20:00:00Z 2011-12-30T20:00:00Z 2011-12-31T20:00:00Z"},
		{name: "weekly over the change", text: "2026-03-22T09:00:00.500+01:00", zone: "Europe/Paris", kind: zone.Weekly,
			want: "2026-03-22T08:00:00.5Z 2026-03-29T07:00:00.5Z 2026-04-05T07:00:00.5Z 2026-04-12T07:00:00.5Z"},
		{name: "weekly in an offset", text: "2026-03-22T09:00:00+05:45", kind: zone.Weekly,
			want: "2026-03-22T03:15:00Z 2026-03-29T03:15:00Z 2026-04-05T03:15:00Z 2026-04-12T03:15:00Z"},
		{name: "monthly on the 31st, no drift", text: "2027-12-31T08:00:00Z", kind: zone.Monthly,
			want: "2027-12-31T08:00:00Z 2028-01-31T08:00:00Z 2028-02-29T08:00:00Z 2028-03-31T08:00:00Z"},
		{name: "monthly on the 31st in an offset: the day is the offset's", text: "2027-01-31T23:00:00-05:00", kind: zone.Monthly,
			want: "2027-02-01T04:00:00Z 2027-03-01T04:00:00Z 2027-04-01T04:00:00Z 2027-05-01T04:00:00Z"},
		{name: "monthly from a leap day", text: "2028-02-29T08:00:00Z", kind: zone.Monthly, from: "2029-01-30T00:00:00Z",
			want: "2029-02-28T08:00:00Z 2029-03-29T08:00:00Z 2029-04-29T08:00:00Z 2029-05-29T08:00:00Z"},
		{name: "monthly from a midnight before 1970", text: "1968-12-31T00:00:00Z", kind: zone.Monthly,
			want: "1968-12-31T00:00:00Z 1969-01-31T00:00:00Z 1969-02-28T00:00:00Z 1969-03-31T00:00:00Z"},
		{name: "monthly and no leap day in 2100", text: "2096-02-29T00:00:00Z", kind: zone.Monthly, from: "2100-02-01T00:00:00Z",
			want: "2100-02-28T00:00:00Z 2100-03-29T00:00:00Z 2100-04-29T00:00:00Z 2100-05-29T00:00:00Z"},
		{name: "monthly onto a skipped reading", text: "2026-01-29T02:30:00", zone: "Europe/Paris", kind: zone.Monthly,
			want: "2026-01-29T01:30:00Z 2026-02-28T01:30:00Z 2026-03-29T01:30:00Z 2026-04-29T00:30:00Z"},
		{name: "every 5 s", text: "2026-01-01T00:00:01.250Z", kind: zone.Every, every: 5 * time.Second, from: "2026-01-01T00:00:11.250000001Z",
			want: "2026-01-01T00:00:16.25Z 2026-01-01T00:00:21.25Z 2026-01-01T00:00:26.25Z 2026-01-01T00:00:31.25Z"},
		{name: "every 1.1 s carries", text: "2026-01-01T00:00:00.900Z", kind: zone.Every, every: 1100 * time.Millisecond,
			want: "2026-01-01T00:00:00.9Z 2026-01-01T00:00:02Z 2026-01-01T00:00:03.1Z 2026-01-01T00:00:04.2Z"},
		{name: "every 12 h is elapsed time, whatever the zone", text: "2026-03-28T12:00:00", zone: "Europe/Paris", kind: zone.Every, every: 12 * time.Hour,
			want: "2026-03-28T11:00:00Z 2026-03-28T23:00:00Z 2026-03-29T11:00:00Z 2026-03-29T23:00:00Z"},

		// A start in the past: the first occurrence not before now. [S-7]
		{name: "now is an occurrence", text: "2020-01-01T06:00:00Z", kind: zone.Daily, from: "2026-06-30T06:00:00Z",
			want: "2026-06-30T06:00:00Z 2026-07-01T06:00:00Z 2026-07-02T06:00:00Z 2026-07-03T06:00:00Z"},
		{name: "now is just after one", text: "2020-01-01T06:00:00Z", kind: zone.Daily, from: "2026-06-30T06:00:00.000000001Z",
			want: "2026-07-01T06:00:00Z 2026-07-02T06:00:00Z 2026-07-03T06:00:00Z 2026-07-04T06:00:00Z"},

		// Far from now, in few steps.
		{name: "year 3022", text: "3022-01-01T00:00:00+02:00", kind: zone.Daily, from: "2026-01-01T00:00:00Z",
			want: "3021-12-31T22:00:00Z 3022-01-01T22:00:00Z 3022-01-02T22:00:00Z 3022-01-03T22:00:00Z"},
		{name: "from year 1", text: "0001-01-01T12:00:00Z", kind: zone.Daily, from: "9999-12-30T00:00:00Z",
			want: "9999-12-30T12:00:00Z 9999-12-31T12:00:00Z"},
		{name: "from year 1 in Paris", text: "0001-01-01T12:00:00", zone: "Europe/Paris", kind: zone.Weekly, from: "9999-12-20T00:00:00Z",
			want: "9999-12-20T11:00:00Z 9999-12-27T11:00:00Z"},
		{name: "monthly to the end", text: "0001-01-31T23:59:59Z", kind: zone.Monthly, from: "9999-11-01T00:00:00Z",
			want: "9999-11-30T23:59:59Z 9999-12-31T23:59:59Z"},
		{name: "every second to the end", text: "0001-01-01T00:00:00Z", kind: zone.Every, every: time.Second, from: "9999-12-31T23:59:58.5Z",
			want: "9999-12-31T23:59:59Z"},

		// Ends.
		{name: "3 times", text: "2026-01-01T00:00:00Z", kind: zone.Daily, end: zone.Times(3),
			want: "2026-01-01T00:00:00Z 2026-01-02T00:00:00Z 2026-01-03T00:00:00Z"},
		{name: "missed occurrences do not count", text: "2026-01-01T00:00:00Z", kind: zone.Daily, end: zone.Times(2), from: "2026-05-05T05:00:00Z",
			want: "2026-05-06T00:00:00Z 2026-05-07T00:00:00Z"},
		{name: "23:59 of the end date still fires", text: "2026-01-01T23:59:00+14:00", kind: zone.Daily, end: until(t, "2026-01-03"),
			want: "2026-01-01T09:59:00Z 2026-01-02T09:59:00Z 2026-01-03T09:59:00Z"},
		{name: "the end date is the zone's", text: "2026-03-28T23:30:00", zone: "Europe/Paris", kind: zone.Daily, end: until(t, "2026-03-29"),
			want: "2026-03-28T22:30:00Z 2026-03-29T21:30:00Z"},
		{name: "every, to the last second of the day", text: "2026-03-29T21:59:50Z", zone: "Europe/Paris", kind: zone.Every, every: 5 * time.Second,
			end: until(t, "2026-03-29"), want: "2026-03-29T21:59:50Z 2026-03-29T21:59:55Z"},
		{name: "an end on the day Samoa left out", text: "2011-12-29T23:59:50", zone: "Pacific/Apia", kind: zone.Every, every: 5 * time.Second,
			end: until(t, "2011-12-30"), want: "2011-12-30T09:59:50Z 2011-12-30T09:59:55Z"},
		{name: "an occurrence put forward beyond the end", text: "2011-12-28T10:00:00", zone: "Pacific/Apia", kind: zone.Daily,
			end: until(t, "2011-12-30"), want: "2011-12-28T20:00:00Z 2011-12-29T20:00:00Z"},
		{name: "clocks put back over midnight do not bring the day back", text: "2010-11-06T23:30:30", zone: "America/St_Johns", kind: zone.Every, every: 30 * time.Minute,
			end: until(t, "2010-11-06"), want: "2010-11-07T02:00:30Z"},
		{name: "midnight skipped from within: the day ends with the change", text: "1919-03-30T23:20:00", zone: "America/Toronto", kind: zone.Every,
			every: 5 * time.Minute, end: until(t, "1919-03-30"), want: "1919-03-31T04:20:00Z 1919-03-31T04:25:00Z"},
		{name: "the last day there is", text: "9999-12-31T22:00:00-01:00", kind: zone.Every, every: time.Hour, end: until(t, "9999-12-31"),
			want: "9999-12-31T23:00:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := zone.Rule{Start: start(t, tt.text, tt.zone), Kind: tt.kind, Every: tt.every, End: tt.end}
			if err := r.Validate(); err != nil {
				t.Fatal(err)
			}
			from := r.Start.At()
			if tt.from != "" {
				from = utc(t, tt.from)
			}
			if got := strings.Join(fires(r, from, 4), " "); got != tt.want {
				t.Errorf("%s, from %s, fires\n\t%s; want\n\t%s", r, from, got, tt.want)
			}
		})
	}
}

// TestFiresLikeAWalk holds the occurrences of daily, weekly and monthly rules
// against a walk from day to day.
func TestFiresLikeAWalk(t *testing.T) {
	names := []string{"", "Europe/Paris", "Europe/London", "Australia/Sydney", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia",
		"Africa/Casablanca", "Australia/Lord_Howe", "America/Sao_Paulo", "America/Nuuk", "Antarctica/Troll", "Pacific/Kwajalein"}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "zone")
		base := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
		switch rapid.IntRange(0, 3).Draw(t, "era") { // around the lost days, else anywhere
		case 0:
			base = time.Date(2011, 12, 1, 0, 0, 0, 0, time.UTC)
		case 1:
			base = time.Date(1993, 8, 1, 0, 0, 0, 0, time.UTC)
		default:
			base = base.AddDate(0, 0, rapid.IntRange(0, 70*365).Draw(t, "day"))
		}
		w := base.Add(time.Duration(rapid.IntRange(0, 31*24*12).Draw(t, "5 minutes"))*5*time.Minute +
			time.Duration(rapid.SampledFrom([]int64{0, 0, 1, 500_000_000, 59_999_999_999}).Draw(t, "more")))
		loc, text := time.UTC, w.Format(time.RFC3339Nano)
		var z *zone.Zone
		if name != "" {
			loc, z = location(silent, name), load(silent, name)
			text = strings.TrimSuffix(text, "Z")
		}
		first := walkFind(loc, w, 15*time.Minute)
		kind := rapid.SampledFrom([]zone.Kind{zone.Daily, zone.Weekly, zone.Monthly}).Draw(t, "kind")
		days := map[zone.Kind]int{zone.Daily: 60, zone.Weekly: 300, zone.Monthly: 800}[kind]
		want := walkDays(loc, kind, first, w, w.AddDate(0, 0, days))

		s, err := zone.ParseStart(text, z)
		if err != nil {
			t.Fatal(err)
		}
		r := zone.Rule{Start: s, Kind: kind}
		if rapid.Bool().Draw(t, "ends") {
			last := w.AddDate(0, 0, rapid.IntRange(0, days).Draw(t, "length")).Format(time.DateOnly)
			d, err := zone.ParseDay(last)
			if err != nil {
				t.Fatal(err)
			}
			r.End = zone.Until(d)
			for i := range want {
				if walkOver(loc, want[i], last) {
					want = append(want[:i:i], time.Time{})
					break
				}
			}
		}
		from := rapid.IntRange(0, len(want)-1).Draw(t, "from")
		if want[from].IsZero() {
			from = 0
		}
		if want[from].IsZero() {
			return
		}
		at, ok := r.From(instant(want[from]), 0)
		for _, u := range want[from:] {
			if u.IsZero() {
				if ok {
					t.Fatalf("%s: fires at %s, beyond its end", r, at)
				}
				return
			}
			if !ok || at != instant(u) {
				t.Fatalf("%s: fires at %s (%t), want %s", r, at, ok, instant(u))
			}
			at, ok = r.Next(at, 0)
		}
	})
}

// silent stands for a test where the zones are known to load.
var silent = new(testing.B)

// TestNext: an occurrence is the first after anything from the one before it
// up to itself, and the numbers of Nth agree with Next.
func TestNext(t *testing.T) {
	names := zone.Names()
	rapid.Check(t, func(t *rapid.T) {
		s, err := zone.ParseStart(time.Unix(rapid.Int64Range(-62135596800, 253402214400).Draw(t, "start"), 0).UTC().Format("2006-01-02T15:04:05"),
			load(silent, rapid.SampledFrom(names).Draw(t, "zone")))
		if err != nil {
			t.Skip()
		}
		r := zone.Rule{Start: s, Kind: rapid.SampledFrom([]zone.Kind{zone.Daily, zone.Weekly, zone.Monthly, zone.Every}).Draw(t, "kind")}
		if r.Kind == zone.Every {
			r.Every = time.Duration(rapid.Int64Range(int64(zone.MinEvery), 1<<62).Draw(t, "every"))
		}
		n := rapid.Int64Range(0, 4_000_000).Draw(t, "n")
		at, ok := r.Nth(n)
		later, also := r.Nth(n + 1)
		if !also {
			if next, ok := r.Next(at, 0); ok && next.Compare(at) > 0 && at != (zone.Instant{}) {
				t.Fatalf("%s: number %d is the last, at %s, but then comes %s", r, n, at, next)
			}
			return
		}
		if !ok || later.Compare(at) < 0 {
			t.Fatalf("%s: number %d is at %s (%t), the one after at %s", r, n, at, ok, later)
		}
		if later == at {
			return
		}
		between := at
		if gap := int64(later.Date - at.Date); gap > 0 {
			between.Date += sim.Date(rapid.Int64Range(0, gap).Draw(t, "between"))
		}
		if between.Compare(later) > 0 {
			between = at
		}
		for _, after := range []zone.Instant{at, between} {
			if after == later {
				continue
			}
			if got, ok := r.Next(after, 0); !ok || got != later {
				t.Fatalf("%s: after %s comes %s (%t), want number %d, %s", r, after, got, ok, n+1, later)
			}
		}
		if got, ok := r.From(later, 0); !ok || got != later {
			t.Fatalf("%s: from %s on comes %s (%t), want that itself", r, later, got, ok)
		}
	})
}

// TestOutside: numbers and instants that there are not give no occurrence, and
// that at once.
func TestOutside(t *testing.T) {
	r := zone.Rule{Start: start(t, "2026-01-01T00:00:00Z", ""), Every: 4 * time.Second}
	for _, r.Kind = range []zone.Kind{zone.Once, zone.Daily, zone.Weekly, zone.Monthly, zone.Every, zone.Kind(99)} {
		for _, n := range []int64{-1, math.MinInt64, 1 << 40, 1 << 62, math.MaxInt64} {
			if at, ok := r.Nth(n); ok {
				t.Errorf("%s: number %d is at %s, want none", r, n, at)
			}
		}
		for _, d := range []sim.Date{253402300800, math.MaxInt64} {
			if at, ok := r.Next(zone.Instant{Date: d}, 0); ok {
				t.Errorf("%s: after second %d comes %s, want nothing", r, d, at)
			}
		}
		if at, ok := r.Next(zone.Instant{Date: -1 << 40}, 0); !ok || at != r.Start.At() {
			t.Errorf("%s: long before its start comes %s (%t)", r, at, ok)
		}
	}
}
