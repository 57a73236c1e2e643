package sin

import m "maps"

func sum(of map[string]float64) (n float64) {
	for v := range m.Values(of) { // want "maps.Values: its order differs"
		n += v
	}
	return n
}
