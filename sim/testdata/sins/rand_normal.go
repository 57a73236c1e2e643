package sin

import "math/rand/v2"

type noise struct{ *rand.Rand }

func (n noise) draw() float64 {
	return n.NormFloat64() + n.ExpFloat64() // want "Rand.NormFloat64: its result differs" // want "Rand.ExpFloat64: its result differs"
}
