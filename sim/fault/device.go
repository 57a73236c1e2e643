package fault

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
)

// phaseNames are the phases of a device as arguments name them.
var phaseNames = [...]struct {
	name  string
	phase sim.Phase
}{
	{"any", sim.AnyPhase}, {"idle", sim.PhaseIdle}, {"downloading", sim.PhaseDownloading},
	{"downloaded", sim.PhaseDownloaded}, {"flashing", sim.PhaseFlashing},
}

// phase reads one phase of those allowed.
func phase(text string, allowed sim.Phase) (sim.Phase, error) {
	names := make([]string, 0, len(phaseNames))
	for _, p := range phaseNames {
		if p.phase&^allowed != 0 {
			continue
		}
		if p.name == text {
			return p.phase, nil
		}
		names = append(names, p.name)
	}
	return 0, fmt.Errorf("%q is no state of a firmware update; write %s", text, strings.Join(names, ", "))
}

// times reads a whole number with `x` behind it.
func times(arg string, a Argument) (int32, error) {
	if arg == "" {
		arg = a.Default
	}
	text, unit := strings.CutSuffix(arg, "x")
	n, err := strconv.ParseInt(text, 10, 32)
	switch {
	case !unit && err == nil:
		return 0, fmt.Errorf("%q has no unit; write `%sx`", arg, arg)
	case err != nil:
		return 0, fmt.Errorf("%q is no number of times; write `%s`", arg, a.Default)
	}
	least, err1 := strconv.ParseInt(strings.TrimSuffix(a.Least, "x"), 10, 32)
	most, err2 := strconv.ParseInt(strings.TrimSuffix(a.Most, "x"), 10, 32)
	if err1 != nil || err2 != nil {
		panic("fault: bounds of an argument are no numbers of times: " + a.Least + ", " + a.Most)
	}
	if n < least || n > most {
		return 0, fmt.Errorf("%q is out of range; from %s to %s", arg, a.Least, a.Most)
	}
	return int32(n), nil
}

// mergeDevice puts what two faults do to a device together. Of what can be one
// thing only the later one counts, of what can be more or less the more.
func mergeDevice(a, b sim.Condition) sim.Condition {
	a.NeverReconnects = a.NeverReconnects || b.NeverReconnects
	a.Flood = max(a.Flood, b.Flood)

	if b.Answering.Rejects != 0 {
		a.Answering.Rejects, a.Answering.In = b.Answering.Rejects, b.Answering.In
	}
	a.Answering.Late = max(a.Answering.Late, b.Answering.Late)
	a.Answering.Copies = max(a.Answering.Copies, b.Answering.Copies)
	a.Answering.Malformed = a.Answering.Malformed || b.Answering.Malformed

	u, v := &a.Updating, b.Updating
	u.Hangs |= v.Hangs
	u.Crashes |= v.Crashes
	if v.After != 0 {
		u.After = v.After
	}
	u.SlowFlash = max(u.SlowFlash, v.SlowFlash)
	u.NoStorage = u.NoStorage || v.NoStorage
	u.NoMemory = u.NoMemory || v.NoMemory
	u.OtherModel = u.OtherModel || v.OtherModel
	u.BadURI = u.BadURI || v.BadURI
	u.PowerLoss = max(u.PowerLoss, v.PowerLoss)

	if b.Reconnecting.Way != sim.BackoffProfile {
		a.Reconnecting = b.Reconnecting
	}
	return a
}
