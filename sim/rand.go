package sim

import (
	"math/bits"
	"math/rand/v2"
)

// Rand is one actor's random stream. It is a value of 16 bytes; the same
// seed and actor draw the same numbers in every run and on every machine.
type Rand struct{ pcg rand.PCG }

// Actor numbers: what draws has a number of its own, so that a part of a
// fleet draws what it would draw as part of the whole.
const (
	ActorHub    uint64 = 0
	ActorServer uint64 = 1
	ActorDevice uint64 = 1 << 32 // + number of the device
	ActorLink   uint64 = 2 << 32 // + number of the device
	ActorKey    uint64 = 3 << 32 // + number of the device: virtual secrets

	ActorTrouble uint64 = 4 << 32 // + number of the device: what its link's faults draw
	ActorChoice  uint64 = 5 << 32 // + number of the device: whether a share of a fleet has it; the seed is a fault's own
)

// NewRand returns the stream of an actor in the run of a seed.
func NewRand(seed, actor uint64) Rand {
	var r Rand
	r.pcg.Seed(mix(seed), mix(seed^mix(actor+1)))
	return r
}

// mix is the finalizer of SplitMix64: nearby numbers give unrelated seeds.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Uint64 draws 64 bits.
func (r *Rand) Uint64() uint64 { return r.pcg.Uint64() }

// N draws from 0 to n-1; 0 for n <= 1.
func (r *Rand) N(n int64) int64 {
	if n <= 1 {
		return 0
	}
	hi, _ := bits.Mul64(r.pcg.Uint64(), uint64(n))
	return int64(hi)
}

// Fill draws len(b) bytes.
func (r *Rand) Fill(b []byte) {
	for i := 0; i < len(b); i += 8 {
		x := r.pcg.Uint64()
		for j := i; j < len(b) && j < i+8; j++ {
			b[j] = byte(x)
			x >>= 8
		}
	}
}
