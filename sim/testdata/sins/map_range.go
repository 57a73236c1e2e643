package sin

func first(m map[string]int) string {
	for k := range m { // want "a range over a map"
		return k
	}
	return ""
}
