package soak

import (
	"fmt"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
)

// Limits cut a seed's case down: to its first seconds, and without the
// devices, jobs, schedules, acts and faults whose bits are not set. All is the
// whole case.
type Limits struct {
	Devices, Jobs, Plans, Acts, Faults uint64
	Seconds                            int // 0: until everything has settled
}

// All limits nothing.
var All = Limits{Devices: 1<<maxDevices - 1, Jobs: 1<<maxJobs - 1, Plans: 1<<maxPlans - 1, Acts: 1<<maxActs - 1, Faults: 1<<(maxDevices+maxHubFaults) - 1}

// The most that a case has.
const (
	maxDevices   = 24
	maxJobs      = 10
	maxPlans     = 2 // schedules
	maxActs      = 12
	maxHubFaults = 2
)

// String writes the limits as ParseLimits reads them.
func (l Limits) String() string {
	return fmt.Sprintf("d%x.j%x.s%x.a%x.f%x.t%d", l.Devices, l.Jobs, l.Plans, l.Acts, l.Faults, l.Seconds)
}

// ParseLimits reads `d7.j5.s0.a0.f1.t90`: the first three devices, the first
// and the third job, no schedule, no act, the fault of the first device, the
// first 90 seconds.
func ParseLimits(s string) (Limits, error) {
	l := All
	var rest string
	n, err := fmt.Sscanf(strings.ReplaceAll(s, ".", " ")+" end", "d%x j%x s%x a%x f%x t%d %s",
		&l.Devices, &l.Jobs, &l.Plans, &l.Acts, &l.Faults, &l.Seconds, &rest)
	if err != nil || n != 7 || rest != "end" || l.Devices&All.Devices == 0 || l.Devices > All.Devices || l.Seconds < 0 || l.Seconds > int(horizon/second) {
		return l, fmt.Errorf("limits %q: write d<devices>.j<jobs>.s<schedules>.a<acts>.f<faults>.t<seconds>: "+
			"hexadecimal bits of what is left, at least one of the first %d devices, and 0 to %d seconds (0: until all has settled)", s, maxDevices, horizon/second)
	}
	return l, nil
}

const second = sim.Time(1_000_000_000)

// Size is how much a limited case holds, for the shrinking: fewer is smaller.
func (l Limits) Size() int {
	n := 0
	for _, bits := range []uint64{l.Devices, l.Jobs, l.Plans, l.Acts, l.Faults} {
		for ; bits != 0; bits &= bits - 1 {
			n++
		}
	}
	return n
}
