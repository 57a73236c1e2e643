package sin

import "math"

func decay(x float64) float64 {
	return math.Exp(-x) // want "math.Exp its result differs"
}
