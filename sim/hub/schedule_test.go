package hub_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/zone"
)

func rule(t *testing.T, start string, kind zone.Kind, end zone.End) zone.Rule {
	t.Helper()
	s, err := zone.ParseStart(start, nil)
	if err != nil {
		t.Fatal(err)
	}
	return zone.Rule{Start: s, Kind: kind, End: end}
}

// trucks is a desk with a group over devices whose id begins with "truck".
func trucks(t *testing.T, n int) *desk {
	d := newDesk(t)
	for i := range n {
		d.must(hub.Register{ID: sim.DeviceID(fmt.Sprintf("truck-%d", i)), PrimaryKey: key, Labels: []string{"truck"}})
	}
	d.must(hub.PutGroup{ID: "trucks", Filter: `SELECT * FROM devices WHERE $id >= "truck" AND $id < "trucl"`})
	return d
}

func (d *desk) code(c hub.Command) hub.Code {
	_, err := d.do(c)
	var e *hub.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code
}

func (d *desk) plan(id string) hub.Schedule {
	return d.must(hub.GetSchedule{ID: id}).Schedules[0]
}

const day = 24 * 3600 * second

// TestJ6: daily, three occurrences: instances "X - 1" to "X - 3", each over
// the members its group has then; afterwards the schedule is completed and
// keeps its enabled (S-1, S-3, S-4, A-03).
func TestJ6(t *testing.T) {
	d := trucks(t, 2)
	d.must(hub.PutSchedule{ID: "x", Rule: rule(t, "2026-01-02T02:00:00Z", zone.Daily, zone.Times(3)), Spec: job.Spec{
		Name: "X", Kind: "cloudProperty", Group: "trucks", Properties: kindsProperties(), Timeout: -1, Queued: true}})
	if got := d.plan("x").Next; got != day+2*3600*second {
		t.Errorf("fires next at %s; want a day and two hours", got)
	}
	for n, members := range []int{2, 3, 2} {
		switch n {
		case 1:
			d.must(hub.Register{ID: "truck-9", PrimaryKey: key})
		case 2:
			d.must(hub.Unregister{ID: "truck-0"})
		}
		d.to(sim.Time(n+1)*day + 2*3600*second)
		p := d.plan("x")
		if len(p.Instances) != n+1 {
			t.Fatalf("after %s there are %d instances; want %d", d.now, len(p.Instances), n+1)
		}
		j := d.must(hub.GetJob{ID: p.Instances[n]}).Job
		if want := fmt.Sprintf("X - %d", n+1); j.Spec.Name != want || j.Counts.Succeeded != members || j.Status != job.Completed || j.Spec.Schedule != "x" {
			t.Errorf("instance %d is %q %s %+v; want %q with %d devices", n, j.Spec.Name, j.Status, j.Counts, want, members)
		}
	}
	d.to(10 * day)
	if p := d.plan("x"); !p.Completed || !p.Enabled || p.Next != sim.Never || len(p.Instances) != 3 {
		t.Errorf("in the end the schedule is %+v", p)
	}
}

func kindsProperties() []doc.Member { return []doc.Member{{Name: "Site", Value: doc.String("north")}} }

// TestJ7: a schedule cannot be changed while an instance is pending or
// running, except that it can always be unscheduled; a stopped instance does
// not block it; deleting is always possible (S-9, A-29).
func TestJ7(t *testing.T) {
	d := trucks(t, 1)
	put := hub.PutSchedule{ID: "x", Rule: rule(t, "2026-01-01T00:00:10Z", zone.Daily, zone.End{}),
		Spec: job.Spec{Kind: "rebootDevice", Group: "trucks", Timeout: -1, Grace: time.Hour}}
	d.must(put)
	etag := d.plan("x").Etag
	d.to(10 * second) // its device is offline and waited for
	if c := d.code(put); c != hub.CodeState {
		t.Errorf("changed while an instance runs: code %d; want %d", c, hub.CodeState)
	}
	d.must(hub.EnableSchedule{ID: "x"})
	if p := d.plan("x"); p.Enabled || p.Next != sim.Never {
		t.Errorf("unscheduled, it is %+v", p)
	}
	d.must(hub.EnableSchedule{ID: "x", Enabled: true})
	d.must(hub.StopJob{ID: d.plan("x").Instances[0]})
	d.to(11 * second)
	put.Rule = rule(t, "2026-01-01T00:00:10Z", zone.Weekly, zone.Times(1))
	d.must(put)
	if p := d.plan("x"); p.Etag <= etag || p.Created != 0 || p.Number != 1 || p.Next != 7*day+10*second {
		t.Errorf("S-11: changed, the schedule is %+v; want the count anew, the numbering going on", p)
	}
	d.to(7*day + 10*second)
	p := d.plan("x")
	if name := d.must(hub.GetJob{ID: p.Instances[1]}).Job.Spec.Name; name != "x - 2" || !p.Completed {
		t.Errorf("A-51: the next instance is %q, completed %t; want x - 2, true", name, p.Completed)
	}
	d.must(hub.DeleteSchedule{ID: "x"})
	if j := d.must(hub.GetJob{ID: p.Instances[1]}).Job; j.Status != job.Running || j.Spec.Schedule != "x" {
		t.Errorf("its instance is %s of schedule %q after the delete; want running of x", j.Status, j.Spec.Schedule)
	}
	if c := d.code(hub.GetSchedule{ID: "x"}); c != hub.CodeScheduleNotFound {
		t.Errorf("code %d after the delete", c)
	}
}

