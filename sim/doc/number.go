package doc

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Int returns an integer.
func Int(n int64) Value {
	var a [24]byte
	return Value{enc: string(append(strconv.AppendInt(a[:0], n, 10), tagNumber))}
}

// Number returns the number written as text, which must be as JSON wants it
// and is kept as it is; its exponent may have up to nine digits.
func Number(text string) (Value, error) {
	n, what := scanNumber(text)
	if what != "" || n < len(text) {
		if what == "" {
			what = "nothing more"
		}
		return Value{}, fmt.Errorf("number %.64q: offset %d: want %s", text, n, what)
	}
	return Value{enc: text + encNumber}, nil
}

const outOfRange = "an exponent of at most nine digits"

// scanNumber returns how long the number at the start of s is. If there is
// none, what says what is wanted at n.
func scanNumber[T string | []byte](s T) (n int, what string) {
	digits := func() bool {
		from := n
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		return n > from
	}
	if n < len(s) && s[n] == '-' {
		n++
	}
	if n < len(s) && s[n] == '0' {
		n++
	} else if !digits() {
		return n, "a digit"
	}
	if n < len(s) && s[n] == '.' {
		if n++; !digits() {
			return n, "a digit"
		}
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		if n++; n < len(s) && (s[n] == '+' || s[n] == '-') {
			n++
		}
		for n+1 < len(s) && s[n] == '0' && s[n+1] >= '0' && s[n+1] <= '9' {
			n++
		}
		from := n
		if !digits() {
			return n, "a digit"
		}
		if n-from > len("999999999") {
			return from, outOfRange
		}
	}
	return n, ""
}

// decimal is a number as 0.d1d2d3... * 10^point with the digits of whole and
// then frac; the first and the last digit are not 0. Zero has no digits.
type decimal struct {
	neg         bool
	whole, frac string
	point       int64
}

// decimalOf takes the text of a valid number apart.
func decimalOf(text string) (d decimal) {
	text, d.neg = strings.CutPrefix(text, "-")
	var exp int64
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		exp, _ = strconv.ParseInt(text[i+1:], 10, 64) // at most nine digits, see scanNumber
		text = text[:i]
	}
	d.whole, d.frac, _ = strings.Cut(text, ".")
	d.whole = strings.TrimLeft(d.whole, "0")
	d.point = int64(len(d.whole)) + exp
	if d.whole == "" {
		frac := strings.TrimLeft(d.frac, "0")
		d.point -= int64(len(d.frac) - len(frac))
		d.frac = frac
	}
	d.frac = strings.TrimRight(d.frac, "0")
	if d.frac == "" {
		d.whole = strings.TrimRight(d.whole, "0")
	}
	if d.len() == 0 {
		return decimal{}
	}
	return d
}

func (d *decimal) len() int { return len(d.whole) + len(d.frac) }

// digit is the i-th digit, '0' beyond the last.
func (d *decimal) digit(i int) byte {
	switch {
	case i < len(d.whole):
		return d.whole[i]
	case i < d.len():
		return d.frac[i-len(d.whole)]
	}
	return '0'
}

// compareNumbers compares the texts of two numbers by value.
func compareNumbers(s, t string) int {
	if x, ok := shortInteger(s); ok {
		if y, ok := shortInteger(t); ok {
			return cmp.Compare(x, y)
		}
	}
	a, b := decimalOf(s), decimalOf(t)
	if x, y := a.sign(), b.sign(); x != y || x == 0 {
		return cmp.Compare(x, y)
	}
	if a.point != b.point {
		return a.sign() * cmp.Compare(a.point, b.point)
	}
	for i := range max(a.len(), b.len()) {
		if x, y := a.digit(i), b.digit(i); x != y {
			return a.sign() * cmp.Compare(x, y)
		}
	}
	return 0
}

func (d *decimal) sign() int {
	switch {
	case d.len() == 0:
		return 0
	case d.neg:
		return -1
	}
	return 1
}

// shortInteger reads a plain integer of up to 18 digits.
func shortInteger(s string) (n int64, ok bool) {
	digits, neg := strings.CutPrefix(s, "-")
	if len(digits) > 18 {
		return 0, false
	}
	for i := range len(digits) {
		c := digits[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if neg {
		n = -n
	}
	return n, true
}

// Int64 returns the number's value if it is an integer within 64 bits,
// however it is written: 1e3 and 10.0 are.
func (v Value) Int64() (int64, bool) {
	if v.Kind() != KindNumber {
		return 0, false
	}
	if n, ok := shortInteger(v.Text()); ok {
		return n, true
	}
	d := decimalOf(v.Text())
	if d.len() == 0 {
		return 0, true
	}
	if d.point > 19 || int64(d.len()) > d.point {
		return 0, false
	}
	var n uint64 // 19 digits fit
	for i := range int(d.point) {
		n = n*10 + uint64(d.digit(i)-'0')
	}
	switch {
	case d.neg && n <= 1<<63:
		return -int64(n-1) - 1, true
	case !d.neg && n <= math.MaxInt64:
		return int64(n), true
	}
	return 0, false
}

// maxRat bounds the length and the exponent of numbers that become a big.Rat,
// which writes every power of ten out.
const maxRat = 4096

// Rat returns the number's exact value for reckoning; nil if v is no number,
// longer than 4,096 characters or has an exponent beyond 4,096. To compare,
// Compare is cheaper and has no bounds.
func (v Value) Rat() *big.Rat {
	if v.Kind() != KindNumber || len(v.Text()) > maxRat {
		return nil
	}
	if d := decimalOf(v.Text()); d.point > maxRat || d.point < -maxRat {
		return nil
	}
	r, _ := new(big.Rat).SetString(v.Text())
	return r
}
