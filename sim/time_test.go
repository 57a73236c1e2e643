package sim_test

import (
	"math"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/sim"
)

func date(year int, month time.Month, day, hour, minute, second int) sim.Date {
	return sim.Date(time.Date(year, month, day, hour, minute, second, 0, time.UTC).Unix())
}

func TestEpoch(t *testing.T) {
	const s = sim.Time(time.Second)
	var (
		first = sim.Epoch(math.MinInt64)   // 1677-09-21T00:12:43.145224192Z
		last  = sim.Epoch(math.MaxInt64)   // 2262-04-11T23:47:16.854775807Z
		half  = sim.Epoch(1_500_000_000)   // 1970-01-01T00:00:01.5Z
		below = sim.Epoch(-1_500_000_000)  // 1969-12-31T23:59:58.5Z
		old   = sim.Epoch(-11_644_473_600) // 11.6 s before 1970
	)
	for _, c := range []struct {
		epoch sim.Epoch
		at    sim.Time
		date  sim.Date
		text  string
	}{
		{sim.DefaultEpoch, 0, date(2026, 1, 1, 0, 0, 0), "2026-01-01T00:00:00.0000000Z"},
		{sim.DefaultEpoch, s - 1, date(2026, 1, 1, 0, 0, 0), "2026-01-01T00:00:00.9999999Z"},
		{sim.DefaultEpoch, 59 * 24 * 3600 * s, date(2026, 3, 1, 0, 0, 0), "2026-03-01T00:00:00.0000000Z"},
		{sim.DefaultEpoch, -1, date(2025, 12, 31, 23, 59, 59), "2025-12-31T23:59:59.9999999Z"},
		{sim.DefaultEpoch, math.MaxInt64, date(2318, 4, 12, 23, 47, 16), "2318-04-12T23:47:16.8547758Z"},
		{0, 0, 0, "1970-01-01T00:00:00.0000000Z"},
		{half, 0, 1, "1970-01-01T00:00:01.5000000Z"},
		{half, s / 2, 2, "1970-01-01T00:00:02.0000000Z"},
		{half, s/2 - 1, 1, "1970-01-01T00:00:01.9999999Z"},
		{below, 0, -2, "1969-12-31T23:59:58.5000000Z"},
		{below, s / 2, -1, "1969-12-31T23:59:59.0000000Z"},
		{below, 2 * s, 0, "1970-01-01T00:00:00.5000000Z"},
		{old, 0, -12, "1969-12-31T23:59:48.3555264Z"},
		{first, 0, date(1677, 9, 21, 0, 12, 43), "1677-09-21T00:12:43.1452241Z"},
		{first, math.MaxInt64, -1, "1969-12-31T23:59:59.9999999Z"},
		{last, 0, date(2262, 4, 11, 23, 47, 16), "2262-04-11T23:47:16.8547758Z"},
		{last, math.MaxInt64, date(2554, 7, 21, 23, 34, 33), "2554-07-21T23:34:33.7095516Z"},
	} {
		if got := c.epoch.Date(c.at); got != c.date {
			t.Errorf("Epoch(%d).Date(%d) = %d; want %d", c.epoch, c.at, got, c.date)
		}
		if got := c.epoch.Text(c.at); got != c.text {
			t.Errorf("Epoch(%d).Text(%d) = %s; want %s", c.epoch, c.at, got, c.text)
		}
	}

	for _, c := range []struct {
		epoch sim.Epoch
		date  sim.Date
		at    sim.Time
	}{
		{sim.DefaultEpoch, date(2026, 1, 1, 0, 0, 0), 0},
		{sim.DefaultEpoch, date(2026, 1, 1, 0, 0, 1), s},
		{sim.DefaultEpoch, date(2026, 1, 2, 0, 0, 0), 24 * 3600 * s},
		{sim.DefaultEpoch, date(2025, 12, 31, 23, 59, 59), 0},
		{sim.DefaultEpoch, date(1, 1, 1, 0, 0, 0), 0},
		{sim.DefaultEpoch, date(1677, 1, 1, 0, 0, 0), 0},
		{sim.DefaultEpoch, date(2318, 4, 12, 23, 47, 16), math.MaxInt64 / s * s},
		{sim.DefaultEpoch, date(2318, 4, 12, 23, 47, 17), sim.Never},
		{sim.DefaultEpoch, date(3022, 1, 1, 0, 0, 0), sim.Never},
		{sim.DefaultEpoch, date(9999, 12, 31, 23, 59, 59), sim.Never},
		{sim.DefaultEpoch, math.MinInt64, 0},
		{sim.DefaultEpoch, math.MaxInt64, sim.Never},
		{half, 1, 0},
		{half, 2, s / 2},
		{below, -2, 0},
		{below, -1, s / 2}, // has not begun at the epoch
		{below, 0, 3 * s / 2},
		{first, math.MinInt64, 0},
		{first, date(1, 1, 1, 0, 0, 0), 0},
		{first, date(1677, 9, 21, 0, 12, 43), 0},
		{first, date(1677, 9, 21, 0, 12, 44), 854_775_808},
		{first, -1, math.MaxInt64 - s + 1},
		{first, 0, sim.Never}, // one nanosecond beyond the clock
		{first, date(9999, 12, 31, 23, 59, 59), sim.Never},
		{first, math.MaxInt64, sim.Never},
		{last, date(2262, 4, 11, 23, 47, 16), 0},
		{last, date(2262, 4, 11, 23, 47, 17), 145_224_193},
		{last, date(2554, 1, 1, 0, 0, 0), sim.Time(date(2554, 1, 1, 0, 0, 0)-date(2262, 4, 11, 23, 47, 16))*s - 854_775_807},
	} {
		if got := c.epoch.TimeOf(c.date); got != c.at {
			t.Errorf("Epoch(%d).TimeOf(%d) = %d; want %d", c.epoch, c.date, got, c.at)
		}
	}
}

