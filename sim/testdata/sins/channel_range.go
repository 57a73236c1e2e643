package sin

func drain(c <-chan int) (n int) { // want "a channel"
	for range c { // want "a range over a channel"
		n++
	}
	return n
}
