package query

import (
	"strconv"
	"strings"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// appendKey appends a text that two values have in common exactly if they are
// equal in the sense of m (TypesDiffer): what looks values up in a map. Absent
// is as null where m says so.
func (m Mode) appendKey(dst []byte, v doc.Value) []byte {
	switch v.Kind() {
	case doc.KindAbsent:
		if m.Nulls == NullIsValue {
			return append(dst, '-')
		}
		return append(dst, "null"...)
	case doc.KindString:
		return m.Text.appendKey(dst, v.Text())
	}
	return appendCanonical(dst, v)
}

func (t Text) appendKey(dst []byte, s string) []byte {
	switch t {
	case Word:
		dst = append(dst, '"')
		for i := range len(s) {
			dst = append(dst, lower(s[i]))
		}
		return append(dst, '"') // nothing follows a word, so nothing needs a mark
	case Instant:
		if x, ok := parseInstant(s); ok {
			dst = append(dst, '@')
			dst = strconv.AppendInt(dst, x.seconds, 10)
			dst = append(dst, '.')
			return strconv.AppendInt(dst, int64(x.nanos), 10)
		}
	}
	return doc.AppendQuoted(dst, s)
}

// appendCanonical appends v as JSON, numbers in one spelling for each value.
func appendCanonical(dst []byte, v doc.Value) []byte {
	switch v.Kind() {
	case doc.KindNumber:
		d := decimalOf(v.Text())
		return d.append(dst)
	case doc.KindArray:
		dst = append(dst, '[')
		for i := range v.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendCanonical(dst, v.Index(i))
		}
		return append(dst, ']')
	case doc.KindObject:
		dst = append(dst, '{')
		for i := range v.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			m := v.Member(i)
			dst = append(doc.AppendQuoted(dst, m.Name), ':')
			dst = appendCanonical(dst, m.Value)
		}
		return append(dst, '}')
	}
	return v.AppendJSON(dst)
}

// decimal is a number: whole and frac are its digits without a zero at either
// end, together an integer to be multiplied by 10^exp. Zero has no digits.
type decimal struct {
	neg         bool
	whole, frac string
	exp         int64
}

// decimalOf takes the text of a JSON number apart.
func decimalOf(text string) (d decimal) {
	text, d.neg = strings.CutPrefix(text, "-")
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		d.exp, _ = strconv.ParseInt(text[i+1:], 10, 64) // doc allows nine digits
		text = text[:i]
	}
	d.whole, d.frac, _ = strings.Cut(text, ".")
	d.frac = strings.TrimRight(d.frac, "0")
	d.exp -= int64(len(d.frac))
	if d.whole = strings.TrimLeft(d.whole, "0"); d.whole == "" {
		d.frac = strings.TrimLeft(d.frac, "0")
	}
	if d.frac == "" {
		n := len(d.whole)
		d.whole = strings.TrimRight(d.whole, "0")
		d.exp += int64(n - len(d.whole))
	}
	if d.whole == "" && d.frac == "" {
		return decimal{}
	}
	return d
}

func (d *decimal) append(dst []byte) []byte {
	if d.neg {
		dst = append(dst, '-')
	}
	dst = append(dst, d.whole...)
	dst = append(dst, d.frac...)
	dst = append(dst, 'e')
	return strconv.AppendInt(dst, d.exp, 10)
}
