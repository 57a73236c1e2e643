package sin

import "math/rand/v2"

var dice = rand.New(rand.NewPCG(1, 2)) // want "a random stream at package level"
