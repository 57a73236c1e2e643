package zone_test

import (
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim/zone"
)

// TestValidate: every complaint is made, and all of them at once.
func TestValidate(t *testing.T) {
	s := start(t, "2026-03-20T23:30:00-05:00", "")
	for _, tt := range []struct {
		rule zone.Rule
		want string // "": none
	}{
		{zone.Rule{Start: s}, ""},
		{zone.Rule{Start: s, Kind: zone.Daily, End: zone.Times(1)}, ""},
		{zone.Rule{Start: s, Kind: zone.Daily, End: zone.Times(999)}, ""},
		{zone.Rule{Start: s, Kind: zone.Every, Every: time.Second}, ""},
		{zone.Rule{Start: s, Kind: zone.Daily, End: until(t, "2026-03-20")}, ""}, // in the schedule's zone it is the 20th still
		{zone.Rule{}, "schedule: start: is missing"},
		{zone.Rule{Start: s, Kind: zone.Every + 1}, "schedule: recurrence: must be once, daily, weekly, monthly or every, is kind-5"},
		{zone.Rule{Start: s, Kind: zone.Every}, "schedule: every: must be at least 1s, is 0s"},
		{zone.Rule{Start: s, Kind: zone.Every, Every: -time.Hour}, "schedule: every: must be at least 1s, is -1h0m0s"},
		{zone.Rule{Start: s, Kind: zone.Daily, Every: time.Hour}, "schedule: every: must be left out of a schedule that recurs daily, is 1h0m0s"},
		{zone.Rule{Start: s, Kind: zone.Daily, End: zone.Times(0)}, "schedule: end: occurrences must be 1 to 999, is 0"},  // what the kind of end asks for is missing
		{zone.Rule{Start: s, End: zone.Times(1)}, "schedule: end: a schedule that does not recur has none; leave it out"},
		{zone.Rule{Start: s, End: until(t, "2026-03-20")}, "schedule: end: a schedule that does not recur has none; leave it out"},
		{zone.Rule{Start: s, Kind: zone.Daily, End: zone.Times(1000)}, "schedule: end: occurrences must be 1 to 999, is 1000"},
		{zone.Rule{Start: s, Kind: zone.Daily, End: zone.End{Kind: 7}}, "schedule: end: must be a date or a number of occurrences, is of kind 7"},
		{zone.Rule{Start: s, Kind: zone.Daily, End: until(t, "2026-03-19")},
			"schedule: end: date 2026-03-19 is before the first occurrence, 2026-03-20T23:30:00-05:00; choose a later one"},
		{zone.Rule{Kind: zone.Every, End: zone.Times(-1)},
			"schedule: start: is missing\nschedule: every: must be at least 1s, is 0s\nschedule: end: occurrences must be 1 to 999, is -1"},
	} {
		got := ""
		if err := tt.rule.Validate(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("Validate(%s):\n%s\nwant:\n%s", tt.rule, got, tt.want)
		}
		// What is wrong does no harm.
		tt.rule.From(utc(t, "2027-01-01T00:00:00Z"), 0)
		if err := tt.rule.Admit(utc(t, "2026-01-01T00:00:00Z")); tt.want == "" && err != nil {
			t.Errorf("Admit(%s): %v", tt.rule, err)
		}
	}
}

// TestAdmit: a start in the past. [S-7, decision A-27; end date: A-25]
func TestAdmit(t *testing.T) {
	past := start(t, "2026-03-20T12:00:00Z", "")
	for _, tt := range []struct {
		rule zone.Rule
		now  string
		want string // "": accepted
	}{
		{zone.Rule{Start: past}, "2026-03-20T12:00:00Z", ""},
		{zone.Rule{Start: past}, "2026-03-20T12:01:00Z", ""},
		{zone.Rule{Start: past}, "2026-03-20T12:01:00.000000001Z",
			"schedule: start: 2026-03-20T12:00:00Z is past and the schedule does not recur; choose a time from now on, 2026-03-20T12:01:00.000000001Z"},
		{zone.Rule{Start: past, Kind: zone.Daily}, "2030-01-01T00:00:00Z", ""},
		{zone.Rule{Start: past, Kind: zone.Daily, End: until(t, "2026-03-25")}, "2026-03-25T12:00:00Z", ""},
		{zone.Rule{Start: past, Kind: zone.Daily, End: until(t, "2026-03-25")}, "2026-03-25T12:00:01Z",
			"schedule: end: date 2026-03-25 is before the first occurrence from now on, 2026-03-26T12:00:00Z; choose a later one"},
		{zone.Rule{Start: past, Kind: zone.Monthly}, "9999-12-20T12:00:00.5Z",
			"schedule: start: there is no occurrence of monthly from 2026-03-20T12:00:00Z from now on, 9999-12-20T12:00:00.5Z"},
		{zone.Rule{Start: start(t, "9999-12-31T23:59:59Z", "")}, "2026-01-01T00:00:00Z", ""},
	} {
		got := ""
		if err := tt.rule.Admit(utc(t, tt.now)); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("Admit(%s, %s):\n%s\nwant:\n%s", tt.rule, tt.now, got, tt.want)
		}
	}
}

func TestRuleWords(t *testing.T) {
	s := start(t, "2026-03-20T02:30:00", "Europe/Paris")
	for want, r := range map[string]zone.Rule{
		"once from 2026-03-20T02:30:00Z":                                  {Start: start(t, "2026-03-20T02:30:00Z", "")},
		"daily from 2026-03-20T02:30:00 in Europe/Paris until 2026-04-20": {Start: s, Kind: zone.Daily, End: until(t, "2026-04-20")},
		"every 1m30s from 2026-03-20T02:30:00 in Europe/Paris 3 times":    {Start: s, Kind: zone.Every, Every: 90 * time.Second, End: zone.Times(3)},
		"once from ": {},
		"monthly from 2026-03-20T02:30:00+01:00 in Europe/Paris until 2026-04-20": {Start: start(t, "2026-03-20T02:30:00+01:00", "Europe/Paris"), Kind: zone.Monthly, End: until(t, "2026-04-20")},
	} {
		if r.String() != want {
			t.Errorf("%q, want %q", r, want)
		}
		for other, o := range map[string]zone.Rule{want: r, "another": {Start: s, Kind: zone.Weekly}} {
			if r.Equal(o) != (other == want) {
				t.Errorf("%q equal to %q: %t", r, o, r.Equal(o))
			}
		}
	}
	for _, k := range []zone.Kind{zone.Once, zone.Daily, zone.Weekly, zone.Monthly, zone.Every} {
		if got, err := zone.ParseKind(k.String()); err != nil || got != k {
			t.Errorf("ParseKind(%q) = %s, %v", k, got, err)
		}
	}
	for _, word := range []string{"yearly", "Daily", "", "kind-9"} {
		if _, err := zone.ParseKind(word); err == nil || !strings.Contains(err.Error(), "write once, daily, weekly, monthly or every") {
			t.Errorf("ParseKind(%q): error %v", word, err)
		}
	}
}
