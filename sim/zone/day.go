package zone

import (
	"fmt"
	"time"
)

// Day is a day of the calendar, in days since 1970-01-01.
type Day int32

// ParseDay reads a full-date of RFC 3339, like 2026-04-30, of the years 0001
// to 9999.
func ParseDay(s string) (Day, error) {
	p := parser{rest: s}
	d := p.date()
	if p.rest != "" {
		p.fail("%q follows the day", p.rest)
	}
	if p.err != nil {
		return 0, fmt.Errorf("day %.40q: %w; write YYYY-MM-DD", s, p.err)
	}
	return d, nil
}

// String writes the day as ParseDay reads it.
func (d Day) String() string { return time.Unix(int64(d)*day, 0).UTC().Format(time.DateOnly) }

// day returns the day a clock shows.
func (w wall) day() Day {
	d := w / day
	if w%day < 0 {
		d--
	}
	return Day(d)
}

// begin returns the first reading of the day.
func (d Day) begin() wall { return wall(d) * day }

// civil returns the day's year, month (from 0) and day of the month (from 1).
func (d Day) civil() (year, month, dayOfMonth int) {
	y, m, n := time.Unix(int64(d)*day, 0).UTC().Date()
	return y, int(m) - 1, n
}

// dayOf returns the day of a year, a month (from 0) and a day of the month.
func dayOf(year, month, dayOfMonth int) Day {
	return Day(time.Date(year, time.Month(month+1), dayOfMonth, 0, 0, 0, 0, time.UTC).Unix() / day)
}

// daysIn returns how many days a month (from 0) has.
func daysIn(year, month int) int {
	switch month {
	case 3, 5, 8, 10:
		return 30
	case 1:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