// TestFiring: one row a rule about when and what.
func TestFiring(t *testing.T) {
	reboot := job.Spec{Kind: "cloudProperty", Group: "trucks", Properties: kindsProperties(), Timeout: -1}
	t.Run("S-7 a recurring start in the past fires at its next occurrence", func(t *testing.T) {
		d := trucks(t, 1)
		d.must(hub.PutSchedule{ID: "x", Rule: rule(t, "2020-05-05T06:00:00Z", zone.Daily, zone.End{}), Spec: reboot})
		if got := d.plan("x").Next; got != 6*3600*second {
			t.Errorf("fires at %s; want 6h", got)
		}
	})
	t.Run("S-7 a one-time start in the past is refused", func(t *testing.T) {
		d := trucks(t, 1)
		if c := d.code(hub.PutSchedule{ID: "x", Rule: rule(t, "2025-12-31T23:00:00Z", zone.Once, zone.End{}), Spec: reboot}); c != hub.CodeInvalid {
			t.Errorf("code %d; want %d", c, hub.CodeInvalid)
		}
		if c := d.code(hub.GetSchedule{ID: "x"}); c != hub.CodeScheduleNotFound {
			t.Errorf("the refused schedule is there: code %d", c)
		}
	})
	t.Run("a one-time schedule fires once and is completed", func(t *testing.T) {
		d := trucks(t, 1)
		d.must(hub.PutSchedule{ID: "x", Rule: rule(t, "2026-01-01T00:00:03Z", zone.Once, zone.End{}), Spec: reboot})
		d.to(3*second - 1)
		if n := len(d.plan("x").Instances); n != 0 {
			t.Errorf("%d instances before its time", n)
		}
		d.to(100 * day)
		if p := d.plan("x"); p.Number != 1 || !p.Completed {
			t.Errorf("it is %+v", p)
		}
	})
	t.Run("every 5 s", func(t *testing.T) {
		d := trucks(t, 1)
		r := rule(t, "2026-01-01T00:00:01Z", zone.Every, zone.Times(4))
		r.Every = 5 * time.Second
		d.must(hub.PutSchedule{ID: "x", Rule: r, Spec: reboot})
		d.to(11 * second)
		if p := d.plan("x"); p.Number != 3 || p.Next != 16*second {
			t.Errorf("after 11 s it is %+v; want three instances, next at 16 s", p)
		}
	})
	t.Run("S-8 missed firings are skipped and not counted", func(t *testing.T) {
		d := trucks(t, 1)
		r := rule(t, "2026-01-01T00:00:01Z", zone.Every, zone.Times(10))
		r.Every = 5 * time.Second
		d.must(hub.PutSchedule{ID: "x", Rule: r, Spec: reboot})
		d.now = 100 * second // nobody woke the hub
		d.settle()
		if p := d.plan("x"); p.Number != 0 || p.Created != 0 || p.Skipped != 20 || p.Next != 101*second {
			t.Errorf("it is %+v; want no instance, 20 skipped, next at 101 s", p)
		}
	})
	t.Run("A-28 misfire", func(t *testing.T) {
		for _, tt := range []struct {
			kind             zone.Kind
			misfire          hub.Misfire
			late             sim.Time
			created, skipped int
			completed        bool
		}{
			{zone.Every, hub.MisfireDefault, 100 * second, 0, 10, false},
			{zone.Every, hub.MisfireSkip, 100 * second, 0, 10, false},
			{zone.Every, hub.MisfireOnce, 100 * second, 1, 9, false},
			{zone.Every, hub.MisfireDefault, 60 * second, 1, 5, false}, // a little late is not missed
			{zone.Daily, hub.MisfireDefault, 60*second + 1, 0, 1, false},
			{zone.Once, hub.MisfireDefault, 100 * second, 1, 0, true},
			{zone.Once, hub.MisfireOnce, 100 * day, 1, 0, true},
			{zone.Once, hub.MisfireSkip, 100 * second, 0, 1, true},
			{zone.Once, hub.MisfireSkip, 60 * second, 1, 0, true},
		} {
			d := trucks(t, 1)
			r := rule(t, "2026-01-01T00:00:01Z", tt.kind, zone.End{})
			if tt.kind == zone.Every {
				r.Every = 11 * time.Second
			}
			d.must(hub.PutSchedule{ID: "x", Rule: r, Misfire: tt.misfire, Spec: reboot})
			d.now = second + tt.late
			d.settle()
			p := d.plan("x")
			if p.Created != tt.created || p.Skipped != tt.skipped || p.Completed != tt.completed || !p.Completed && (p.Next <= d.now || p.Next == sim.Never) {
				t.Errorf("%s, policy %d, %s late: %d created, %d skipped, completed %t, next at %s; want %d, %d, %t", tt.kind, tt.misfire, tt.late,
					p.Created, p.Skipped, p.Completed, p.Next, tt.created, tt.skipped, tt.completed)
			}
		}
	})
	t.Run("S-10 a firing during an instance makes another", func(t *testing.T) {
		d := trucks(t, 1)
		r := rule(t, "2026-01-01T00:00:01Z", zone.Every, zone.End{})
		r.Every = 5 * time.Second
		d.must(hub.PutSchedule{ID: "x", Rule: r, Spec: job.Spec{Kind: "rebootDevice", Group: "trucks", Timeout: -1, Grace: time.Hour, Queued: true}})
		d.to(31 * second)
		var states []job.Status
		for _, id := range d.plan("x").Instances {
			states = append(states, d.must(hub.GetJob{ID: id}).Job.Status)
		}
		if got := fmt.Sprint(states); got != "[running running running running running pending pending]" {
			t.Errorf("instances are %s; want five running, two pending", got)
		}
	})
	t.Run("A-22 a deleted group gives failed instances, the schedule stays", func(t *testing.T) {
		d := trucks(t, 1)
		d.must(hub.PutSchedule{ID: "x", Rule: rule(t, "2026-01-01T00:00:03Z", zone.Daily, zone.End{}), Spec: reboot})
		d.must(hub.DeleteGroup{ID: "trucks"})
		d.to(4 * second)
		p := d.plan("x")
		j := d.must(hub.GetJob{ID: p.Instances[0]}).Job
		if j.Status != job.Failed || j.Counts.Total != 0 || j.FailureReason != `device group "trucks" is not there` || !p.Enabled || p.Completed {
			t.Errorf("instance is %s (%s), schedule %+v", j.Status, j.FailureReason, p)
		}
	})
	t.Run("A-23 instances expire after 30 days", func(t *testing.T) {
		d := trucks(t, 1)
		d.must(hub.PutSchedule{ID: "x", Rule: rule(t, "2026-01-01T00:00:03Z", zone.Daily, zone.Times(40)), Spec: reboot})
		d.to(60 * day)
		if p := d.plan("x"); len(p.Instances) != 10 || p.Number != 40 {
			t.Errorf("after 60 days %d of %d instances are known; want 10 of 40", len(p.Instances), p.Number)
		}
	})
}

