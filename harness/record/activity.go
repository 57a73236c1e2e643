package record

import (
	"slices"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
)

// activity is what a device is about, as far as its events tell.
type activity struct {
	online    bool     // the hub accepted its CONNECT and the link has not ended
	away      bool     // it went down for a reboot and has not come back
	firmware  phase    // connected: none; downloading, downloaded or applying
	phase     phase    // what all of it comes to, as it is counted
	executing []string // ids of the jobs whose parts are running
}

// The words of the events that an activity follows; sim.Events says which
// there are. [OMA LwM2M 1.0: object 5, resource 3 "State"]
const (
	stateIs     = "FirmwareUpdateState="
	execUpdate  = "UpdateFirmware" // with a status after it: refused
	execFactory = "FactoryReset"
)

// follow takes one event of the device d, or of a job.
func (s *shard) follow(d *device, o *sim.Observation) {
	a := &d.activity
	switch o.Event {
	case sim.EventJob:
		s.begin(o)
		return
	case sim.EventChild:
		s.child(a, o)
		return
	case sim.EventConnect:
		if o.Text == "accepted" {
			a.online, a.away = true, false
		}
	case sim.EventLink:
		if o.Text != "opened" {
			a.online = false
		}
	case sim.EventDevice:
		switch o.Text {
		case "down", "booting":
			a.away = true
			if a.firmware == downloading {
				a.firmware = connected // a download does not survive
			}
		case "connecting":
			a.away = false
		}
	case sim.EventResource:
		switch state, is := strings.CutPrefix(o.Text, stateIs); {
		case !is:
		case state == "2":
			a.firmware = downloading
		case state == "3":
			a.firmware = downloaded
		default:
			a.firmware = connected
		}
	case sim.EventExecute:
		switch o.Text {
		case execUpdate:
			a.firmware = applying
		case execFactory:
			a.firmware = connected
		}
	}
	if now := a.now(); now != a.phase {
		if a.phase != offline {
			s.track.add(int(a.phase), o.At, -1)
		}
		if now != offline {
			s.track.add(int(now), o.At, 1)
		}
		a.phase = now
	}
}

func (a *activity) now() phase {
	switch {
	case a.away:
		return rebooting
	case !a.online:
		return offline
	case a.firmware != offline:
		return a.firmware
	}
	return connected
}

// begin notes the first state that a job entered.
func (s *shard) begin(o *sim.Observation) {
	if _, known := s.began[o.Job]; known || o.Job == "" {
		return
	}
	if s.began == nil {
		s.began = make(map[string]sim.Time)
	}
	s.began[o.Job] = o.At
}

// child counts a device's part of a job that enters a state. It ends once; a
// part that is tried again is pending in between.
func (s *shard) child(a *activity, o *sim.Observation) {
	state, _, _ := strings.Cut(o.Text, ":")
	if state == "running" {
		if !slices.Contains(a.executing, o.Job) {
			a.executing = append(a.executing, o.Job)
			s.track.add(rowRunning, o.At, 1)
		}
		return
	}
	if i := slices.Index(a.executing, o.Job); i >= 0 {
		s.track.add(rowRunning, o.At, -1)
		if a.executing = slices.Delete(a.executing, i, i+1); len(a.executing) == 0 {
			a.executing = nil
		}
	}
	switch state { // pending is what is in no row
	case "completed":
		s.track.add(rowCompleted, o.At, 1)
	case "failed":
		s.track.add(rowFailed, o.At, 1)
	case "cancelled":
		s.track.add(rowCancelled, o.At, 1)
	}
}
