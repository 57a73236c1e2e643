package sin

func say[C chan int](c C) { // want "a channel"
	c <- 1 // want "a send on a channel"
}
