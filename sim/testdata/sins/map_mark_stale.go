package sin

func sum(s []int) (n int) {
	// any order: it was a map once
	for _, v := range s { // want-1 "the mark is not needed"
		n += v
	}
	return n
}
