package sim_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"
	"unsafe"

	"github.com/flotilla-sim/flotilla/sim"
)

// TestRandVector: the streams are part of every committed digest and the same
// on every machine.
func TestRandVector(t *testing.T) {
	for _, c := range []struct {
		seed, actor uint64
		want        string
	}{
		{0, sim.ActorHub, "9b6aef12b7d554d6 803258 0a06757a3cb488dd0f5879"},
		{1, sim.ActorHub, "fd7ef8a991884a48 535003 45e3450ff4eda82640543c"},
		{1, sim.ActorServer, "50b575abf96d96bc 209752 fd45d3dc86ee28e6e3ab5a"},
		{1, sim.ActorDevice, "fae831e16b4a157e 969601 7a48994d003afed7c7a8d7"},
		{1, sim.ActorDevice + 1, "0b1071795bdac6b8 97276 f1b55ed5bdb39e706159ad"},
		{1<<64 - 1, sim.ActorLink + 99_999, "25dbd8a7697713bf 828115 a7a719425d47ea15d0789e"},
	} {
		r := sim.NewRand(c.seed, c.actor)
		b := make([]byte, 11)
		x, n := r.Uint64(), r.N(1_000_003)
		r.Fill(b)
		if got := fmt.Sprintf("%016x %d %s", x, n, hex.EncodeToString(b)); got != c.want {
			t.Errorf("NewRand(%d, %d) draws %s; want %s", c.seed, c.actor, got, c.want)
		}
	}
	if n := unsafe.Sizeof(sim.Rand{}); n != 16 {
		t.Errorf("a stream has %d bytes; want 16", n)
	}
}

// TestRandSeed: the seed has an effect and suffices, and so has the actor.
func TestRandSeed(t *testing.T) {
	first := map[uint64]string{}
	for seed := range uint64(200) {
		for actor := range uint64(200) {
			a, b := sim.NewRand(seed, actor), sim.NewRand(seed, actor)
			x := a.Uint64()
			if y := b.Uint64(); x != y {
				t.Fatalf("NewRand(%d, %d) draws %d and %d", seed, actor, x, y)
			}
			name := fmt.Sprintf("NewRand(%d, %d)", seed, actor)
			if other, ok := first[x]; ok {
				t.Fatalf("%s and %s both begin with %d", name, other, x)
			}
			first[x] = name
		}
	}
}

// TestRandNeighbours: streams of neighbouring seeds and actors agree in half
// of their bits, as unrelated ones do.
func TestRandNeighbours(t *testing.T) {
	ones := func(b []byte) (n int) {
		for _, x := range b {
			for ; x != 0; x &= x - 1 {
				n++
			}
		}
		return n
	}
	const size = 1 << 12
	draw := func(seed, actor uint64) []byte {
		r, b := sim.NewRand(seed, actor), make([]byte, size)
		r.Fill(b)
		return b
	}
	base := draw(1, sim.ActorDevice)
	for _, other := range [][]byte{draw(2, sim.ActorDevice), draw(1, sim.ActorDevice+1), draw(1, sim.ActorLink), draw(1|1<<63, sim.ActorDevice)} {
		diff := make([]byte, size)
		for i := range diff {
			diff[i] = base[i] ^ other[i]
		}
		// Of 32,768 bits 16,384 differ, give or take 90.5; five times that.
		if n := ones(diff); n < size*4-453 || n > size*4+453 {
			t.Errorf("%d of %d bits differ; want about half", n, size*8)
		}
	}
}

func TestRandN(t *testing.T) {
	r := sim.NewRand(1, 1)
	for _, n := range []int64{-5, 0, 1} {
		if got := r.N(n); got != 0 {
			t.Errorf("N(%d) = %d; want 0", n, got)
		}
	}
	for range 1000 {
		if got := r.N(1<<63 - 1); got < 0 {
			t.Fatalf("N(1<<63 - 1) = %d", got)
		}
	}
	// Chi-squared over 10 boxes: above 27.9 in one of 1,000 fair dice.
	const draws = 100_000
	var boxes [10]int
	for range draws {
		boxes[r.N(10)]++
	}
	chi := 0.0
	for _, n := range boxes {
		d := float64(n - draws/10)
		chi += d * d / (draws / 10)
	}
	if chi > 27.9 {
		t.Errorf("N(10) fills its boxes with %v: chi-squared %.1f; want below 27.9", boxes, chi)
	}
}

func TestRandFill(t *testing.T) {
	whole := make([]byte, 64)
	r := sim.NewRand(3, 4)
	r.Fill(whole)
	for n := range whole {
		part := make([]byte, n)
		r := sim.NewRand(3, 4)
		r.Fill(part)
		if !bytes.Equal(part, whole[:n]) {
			t.Errorf("Fill of %d bytes: % x; want % x", n, part, whole[:n])
		}
	}
}

func BenchmarkRandN(b *testing.B) {
	r := sim.NewRand(1, 1)
	for b.Loop() {
		r.N(1000)
	}
}
