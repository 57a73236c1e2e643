package zone

// From returns the first occurrence at or after now of a schedule that has
// created so many instances; false if there is none, for good.
func (r Rule) From(now Instant, created int) (Instant, bool) {
	return r.Next(now.before(), created)
}

// Next returns the first occurrence after an instant of a schedule that has
// created so many instances; false if there is none, for good. It takes the
// same few steps wherever the schedule starts.
func (r Rule) Next(after Instant, created int) (Instant, bool) {
	if r.End.Kind == AfterCount && created >= r.End.Count {
		return Instant{}, false
	}
	at, ok := r.next(after)
	if !ok || r.over(at) {
		return Instant{}, false
	}
	return at, true
}

// Nth returns the occurrence of a number, 0 being the start, without regard to
// the end; false if n is below 0 or the occurrence after the year 9999. A
// number can have the same instant as the one before, never an earlier one.
func (r Rule) Nth(n int64) (Instant, bool) {
	switch {
	case n < 0:
		return Instant{}, false
	case n == 0:
		return r.Start.at, true
	}
	w := r.Start.wall
	switch r.Kind {
	case Every:
		return r.Start.at.plus(n, max(r.Every, MinEvery))
	case Daily, Weekly:
		step := r.step()
		if n > int64(maxDate-minDate)/step {
			return Instant{}, false
		}
		w += wall(n * step)
	case Monthly:
		if n > 12*9999 {
			return Instant{}, false
		}
		d := w.day()
		year, month, dom := d.civil()
		month += int(n)
		year, month = year+month/12, month%12
		w += dayOf(year, month, min(dom, daysIn(year, month))).begin() - d.begin()
	default:
		return Instant{}, false
	}
	at := Instant{Nanos: r.Start.at.Nanos}
	at.Date, _ = r.Start.zone.find(w)
	return at, at.valid()
}

// next is Next without regard to the end.
func (r Rule) next(after Instant) (Instant, bool) {
	if after.Date > maxDate { // only by mistake
		return Instant{}, false
	}
	for n := r.low(after); ; n++ {
		if at, ok := r.Nth(n); !ok || at.Compare(after) > 0 {
			return at, ok
		}
	}
}

// step returns how many seconds of its clock a daily or weekly rule takes.
func (r Rule) step() int64 {
	if r.Kind == Weekly {
		return 7 * day
	}
	return day
}

// low returns a number that no occurrence after the instant is below and that
// is at most three below the first such. The instant must be of the years up
// to 9999.
func (r Rule) low(after Instant) int64 {
	if after.Compare(r.Start.at) < 0 {
		return 0
	}
	if r.Kind == Every {
		return r.Start.at.times(max(r.Every, MinEvery), after) + 1
	}
	// By the clock's reading, the occurrence before the last one was a day
	// ago or more. No zone was ever put forward by more than a day, so it was
	// in truth, too.
	w := r.Start.zone.read(after.Date)
	n := int64(1)
	switch r.Kind {
	case Daily, Weekly:
		n = int64(w-r.Start.wall) / r.step()
	case Monthly:
		y0, m0, _ := r.Start.wall.day().civil()
		y, m, _ := w.day().civil()
		n = int64(y-y0)*12 + int64(m-m0)
	}
	return max(n, 1) // 0 is the start
}

// over says whether an occurrence is after the rule's end date.
func (r Rule) over(at Instant) bool {
	if r.End.Kind != OnDay {
		return false
	}
	_, end := r.Start.zone.find(r.End.Day.begin() + day)
	return at.Date >= end
}
