package scenarios

import (
	"fmt"
	"math/big"
	"time"
)

// Value is what a path of an expectation leads to when a run is over.
type Value struct {
	kind valueKind
	num  *big.Rat // count, or nanoseconds
	word string
}

type valueKind uint8

const (
	noValue valueKind = iota
	countValue
	spanValue
	wordValue
)

// Count is a number of things.
func Count(n int64) Value { return Value{kind: countValue, num: new(big.Rat).SetInt64(n)} }

// Span is a duration.
func Span(d time.Duration) Value {
	return Value{kind: spanValue, num: new(big.Rat).SetInt64(int64(d))}
}

// Word is a status or a text.
func Word(s string) Value { return Value{kind: wordValue, word: s} }

// String prints the value for people.
func (v Value) String() string {
	switch v.kind {
	case countValue:
		if v.num.IsInt() {
			return v.num.Num().String()
		}
		return v.num.FloatString(3)
	case spanValue:
		return brief(rounded(v.num))
	case wordValue:
		return quote(v.word)
	}
	return "nothing"
}

// rounded returns nanoseconds as a duration people can read: four digits.
func rounded(ns *big.Rat) time.Duration {
	d := time.Duration(new(big.Int).Quo(ns.Num(), ns.Denom()).Int64())
	unit := time.Duration(1)
	for d/unit >= 10_000 && unit < time.Second/10 {
		unit *= 10
	}
	return d.Round(unit)
}

// percentText prints part of whole as a percentage with at most two decimals,
// rounded down: what is not quite 99 % does not read as 99 %.
func percentText(part, whole *big.Rat) string {
	if whole.Sign() == 0 {
		return "of none"
	}
	x := new(big.Rat).Quo(part, whole)
	x.Mul(x, big.NewRat(10000, 1))
	n := new(big.Int).Quo(x.Num(), x.Denom()).Int64()
	return fmt.Sprintf("%d.%02d%%", n/100, n%100)
}
