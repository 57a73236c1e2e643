package sin

import "math"

func line(a, x, b float64) float64 {
	return math.FMA(a, x, b) // want "math.FMA its result differs"
}
