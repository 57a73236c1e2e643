package sin

type mailbox struct {
	in chan int // want "a channel"
}
