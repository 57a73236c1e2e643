package sin

import "math"

func bits(x float64) (a, b, c, d float64) {
	return math.Log(x), math.Log2(x), math.Log10(x), math.Log1p(x) // want "math.Log its" // want "math.Log2 its" // want "math.Log10 its" // want "math.Log1p its"
}
