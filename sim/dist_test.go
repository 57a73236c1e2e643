package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/sim"
)

func TestParseDist(t *testing.T) {
	for _, c := range []struct {
		text, prints string
		max          time.Duration
	}{
		{"5s", "5s", 5 * time.Second},
		{"0s", "0s", 0},
		{" 1m ", "1m0s", time.Minute},
		{"1s..3s", "1s..3s", 3 * time.Second},
		{" 250ms .. 1h ", "250ms..1h0m0s", time.Hour},
		{"2s..2s", "2s..2s", 2 * time.Second},
		{"p0=1s", "p0=1s", time.Second},
		{"  p0=1s   p50=2s p99.9=10s", "p0=1s p50=2s p99.9=10s", 10 * time.Second},
		{"p0=0s p0.01=0s p99.99=1m p100=1h", "p0=0s p0.01=0s p99.99=1m p100=1h", time.Hour},
	} {
		d, err := sim.ParseDist(c.text)
		if err != nil {
			t.Errorf("ParseDist(%q): %v", c.text, err)
			continue
		}
		if d.String() != c.prints || d.Max() != c.max {
			t.Errorf("ParseDist(%q) = %s, at most %s; want %s, at most %s", c.text, d, d.Max(), c.prints, c.max)
		}
		if again, err := sim.ParseDist(d.String()); err != nil || again.String() != d.String() {
			t.Errorf("ParseDist(%q) = %s, %v; want itself", d, again, err)
		}
	}
}

func TestParseDistRefuses(t *testing.T) {
	for _, c := range []struct{ text, says string }{
		{"", "not a duration with a unit"},
		{"5", "not a duration with a unit"},
		{"fast", "not a duration with a unit"},
		{"-5s", "must not be below 0"},
		{"1s..", "not two durations"},
		{"1..3", "not two durations"},
		{"1s...3s", "not two durations"},
		{"3s..1s", "second not below the first"},
		{"-1s..1s", "must not be below 0"},
		{"=", `"=" is not a quantile`},
		{"p0", "not a duration with a unit"},
		{"p0=", `"p0=" is not a quantile`},
		{"p0=1", `"p0=1" is not a quantile`},
		{"p0=-1s", `"p0=-1s" is not a quantile`},
		{"0=1s", `"0=1s" is not a quantile`},
		{"p=1s", `"p=1s" is not a quantile`},
		{"p50=1s", "first quantile must be p0"},
		{"p0=1s p50", `"p50" is not a quantile`},
		{"p0=1s p101=2s", `"p101=2s" is not a quantile`},
		{"p0=1s p100.01=2s", `"p100.01=2s" is not a quantile`},
		{"p0=1s p9.123=2s", `"p9.123=2s" is not a quantile`},
		{"p0=1s p9.=2s", `"p9.=2s" is not a quantile`},
		{"p0=1s p.5=2s", `"p.5=2s" is not a quantile`},
		{"p0=1s p-5=2s", `"p-5=2s" is not a quantile`},
		{"p0=1s p٣=2s", `"p٣=2s" is not a quantile`},
		{"p0=1s p0=2s", "must ascend"},
		{"p0=1s p50=3s p40=4s", "must ascend"},
		{"p0=1s p50=3s p60=2s", "must ascend"},
	} {
		_, err := sim.ParseDist(c.text)
		if err == nil {
			t.Errorf("ParseDist(%q) is taken; want: %s", c.text, c.says)
			continue
		}
		for _, part := range []string{fmt.Sprintf("%q", c.text), c.says, "write `5s`"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("ParseDist(%q): %v; want it to say %s", c.text, err, part)
			}
		}
	}
}

