package sim

import (
	"fmt"
	"strings"
	"time"
)

// Phase is where a device is in its firmware; a bit, so that several make a
// set.
type Phase uint8

// The phases.
const (
	PhaseIdle        Phase = 1 << iota // nothing of it goes on
	PhaseDownloading                   // a package is on its way
	PhaseDownloaded                    // it is there and not being flashed
	PhaseFlashing                      // an image is written, of an update or of a factory reset

	AnyPhase = PhaseIdle | PhaseDownloading | PhaseDownloaded | PhaseFlashing
)

// Answering is how a device's answers to direct methods go wrong.
type Answering struct {
	Rejects   int32         // the status of every answer, and nothing is carried out; 0: none
	In        Phase         // in which Rejects does so
	Late      time.Duration // by which every answer leaves later than what was asked for is done
	Copies    int32         // how often every answer is sent again
	Malformed bool          // every answer breaks off before its JSON is complete
}

// Updating is how a device's firmware updates go wrong.
type Updating struct {
	Hangs      Phase         // there it stays: nothing goes on, no call is answered
	Crashes    Phase         // there it loses what is volatile and boots
	After      time.Duration // so long after a phase was entered; 0: in the middle of it
	SlowFlash  int32         // writing an image takes so many times as long; 0 is 1
	NoStorage  bool          // there is no storage free for a package
	NoMemory   bool          // nor memory
	OtherModel bool          // it takes every package for one of another model
	BadURI     bool          // the URI is damaged before it is used
	PowerLoss  PowerLoss     // in the middle of flashing
}

// PowerLoss is what becomes of a device that loses its power while it flashes.
type PowerLoss uint8

// The ways.
const (
	PowerStays PowerLoss = iota
	RollsBack            // its boot loader starts the image it had before
	Bricks               // it never starts again
)

// Reconnecting is how long a device's client waits before it tries a link or a
// download again, in place of its profile's back-off.
type Reconnecting struct {
	Way      Backoff
	Min, Max time.Duration
}

// Backoff is a way of waiting.
type Backoff uint8

// The ways.
const (
	BackoffProfile     Backoff = iota // as the profile says
	BackoffNone                       // not at all: for MinBackoff
	BackoffFixed                      // for Min each time, all devices alike
	BackoffExponential                // from Min, doubling, to Max, of which a random half is left out
)

// MinBackoff is the wait of a client that does not wait: no driver could open
// links without end at one instant.
const MinBackoff = time.Millisecond

// String says what is wrong, part by part, or `healthy`.
func (c Condition) String() string {
	var parts []string
	if c.NeverReconnects {
		parts = append(parts, "never reconnects")
	}
	if c.Flood != 0 {
		parts = append(parts, fmt.Sprintf("floods %d/s", c.Flood))
	}
	if c.Answering != (Answering{}) {
		parts = append(parts, fmt.Sprintf("answering %+v", c.Answering))
	}
	if c.Updating != (Updating{}) {
		parts = append(parts, fmt.Sprintf("updating %+v", c.Updating))
	}
	if c.Reconnecting != (Reconnecting{}) {
		parts = append(parts, fmt.Sprintf("reconnecting %+v", c.Reconnecting))
	}
	if len(parts) == 0 {
		return "healthy"
	}
	return strings.Join(parts, ", ")
}

// String names the phases of a set, joined by `+`.
func (p Phase) String() string {
	var names []string
	for i, name := range [...]string{"idle", "downloading", "downloaded", "flashing"} {
		if p>>i&1 != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "+")
}
