package query

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// The bounds of a device group's filter. [Azure IoT Central: "Quotas and
// limits", device groups: filters per group; the length is ours]
const (
	MaxFilter     = 32 << 10 // bytes
	MaxConditions = 100
)

// Filter is the query of a device group.
//
//	SELECT * FROM devices WHERE $template = "dtmi:acme:gateway;1" AND $provisioned = true
//	SELECT * FROM dtmi:acme:gateway;1 WHERE fan.rpm >= 900 OR building = 'North'
//
// FROM names devices, or the template of the devices meant. Conditions are all
// joined by AND or all by OR. $id, $template, $provisioned, $simulated are the
// device's deviceId, template, provisioned, simulated in the space Default;
// any other name is a property or cloud property (the space Property), or a
// component's with the component before it.
//
// Comparisons are those of SQL: nothing is converted, 55 is not "55", letter
// case counts, and a device that has no such property is not selected, with !=
// neither. A string holds everything up to its closing quote; a backslash is a
// backslash.
type Filter struct {
	Query    Query
	Template string // after FROM; "" for devices

	property *Error // what Strict says
}

// Strict returns an error if a filter over all devices asks for a property:
// the service wants the template named after FROM, which says what properties
// there are. Where devices have no templates it need not be asked.
func (f *Filter) Strict() error {
	if f.Template != "" || f.property == nil {
		return nil
	}
	return f.property
}

// operands are the names that begin with $, in small letters, with the field
// they mean.
var operands = map[string]string{"$id": "deviceId", "$template": "template", "$provisioned": "provisioned", "$simulated": "simulated"}

// filterOps are the comparisons of a filter.
var filterOps = map[string]Op{"=": Eq, "!=": Ne, "<>": Ne, "<": Lt, "<=": Le, ">": Gt, ">=": Ge}

// ParseFilter reads the filter of a device group; errors are of type *Error.
func ParseFilter(text string) (Filter, error) {
	if len(text) > MaxFilter {
		return Filter{}, &Error{Offset: MaxFilter, What: fmt.Sprintf("the filter has %d bytes, at most %d are allowed", len(text), MaxFilter)}
	}
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
			return Filter{}, textError(text, i, "the filter is not valid UTF-8")
		}
	}
	p := filterParser{lexer: lexer{text: text}}
	if err := p.parse(); err != nil {
		return Filter{}, err
	}
	return p.out, nil
}

type filterParser struct {
	lexer
	tok token // at hand
	out Filter
}

func (p *filterParser) fail(format string, args ...any) error {
	return textError(p.text, p.tok.at, format, args...)
}

// step goes on to the next token.
func (p *filterParser) step() (err error) {
	p.tok, err = p.next()
	return err
}

// is says whether the token at hand is that keyword.
func (p *filterParser) is(keyword string) bool {
	return p.tok.kind == tokenWord && compareFolded(p.tok.text, keyword) == 0
}

// found names the token at hand for a message.
func (p *filterParser) found() string {
	switch p.tok.kind {
	case tokenEnd:
		return "the filter ends"
	case tokenString:
		return "a string is here"
	}
	return shown(p.tok.text) + " is here"
}

func (p *filterParser) parse() error {
	if err := p.step(); err != nil {
		return err
	}
	if !p.is("SELECT") {
		return p.fail("%s; a filter begins with SELECT * FROM", p.found())
	}
	if err := p.step(); err != nil {
		return err
	}
	if p.tok.text != "*" || p.tok.kind != tokenMark {
		return p.fail("%s, want *: a device group selects whole devices, not columns or aggregates", p.found())
	}
	if err := p.step(); err != nil {
		return err
	}
	if !p.is("FROM") {
		return p.fail("%s, want FROM", p.found())
	}
	if err := p.source(); err != nil {
		return err
	}
	if err := p.step(); err != nil {
		return err
	}
	conditions, err := p.where()
	if err != nil {
		return err
	}
	if p.out.Template != "" {
		ofTemplate := Equals(Path{Name: "template"}, doc.String(p.out.Template), SQL)
		if conditions == nil {
			conditions = ofTemplate
		} else {
			conditions = And{ofTemplate, conditions}
		}
	}
	p.out.Query.Where = conditions
	return nil
}

// source reads what is after FROM: everything up to white space.
func (p *filterParser) source() error {
	p.skip()
	from := p.at
	for p.at < len(p.text) && !space(p.text[p.at]) {
		p.at++
	}
	p.tok = token{tokenWord, from, p.text[from:p.at]}
	switch word := p.tok.text; {
	case word == "":
		return p.fail("the filter ends, want devices or the id of a device template")
	case compareFolded(word, "devices") == 0:
	case strings.HasPrefix(word, "dtmi:") && !strings.ContainsAny(word, "\"'(),*"):
		p.out.Template = word
	default:
		return p.fail("%s is neither devices nor the id of a device template, which begins with dtmi: and is not quoted", shown(word))
	}
	return nil
}

