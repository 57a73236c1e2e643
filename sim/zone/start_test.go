package zone_test

import (
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim/zone"
)

func TestParseStart(t *testing.T) {
	for _, tt := range []struct {
		text, zone string
		want, in   string // instant in UTC, name of the zone it lives in
		err        string
	}{
		{text: "2026-03-01T12:00:00Z", want: "2026-03-01T12:00:00Z", in: "Z"},
		{text: "2026-03-01t12:00:00z", want: "2026-03-01T12:00:00Z", in: "Z"},
		{text: "2026-03-01T12:00:00+00:00", want: "2026-03-01T12:00:00Z", in: "Z"},
		{text: "2026-03-01T12:00:00-00:00", want: "2026-03-01T12:00:00Z", in: "Z"},
		{text: "2026-03-01T12:00:01.500Z", want: "2026-03-01T12:00:01.5Z", in: "Z"},
		{text: "2026-03-01T12:00:00.000Z", want: "2026-03-01T12:00:00Z", in: "Z"},
		{text: "2026-03-01T12:00:00.1234567899999Z", want: "2026-03-01T12:00:00.123456789Z", in: "Z"},
		{text: "2026-03-01T12:00:00+05:45", want: "2026-03-01T06:15:00Z", in: "+05:45"},
		{text: "2026-03-01T12:00:00-23:59", want: "2026-03-02T11:59:00Z", in: "-23:59"},
		{text: "2026-03-01T12:00:00-00:30", want: "2026-03-01T12:30:00Z", in: "-00:30"},
		{text: "3022-02-28T00:00:00Z", want: "3022-02-28T00:00:00Z", in: "Z"},
		{text: "0001-01-01T00:00:00Z", want: "0001-01-01T00:00:00Z", in: "Z"},
		{text: "9999-12-31T23:59:59.999999999Z", want: "9999-12-31T23:59:59.999999999Z", in: "Z"},
		{text: "2028-02-29T00:00:00Z", want: "2028-02-29T00:00:00Z", in: "Z"},
		{text: "2000-02-29T00:00:00Z", want: "2000-02-29T00:00:00Z", in: "Z"},
		{text: "2026-07-01T12:00:00", zone: "Europe/Paris", want: "2026-07-01T10:00:00Z", in: "Europe/Paris"},
		{text: "2026-07-01T12:00:00.25", zone: "Europe/Paris", want: "2026-07-01T10:00:00.25Z", in: "Europe/Paris"},
		{text: "2026-07-01T12:00:00-05:00", zone: "Europe/Paris", want: "2026-07-01T17:00:00Z", in: "Europe/Paris"},

		{text: "", err: `start "": the year must have 4 digits; write as in 2026-03-20T02:30:00Z or 2026-03-20T02:30:00+01:00`},
		{text: "2026-07-01T12:00:00", err: `the offset from UTC is missing`},
		{text: "2026-07-01T12:00:00.5", err: `the offset from UTC is missing`},
		{text: "2026-07-01", err: `"T" is missing before ""`},
		{text: "2026-07-01 12:00:00Z", err: `"T" is missing before " 12:00:00Z"`},
		{text: "2026-7-01T12:00:00Z", err: `the month must have 2 digits`},
		{text: "26-07-01T12:00:00Z", err: `the year must have 4 digits`},
		{text: "0000-07-01T12:00:00Z", err: `the year must be 0001 to 9999`},
		{text: "2026-13-01T12:00:00Z", err: `the month must be 01 to 12`},
		{text: "2026-02-29T12:00:00Z", err: `the day must be 01 to 28`},
		{text: "1900-02-29T12:00:00Z", err: `the day must be 01 to 28`},
		{text: "2026-04-31T12:00:00Z", err: `the day must be 01 to 30`},
		{text: "2026-01-00T12:00:00Z", err: `the day must be 01 to 31`},
		{text: "2026-07-01T24:00:00Z", err: `the hour must be 00 to 23`},
		{text: "2026-07-01T12:60:00Z", err: `the minute must be 00 to 59`},
		{text: "2016-12-31T23:59:60Z", err: `the second must be 00 to 59`},
		{text: "2026-07-01T12:00Z", err: `":" is missing before "Z"`},
		{text: "2026-07-01T12:00:00.Z", err: `no digit follows the point`},
		{text: "2026-07-01T12:00:00,5Z", err: `"Z" is missing before ",5Z"`},
		{text: "2026-07-01T12:00:00+24:00", err: `the offset's hour must be 00 to 23`},
		{text: "2026-07-01T12:00:00+01:60", err: `the offset's minute must be 00 to 59`},
		{text: "2026-07-01T12:00:00+0100", err: `":" is missing before "00"`},
		{text: "2026-07-01T12:00:00+01", err: `":" is missing before ""`},
		{text: "2026-07-01T12:00:00Z ", err: `" " follows the offset`},
		{text: "2026-07-01T12:00:00Europe/Paris", zone: "Europe/Paris", err: `"Z" is missing before "Europe/Paris"`},
		{text: "+2026-07-01T12:00:00Z", err: `the year must have 4 digits`},
		{text: "２026-07-01T12:00:00Z", err: `the year must have 4 digits`},
		{text: "0001-01-01T00:00:00+00:01", err: `is not in the years 0001 to 9999 of UTC`},
		{text: "9999-12-31T23:59:59-00:01", err: `is not in the years 0001 to 9999 of UTC`},
		{text: "2026-07-01T12:00:00." + strings.Repeat("0", 45), err: `has more than 64 bytes`},
	} {
		var z *zone.Zone
		if tt.zone != "" {
			z = load(t, tt.zone)
		}
		s, err := zone.ParseStart(tt.text, z)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("ParseStart(%q, %s): error %v; want one with %q", tt.text, z.Name(), err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("ParseStart(%q, %s): %v", tt.text, z.Name(), err)
			continue
		}
		local := !strings.ContainsAny(tt.text[10:], "Zz+-")
		if s.At().String() != tt.want || s.Text() != tt.text || s.Zone().Name() != tt.in || s.Local() != local {
			t.Errorf("ParseStart(%q, %s) = %s, %q, in %s, local %t; want %s in %s, local %t",
				tt.text, z.Name(), s.At(), s.Text(), s.Zone().Name(), s.Local(), tt.want, tt.in, local)
		}
	}
}

