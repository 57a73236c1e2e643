package sin

import (
	"maps"
	"slices"
)

func names(m map[string]int) []string {
	return slices.Collect(maps.Keys(m)) // want "maps.Keys: its order differs"
}