// TestControls: rerun, copy, stop and resume by command, and their refusals.
func TestControls(t *testing.T) {
	d := trucks(t, 3)
	spec := job.Spec{ID: "j", Name: "blink all", Kind: "command", Command: "blink", Group: "trucks", Timeout: -1}
	d.must(hub.SubmitJob{Spec: spec}) // nobody is connected
	if j := d.must(hub.GetJob{ID: "j"}).Job; j.Status != job.Completed || j.Counts.Failed != 3 {
		t.Fatalf("job is %s %+v", j.Status, j.Counts)
	}
	c := d.connect("truck-1", 1, sim.AllFeatures)
	r := d.must(hub.RerunJob{ID: "j", NewID: "again"})
	d.say(sim.Message{Kind: sim.Answer, Device: "truck-1", Conn: c, ID: 1, Status: 202})
	if j := d.must(hub.GetJob{ID: "again"}).Job; j.Counts.Succeeded != 1 || j.Counts.Failed != 2 || r.Ticket == 0 {
		t.Errorf("J-1: the rerun has %+v", j.Counts)
	}
	d.must(hub.Register{ID: "truck-7", PrimaryKey: key})
	d.must(hub.CopyJob{ID: "j", NewID: "copy"})
	if j := d.must(hub.GetJob{ID: "copy"}).Job; j.Spec.Name != "blink all Copy" || j.Counts.Total != 4 {
		t.Errorf("A-21: the copy is %q over %d devices", j.Spec.Name, j.Counts.Total)
	}
	for cmd, want := range map[hub.Command]hub.Code{ // any order: each is asked
		hub.StopJob{ID: "j"}:                     hub.CodeState,
		hub.ResumeJob{ID: "j"}:                   hub.CodeState,
		hub.StopJob{ID: "none"}:                  hub.CodeJobNotFound,
		hub.RerunJob{ID: "none"}:                 hub.CodeJobNotFound,
		hub.RerunJob{ID: "j", NewID: "again"}:    hub.CodeState,
		hub.CopyJob{ID: "none"}:                  hub.CodeJobNotFound,
		hub.DeleteGroup{ID: "none"}:              hub.CodeGroupNotFound,
		hub.PutGroup{ID: "a b", Filter: "x"}:     hub.CodeInvalid,
		hub.PutGroup{ID: "ok", Filter: "SELECT"}: hub.CodeInvalid,
		hub.DeleteSchedule{ID: "none"}:           hub.CodeScheduleNotFound,
		hub.EnableSchedule{ID: "none"}:           hub.CodeScheduleNotFound,
	} {
		if got := d.code(cmd); got != want {
			t.Errorf("%#v: code %d; want %d", cmd, got, want)
		}
	}
	spec.ID, spec.Group = "k", "none"
	if got := d.code(hub.SubmitJob{Spec: spec}); got != hub.CodeGroupNotFound {
		t.Errorf("a job over no group: code %d", got)
	}
}

