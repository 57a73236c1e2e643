package sin

import "time"

func civil(t time.Time) (time.Time, time.Time) {
	return t.Local(), // want "time.Time.Local: depends on"
		t.In(time.Local) // want "time.Local: depends on"
}
