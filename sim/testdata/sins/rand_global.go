package sin

import "math/rand/v2"

func draw() int {
	return rand.IntN(6) // want "math/rand/v2.IntN draws from the process-wide source"
}
