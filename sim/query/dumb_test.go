package query_test

import (
	"cmp"
	"encoding/json"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The dumb twin: the rules of the preview and of group filters once more, over
// maps as encoding/json makes them and as plainly as can be. Rows are maps of
// spaces; null and absent are nil.

type object = map[string]any

func decode(text string) (v any) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		panic(err)
	}
	return v
}

func rat(v any) *big.Rat {
	r, ok := new(big.Rat).SetString(string(v.(json.Number)))
	if !ok {
		panic(v)
	}
	return r
}

// dumbText is the rule for the strings of a property.
func dumbText(p object) string {
	if kind, _ := p["type"].(string); kind != "" && kind != "default" {
		return "ordinal"
	}
	switch strings.ToLower(p["name"].(string)) {
	case "status":
		return "word"
	case "lastactivitytime":
		return "time"
	}
	return "ordinal"
}

// dumbGet returns what a property is in a row.
func dumbGet(row, p object) any {
	space, _ := p["type"].(string)
	name := p["name"].(string)
	switch space {
	case "", "default":
		if strings.EqualFold(name, "tags") {
			return row["labels"]
		}
		for k, v := range row["default"].(object) {
			if strings.EqualFold(k, name) {
				return v
			}
		}
		return nil
	}
	members, _ := row[space].(object)
	return members[name]
}

