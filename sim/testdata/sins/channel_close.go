package sin

func end(c chan<- int) { // want "a channel"
	close(c) // want "a channel is closed"
}
