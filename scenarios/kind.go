package scenarios

import (
	"fmt"
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// joined lists at most n names.
func joined(names []string, n int) string {
	if len(names) > n {
		return strings.Join(names[:n], ", ") + " ..."
	}
	return strings.Join(names, ", ")
}

// scalar takes the text of a value that is not a list or a map, as written:
// 3.10 stays 3.10 whether it is quoted or not.
func scalar(r *reader, n *node, what string) (string, bool) {
	switch n.kind {
	case boolNode, numberNode, textNode:
		return n.text, true
	}
	hint := ""
	if n.kind == mapNode && !n.braces {
		hint = "a text with a colon and a blank in it must be quoted: '...'"
	}
	r.complain(n.at, hint, "%s must be a single value, is %s", what, n.describe())
	return "", false
}

// textOf is a text of at most max bytes.
func textOf(what string, least, most int) kind[string] {
	return kind[string]{
		schema: &schema{types: []string{"string", "number", "boolean"}},
		read: func(r *reader, n *node) (string, bool) {
			s, ok := scalar(r, n, what)
			switch {
			case !ok:
			case len(s) < least:
				r.complain(n.at, "", "%s must not be empty", what)
				ok = false
			case len(s) > most:
				r.complain(n.at, "", "%s has %d bytes, at most %d are allowed", what, len(s), most)
				ok = false
			case strings.IndexFunc(s, func(c rune) bool { return c < ' ' && c != '\n' && c != '\t' || c == 0x7f || c == utf8.RuneError }) >= 0:
				r.complain(n.at, "", "%s has a control character", what)
				ok = false
			}
			return s, ok
		},
	}
}

// wordOf is one of a few words.
func wordOf(what string, words ...string) kind[string] {
	return kind[string]{
		schema: &schema{types: []string{"string"}, words: words},
		read: func(r *reader, n *node) (string, bool) {
			s, ok := scalar(r, n, what)
			if !ok {
				return "", false
			}
			for _, w := range words {
				if w == s {
					return s, true
				}
			}
			r.complain(n.at, didYouMean(s, words), "%s is not %s", quote(s), what)
			return "", false
		},
	}
}

// integerOf is a whole number within bounds.
func integerOf(what string, least, most int64) kind[int64] {
	return kind[int64]{
		schema: &schema{types: []string{"integer"}, min: fmt.Sprint(least), max: fmt.Sprint(most)},
		read: func(r *reader, n *node) (int64, bool) {
			x, ok := number(r, n, what)
			if !ok {
				return 0, false
			}
			if !x.IsInt() || !x.Num().IsInt64() {
				r.complain(n.at, "", "%s must be a whole number, is %s", what, n.text)
				return 0, false
			}
			i := x.Num().Int64()
			if i < least || i > most {
				r.complain(n.at, "", "%s must be %d to %d, is %d", what, least, most, i)
				return 0, false
			}
			return i, true
		},
	}
}

// seedKind is a whole number of 64 bits.
var seedKind = kind[uint64]{
	schema: &schema{types: []string{"integer"}, min: "0", max: "18446744073709551615"},
	read: func(r *reader, n *node) (uint64, bool) {
		x, ok := number(r, n, "seed")
		if !ok {
			return 0, false
		}
		if !x.IsInt() || !x.Num().IsUint64() {
			r.complain(n.at, "", "seed must be a whole number from 0 to 18446744073709551615, is %s", n.text)
			return 0, false
		}
		return x.Num().Uint64(), true
	},
}

// number reads the exact value of an unquoted number.
func number(r *reader, n *node, what string) (*big.Rat, bool) {
	if n.kind == numberNode || n.kind == textNode && n.plain { // integers beyond 64 bits are plain texts to the library
		if x, ok := decimal(n.text); ok {
			return x, true
		}
	}
	hint := ""
	if _, ok := decimal(n.text); ok && n.kind == textNode && !n.plain {
		hint = "write it without quotes"
	}
	r.complain(n.at, hint, "%s must be a number, is %s", what, n.describe())
	return nil, false
}

// jsonKind is any JSON value, as direct methods and twins carry it.
var jsonKind = kind[doc.Value]{schema: &schema{open: true}, read: jsonValue}

// objectOf is a JSON object.
func objectOf(what string) kind[doc.Value] {
	return kind[doc.Value]{
		schema: &schema{types: []string{"object"}, open: true},
		read: func(r *reader, n *node) (doc.Value, bool) {
			if n.kind != mapNode {
				r.complain(n.at, "", "%s must be a map of names and values, is %s", what, n.describe())
				return doc.Value{}, false
			}
			return jsonValue(r, n)
		},
	}
}

func jsonValue(r *reader, n *node) (doc.Value, bool) {
	switch n.kind {
	case nullNode:
		return doc.Null(), true
	case boolNode:
		return doc.Bool(strings.EqualFold(n.text, "true")), true
	case numberNode:
		v, err := doc.Number(jsonNumber(n.text))
		if err != nil {
			r.complain(n.at, "quote it to make it a text", "%s is not a number of JSON", n.text)
			return doc.Value{}, false
		}
		return v, true
	case textNode:
		return doc.String(n.text), true
	case listNode:
		all := make([]doc.Value, 0, len(n.items))
		for _, i := range n.items {
			v, ok := jsonValue(r, i)
			if !ok {
				return doc.Value{}, false
			}
			all = append(all, v)
		}
		return doc.Array(all...), true
	}
	all := make([]doc.Member, 0, len(n.members))
	for _, m := range n.members {
		v, ok := jsonValue(r, m.value)
		if !ok {
			return doc.Value{}, false
		}
		all = append(all, doc.Member{Name: m.name, Value: v})
	}
	return doc.Object(all...), true
}

// jsonNumber returns a number as JSON writes it: as it stands where that is
// JSON, else (0x10, 1_000, +5, .5) its value.
func jsonNumber(s string) string {
	if _, err := doc.Number(s); err == nil {
		return s
	}
	x, ok := decimal(s)
	if !ok {
		return s
	}
	if x.IsInt() {
		return x.Num().String()
	}
	digits, exact := x.FloatPrec()
	if !exact || digits > 40 {
		return s
	}
	return x.FloatString(digits)
}
