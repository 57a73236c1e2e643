package scenarios

import (
	"fmt"
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/flotilla-sim/flotilla/sim/job"
)

// Expectation is one line of `expect:`: a path, an operator and a value.
//
//	job.fw.succeeded == 6
//	job.fw.succeeded >= 99%          (of job.fw.total)
//	metric.method_round_trip.p99 < 250ms
//	job.fw.status == completed
//	device.Device11-7ce4a850.firmwareVersion == "3.0"
//
// Ids and versions with blanks, operators or quotes in them are quoted:
// device."a==b".firmwareVersion.
type Expectation struct {
	Text  string // as it is written
	Where string // file:line
	path  path
	op    string
	want  Value
	part  bool // want is a part of path.whole, in percent
	shown string
}

// Lookup finds what a path leads to: job.<id>.succeeded and so on, as
// Families lists them, with ids as they are. false says that there is no data.
type Lookup func(path string) (Value, bool)

// Result is how an expectation came out.
type Result struct {
	Passed bool
	Value  string // what was found, for people
	Reason string // why it did not pass
}

// operators, those that begin with another first.
var operators = []string{"==", "!=", "<=", ">=", "<", ">"}

// Eval compares what look finds with what is expected. Without data it fails.
func (e *Expectation) Eval(look Lookup) Result {
	have, ok := look(e.path.full)
	if !ok || have.kind == noValue {
		return Result{Reason: fmt.Sprintf("there is no data for %s", e.path.full)}
	}
	if have.kind != e.want.kind {
		return Result{Value: have.String(), Reason: fmt.Sprintf("%s is %s, which cannot be compared with %s", e.path.full, have, e.shown)}
	}
	res := Result{Value: have.String()}
	if have.kind == wordValue {
		res.Passed = (have.word == e.want.word) == (e.op == "==")
	} else {
		left := have.num
		if e.part {
			whole, ok := look(e.path.whole)
			if !ok || whole.kind != countValue || whole.num.Sign() == 0 {
				return Result{Value: have.String(), Reason: fmt.Sprintf("there is no data for %s, which %s is a part of", e.path.whole, e.shown)}
			}
			res.Value = fmt.Sprintf("%s (%s of %s)", have, percentText(have.num, whole.num), whole)
			left = new(big.Rat).Quo(have.num, whole.num)
		}
		res.Passed = compare(left.Cmp(e.want.num), e.op)
	}
	if !res.Passed {
		res.Reason = fmt.Sprintf("%s is %s, expected %s %s", e.path.full, res.Value, e.op, e.shown)
	}
	return res
}

// Without returns the plan without the expectations of what untold says that
// nobody can tell, and these.
func (p *Plan) Without(untold func(path string) bool) (*Plan, []Expectation) {
	kept := *p
	kept.Expect = nil
	var waived []Expectation
	for _, e := range p.Expect {
		if untold(e.path.full) {
			waived = append(waived, e)
		} else {
			kept.Expect = append(kept.Expect, e)
		}
	}
	return &kept, waived
}

func compare(sign int, op string) bool {
	switch op {
	case "==":
		return sign == 0
	case "!=":
		return sign != 0
	case "<":
		return sign < 0
	case "<=":
		return sign <= 0
	case ">":
		return sign > 0
	}
	return sign >= 0
}

// word is a part of a path between dots, and where it stands in the text.
type word struct {
	text        string
	from, width int // characters
}

func joinWords(words []word) string {
	parts := make([]string, len(words))
	for i, w := range words {
		parts[i] = w.text
	}
	return strings.Join(parts, ".")
}

// expect compiles the expectations.
func (c *compiler) expect(all []placed[string], jobsKnown bool) {
	for _, e := range all {
		if x, ok := c.expectation(e, jobsKnown); ok {
			c.plan.Expect = append(c.plan.Expect, x)
		}
	}
}

func (c *compiler) expectation(e placed[string], jobsKnown bool) (Expectation, bool) {
	none := Expectation{}
	at := placer(e)
	s := e.v
	words, end, wrong := pathWords(s)
	if wrong != "" {
		c.r.complain(at(end, 1), "", "%s", wrong)
		return none, false
	}
	rest := strings.TrimLeft(s[end:], " ")
	from := len(s) - len(rest)
	op := ""
	for _, o := range operators {
		if strings.HasPrefix(rest, o) {
			op = o
			break
		}
	}
	if op == "" {
		width := utf8.RuneCountInString(rest)
		hint := "write <what> <operator> <value>: job.fw.succeeded == 6"
		if strings.HasPrefix(rest, "=") {
			hint, width = "write == to compare", 1
		}
		c.r.complain(at(from, width), hint, "expected one of %s", strings.Join(operators, " "))
		return none, false
	}
	literal := strings.TrimSpace(rest[len(op):])
	lfrom := len(s) - len(strings.TrimLeft(rest[len(op):], " "))
	if literal == "" {
		c.r.complain(at(from, len(op)), "", "a value is missing behind %s", op)
		return none, false
	}
	p, ok := c.resolve(words, func(w word) spot { return at(w.from, w.width) }, jobsKnown)
	if !ok {
		if len(words) == 0 {
			c.r.complain(at(0, 1), "write <what> <operator> <value>: job.fw.succeeded == 6", "a path is missing")
		}
		return none, false
	}
	x := Expectation{Text: s, Where: c.where(e.at), path: p, op: op, shown: literal}
	lat := at(lfrom, utf8.RuneCountInString(literal))
	if x.want, x.part, ok = c.literal(p, op, literal, lat, at(from, len(op))); !ok {
		return none, false
	}
	return x, true
}

