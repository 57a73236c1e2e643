package sin

func sum(m map[string]int) (n int) {
	// any order:
	for _, v := range m { // want-1 "a mark without a reason"
		n += v
	}
	return n
}
