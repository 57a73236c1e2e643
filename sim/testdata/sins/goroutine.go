package sin

func spread(work []func()) {
	for _, f := range work {
		go f() // want "a goroutine"
	}
}
