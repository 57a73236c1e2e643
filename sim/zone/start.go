package zone

import (
	"errors"
	"fmt"

	"github.com/flotilla-sim/flotilla/sim"
)

// Start is when a schedule begins and on which clock it lives. It is made by
// ParseStart and does not change.
type Start struct {
	text  string
	local bool
	at    Instant
	wall  wall // what the clock of zone shows then; as written, if local
	zone  *Zone
}

// maxStart is how long the text of a start may be, in bytes.
const maxStart = 64

// ParseStart reads a start as RFC 3339 writes it, with the `T` and the `Z` in
// either case: 2026-03-20T02:30:00.500+01:00. Of a fraction, nine digits
// count. The offset makes it an instant; with a zone, the schedule then lives
// on that zone's wall clock, and without one (nil) on the clock of the offset.
//
// With a zone the offset may be left out; then the text is what the zone's
// wall clock shows, the first time, or, if it never shows it, the instant is
// as much later as the clocks are put forward. See Local.
func ParseStart(s string, z *Zone) (Start, error) {
	if len(s) > maxStart {
		return Start{}, fmt.Errorf("start %.20q...: has more than %d bytes", s, maxStart)
	}
	p := parser{rest: s}
	d := p.date()
	p.expect("Tt")
	t := p.clock()
	n := p.fraction()
	local := p.rest == "" && z != nil
	var offset int64
	if !local {
		offset = p.offset()
	}
	if p.err == nil && p.rest != "" {
		p.fail("%q follows the offset", p.rest)
	}
	if p.err != nil {
		return Start{}, fmt.Errorf("start %q: %w; write as in 2026-03-20T02:30:00Z or 2026-03-20T02:30:00+01:00", s, p.err)
	}
	start := Start{text: s, local: local, wall: d.begin() + wall(t), zone: z}
	if local {
		start.at.Date, _ = z.find(start.wall)
	} else {
		start.at.Date = sim.Date(int64(start.wall) - offset)
		if z == nil {
			start.zone = fixed(offset)
		} else {
			start.wall = z.read(start.at.Date)
		}
	}
	start.at.Nanos = n
	if !start.at.valid() {
		return Start{}, fmt.Errorf("start %q: is not in the years 0001 to 9999 of UTC", s)
	}
	return start, nil
}

// Text returns the start as it was written.
func (s Start) Text() string { return s.text }

// Local says whether the start was written without an offset.
func (s Start) Local() bool { return s.local }

// At returns the instant of the start.
func (s Start) At() Instant { return s.at }

// Zone returns the zone on whose clock the schedule lives: the one given to
// ParseStart, or a fixed one, the offset as written.
func (s Start) Zone() *Zone { return s.zone }

// parser reads a text from its front; after the first error it reads nothing.
type parser struct {
	rest string
	err  error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// number reads width digits that must be from low to high.
func (p *parser) number(what string, width, low, high int) int {
	if p.err != nil {
		return low
	}
	if len(p.rest) < width {
		p.fail("the %s must have %d digits", what, width)
		return low
	}
	n := 0
	for i := range width {
		c := p.rest[i]
		if c < '0' || c > '9' {
			p.fail("the %s must have %d digits", what, width)
			return low
		}
		n = n*10 + int(c-'0')
	}
	if n < low || n > high {
		p.fail("the %s must be %0*d to %0*d", what, width, low, width, high)
		return low
	}
	p.rest = p.rest[width:]
	return n
}

// expect reads one of the given bytes and returns it.
func (p *parser) expect(oneOf string) byte {
	if p.err != nil {
		return 0
	}
	for i := range len(oneOf) {
		if p.rest != "" && p.rest[0] == oneOf[i] {
			p.rest = p.rest[1:]
			return oneOf[i]
		}
	}
	p.fail("%q is missing before %q", oneOf[:1], p.rest)
	return 0
}

// date reads a full-date. [RFC 3339 5.6]
func (p *parser) date() Day {
	year := p.number("year", 4, 1, 9999)
	p.expect("-")
	month := p.number("month", 2, 1, 12) - 1
	p.expect("-")
	return dayOf(year, month, p.number("day", 2, 1, daysIn(year, month)))
}

// clock reads a partial-time without its fraction, as seconds of the day. A
// leap second is refused: there is none on the clocks this is used with.
func (p *parser) clock() int64 {
	h := p.number("hour", 2, 0, 23)
	p.expect(":")
	m := p.number("minute", 2, 0, 59)
	p.expect(":")
	s := p.number("second", 2, 0, 59)
	return int64(h*60*60 + m*60 + s)
}

// fraction reads a time-secfrac, if there is one, as nanoseconds.
func (p *parser) fraction() int32 {
	if p.err != nil || p.rest == "" || p.rest[0] != '.' {
		return 0
	}
	p.rest = p.rest[1:]
	n, digits := int32(0), 0
	for ; p.rest != "" && p.rest[0] >= '0' && p.rest[0] <= '9'; digits++ {
		if digits < 9 {
			n = n*10 + int32(p.rest[0]-'0')
		}
		p.rest = p.rest[1:]
	}
	if digits == 0 {
		p.fail("no digit follows the point")
	}
	for ; digits < 9; digits++ {
		n *= 10
	}
	return n
}

var errOffset = errors.New("the offset from UTC is missing")

// offset reads a time-offset, in seconds.
func (p *parser) offset() int64 {
	if p.err == nil && p.rest == "" {
		p.err = errOffset
	}
	sign := p.expect("Zz+-")
	if sign != '+' && sign != '-' {
		return 0
	}
	h := p.number("offset's hour", 2, 0, 23)
	p.expect(":")
	o := int64(h*60*60 + p.number("offset's minute", 2, 0, 59)*60)
	if sign == '-' {
		return -o
	}
	return o
}
