package query

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// maxDigits bounds the digits and the exponents of numbers that are added up,
// so that a row cannot make a sum of a billion digits.
const maxDigits = 4096

// total adds decimals exactly: it is whole + parts / 10^scale.
type total struct {
	whole int64
	parts *big.Int // nil: 0
	scale int64
}

// add adds a number; false if it is beyond maxDigits.
func (t *total) add(v doc.Value) bool {
	if n, ok := v.Int64(); ok {
		sum := t.whole + n
		if (sum > t.whole) == (n > 0) {
			t.whole = sum
			return true
		}
		t.spill()
		t.whole = n
		return true
	}
	d := decimalOf(v.Text())
	if len(d.whole)+len(d.frac) > maxDigits || d.exp > maxDigits || d.exp < -maxDigits {
		return false
	}
	n, _ := new(big.Int).SetString(d.whole+d.frac, 10)
	if d.neg {
		n.Neg(n)
	}
	if t.parts == nil {
		t.parts = new(big.Int)
	}
	if -d.exp > t.scale {
		t.parts.Mul(t.parts, power(-d.exp-t.scale))
		t.scale = -d.exp
	}
	if k := t.scale + d.exp; k > 0 {
		n.Mul(n, power(k))
	}
	t.parts.Add(t.parts, n)
	return true
}

// spill moves whole into parts.
func (t *total) spill() {
	if t.parts == nil {
		t.parts = new(big.Int)
	}
	n := big.NewInt(t.whole)
	t.parts.Add(t.parts, n.Mul(n, power(t.scale)))
	t.whole = 0
}

func power(n int64) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil) }

// sum returns the total as a decimal.
func (t *total) sum() doc.Value {
	if t.parts == nil {
		return doc.Int(t.whole)
	}
	t.spill()
	return number(decimalText(t.parts, int(t.scale)))
}

// decimalText writes n / 10^scale without zeros at the end.
func decimalText(n *big.Int, scale int) string {
	s, neg := strings.CutPrefix(n.String(), "-")
	if len(s) <= scale {
		s = strings.Repeat("0", scale+1-len(s)) + s
	}
	whole, frac := s[:len(s)-scale], strings.TrimRight(s[len(s)-scale:], "0")
	if frac != "" {
		whole += "." + frac
	}
	if neg {
		whole = "-" + whole
	}
	return whole
}

// average returns the total divided by count.
func (t *total) average(count int64) doc.Value {
	if t.parts == nil {
		if t.whole%count == 0 {
			return doc.Int(t.whole / count)
		}
	}
	t.spill()
	q := new(big.Rat).SetFrac(t.parts, new(big.Int).Mul(big.NewInt(count), power(t.scale)))
	if q.IsInt() {
		return number(q.Num().String())
	}
	f, _ := q.Float64() // rounded from the exact value by integer arithmetic
	if math.IsInf(f, 0) {
		return number(q.FloatString(0))
	}
	format := byte('f')
	if a := math.Abs(f); a < 1e-6 || a >= 1e21 {
		format = 'e'
	}
	return number(strconv.FormatFloat(f, format, -1, 64))
}

// number is doc.Number of a text that is one.
func number(text string) doc.Value {
	v, err := doc.Number(text)
	if err != nil {
		panic("query: " + err.Error())
	}
	return v
}
