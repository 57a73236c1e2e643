package query

import (
	"strings"
	"unicode/utf8"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// selectorKeys are the names a selector may begin with, beside those of
// selectorSpaces.
var selectorKeys = []struct {
	name string
	path Path
	text Text
}{
	{"id", DeviceID, Ordinal},
	{"label", Path{Space: Labels}, Ordinal},
	{"status", Path{Name: "status"}, Word},
	{"connectionState", Path{Name: "connectionState"}, Word},
	{"firmwareVersion", Path{Space: Device, Name: "FirmwareVersion"}, Ordinal},
}

var selectorSpaces = []struct {
	prefix string
	space  Space
	one    bool // the rest is one name, not a path
}{
	{"tags.", Tags, false},
	{"desired.", Desired, false},
	{"reported.", Reported, false},
	{"property.", Property, false},
	{"device.", Device, true},
	{"service.", Service, true},
}

const selectorHint = "id, label, status, connectionState, firmwareVersion, tags.NAME, desired.NAME, reported.NAME, property.NAME, device.NAME or service.NAME"

// ParseSelector reads the short form for command lines and scenarios: what
// must be true of a device, with commas between.
//
//	label=bacon, firmwareVersion!=3.0, id in (van-1, van-2), tags.site.country notin (FR), reported.fan, !tags.wave
//
// A key alone means that there is a value, with ! that there is none. A value
// without quotes is the string, and also the number, true or false that it
// reads as; a value in quotes is the string alone, and may hold spaces,
// commas, brackets, = and !. A device that has no value fulfils != and notin.
// Errors are of type *Error.
func ParseSelector(text string) (Query, error) {
	if len(text) > MaxFilter {
		return Query{}, textError(text[:MaxFilter], MaxFilter, "the selector has %d bytes, at most %d are allowed", len(text), MaxFilter)
	}
	if !utf8.ValidString(text) {
		return Query{}, &Error{What: "the selector is not valid UTF-8"}
	}
	p := selectorParser{text: text}
	if p.skip(); p.at == len(text) {
		return Query{}, textError(text, 0, "the selector is empty; leave it out to mean all devices")
	}
	var all And
	for {
		e, err := p.requirement()
		if err != nil {
			return Query{}, err
		}
		if all = append(all, e); len(all) > MaxConditions {
			return Query{}, p.fail("a selector has at most %d requirements", MaxConditions)
		}
		if p.skip(); p.at == len(text) {
			return Query{Where: all}, nil
		}
		if !p.take(",") {
			return Query{}, p.fail("want a comma and another requirement, or the end")
		}
	}
}

type selectorParser struct {
	text string
	at   int
}

func (p *selectorParser) fail(format string, args ...any) error {
	return textError(p.text, p.at, format, args...)
}

func (p *selectorParser) skip() {
	for p.at < len(p.text) && space(p.text[p.at]) {
		p.at++
	}
}

// take steps over a mark if it comes next.
func (p *selectorParser) take(mark string) bool {
	p.skip()
	if !strings.HasPrefix(p.text[p.at:], mark) {
		return false
	}
	p.at += len(mark)
	return true
}

// word reads what goes on until a space or a mark; "" if nothing does.
func (p *selectorParser) word() string {
	p.skip()
	from := p.at
	for p.at < len(p.text) && !space(p.text[p.at]) && !strings.ContainsRune(",()=!\"'", rune(p.text[p.at])) {
		p.at++
	}
	return p.text[from:p.at]
}

func (p *selectorParser) requirement() (Expr, error) {
	absent := p.take("!")
	p.skip()
	from := p.at
	key := p.word()
	path, text, ok := selectorKey(key)
	if !ok {
		p.at = from
		return nil, p.fail("%s is no key, want %s", shown(key), selectorHint)
	}
	if absent {
		return Not{Defined{path}}, nil
	}
	mode := Mode{Text: text}
	switch {
	case p.take("!="):
		return p.one(path, mode, true)
	case p.take("=="), p.take("="):
		return p.one(path, mode, false)
	}
	p.skip()
	from = p.at
	switch word := p.word(); word {
	case "":
		return Defined{path}, nil
	case "in", "notin":
		list, err := p.list()
		if err != nil {
			return nil, err
		}
		return oneOf(path, list, mode, word == "notin"), nil
	default:
		p.at = from
		return nil, p.fail("%s after %s, want =, !=, in (...), notin (...) or a comma", shown(word), key)
	}
}

func selectorKey(key string) (Path, Text, bool) {
	for _, k := range selectorKeys {
		if compareFolded(k.name, key) == 0 {
			return k.path, k.text, true
		}
	}
	for _, s := range selectorSpaces {
		rest, ok := strings.CutPrefix(key, s.prefix)
		if !ok || rest == "" {
			continue
		}
		if s.one {
			return Path{Space: s.space, Name: rest}, Ordinal, true
		}
		names := strings.Split(rest, ".")
		for _, n := range names {
			if n == "" {
				return Path{}, 0, false
			}
		}
		return Path{s.space, names[0], names[1:]}, Ordinal, true
	}
	return Path{}, 0, false
}

func (p *selectorParser) one(path Path, mode Mode, not bool) (Expr, error) {
	values, err := p.value()
	if err != nil {
		return nil, err
	}
	return oneOf(path, values, mode, not), nil
}

// list reads values in brackets.
func (p *selectorParser) list() (list []doc.Value, err error) {
	if !p.take("(") {
		return nil, p.fail("want ( and values with commas between")
	}
	for {
		values, err := p.value()
		if err != nil {
			return nil, err
		}
		list = append(list, values...)
		if p.take(")") {
			return list, nil
		}
		if !p.take(",") {
			return nil, p.fail("want a comma and another value, or )")
		}
	}
}

// value reads a value: the strings and scalars that it may mean.
func (p *selectorParser) value() ([]doc.Value, error) {
	p.skip()
	if p.at < len(p.text) && (p.text[p.at] == '"' || p.text[p.at] == '\'') {
		n := strings.IndexByte(p.text[p.at+1:], p.text[p.at])
		if n < 0 {
			return nil, p.fail("the string that begins here has no closing %c", p.text[p.at])
		}
		s := p.text[p.at+1 : p.at+1+n]
		p.at += n + 2
		return []doc.Value{doc.String(s)}, nil
	}
	word := p.word()
	if word == "" {
		return nil, p.fail("want a value; write an empty one as \"\"")
	}
	values := []doc.Value{doc.String(word)}
	switch n, err := doc.Number(word); {
	case err == nil:
		values = append(values, n)
	case word == "true" || word == "false":
		values = append(values, doc.Bool(word == "true"))
	}
	return values, nil
}

// oneOf is true if the value, or for labels one of them, is on the list.
func oneOf(path Path, list []doc.Value, mode Mode, not bool) Expr {
	var e Expr
	switch {
	case path.Space == Labels && len(stringsOf(list)) == 1:
		e = All(path, stringsOf(list), mode)
	case path.Space == Labels:
		var any Or
		for _, v := range stringsOf(list) {
			any = append(any, All(path, []doc.Value{v}, mode))
		}
		e = any
	case path.Space == Default:
		e = In(path, stringsOf(list), mode)
	default:
		e = In(path, list, mode)
	}
	if not {
		return Not{e}
	}
	return e
}

// stringsOf returns the strings of a list: labels, ids and states are nothing
// else.
func stringsOf(list []doc.Value) (only []doc.Value) {
	for _, v := range list {
		if v.Kind() == doc.KindString {
			only = append(only, v)
		}
	}
	return only
}
