package sin

import "time" // the channel's type is nowhere written

func tick(t *time.Ticker) { // want "time.Ticker: time is an argument"
	<-t.C // want "a receive from a channel"
}
