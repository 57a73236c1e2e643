package scenarios_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// TestSchedules: what is written becomes what the hub is asked for. A start
// from the beginning of the run lies at the run's own civil time.
func TestSchedules(t *testing.T) {
	epoch := sim.DefaultEpoch + sim.Epoch(90*time.Minute)
	for _, tt := range []struct{ schedule, want string }{
		{`{start: "2026-03-20T02:30:00Z"}`, "once from 2026-03-20T02:30:00Z, misfire 0, disabled false"},
		{`{start: "2026-03-20T02:30:00+01:00", recurrence: daily, until: 2026-04-01, misfire: once}`,
			"daily from 2026-03-20T02:30:00+01:00 until 2026-04-01, misfire 2, disabled false"},
		{`{start: "2026-03-20T02:30:00", timeZone: Europe/Paris, recurrence: weekly, times: 4, enabled: false}`,
			"weekly from 2026-03-20T02:30:00 in Europe/Paris 4 times, misfire 0, disabled true"},
		{`{at: 3s}`, "once from 2026-01-01T01:30:03.0000000Z, misfire 0, disabled false"},
		{`{at: 3s, every: 5s, misfire: skip}`, "every 5s from 2026-01-01T01:30:03.0000000Z, misfire 1, disabled false"},
		{`{at: 24h, recurrence: monthly, timeZone: Australia/Sydney}`, "monthly from 2026-01-02T01:30:00.0000000Z in Australia/Sydney, misfire 0, disabled false"},
	} {
		p := plan(t, "duration: 1h\ndeviceGroups: {vans: 'label=van'}\njobs: [{id: x, kind: firmwareUpdate, package: fw, deviceGroup: vans, queued: true, at: 1s, schedule: "+tt.schedule+"}]\npackages: {fw: {version: '2', size: 1KiB}}\n")
		put, err := p.PutSchedule(&p.Jobs[0], "http://here", epoch)
		if err != nil {
			t.Fatalf("%s: %v", tt.schedule, err)
		}
		if got := fmt.Sprintf("%s, misfire %d, disabled %t", put.Rule, put.Misfire, put.Disabled); got != tt.want || put.ID != "x" {
			t.Errorf("%s becomes %s: %s; want %s", tt.schedule, put.ID, got, tt.want)
		}
		if s := put.Spec; s.Group != "vans" || s.Targets != nil || s.PackageURI != "http://here" || !s.Queued {
			t.Errorf("%s: its job is %+v", tt.schedule, s)
		}
		if err := put.Check(); err != nil {
			t.Errorf("%s: the hub does not take it: %v", tt.schedule, err)
		}
		if want := (hub.PutGroup{ID: "vans", Filter: "label=van"}); p.DeviceGroups[0] != want || p.Jobs[0].At != sim.Time(time.Second) {
			t.Errorf("%s: group %+v, the schedule is made at %s", tt.schedule, p.DeviceGroups[0], p.Jobs[0].At)
		}
	}
}
