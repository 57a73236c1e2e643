// Package planted holds bugs that are put into the core on purpose, so that it
// can be shown that `flotilla soak` finds each of them and makes it small.
//
// An ordinary build has none: there, In is false for good and the compiler
// removes what stands behind it. A build with the tag `planted` has them all,
// and the Config of a machine says which one is at work in it.
package planted

import (
	"fmt"
	"strings"
)

// Bug is a planted bug.
type Bug uint8

// The bugs.
const (
	None            Bug = iota
	Threshold           // the cancellation threshold lets one failure more pass
	BatchOrder          // the next batch begins when one device of the last has not ended
	LostAnswer          // every third answer on a connection is dropped as if it had come too late
	DoubleExecution     // a resumed job starts the devices again that were in flight when it stopped
	LateAnswer          // an answer that comes too late is taken for that of the device's newest call
	bugs
)

// Bugs is the table of planted bugs: their names and what is wrong.
var Bugs = [bugs]struct{ Name, Help string }{
	None:            {},
	Threshold:       {"threshold", "the cancellation threshold lets one failure more pass"},
	BatchOrder:      {"batch-order", "the next batch begins when one device of the last has not ended"},
	LostAnswer:      {"lost-answer", "every third answer on a connection is dropped as if it had come too late"},
	DoubleExecution: {"double-execution", "a resumed job starts the devices again that were in flight when it stopped"},
	LateAnswer:      {"late-answer", "an answer that comes too late is taken for that of the device's newest call"},
}

// In says whether a bug is at work in a machine whose Config says what is.
func In(config, bug Bug) bool { return Built && config == bug }

// Find returns the bug of a name.
func Find(name string) (Bug, error) {
	names := make([]string, 0, bugs)
	for b := Threshold; b < bugs; b++ {
		if Bugs[b].Name == name {
			return b, nil
		}
		names = append(names, Bugs[b].Name)
	}
	return None, fmt.Errorf("no planted bug %q; there are %s", name, strings.Join(names, ", "))
}
