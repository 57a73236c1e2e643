package job_test

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/sim/job"
)

func amount(t testing.TB, s string) *job.Amount {
	t.Helper()
	a, err := job.ParseAmount(s)
	if err != nil {
		t.Fatal(err)
	}
	return &a
}

// TestBatchSize is the table of batch sizes. [Azure IoT Central: "Create and
// run a job", batches; decision A-05: rounded up, at least 1]
func TestBatchSize(t *testing.T) {
	for _, tt := range []struct {
		total int
		value string
		size  int
	}{
		{10, "25%", 3}, {10, "30%", 3}, {10, "33.3%", 4}, {7, "50%", 4}, {3, "25%", 1}, {1, "25%", 1}, {200, "0.1%", 1},
		{1000, "12.5%", 125}, {10, "100%", 10}, {1000, "0.1%", 1}, {3, "33.3%", 1}, {10, "3", 3}, {10, "1", 1}, {10, "11", 10}, {10, "1e1", 10},
	} {
		if got := amount(t, tt.value).Size(tt.total); got != tt.size {
			t.Errorf("%s of %d: a batch has %d; want %d", tt.value, tt.total, got, tt.size)
		}
	}
}

// TestThresholdLimit is the table of failures that cancel. [Azure IoT
// Central: "Create and run a job", cancellation threshold; A-06a: strictly
// greater]
func TestThresholdLimit(t *testing.T) {
	for _, tt := range []struct {
		base    int
		value   string
		cancels int // the failure that does it; 0: never
	}{
		{10, "0%", 1}, {10, "5%", 1}, {10, "10%", 2}, {10, "25%", 3}, {4, "25%", 2}, {3, "33.3%", 1}, {3, "34%", 2}, {10, "100%", 0},
		{10, "0", 1}, {10, "3", 4},
	} {
		got := amount(t, tt.value).Most(tt.base) + 1
		if got > tt.base {
			got = 0
		}
		if got != tt.cancels {
			t.Errorf("%s of %d: failure %d cancels; want %d", tt.value, tt.base, got, tt.cancels)
		}
	}
}

// TestMostExactly: the floor of the limit decides as failed*100 > value*base
// does, in exact arithmetic.
func TestMostExactly(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringMatching(`[0-9]{1,2}(\.[0-9]{1,6})?`).Draw(rt, "value")
		base, failed := rapid.IntRange(0, 100_000).Draw(rt, "base"), rapid.IntRange(0, 100_000).Draw(rt, "failed")
		v, _ := new(big.Rat).SetString(text)
		exceeds := new(big.Rat).Mul(big.NewRat(int64(failed), 1), big.NewRat(100, 1)).Cmp(v.Mul(v, big.NewRat(int64(base), 1))) > 0
		if got := failed > amount(t, text+"%").Most(base); got != exceeds {
			rt.Fatalf("%d failures of %d against %s%%: exceeds is %t; want %t", failed, base, text, got, exceeds)
		}
	})
}
