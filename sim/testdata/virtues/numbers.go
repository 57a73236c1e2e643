package virtue

import (
	"math"
	"math/rand/v2"
)

const scale = 2.5*1e3 + 1

type dice struct{ pcg rand.PCG }

func (d *dice) roll(n uint64) uint64 { return d.pcg.Uint64() % n }

func draw(seed uint64) int64 { return rand.New(rand.NewPCG(seed, math.MaxUint64)).Int64N(6) }

func line(a, x, b float64) float64 { return math.Floor(float64(a*x)+b) * math.Pi }

func area(a, x, b int) int { return a*x + b }