func dumbTime(s, text string) (time.Time, bool) {
	if text != "time" {
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// dumbRank says what kind of thing a value is, in the order of sorting.
func dumbRank(v any, text string) int {
	switch v := v.(type) {
	case nil:
		return 0
	case bool:
		return 1
	case json.Number:
		return 2
	case string:
		if _, ok := dumbTime(v, text); ok {
			return 3
		}
		return 4
	case []any:
		return 5
	}
	return 6
}

// dumbOrder is the order of sorting.
func dumbOrder(a, b any, text string) int {
	if c := cmp.Compare(dumbRank(a, text), dumbRank(b, text)); c != 0 {
		return c
	}
	switch x := a.(type) {
	case bool:
		number := map[bool]int{true: 1}
		return number[x] - number[b.(bool)]
	case json.Number:
		return rat(a).Cmp(rat(b))
	case string:
		y := b.(string)
		if t, ok := dumbTime(x, text); ok {
			u, _ := dumbTime(y, text)
			return t.Compare(u)
		}
		if text == "word" {
			return strings.Compare(strings.ToLower(x), strings.ToLower(y))
		}
		return strings.Compare(x, y)
	case []any:
		return slices.CompareFunc(x, b.([]any), func(v, w any) int { return dumbOrder(v, w, "ordinal") })
	case object:
		return slices.CompareFunc(dumbMembers(x), dumbMembers(b.(object)), func(v, w any) int { return dumbOrder(v, w, "ordinal") })
	}
	return 0
}

// dumbMembers flattens an object: name, value, name, value ...
func dumbMembers(o object) (flat []any) {
	for k := range o {
		flat = append(flat, k)
	}
	slices.SortFunc(flat, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	for i := 0; i < len(flat); i += 2 {
		flat = slices.Insert(flat, i+1, o[flat[i].(string)])
	}
	return flat
}

// dumbFilter is the preview's filter.
func dumbFilter(f any, row object) bool {
	if f == nil {
		return true
	}
	o := f.(object)
	if o["type"] == "logical" {
		filters := o["filters"].([]any)
		holds := func(f any) bool { return dumbFilter(f, row) }
		switch o["logicalOperator"] {
		case "and":
			return !slices.ContainsFunc(filters, func(f any) bool { return !holds(f) })
		case "or":
			return slices.ContainsFunc(filters, holds)
		}
		return !holds(filters[0])
	}
	p := o["property"].(object)
	text, have, want := dumbText(p), dumbGet(row, p), o["value"]
	same := func(a, b any) bool { return dumbOrder(a, b, text) == 0 }
	// Only values of one kind, and of a kind that has an order, are before or
	// after each other.
	ordered := dumbRank(have, text) == dumbRank(want, text) && dumbRank(want, text) >= 1 && dumbRank(want, text) <= 4
	among := func() bool {
		return slices.ContainsFunc(want.([]any), func(w any) bool { return same(have, w) })
	}
	switch o["comparisonOperator"] {
	case "eq":
		return same(have, want)
	case "ne":
		return !same(have, want)
	case "lt":
		return ordered && dumbOrder(have, want, text) < 0
	case "lte":
		return ordered && dumbOrder(have, want, text) <= 0
	case "gt":
		return ordered && dumbOrder(have, want, text) > 0
	case "gte":
		return ordered && dumbOrder(have, want, text) >= 0
	case "in":
		return among()
	case "nin":
		return !among()
	}
	list, ok := have.([]any)
	for _, w := range want.([]any) {
		ok = ok && slices.ContainsFunc(list, func(x any) bool { return same(x, w) })
	}
	return ok
}

func dumbID(row object) any { return row["default"].(object)["deviceId"] }

// dumbRows answers a query without aggregate: the ids, of all pages.
func dumbRows(q object, rows []object) []string {
	var found []object
	for _, r := range rows {
		if dumbFilter(q["filter"], r) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b object) int {
		return cmp.Or(dumbSort(q, func(p object) (any, any) { return dumbGet(a, p), dumbGet(b, p) }), dumbOrder(dumbID(a), dumbID(b), "ordinal"))
	})
	ids := []string{}
	for _, r := range found {
		ids = append(ids, dumbID(r).(string))
	}
	return ids
}

func dumbSort(q object, get func(p object) (any, any)) int {
	sorts, _ := q["sort"].([]any)
	for _, s := range sorts {
		p := s.(object)["property"].(object)
		a, b := get(p)
		c := dumbOrder(a, b, dumbText(p))
		if s.(object)["order"] == "desc" {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// dumbGroup is one row of an aggregate.
type dumbGroup struct {
	keys, values []any
	rows         []object
}

// dumbGroups answers a query with aggregate.
func dumbGroups(q object, rows []object) (groups []*dumbGroup) {
	a := q["aggregate"].(object)
	keys, properties := a["keys"].([]any), a["properties"].([]any)
	for _, r := range rows {
		if !dumbFilter(q["filter"], r) {
			continue
		}
		var k []any
		for _, p := range keys {
			k = append(k, dumbGet(r, p.(object)))
		}
		i := slices.IndexFunc(groups, func(g *dumbGroup) bool { return dumbOrder(g.keys, k, "ordinal") == 0 })
		if i < 0 {
			i = len(groups)
			groups = append(groups, &dumbGroup{keys: k})
		}
		groups[i].rows = append(groups[i].rows, r)
	}
	for _, g := range groups {
		for _, p := range properties {
			g.values = append(g.values, g.aggregate(p.(object)))
		}
	}
	slices.SortFunc(groups, func(a, b *dumbGroup) int {
		c := dumbSort(q, func(p object) (any, any) {
			if p["type"] == "aggregated" {
				i := slices.IndexFunc(properties, func(x any) bool { return x.(object)["columnName"] == p["name"] })
				return a.values[i], b.values[i]
			}
			i := slices.IndexFunc(keys, func(x any) bool { return x.(object)["name"] == p["name"] && x.(object)["type"] == p["type"] })
			return a.keys[i], b.keys[i]
		})
		return cmp.Or(c, dumbOrder(a.keys, b.keys, "ordinal"))
	})
	return groups
}

func (g *dumbGroup) aggregate(x object) any {
	p, _ := x["property"].(object)
	if p == nil {
		return json.Number(big.NewInt(int64(len(g.rows))).String())
	}
	var values []any
	sum, n := new(big.Rat), int64(0)
	for _, r := range g.rows {
		v := dumbGet(r, p)
		if v == nil {
			continue
		}
		values = append(values, v)
		if _, ok := v.(json.Number); ok {
			sum.Add(sum, rat(v))
			n++
		}
	}
	text := dumbText(p)
	switch x["operator"] {
	case "count":
		return json.Number(big.NewInt(int64(len(values))).String())
	case "sum":
		return json.Number(sum.FloatString(40))
	case "avg":
		if n == 0 {
			return nil
		}
		if sum.Quo(sum, big.NewRat(n, 1)); !sum.IsInt() {
			f, _ := sum.Float64()
			if math.IsInf(f, 0) {
				return json.Number(sum.FloatString(0))
			}
			return json.Number(strconv.FormatFloat(f, 'g', -1, 64)) // as JSON writes a binary64
		}
		return json.Number(sum.FloatString(0))
	}
	if len(values) == 0 {
		return nil
	}
	order := func(a, b any) int { return dumbOrder(a, b, text) }
	if x["operator"] == "min" {
		return slices.MinFunc(values, order)
	}
	return slices.MaxFunc(values, order)
}
