package zone

import (
	"errors"
	"fmt"
	"time"
)

// Rule is when a schedule fires. Its methods want one that Validate has
// passed; another one gives wrong instants but does no harm. It is a value of
// the caller's.
type Rule struct {
	Start Start
	Kind  Kind
	Every time.Duration // of kind Every, from MinEvery; else 0
	End   End
}

// Kind is how a schedule recurs.
type Kind uint8

// The kinds.
const (
	Once Kind = iota
	Daily
	Weekly  // every 7 days
	Monthly // on the start's day of the month, or the month's last
	Every   // again and again after Rule.Every
)

var kindNames = [...]string{"once", "daily", "weekly", "monthly", "every"}

// String returns the kind's word.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind-%d", uint8(k))
}

// ParseKind reads the word of a kind.
func ParseKind(s string) (Kind, error) {
	for k, name := range kindNames {
		if s == name {
			return Kind(k), nil
		}
	}
	return Once, fmt.Errorf("recurrence %.40q: unknown; write once, daily, weekly, monthly or every", s)
}

// MinEvery is the shortest time between occurrences: each of them makes a job.
const MinEvery = time.Second

// MaxOccurrences is the highest count a schedule can end at. [IoT Central
// REST: "Scheduled Jobs", JobScheduleEnd]
const MaxOccurrences = 999

// Tolerance is how far the start of a one-time schedule may be past when the
// schedule is accepted; it then fires at once.
const Tolerance = 60 * time.Second

// End is where a schedule ends: nowhere (the zero value), with a day or after
// a count of instances.
type End struct {
	Kind  EndKind
	Day   Day // of kind OnDay: the last day, in the zone of the start
	Count int // of kind AfterCount: how many instances, 1 to MaxOccurrences
}

// EndKind is what ends a schedule.
type EndKind uint8

// The kinds of end.
const (
	NoEnd EndKind = iota
	OnDay
	AfterCount
)

// Until ends a schedule with a day, inclusive.
func Until(d Day) End { return End{Kind: OnDay, Day: d} }

// Times ends a schedule after n instances.
func Times(n int) End { return End{Kind: AfterCount, Count: n} }

// Validate says all that is wrong with a rule, whatever the time is now.
func (r Rule) Validate() error {
	var errs []error
	complain := func(format string, args ...any) { errs = append(errs, fmt.Errorf("schedule: "+format, args...)) }
	if r.Start.text == "" {
		complain("start: is missing")
	}
	switch {
	case r.Kind > Every:
		complain("recurrence: must be once, daily, weekly, monthly or every, is %s", r.Kind)
	case r.Kind == Every && r.Every < MinEvery:
		complain("every: must be at least %s, is %s", MinEvery, r.Every)
	case r.Kind != Every && r.Every != 0:
		complain("every: must be left out of a schedule that recurs %s, is %s", r.Kind, r.Every)
	}
	switch e := r.End; {
	case r.Kind == Once && e.Kind != NoEnd:
		complain("end: a schedule that does not recur has none; leave it out")
	case e.Kind > AfterCount:
		complain("end: must be a date or a number of occurrences, is of kind %d", e.Kind)
	case e.Kind == AfterCount && (e.Count < 1 || e.Count > MaxOccurrences):
		complain("end: occurrences must be 1 to %d, is %d", MaxOccurrences, e.Count)
	case e.Kind == OnDay && r.Start.text != "" && r.over(r.Start.at):
		complain("end: date %s is before the first occurrence, %s; choose a later one", e.Day, r.Start.text)
	}
	return errors.Join(errs...)
}

// Admit says why a schedule that is created or changed at now cannot be
// accepted: it is a one-time schedule whose start is past by more than
// Tolerance, or no occurrence from now on is before its end. A recurring
// schedule's start may be past.
func (r Rule) Admit(now Instant) error {
	if r.Kind == Once {
		if limit, ok := r.Start.at.plus(1, Tolerance); ok && limit.Compare(now) < 0 {
			return fmt.Errorf("schedule: start: %s is past and the schedule does not recur; choose a time from now on, %s", r.Start.text, now)
		}
		return nil
	}
	if first, ok := r.next(now.before()); !ok {
		return fmt.Errorf("schedule: start: there is no occurrence of %s from now on, %s", r, now)
	} else if r.over(first) {
		return fmt.Errorf("schedule: end: date %s is before the first occurrence from now on, %s; choose a later one", r.End.Day, first)
	}
	return nil
}

// Equal says whether two rules are the same: written alike, on the clock of
// the same zone.
func (r Rule) Equal(o Rule) bool {
	return r.Start.text == o.Start.text && r.Start.zone.Name() == o.Start.zone.Name() &&
		r.Kind == o.Kind && r.Every == o.Every && r.End == o.End
}

// String writes the rule on one line.
func (r Rule) String() string {
	s := r.Kind.String()
	if r.Kind == Every {
		s += " " + r.Every.String()
	}
	s += " from " + r.Start.text
	if !r.Start.zone.Fixed() {
		s += " in " + r.Start.zone.Name()
	}
	switch r.End.Kind {
	case OnDay:
		s += " until " + r.End.Day.String()
	case AfterCount:
		s += fmt.Sprintf(" %d times", r.End.Count)
	}
	return s
}
