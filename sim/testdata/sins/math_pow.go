package sin

import "math"

var pow = math.Pow // want "math.Pow its result differs"
