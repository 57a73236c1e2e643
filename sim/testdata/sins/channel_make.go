package sin

func box() any {
	return make(chan int, 1) // want "a channel"
}