// TestLabelsContinuousGroup: a device that gets the label of a continuous
// job's group joins it, once, and keeps its service properties.
func TestLabelsContinuousGroup(t *testing.T) {
	d := newDesk(t, "a", "b")
	d.must(hub.PutGroup{ID: "vans", Filter: "label=van"})
	d.must(hub.ReplaceService{ID: "b", Properties: doc.MustParse(`{"x":1}`), Labels: []string{"car"}})
	d.must(hub.SubmitJob{Spec: job.Spec{ID: "j", Kind: "cloudProperty", Group: "vans", Properties: kindsProperties(), Timeout: time.Hour, Continuous: true}})
	before := d.must(hub.GetDevice{ID: "b"}).Device.ServiceEtag
	for i, x := range []struct {
		labels []string
		want   int
	}{{nil, 0}, {[]string{"van", "car"}, 1}, {nil, 1}, {[]string{"van"}, 1}} {
		b := d.must(hub.SetLabels{ID: "b", Labels: x.labels}).Device
		if j := d.must(hub.GetJob{ID: "j"}).Job; j.Counts.Succeeded != x.want || j.Counts.Total != x.want {
			t.Errorf("labels %q: job has %+v; want %d", x.labels, j.Counts, x.want)
		}
		if !slices.Equal(b.Labels, x.labels) || b.Service.Get("x").String() != "1" || b.ServiceEtag != before+uint64(i)+1 {
			t.Errorf("labels %q: device has %q, service properties %s, etag %d", x.labels, b.Labels, b.Service, b.ServiceEtag)
		}
	}
	if got := d.code(hub.SetLabels{ID: "c"}); got != hub.CodeNotFound {
		t.Errorf("labels of no device: code %d", got)
	}
	if got := d.code(hub.SetLabels{ID: "a", Labels: []string{""}}); got != hub.CodeInvalid {
		t.Errorf("an empty label: code %d", got)
	}
}

// TestContinuousGroup: a device that is registered into the group of a
// continuous job joins it.
func TestContinuousGroup(t *testing.T) {
	d := trucks(t, 1)
	d.must(hub.SubmitJob{Spec: job.Spec{ID: "j", Kind: "cloudProperty", Group: "trucks", Properties: kindsProperties(), Timeout: time.Hour, Continuous: true}})
	d.must(hub.Register{ID: "truck-5", PrimaryKey: key})
	d.must(hub.Register{ID: "car-1", PrimaryKey: key})
	if j := d.must(hub.GetJob{ID: "j"}).Job; j.Counts.Succeeded != 2 || j.Status != job.Running {
		t.Errorf("job is %s %+v; want running with two", j.Status, j.Counts)
	}
}
