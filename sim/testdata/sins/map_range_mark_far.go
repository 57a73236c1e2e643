package sin

func sum(m map[string]int) (n int) {
	// any order: adds up

	for _, v := range m { // want "a range over a map" // want-2 "the mark is not needed"
		n += v
	}
	return n
}
