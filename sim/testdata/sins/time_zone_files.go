package sin

import "time"

func berlin() (*time.Location, error) {
	return time.LoadLocation("Europe/Berlin") // want "time.LoadLocation: depends on"
}