// where reads the conditions; nil if there are none.
func (p *filterParser) where() (Expr, error) {
	if p.tok.kind == tokenEnd {
		return nil, nil
	}
	if !p.is("WHERE") {
		return nil, p.clause("WHERE")
	}
	var all []Expr
	joined := "" // AND or OR, once one was there
	for {
		if err := p.step(); err != nil {
			return nil, err
		}
		if len(all) == MaxConditions {
			return nil, p.fail("a device group has at most %d conditions", MaxConditions)
		}
		c, err := p.condition()
		if err != nil {
			return nil, err
		}
		all = append(all, c)
		switch {
		case p.tok.kind == tokenEnd && joined == "OR":
			return Or(all), nil
		case p.tok.kind == tokenEnd:
			return And(all), nil
		case !p.is("AND") && !p.is("OR"):
			return nil, p.clause("AND or OR")
		}
		word := strings.ToUpper(p.tok.text)
		if joined != "" && word != joined {
			return nil, p.fail("%s after %s: a device group cannot nest conditions, join all by AND or all by OR", word, joined)
		}
		joined = word
	}
}

// clause says what is wrong with a token that goes on where nothing of the
// kind can.
func (p *filterParser) clause(want string) error {
	for _, word := range [...]string{"ORDER", "GROUP", "HAVING", "JOIN", "LIMIT", "OFFSET", "TOP"} {
		if p.is(word) {
			return p.fail("%s is not supported in the filter of a device group", word)
		}
	}
	switch p.tok.text {
	case "(", ")":
		return p.nested()
	case "&&", "||":
		return p.fail("%s is not supported, write AND or OR", shown(p.tok.text))
	}
	return p.fail("%s, want %s", p.found(), want)
}

func (p *filterParser) nested() error {
	return p.fail("%s: parentheses and nested conditions are not supported in the filter of a device group", shown(p.tok.text))
}

// condition reads `operand op literal`.
func (p *filterParser) condition() (Expr, error) {
	path, err := p.operand()
	if err != nil {
		return nil, err
	}
	op, ok := filterOps[p.tok.text]
	if !ok || p.tok.kind != tokenMark {
		return nil, p.operator()
	}
	if err := p.step(); err != nil {
		return nil, err
	}
	v, err := p.literal()
	if err != nil {
		return nil, err
	}
	return Compare{op, path, Const{v}, SQL}, p.step()
}

// operator says what is wrong with a token that is no operator.
func (p *filterParser) operator() error {
	for _, word := range [...]string{"IN", "NIN", "NOT", "LIKE", "BETWEEN", "IS", "CONTAINS"} {
		if p.is(word) {
			return p.fail("%s is not supported in the filter of a device group, use = != < > <= >=", word)
		}
	}
	switch p.tok.text {
	case "==":
		return p.fail("\"==\" is not an operator, write =")
	case "(":
		return p.fail("functions are not supported in the filter of a device group")
	}
	return p.fail("%s, want one of = != <> < > <= >=", p.found())
}

func (p *filterParser) operand() (Path, error) {
	if p.tok.kind != tokenWord {
		if p.tok.text == "(" && p.tok.kind == tokenMark {
			return Path{}, p.nested()
		}
		return Path{}, p.fail("%s, want the name of a property, or $id, $template, $provisioned, $simulated", p.found())
	}
	first := p.tok
	if strings.HasPrefix(first.text, "$") {
		name, ok := operands[strings.ToLower(first.text)]
		if !ok {
			return Path{}, p.fail("%s is not known, there are $id, $template, $provisioned, $simulated", shown(first.text))
		}
		return Path{Name: name}, p.step()
	}
	if err := p.step(); err != nil {
		return Path{}, err
	}
	path := Path{Space: Property, Name: first.text}
	if p.tok.kind == tokenMark && p.tok.text == "." {
		if err := p.step(); err != nil {
			return Path{}, err
		}
		if p.tok.kind != tokenWord || p.tok.text[0] == '$' {
			return Path{}, p.fail("%s, want the name of a property of component %s", p.found(), shown(first.text))
		}
		path.Rest = []string{p.tok.text}
		if err := p.step(); err != nil {
			return Path{}, err
		}
		if p.tok.kind == tokenMark && p.tok.text == "." {
			return Path{}, p.fail("a name has two parts at most: component and property")
		}
	} else if p.tok.kind == tokenWord && compareFolded(first.text, "NOT") == 0 {
		return Path{}, textError(p.text, first.at, "NOT is not supported in the filter of a device group, use !=")
	}
	if p.out.property == nil {
		p.out.property = textError(p.text, first.at, "%s is a property: write FROM and the id of its device template instead of FROM devices", shown(first.text))
	}
	return path, nil
}

func (p *filterParser) literal() (doc.Value, error) {
	switch p.tok.kind {
	case tokenString:
		return doc.String(p.tok.text), nil
	case tokenNumber:
		return doc.Number(p.tok.text)
	case tokenWord:
		switch {
		case p.is("true"):
			return doc.Bool(true), nil
		case p.is("false"):
			return doc.Bool(false), nil
		case p.is("null"), p.is("undefined"):
			return doc.Value{}, p.fail("%s is not supported in the filter of a device group", p.tok.text)
		}
		return doc.Value{}, p.fail("%s: write strings in quotes; names stand to the left of the operator", shown(p.tok.text))
	}
	if p.tok.text == "(" && p.tok.kind == tokenMark {
		return doc.Value{}, p.nested()
	}
	return doc.Value{}, p.fail("%s, want a string in quotes, a number, true or false", p.found())
}