func mustDist(t *testing.T, s string) sim.Dist {
	t.Helper()
	d, err := sim.ParseDist(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDistDraws counts draws against the quantiles they were asked to have.
func TestDistDraws(t *testing.T) {
	const n = 100_000
	for _, c := range []struct {
		text  string
		below map[time.Duration]float64 // share of draws at or below
		mean  time.Duration
	}{
		{"5s", map[time.Duration]float64{5*time.Second - 1: 0, 5 * time.Second: 1}, 5 * time.Second},
		{"1s..3s", map[time.Duration]float64{time.Second - 1: 0, 1500 * time.Millisecond: 0.25, 2 * time.Second: 0.5, 3 * time.Second: 1}, 2 * time.Second},
		{"p0=1s p50=2s p99=10s", map[time.Duration]float64{time.Second - 1: 0, 1500 * time.Millisecond: 0.25, 2 * time.Second: 0.5, 10*time.Second - 1: 0.99, 10 * time.Second: 1}, 3790 * time.Millisecond},
		{"p0=1s p50=1s p100=1s", map[time.Duration]float64{time.Second - 1: 0, time.Second: 1}, time.Second},
	} {
		d, r := mustDist(t, c.text), sim.NewRand(1, sim.ActorDevice)
		counts, sum := map[time.Duration]int{}, time.Duration(0)
		for range n {
			v := d.Draw(&r)
			sum += v / n
			for limit := range c.below {
				if v <= limit {
					counts[limit]++
				}
			}
		}
		for limit, share := range c.below {
			if got := float64(counts[limit]) / n; got < share-0.01 || got > share+0.01 {
				t.Errorf("%s: %.3f of the draws are at most %s; want %.3f", c.text, got, limit, share)
			}
		}
		if diff := sum - c.mean; diff.Abs() > c.mean/50 {
			t.Errorf("%s: mean of the draws is %s; want %s", c.text, sum, c.mean)
		}
	}
}

// TestDistIsMonotone: whatever the quantiles, draws keep within the bounds, a
// seed repeats them, and a higher number drawn never gives a shorter duration.
func TestDistIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, value := "", time.Duration(0)
		low := time.Duration(-1)
		for at := 0; at <= 10000; at += rapid.IntRange(1, 6000).Draw(t, "step") {
			value += time.Duration(rapid.Int64Range(0, 1<<58).Draw(t, "more"))
			if low < 0 {
				low = value
			}
			text += fmt.Sprintf("p%d.%02d=%s ", at/100, at%100, value)
		}
		d, err := sim.ParseDist(text)
		if err != nil {
			t.Fatal(err)
		}
		seed := rapid.Uint64().Draw(t, "seed")
		a, b := sim.NewRand(seed, 1), sim.NewRand(seed, 1)
		numbers := sim.NewRand(seed, 1)
		const steps = 1<<20 + 1 // as many numbers as Draw chooses from
		lastN, last := int64(-1), time.Duration(0)
		for range 50 {
			v := d.Draw(&a)
			if again := d.Draw(&b); v != again {
				t.Fatalf("%s: draws %s and %s from one seed", text, v, again)
			}
			if v < low || v > d.Max() {
				t.Fatalf("%s: draws %s", text, v)
			}
			if strings.Count(text, "=") == 1 {
				continue // draws nothing from the stream
			}
			if n := numbers.N(steps); lastN >= 0 && (n > lastN && v < last || n < lastN && v > last) {
				t.Fatalf("%s: %s for %d and %s for %d", text, last, lastN, v, n)
			} else {
				lastN, last = n, v
			}
		}
	})
}

// TestDistAlwaysDrawsNothing: a distribution that always gives the same leaves
// the stream alone, so that a scenario that makes one random changes no other.
func TestDistAlwaysDrawsNothing(t *testing.T) {
	a, b := sim.NewRand(1, 1), sim.NewRand(1, 1)
	for _, d := range []sim.Dist{{}, sim.Always(time.Second), mustDist(t, "p0=1s")} {
		d.Draw(&a)
	}
	if x, y := a.Uint64(), b.Uint64(); x != y {
		t.Errorf("the stream goes on with %d; want %d", x, y)
	}
	var zero sim.Dist
	if zero.Draw(&a) != 0 || zero.Max() != 0 || zero.String() != "0s" {
		t.Errorf("zero Dist: %s, at most %s", zero, zero.Max())
	}
}

// TestDistVector: what is drawn is part of every committed digest.
func TestDistVector(t *testing.T) {
	d, r := mustDist(t, "p0=1s p50=2s p99.9=10s"), sim.NewRand(42, sim.ActorDevice+7)
	var got []string
	for range 6 {
		got = append(got, d.Draw(&r).String())
	}
	const want = "8.163347915s 9.480268099s 6.143972448s 10s 4.479494074s 1.947679519s"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("draws %s; want %s", s, want)
	}
}

func BenchmarkDistDraw(b *testing.B) {
	d, err := sim.ParseDist("p0=1s p50=2s p99.9=10s")
	if err != nil {
		b.Fatal(err)
	}
	r := sim.NewRand(1, 1)
	for b.Loop() {
		d.Draw(&r)
	}
}
