package sin

func line(a, x, b float64) float64 {
	y := a*x + b // want "x.y \+ z on floats"
	y -= (a * x) // want "x.y \+ z on floats"
	return y
}
