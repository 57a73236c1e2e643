package sin

func wait() {
	select {} // want "a select"
}
