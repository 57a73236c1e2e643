package scenarios

import (
	"fmt"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// maxOpen is how many commands of one act are open at the same time.
const maxOpen = 100

// burst is the act of a command for each of some devices, or of several for
// each, at most maxOpen open at a time. It is done when all are answered and
// fails with the first bad answer, after those still open.
type burst struct {
	ids      []sim.DeviceID
	commands []func(now sim.Time, id sim.DeviceID) hub.Command // of each device, in turn
	judge    func(reply hub.Reply, err error) error            // nil: as it should be
	what     string
	asked    int
	open     int
	failed   error
	bad      map[int]bool // devices with bad answers
}

// Next asks the next devices.
func (b *burst) Next(s Scene, t *Turn) {
	t.Wake = sim.Never
	for b.failed == nil && b.asked < len(b.ids)*len(b.commands) && b.open < maxOpen {
		t.Do = append(t.Do, b.commands[b.asked%len(b.commands)](s.Now, b.ids[b.asked/len(b.commands)]))
		b.asked++
		b.open++
	}
	if b.open > 0 {
		return
	}
	t.Done = true
	if b.failed != nil {
		t.Err = fmt.Errorf("%s: %w", b.what, b.failed)
		if n := len(b.bad); n > 1 {
			t.Err = fmt.Errorf("%w (and %d more devices)", t.Err, n-1)
		}
	}
}

// Answer judges one device's answer.
func (b *burst) Answer(n int, reply hub.Reply, err error) {
	b.open--
	if wrong := b.judge(reply, err); wrong != nil {
		device := n / len(b.commands)
		if b.failed == nil {
			b.failed, b.bad = fmt.Errorf("device %s: %w", b.ids[device], wrong), map[int]bool{}
		}
		b.bad[device] = true
	}
}
