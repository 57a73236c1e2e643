package sin

import "time"

func now() int64 {
	return time.Now().UnixNano() // want "time.Now: time is an argument"
}
