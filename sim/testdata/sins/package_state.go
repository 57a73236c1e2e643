package sin

import "maps"

type meter struct{ n int }

func (m *meter) add() { m.n++ }

var (
	count  int
	total  meter
	latest *meter
	table  [4]int
	index  = map[string]int{}
)

func step() {
	count++                // want "package-level variable count is changed"
	total.n = 1            // want "package-level variable total is changed"
	total.add()            // want "a method that may change package-level variable total"
	latest.n += 2          // want "package-level variable latest is changed"
	table[1], count = 3, 4 // want "variable table is changed" // want "variable count is changed"
	index["a"] = 5         // want "package-level variable index is changed"
	delete(index, "a")     // want "package-level variable index is changed"
	clear(table[:])        // want "package-level variable table is changed"
	p := &count            // want "the address of package-level variable count"
	for count = range 3 {  // want "package-level variable count is changed"
		*p = 6
	}
	maps.Copy(map[string]int{}, index)
}
