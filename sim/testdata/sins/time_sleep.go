package sin

import . "time"

func nap() {
	Sleep(Second) // want "time.Sleep: time is an argument"
}
