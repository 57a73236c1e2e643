package sin

import "time"

func read(b []byte) (t time.Time, err error) {
	err = t.UnmarshalJSON(b) // want "time.Time.UnmarshalJSON: reads"
	return t, err
}
