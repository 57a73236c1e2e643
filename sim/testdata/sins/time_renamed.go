package sin

import clock "time"

var since = clock.Since // want "time.Since: time is an argument"

func until(t clock.Time) clock.Duration {
	return clock.Until(t) // want "time.Until: time is an argument"
}
