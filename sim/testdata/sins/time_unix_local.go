package sin

import "time"

func hour(sec int64) int {
	return time.Unix(sec, 0).Hour() // want "time.Unix gives local time"
}
