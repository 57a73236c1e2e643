package sin

import "time"

func arm(f func()) {
	_ = time.After(1)        // want "time.After: time is an argument"
	_ = time.AfterFunc(1, f) // want "time.AfterFunc: time is an argument"
	_ = time.Tick(1)         // want "time.Tick: time is an argument"
	_ = time.NewTimer(1)     // want "time.NewTimer: time is an argument"
	_ = time.NewTicker(1)    // want "time.NewTicker: time is an argument"
	_ = new(time.Timer)      // want "time.Timer: time is an argument"
}
