package sin

import . "maps"

func walker() any {
	return All[map[string]int] // want "maps.All: its order differs"
}