// literal reads the value behind the operator as the path's class wants it.
func (c *compiler) literal(p path, op, s string, at, opAt spot) (v Value, part, ok bool) {
	none := Value{}
	text := s
	quoted := len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0]
	if quoted {
		text = s[1 : len(s)-1]
	}
	switch p.class {
	case IsText, IsStatus:
		if op != "==" && op != "!=" {
			c.r.complain(opAt, "use == or !=", "%s is a text and has no order", p.full)
			return none, false, false
		}
		if p.class == IsStatus {
			if _, ok := job.ParseStatus(text); !ok {
				c.r.complain(at, didYouMean(text, statusNames()), "%s is not a status", quote(text))
				return none, false, false
			}
		}
		return Word(text), false, true
	case IsTruth:
		if op != "==" && op != "!=" {
			c.r.complain(opAt, "use == or !=", "%s is true or false and has no order", p.full)
			return none, false, false
		}
		if text != "true" && text != "false" {
			c.r.complain(at, "write true or false", "%s is true or false", p.full)
			return none, false, false
		}
		return Word(text), false, true
	case IsSize:
		b, ok := sizeOf(0, 1<<62).read(c.r, &node{kind: textNode, text: text, at: at})
		return Count(b), false, ok
	case IsDuration:
		d, wrong, hint := durationText(text)
		if wrong != "" || quoted {
			if quoted {
				wrong, hint = p.full+" is a duration", "write it without quotes: 250ms"
			}
			c.r.complain(at, hint, "%s", wrong)
			return none, false, false
		}
		return Span(d), false, true
	}
	if number, percent := strings.CutSuffix(text, "%"); percent && !quoted {
		x, ok := decimal(strings.TrimSpace(number))
		if !ok {
			c.r.complain(at, "write 99% or 99.5%", "%s is not a percentage", quote(text))
			return none, false, false
		}
		if p.whole == "" {
			c.r.complain(at, "write a number", "%s is not a part of anything", p.full)
			return none, false, false
		}
		if x.Sign() < 0 || x.Cmp(big.NewRat(100, 1)) > 0 {
			c.r.complain(at, "", "a percentage is 0%% to 100%%, is %s", text)
			return none, false, false
		}
		x.Quo(x, big.NewRat(100, 1))
		return Value{kind: countValue, num: x}, true, true
	}
	x, isNumber := decimal(text)
	if !isNumber || quoted {
		c.r.complain(at, "write a number", "%s is a number, %s is none", p.full, s)
		return none, false, false
	}
	return Value{kind: countValue, num: x}, false, true
}

// pathWords splits the path at the beginning of s at its dots; end is the byte
// behind it. Quoted parts may hold anything but their quote.
func pathWords(s string) (words []word, end int, wrong string) {
	i := 0
	for {
		start := i
		var text string
		if i < len(s) && (s[i] == '"' || s[i] == '\'') {
			shut := strings.IndexByte(s[i+1:], s[i])
			if shut < 0 {
				return nil, i, "the quote is not closed"
			}
			text = s[i+1 : i+1+shut]
			i += shut + 2
		} else {
			for i < len(s) && !strings.ContainsRune(`. =!<>"'`, rune(s[i])) {
				i++
			}
			text = s[start:i]
		}
		if text == "" {
			if len(words) == 0 {
				return nil, i, ""
			}
			return nil, i, "the path has an empty word"
		}
		words = append(words, word{text, start, utf8.RuneCountInString(s[start:i])})
		if i == len(s) || s[i] != '.' {
			return words, i, ""
		}
		i++
	}
}

// placer returns how a byte of an expectation becomes a place in the file: at
// its column when the text stands there as it is, else all of it.
func placer(e placed[string]) func(from, width int) spot {
	return func(from, width int) spot {
		if e.at.text == nil || e.at.line < 1 || e.at.line > len(e.at.text.lines) {
			return e.at
		}
		line := []rune(e.at.text.lines[e.at.line-1])
		for _, skip := range [...]int{0, 1} { // 1: behind the quote
			if start := e.at.column - 1 + skip; start >= 0 && start <= len(line) && strings.HasPrefix(string(line[start:]), e.v) {
				return e.at.at(skip+utf8.RuneCountInString(e.v[:min(from, len(e.v))]), width)
			}
		}
		return e.at
	}
}

// where is a place as reports name it.
func (c *compiler) where(s spot) string {
	if s.text == nil {
		return ""
	}
	return fmt.Sprintf("%s:%d", s.text.name, s.line)
}
