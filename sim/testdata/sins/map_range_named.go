package sin

func first[M ~map[string]int](m M) (n int) {
	for range m { // want "a range over a map"
		n++
	}
	return n
}
