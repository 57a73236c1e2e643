package query

import (
	"errors"
	"fmt"
	"strings"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// The bounds of a query object, ours; its bytes are bounded by doc.MaxBytes.
const (
	MaxComparisons = 1000
	MaxValues      = 10_000 // in the lists of in, nin and all, and as columns, keys and sorts
)

// ParseObject reads a query object of the 2016 preview:
//
//	{"project": {"all": bool, "properties": [P ...]},
//	 "aggregate": {"keys": [P ...], "properties": [{"operator": O, "property": P, "columnName": string} ...]},
//	 "filter": {"type": "logical", "logicalOperator": "and"|"or"|"not", "filters": [...]},
//	        or {"type": "comparison", "property": P, "value": any, "comparisonOperator": C},
//	 "sort": [{"order": "asc"|"desc", "property": P} ...]}
//
// with P {"name": string, "type": "default"|"device"|"service"|"aggregated"},
// O sum, avg, count, min, max and C eq, ne, gt, gte, lt, lte, in, nin, all.
// [Azure IoT Hub device management preview: device queries]
//
// Members and words are read in any letter case, members it does not know are
// passed over, null is as absent, {} is everything. Names of default
// properties come in any letter case too and so do words of enumerations,
// such as a status; other names and strings do not. Null and absent values are
// one: `ne null` means there is a value.
//
// The answer has at most PageSize rows, and a projection always has the id.
// Errors are of type *Error; those about a member have its Path.
func ParseObject(s Subject, b []byte) (Query, error) {
	v, err := doc.Parse(b)
	if e, ok := errors.AsType[*doc.SyntaxError](err); ok {
		return Query{}, &Error{Offset: e.Offset, What: fmt.Sprintf("not JSON: offset %d: %s", e.Offset, e.What)}
	}
	p := objectParser{subject: s}
	return p.query(node{v, "$"})
}

// objectParser reads one query object.
type objectParser struct {
	subject     Subject
	comparisons int
	values      int
}

// count takes n more values into account.
func (p *objectParser) count(at node, n int) error {
	if p.values += n; p.values > MaxValues {
		return at.fail("the query has more than %d values in its lists", MaxValues)
	}
	return nil
}

// list returns the elements of an array of objects that must not be empty.
func (p *objectParser) list(n node) ([]node, error) {
	if n.Kind() != doc.KindArray {
		return nil, n.fail("%s, want an array", n.what())
	}
	if n.Len() == 0 {
		return nil, n.fail("is empty, want at least one element")
	}
	if err := p.count(n, n.Len()); err != nil {
		return nil, err
	}
	elements := make([]node, n.Len())
	for i := range elements {
		elements[i] = n.index(i)
		if err := elements[i].object(); err != nil {
			return nil, err
		}
	}
	return elements, nil
}

func (p *objectParser) query(n node) (Query, error) {
	q := Query{ID: subjects[p.subject].id, Limit: PageSize}
	if err := n.object(); err != nil {
		return q, err
	}
	project, aggregate := n.member("project"), n.member("aggregate")
	var err error
	switch {
	case !project.IsAbsent() && !aggregate.IsAbsent():
		return q, aggregate.fail("project and aggregate exclude each other, leave one out")
	case !project.IsAbsent():
		q.Columns, err = p.projection(project)
	case !aggregate.IsAbsent():
		q.Group, err = p.aggregation(aggregate)
	}
	if err != nil {
		return q, err
	}
	if f := n.member("filter"); !f.IsAbsent() {
		if q.Where, err = p.filter(f); err != nil {
			return q, err
		}
	}
	q.Sort, err = p.sort(n.member("sort"), q.Group)
	return q, err
}

// property reads {"name", "type"}.
func (p *objectParser) property(n node) (property, error) {
	if err := n.object(); err != nil {
		return property{}, err
	}
	name, err := n.member("name").name()
	if err != nil {
		return property{}, err
	}
	kind := n.member("type")
	if kind.IsAbsent() {
		return p.subject.resolve(name), nil
	}
	// system is an old word for device, and custom for service.
	i, err := kind.word("default", "device", "service", "aggregated", "system", "custom")
	if err != nil {
		return property{}, err
	}
	switch i {
	case 0:
		return p.subject.resolve(name), nil
	case 1, 4:
		text := Ordinal
		if name == "CurrentTime" {
			text = Instant
		}
		return property{name, Path{Space: Device, Name: name}, text, true}, nil
	case 3:
		return property{name, Path{Space: Aggregated, Name: name}, Ordinal, false}, nil
	}
	return property{name, Path{Space: Service, Name: name}, Ordinal, true}, nil
}

// stored is property of what is in rows.
func (p *objectParser) stored(n node) (property, error) {
	x, err := p.property(n)
	if err == nil && x.path.Space == Aggregated {
		return x, n.member("type").fail("aggregated columns can be sorted by, and nothing else")
	}
	return x, err
}

func (p *objectParser) projection(n node) ([]Column, error) {
	if err := n.object(); err != nil {
		return nil, err
	}
	switch all := n.member("all"); {
	case all.Truth():
		return nil, nil
	case !all.IsAbsent() && all.Kind() != doc.KindBool:
		return nil, all.fail("%s, want true or false", all.what())
	}
	list, err := p.list(n.member("properties"))
	if err != nil {
		return nil, err
	}
	id := subjects[p.subject].id
	columns := []Column{{id.Name, id}}
	for _, e := range list {
		x, err := p.stored(e)
		if err != nil {
			return nil, err
		}
		if !x.project {
			return nil, e.member("name").fail("%s cannot be projected; of the default properties, a filter and sort may have any, a projection %s alone", shown(x.name), p.projectable())
		}
		if !x.path.Is(id) {
			columns = append(columns, Column{x.name, x.path})
		}
	}
	return columns, nil
}

func (p *objectParser) projectable() string {
	var names []string
	for _, f := range subjects[p.subject].fields {
		if f.project {
			names = append(names, f.name)
		}
	}
	return strings.Join(append(names, "tags"), ", ")
}

func (p *objectParser) aggregation(n node) (*Aggregation, error) {
	if err := n.object(); err != nil {
		return nil, err
	}
	var a Aggregation
	used := map[string]bool{}
	keys, err := p.list(n.member("keys"))
	if err != nil {
		return nil, err
	}
	for _, e := range keys {
		x, err := p.stored(e)
		if err != nil {
			return nil, err
		}
		if used[x.name] {
			return nil, e.member("name").fail("%s is used twice, the columns of the answer need different names", shown(x.name))
		}
		used[x.name] = true
		a.Keys = append(a.Keys, Column{x.name, x.path})
	}
	properties, err := p.list(n.member("properties"))
	if err != nil {
		return nil, err
	}
	for _, e := range properties {
		g, err := p.aggregate(e)
		if err != nil {
			return nil, err
		}
		if used[g.Name] {
			return nil, e.member("columnName").fail("%s is used twice, the columns of the answer need different names", shown(g.Name))
		}
		used[g.Name] = true
		a.Aggregates = append(a.Aggregates, g)
	}
	return &a, nil
}

func (p *objectParser) aggregate(n node) (g Aggregate, err error) {
	op, err := n.member("operator").word("count", "sum", "avg", "min", "max")
	if err != nil {
		return g, err
	}
	g.Op = CountOf + AggregateOp(op)
	if g.Name, err = n.member("columnName").name(); err != nil {
		return g, err
	}
	of := n.member("property")
	if of.IsAbsent() {
		if g.Op != CountOf {
			return g, of.fail("is missing; count alone does without")
		}
		return g, nil
	}
	x, err := p.stored(of)
	g.Of, g.Text = &x.path, x.text
	return g, err
}

func (p *objectParser) filter(n node) (Expr, error) {
	if err := n.object(); err != nil {
		return nil, err
	}
	switch kind := n.member("type"); {
	case kind.Kind() != doc.KindString:
		return nil, kind.fail("%s, want logical or comparison", kind.what())
	case compareFolded(kind.Text(), "logical") == 0:
		return p.logical(n)
	}
	return p.comparison(n)
}

func (p *objectParser) logical(n node) (Expr, error) {
	op, err := n.member("logicalOperator").word("and", "or", "not")
	if err != nil {
		return nil, err
	}
	list := n.member("filters")
	if k := list.Kind(); k != doc.KindArray && k != doc.KindAbsent {
		return nil, list.fail("%s, want an array", list.what())
	}
	var parts []Expr
	for i := range list.Len() {
		if err := p.compares(list); err != nil {
			return nil, err
		}
		part, err := p.filter(list.index(i))
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	switch op {
	case 0:
		return And(parts), nil
	case 1:
		return Or(parts), nil
	}
	if len(parts) != 1 {
		return nil, list.fail("not takes exactly one filter, here are %d", len(parts))
	}
	return Not{parts[0]}, nil
}

// compares takes one more filter into account.
func (p *objectParser) compares(at node) error {
	if p.comparisons++; p.comparisons > MaxComparisons {
		return at.fail("the query has more than %d filters", MaxComparisons)
	}
	return nil
}

func (p *objectParser) comparison(n node) (Expr, error) {
	x, err := p.stored(n.member("property"))
	if err != nil {
		return nil, err
	}
	word := n.member("comparisonOperator")
	op, err := word.word("eq", "ne", "lt", "lte", "gt", "gte", "in", "nin", "all")
	if err != nil {
		return nil, err
	}
	const in, nin, all = 6, 7, 8
	if x.path.Space == Labels && op != all {
		return nil, word.fail("%s, tags can be compared with all alone", word.what())
	}
	mode := Mode{Text: x.text}
	value := n.member("value")
	if op < in {
		if value.IsAbsent() {
			value.Value = doc.Null()
		}
		return Compare{Op(op), x.path, Const{value.Value}, mode}, nil
	}
	if value.Kind() != doc.KindArray {
		return nil, value.fail("%s, %s wants an array", value.what(), word.Text())
	}
	if err := p.count(value, value.Len()); err != nil {
		return nil, err
	}
	list := make([]doc.Value, value.Len())
	for i := range list {
		list[i] = value.Index(i)
	}
	switch op {
	case nin:
		return NotIn(x.path, list, mode), nil
	case all:
		return All(x.path, list, mode), nil
	}
	return In(x.path, list, mode), nil
}

func (p *objectParser) sort(n node, group *Aggregation) ([]Sort, error) {
	list := []node{n}
	switch n.Kind() {
	case doc.KindAbsent:
		return nil, nil
	case doc.KindObject:
	default:
		if n.Kind() == doc.KindArray && n.Len() == 0 {
			return nil, nil
		}
		var err error
		if list, err = p.list(n); err != nil {
			return nil, err
		}
	}
	var sorts []Sort
	for _, e := range list {
		s := Sort{}
		if order := e.member("order"); !order.IsAbsent() {
			i, err := order.word("asc", "desc")
			if err != nil {
				return nil, err
			}
			s.Desc = i == 1
		}
		at := e.member("property")
		x, err := p.property(at)
		if err != nil {
			return nil, err
		}
		switch {
		case group == nil && x.path.Space == Aggregated:
			return nil, at.member("type").fail("there is nothing aggregated without aggregate")
		case group != nil && group.column(x.path) < 0:
			return nil, at.member("name").fail("%s is neither a key of aggregate nor, as type aggregated, one of its columns", shown(x.name))
		}
		s.Path, s.Text = x.path, x.text
		if x.path.Space == Aggregated {
			s.Text = group.Aggregates[group.column(x.path)-len(group.Keys)].Text
		}
		sorts = append(sorts, s)
	}
	return sorts, nil
}
