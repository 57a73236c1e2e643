package job

import (
	"fmt"
	"math"
	"math/big"
	"strings"
)

// Amount is a number of devices or a percentage of them, kept as it was
// written: it is compared exactly, never as a float.
type Amount struct {
	Value   string // decimal, as JSON writes numbers
	Percent bool
}

// ParseAmount reads `10` or `12.5%`.
func ParseAmount(s string) (Amount, error) {
	v, percent := strings.CutSuffix(strings.TrimSpace(s), "%")
	a := Amount{strings.TrimSpace(v), percent}
	_, err := a.rat()
	return a, err
}

// String writes the amount as ParseAmount reads it.
func (a Amount) String() string {
	if a.Percent {
		return a.Value + "%"
	}
	return a.Value
}

func (a Amount) rat() (*big.Rat, error) {
	if len(a.Value) > 40 || a.Value == "" || strings.ContainsAny(a.Value, "/_xXpP") {
		return nil, fmt.Errorf("%q is no decimal number", a.Value)
	}
	if i := strings.IndexAny(a.Value, "eE"); i >= 0 && len(a.Value)-i > 4 {
		return nil, fmt.Errorf("%q has too large an exponent", a.Value)
	}
	r, ok := new(big.Rat).SetString(a.Value)
	if !ok {
		return nil, fmt.Errorf("%q is no decimal number", a.Value)
	}
	return r, nil
}

// check holds the amount against its range: a number is an integer of at
// least least, a percentage lies above 0 (or at it, if least is 0) and is at
// most 100.
func (a Amount) check(what string, least int64) error {
	r, err := a.rat()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	switch {
	case !a.Percent && (!r.IsInt() || r.Cmp(big.NewRat(least, 1)) < 0 || r.Cmp(big.NewRat(math.MaxInt32, 1)) > 0):
		return fmt.Errorf("%s: %s is no integer from %d to %d", what, a.Value, least, math.MaxInt32)
	case a.Percent && (r.Sign() < 0 || r.Sign() == 0 && least > 0 || r.Cmp(big.NewRat(100, 1)) > 0):
		return fmt.Errorf("%s: %s%% is outside of 0%% to 100%%", what, a.Value)
	}
	return nil
}

// of returns the amount of total, as a fraction.
func (a Amount) of(total int) *big.Rat {
	r, err := a.rat()
	if err != nil {
		panic(fmt.Sprintf("job: amount %q was not checked: %v", a.Value, err))
	}
	if a.Percent {
		r.Mul(r, big.NewRat(int64(total), 100))
	}
	return r
}

// Size returns how many devices a batch of the amount has when there are
// total: rounded up, at least 1, at most total. [Azure IoT Central: "Create
// and run a job", batches]
func (a Amount) Size(total int) int {
	r := a.of(total)
	n := new(big.Int).Add(r.Num(), r.Denom())
	n.Sub(n, big.NewInt(1)).Quo(n, r.Denom()) // rounded up
	if !n.IsInt64() || n.Int64() > int64(total) {
		return total
	}
	return int(max(1, n.Int64()))
}

// Most returns how many of base devices may fail before the amount is
// exceeded. As failures are whole, the floor of the limit decides exactly as
// the limit does. [Azure IoT Central: "Create and run a job", cancellation
// threshold: when the number of errors exceeds the limit]
func (a Amount) Most(base int) int {
	r := a.of(base)
	n := new(big.Int).Quo(r.Num(), r.Denom())
	if !n.IsInt64() || n.Int64() > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(n.Int64())
}

// Reached says whether part of whole devices is at least the amount.
func (a Amount) Reached(part, whole int) bool {
	return a.of(whole).Cmp(big.NewRat(int64(part), 1)) <= 0
}
