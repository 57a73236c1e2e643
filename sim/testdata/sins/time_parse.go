package sin

import "time"

func read(s string) (time.Time, error) {
	return time.Parse(time.RFC3339, s) // want "time.Parse: reads"
}
