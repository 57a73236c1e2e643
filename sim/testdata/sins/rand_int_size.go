package sin

import "math/rand/v2"

func draw(seed uint64) int {
	return rand.New(rand.NewPCG(seed, 0)).Int() // want "Rand.Int: its result depends on the size of int"
}
