package doc

import (
	"fmt"
	"unicode/utf8"
)

// MaxBytes is how long a text Parse takes; Limits has others.
const MaxBytes = 1 << 20

// MaxDepth is how deep arrays and objects may lie in each other when parsed.
const MaxDepth = 64

// Limits bounds what Parse takes; 0 stands for MaxBytes and MaxDepth.
type Limits struct{ Bytes, Depth int }

// SyntaxError is what Parse returns.
type SyntaxError struct {
	Offset int // of the byte in question, from 0
	What   string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("json: offset %d: %s", e.Offset, e.What) }

// Parse reads one JSON text: strictly RFC 8259 in valid UTF-8, nothing but
// white space after it, within MaxBytes and MaxDepth. Of members with the
// same name the last counts. An escaped half of a surrogate pair becomes
// U+FFFD. A number's exponent may have up to nine digits. All times are 0.
func Parse(b []byte) (Value, error) { return Limits{}.Parse(b) }

// ParseString is Parse of a string.
func ParseString(s string) (Value, error) { return Parse([]byte(s)) }

// MustParse is Parse for tables and tests: it panics where Parse errs.
func MustParse(s string) Value {
	v, err := ParseString(s)
	if err != nil {
		panic(fmt.Sprintf("doc: %q: %v", s, err))
	}
	return v
}

// Parse is the function Parse within other limits.
func (l Limits) Parse(b []byte) (Value, error) {
	if l.Bytes == 0 {
		l.Bytes = MaxBytes
	}
	if l.Depth == 0 {
		l.Depth = MaxDepth
	}
	if len(b) > l.Bytes {
		return Value{}, &SyntaxError{l.Bytes, fmt.Sprintf("the text is %d bytes long, at most %d are allowed", len(b), l.Bytes)}
	}
	if !utf8.Valid(b) {
		return Value{}, &SyntaxError{invalid(b), "not valid UTF-8"}
	}
	p := parser{in: b, depth: l.Depth, w: newWriter(len(b) + len(b)/4)}
	p.space()
	if err := p.value(); err != nil {
		return Value{}, err
	}
	if p.space(); p.at < len(b) {
		return Value{}, p.fail("something follows the value")
	}
	return p.w.value(0), nil
}

// invalid is the offset of the first byte that is not UTF-8.
func invalid(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}

// parser reads values into its writer.
type parser struct {
	in    []byte
	at    int
	depth int // levels that may still be opened
	w     writer
}

// fail says what is wrong at the present byte.
func (p *parser) fail(what string) error { return &SyntaxError{p.at, what} }

// unexpected says what ought to be there instead of the present byte.
func (p *parser) unexpected(want string) error {
	if p.at >= len(p.in) {
		return p.fail("the text ends, want " + want)
	}
	r, _ := utf8.DecodeRune(p.in[p.at:])
	return p.fail(fmt.Sprintf("%q, want %s", r, want))
}

// peek is the present byte, 0 at the end: no token begins with it.
func (p *parser) peek() byte {
	if p.at < len(p.in) {
		return p.in[p.at]
	}
	return 0
}

