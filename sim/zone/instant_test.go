package zone_test

import (
	"math"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/zone"
)

func TestInstantTime(t *testing.T) {
	half := sim.DefaultEpoch + sim.Epoch(time.Second/2)
	for _, tt := range []struct {
		epoch sim.Epoch
		text  string
		want  sim.Time
	}{
		{sim.DefaultEpoch, "2026-01-01T00:00:00Z", 0},
		{sim.DefaultEpoch, "2026-01-01T00:00:00.000000001Z", 1},
		{sim.DefaultEpoch, "2025-12-31T23:59:59.999999999Z", 0},
		{sim.DefaultEpoch, "2026-01-01T00:00:01.5Z", sim.Time(1500 * time.Millisecond)},
		{half, "2026-01-01T00:00:00.25Z", 0},
		{half, "2026-01-01T00:00:01.25Z", sim.Time(750 * time.Millisecond)},
		{sim.DefaultEpoch, "0001-01-01T00:00:00Z", 0},
		{sim.DefaultEpoch, "3022-01-01T00:00:00Z", sim.Never},
		{sim.DefaultEpoch, "9999-12-31T23:59:59.999999999Z", sim.Never},
		{math.MinInt64, "2262-04-11T23:47:16.854775807Z", sim.Never},
		{0, "2262-04-11T23:47:16.854775806Z", math.MaxInt64 - 1},
		{0, "2262-04-11T23:47:16.854775808Z", sim.Never},
	} {
		if got := utc(t, tt.text).Time(tt.epoch); got != tt.want {
			t.Errorf("%s of epoch %d is at %d, want %d", tt.text, tt.epoch, got, tt.want)
		}
	}
}

// TestInstantTwin holds At and Time against sums of any size.
func TestInstantTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := sim.Epoch(rapid.Int64().Draw(t, "epoch"))
		at := sim.Time(rapid.Int64Min(0).Draw(t, "time"))
		i := zone.At(e, at)
		want := new(big.Int).Add(big.NewInt(int64(e)), big.NewInt(int64(at)))
		got := new(big.Int).Mul(big.NewInt(int64(i.Date)), big.NewInt(1e9))
		got.Add(got, big.NewInt(int64(i.Nanos)))
		if got.Cmp(want) != 0 || i.Nanos < 0 || i.Nanos > 999_999_999 {
			t.Fatalf("At(%d, %d) = %+v, want %s ns", e, at, i, want)
		}
		if back := i.Time(e); back != at {
			t.Fatalf("At(%d, %d) = %+v, whose time is %d", e, at, i, back)
		}
	})
}

// TestEveryTwin holds the occurrences of `every` against sums of any size.
func TestEveryTwin(t *testing.T) {
	s := start(t, "2026-01-01T00:00:00.123456789Z", "")
	big1 := func(i zone.Instant) *big.Int {
		n := new(big.Int).Mul(big.NewInt(int64(i.Date)), big.NewInt(1e9))
		return n.Add(n, big.NewInt(int64(i.Nanos)))
	}
	end := big1(utc(t, "9999-12-31T23:59:59.999999999Z"))
	rapid.Check(t, func(t *rapid.T) {
		every := rapid.OneOf(rapid.Int64Range(1e9, 1e11), rapid.Int64Range(1e9, math.MaxInt64)).Draw(t, "every")
		after := zone.Instant{
			Date:  sim.Date(rapid.OneOf(rapid.Int64Range(1767225600, 1767229200), rapid.Int64Range(-62135596800, 253402300799)).Draw(t, "second")),
			Nanos: int32(rapid.Int64Range(0, 999_999_999).Draw(t, "nanosecond")),
		}
		n := new(big.Int)
		if d := new(big.Int).Sub(big1(after), big1(s.At())); d.Sign() >= 0 {
			n.Add(d.Div(d, big.NewInt(every)), big.NewInt(1))
		}
		want := new(big.Int).Add(big1(s.At()), n.Mul(n, big.NewInt(every)))
		got, ok := zone.Rule{Start: s, Kind: zone.Every, Every: time.Duration(every)}.Next(after, 0)
		if ok != (want.Cmp(end) <= 0) || ok && big1(got).Cmp(want) != 0 {
			t.Fatalf("every %d ns, after %s comes %s (%t), want %s ns", every, after, got, ok, want)
		}
	})
}