// TestEpochAgainstBig compares with arithmetic that cannot overflow.
func TestEpochAgainstBig(t *testing.T) {
	second := big.NewInt(int64(time.Second))
	rapid.Check(t, func(t *rapid.T) {
		e := sim.Epoch(rapid.Int64().Draw(t, "epoch"))
		d := sim.Date(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-2e10, 2e10)).Draw(t, "date"))
		at := sim.Time(rapid.Int64Min(0).Draw(t, "at"))

		diff := new(big.Int).Mul(big.NewInt(int64(d)), second)
		diff.Sub(diff, big.NewInt(int64(e)))
		want := sim.Never
		if diff.Sign() <= 0 {
			want = 0
		} else if diff.IsInt64() {
			want = sim.Time(diff.Int64())
		}
		if got := e.TimeOf(d); got != want {
			t.Fatalf("Epoch(%d).TimeOf(%d) = %d; want %d", e, d, got, want)
		}

		sum := new(big.Int).Add(big.NewInt(int64(e)), big.NewInt(int64(at)))
		floor := new(big.Int).Div(sum, second) // Euclidean: rounds down for a positive divisor
		if got := e.Date(at); int64(got) != floor.Int64() {
			t.Fatalf("Epoch(%d).Date(%d) = %d; want %s", e, at, got, floor)
		}
		if got := e.UTC(at).Unix(); got != floor.Int64() {
			t.Fatalf("Epoch(%d).UTC(%d) is second %d; want %s", e, at, got, floor)
		}
	})
}

func TestTimeAdd(t *testing.T) {
	for _, c := range []struct {
		at   sim.Time
		d    time.Duration
		want sim.Time
	}{
		{0, 0, 0},
		{5, 3, 8},
		{5, -3, 5},
		{5, math.MinInt64, 5},
		{sim.Never - 1, 1, sim.Never},
		{sim.Never - 1, 2, sim.Never},
		{sim.Never, math.MaxInt64, sim.Never},
		{sim.Never, 0, sim.Never},
		{1, math.MaxInt64, sim.Never},
	} {
		if got := c.at.Add(c.d); got != c.want {
			t.Errorf("Time(%d).Add(%d) = %d; want %d", c.at, c.d, got, c.want)
		}
	}
	if got := sim.Time(1500 * time.Millisecond).String(); got != "1.5s" {
		t.Errorf("String() = %s; want 1.5s", got)
	}
	if got := sim.Never.String(); got != "never" {
		t.Errorf("Never.String() = %s; want never", got)
	}
}