func (p *parser) space() {
	for p.at < len(p.in) {
		switch p.in[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) value() error {
	switch c := p.peek(); c {
	case '{':
		return p.object()
	case '[':
		return p.array()
	case '"':
		if err := p.text(); err != nil {
			return err
		}
		p.w.buf = append(p.w.buf, tagString)
		return nil
	case 'n':
		return p.word("null", tagNull)
	case 't':
		return p.word("true", tagTrue)
	case 'f':
		return p.word("false", tagFalse)
	default:
		if c == '-' || c >= '0' && c <= '9' {
			return p.number()
		}
		return p.unexpected("a value")
	}
}

func (p *parser) word(word string, tag byte) error {
	for i := range len(word) {
		if p.peek() != word[i] {
			return p.unexpected("`" + word + "`")
		}
		p.at++
	}
	p.w.buf = append(p.w.buf, tag)
	return nil
}

func (p *parser) number() error {
	n, want := scanNumber(p.in[p.at:])
	p.w.buf = append(p.w.buf, p.in[p.at:p.at+n]...)
	p.w.buf = append(p.w.buf, tagNumber)
	p.at += n
	if want != "" {
		return p.unexpected(want)
	}
	return nil
}

// enter opens a level of nesting and steps over its bracket.
func (p *parser) enter() error {
	if p.depth == 0 {
		return p.fail("nested too deeply")
	}
	p.depth--
	p.skip()
	return nil
}

// leave closes a level of nesting at its bracket.
func (p *parser) leave(bracket byte) error {
	if p.peek() != bracket {
		return p.unexpected("`,` or `" + string(rune(bracket)) + "`")
	}
	p.depth++
	p.at++
	return nil
}

// skip steps over the present byte and white space.
func (p *parser) skip() {
	p.at++
	p.space()
}

func (p *parser) array() error {
	if err := p.enter(); err != nil {
		return err
	}
	m := p.w.open()
	for first := true; p.peek() != ']' || !first; first = false {
		e := p.w.element()
		if err := p.value(); err != nil {
			return err
		}
		p.w.done(e, 0)
		if p.space(); p.peek() != ',' {
			break
		}
		p.skip()
	}
	if err := p.leave(']'); err != nil {
		return err
	}
	p.w.closeArray(m)
	return nil
}

func (p *parser) object() error {
	if err := p.enter(); err != nil {
		return err
	}
	m := p.w.open()
	for first := true; p.peek() != '}' || !first; first = false {
		e, err := p.member()
		if err != nil {
			return err
		}
		p.w.done(e, 0)
		if p.space(); p.peek() != ',' {
			break
		}
		p.skip()
	}
	if err := p.leave('}'); err != nil {
		return err
	}
	p.w.sort(m)
	p.w.closeObject(m, 0)
	return nil
}

func (p *parser) member() (note, error) {
	e := p.w.element()
	if p.peek() != '"' {
		return e, p.unexpected("a member's name in quotes")
	}
	if err := p.text(); err != nil {
		return e, err
	}
	e.name = len(p.w.buf)
	if p.space(); p.peek() != ':' {
		return e, p.unexpected("`:`")
	}
	p.skip()
	return e, p.value()
}

// text reads a string in quotes and writes its characters.
func (p *parser) text() error {
	p.at++
	for from := p.at; ; {
		if p.at >= len(p.in) {
			return p.unexpected("the string's closing quote")
		}
		switch c := p.in[p.at]; {
		case c == '"':
			p.w.buf = append(p.w.buf, p.in[from:p.at]...)
			p.at++
			return nil
		case c == '\\':
			p.w.buf = append(p.w.buf, p.in[from:p.at]...)
			p.at++
			if err := p.escape(); err != nil {
				return err
			}
			from = p.at
		case c < ' ':
			return p.fail(`a control character in a string; write it as \u00XX`)
		default:
			p.at++
		}
	}
}

// escape reads what follows a backslash.
func (p *parser) escape() error {
	c := p.peek()
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return p.unicode()
	default:
		return p.unexpected(`one of "\/bfnrtu after a backslash`)
	}
	p.w.buf = append(p.w.buf, c)
	p.at++
	return nil
}

func (p *parser) unicode() error {
	r, ok := p.hex(p.at + 1)
	if !ok {
		return p.fail(`want four hexadecimal digits after \u`)
	}
	p.at += 5
	if r >= 0xd800 && r < 0xe000 { // half of a pair
		var low rune
		if r < 0xdc00 && p.at+1 < len(p.in) && p.in[p.at] == '\\' && p.in[p.at+1] == 'u' {
			low, _ = p.hex(p.at + 2)
		}
		if low >= 0xdc00 && low < 0xe000 {
			r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
			p.at += 6
		} else {
			r = utf8.RuneError
		}
	}
	p.w.buf = utf8.AppendRune(p.w.buf, r)
	return nil
}

// hex reads four hexadecimal digits.
func (p *parser) hex(at int) (r rune, ok bool) {
	if at+4 > len(p.in) {
		return 0, false
	}
	for _, c := range p.in[at : at+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