func TestParseDay(t *testing.T) {
	for _, tt := range []struct{ text, err string }{
		{"2026-04-30", ""}, {"0001-01-01", ""}, {"9999-12-31", ""}, {"2028-02-29", ""}, {"1969-12-31", ""},
		{"2026-02-29", `day "2026-02-29": the day must be 01 to 28; write YYYY-MM-DD`},
		{"2026-04-30T00:00:00Z", `"T00:00:00Z" follows the day`},
		{"2026-4-30", `the month must have 2 digits`},
		{"", `the year must have 4 digits`},
		{"30.04.2026", `the year must have 4 digits`},
	} {
		d, err := zone.ParseDay(tt.text)
		switch {
		case tt.err == "" && (err != nil || d.String() != tt.text):
			t.Errorf("ParseDay(%q) = %s, %v", tt.text, d, err)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("ParseDay(%q): error %v; want one with %q", tt.text, err, tt.err)
		}
	}
}

// FuzzStart: what is accepted means what package time says it means, is kept
// as written, and schedules of every kind made of it do no harm.
func FuzzStart(f *testing.F) {
	for _, text := range []string{"2026-03-20T02:30:00Z", "2026-03-29T02:30:00.500+01:00", "2026-10-25t02:30:00z", "3022-01-01T00:00:00-11:30",
		"0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "2026-03-29T02:30:00", "2016-12-31T23:59:60Z"} {
		f.Add(text)
	}
	paris := load(f, "Europe/Paris")
	now := utc(f, "2026-03-28T00:00:00Z")
	f.Fuzz(func(t *testing.T, text string) {
		for _, z := range []*zone.Zone{nil, paris} {
			s, err := zone.ParseStart(text, z)
			if err != nil {
				if s != (zone.Start{}) {
					t.Errorf("%q: an error and a start, %v", text, s)
				}
				continue
			}
			if s.Text() != text {
				t.Errorf("%q is kept as %q", text, s.Text())
			}
			if !s.Local() {
				want, err := time.Parse(time.RFC3339, strings.ToUpper(text))
				if err != nil || instant(want) != s.At() {
					t.Errorf("%q = %s; package time says %s, %v", text, s.At(), want, err)
				}
			}
			again, err := zone.ParseStart(s.At().String(), nil)
			if err != nil || again.At() != s.At() {
				t.Errorf("%q = %s, which is read as %s, %v", text, s.At(), again.At(), err)
			}
			for _, r := range []zone.Rule{{Start: s}, {Start: s, Kind: zone.Daily}, {Start: s, Kind: zone.Weekly, End: zone.Times(3)},
				{Start: s, Kind: zone.Monthly}, {Start: s, Kind: zone.Every, Every: 5 * time.Second}} {
				if err := r.Validate(); err != nil {
					t.Error(err)
				}
				at, ok := r.From(now, 0)
				for i := 1; ok && i < 3; i++ {
					next, more := r.Next(at, i)
					if at.Compare(s.At()) < 0 || at.Compare(now) < 0 || more && next.Compare(at) <= 0 {
						t.Errorf("%s: from %s on fires at %s, then %s", r, now, at, next)
					}
					at, ok = next, more
				}
			}
		}
	})
}
