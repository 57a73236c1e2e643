package hub_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/zone"
)

// job returns a job as it stands.
func (d *desk) job(id string) *job.View {
	d.t.Helper()
	return d.must(hub.GetJob{ID: id}).Job
}

// children writes down the states of a job's devices, one letter each: p, r, c
// (completed), f, x (cancelled).
func (d *desk) children(id string) string {
	d.t.Helper()
	s := ""
	for _, c := range d.must(hub.ListChildren{Job: id}).Children {
		s += map[job.Status]string{job.Pending: "p", job.Running: "r", job.Completed: "c", job.Failed: "f", job.Cancelled: "x"}[c.Status]
	}
	return s
}

// answer answers the n-th call of a connection.
func (d *desk) answer(id sim.DeviceID, conn uint32, n uint64, status int32) {
	d.say(sim.Message{Kind: sim.Answer, Device: id, Conn: conn, ID: n, Status: status})
}

// TestDecisions: one case a decision on jobs that documents leave open, by its
// number. Those that other tests show are cited there.
func TestDecisions(t *testing.T) {
	blink := func(id string, set func(*job.Spec)) hub.SubmitJob {
		s := job.Spec{ID: id, Kind: "command", Command: "blink", Group: "trucks", Timeout: -1}
		if set != nil {
			set(&s)
		}
		return hub.SubmitJob{Spec: s}
	}
	site := func(kind string) hub.SubmitJob {
		return hub.SubmitJob{Spec: job.Spec{ID: kind, Kind: kind, Group: "trucks", Properties: kindsProperties(), Timeout: -1}}
	}
	exact := func(s string) *job.Amount {
		a, err := job.ParseAmount(s)
		if err != nil {
			t.Fatal(err)
		}
		return &a
	}

	t.Run("A-02 several properties, one command, none twice", func(t *testing.T) {
		d := trucks(t, 1)
		for _, kind := range []string{"property", "cloudProperty"} {
			c := site(kind)
			c.Spec.Properties = []doc.Member{{Name: "A", Value: doc.String("x")}, {Name: "b.C", Value: doc.Int(1)}}
			d.must(c)
			if got := d.children(kind); got != "c" {
				t.Errorf("%s of two: %s", kind, got)
			}
			c.Spec.Properties[1].Name = "A"
			if got := d.code(c); got != hub.CodeInvalid {
				t.Errorf("%s of one twice: code %d", kind, got)
			}
			c.Spec.Properties = nil
			if got := d.code(c); got != hub.CodeInvalid {
				t.Errorf("%s of none: code %d", kind, got)
			}
		}
		if got := d.code(blink("x", func(s *job.Spec) { s.Command = "" })); got != hub.CodeInvalid {
			t.Errorf("no command: code %d", got)
		}
		v := d.must(hub.GetDevice{ID: "truck-0"}).Device
		if v.Cloud.String() != `{"A":"x","b":{"C":1}}` || v.Desired.String() != `{"A":"x","b":{"C":1,"__t":"c"}}` {
			t.Errorf("the hub keeps %s, desires %s", v.Cloud, v.Desired)
		}
	})
	t.Run("A-03 an immediate job has its members from its creation, by id", func(t *testing.T) {
		d := trucks(t, 3)
		for i := range 5 {
			d.must(blink(fmt.Sprint("busy", i), func(s *job.Spec) { s.Kind, s.Queued, s.Grace = "rebootDevice", true, time.Hour }))
		}
		d.must(blink("j", func(s *job.Spec) { s.Queued = true }))
		d.must(hub.Register{ID: "truck-10", PrimaryKey: key}) // by its bytes before truck-2
		if v := d.job("j"); v.Status != job.Pending || v.Counts.Total != 3 || d.children("j") != "ppp" {
			t.Errorf("in the queue it is %s of %+v", v.Status, v.Counts)
		}
		d.must(blink("k", func(s *job.Spec) { s.Queued = true }))
		var ids []string
		for _, c := range d.must(hub.ListChildren{Job: "k"}).Children {
			ids = append(ids, string(c.Device))
		}
		if got := strings.Join(ids, " "); got != "truck-0 truck-1 truck-10 truck-2" {
			t.Errorf("members are %s", got)
		}
	})
	t.Run("A-06 a smaller last batch may fail less", func(t *testing.T) {
		// 25 % of a batch of four is one failure; of the last batch, two, it is a half.
		for last, want := range map[sim.DeviceID]job.Status{"": job.Completed, "truck-4": job.Cancelled} { // any order: each for itself
			d := trucks(t, 6)
			conns := map[sim.DeviceID]uint32{}
			for i := range 6 {
				id := sim.DeviceID(fmt.Sprintf("truck-%d", i))
				conns[id] = d.connect(id, 1, sim.AllFeatures)
			}
			d.must(blink("j", func(s *job.Spec) {
				s.Batch, s.Threshold = exact("4"), &job.Threshold{Amount: *exact("25%"), PerBatch: true}
			}))
			for i := range 6 {
				id, status := sim.DeviceID(fmt.Sprintf("truck-%d", i)), int32(200)
				if id == "truck-1" || id == last {
					status = 500
				}
				d.answer(id, conns[id], 1, status)
			}
			if v := d.job("j"); v.Status != want {
				t.Errorf("with %q failing in the last batch the job is %s; want %s", last, v.Status, want)
			}
		}
	})
	t.Run("A-08 whoever cannot be reached has failed", func(t *testing.T) {
		d := trucks(t, 4)
		c := d.connect("truck-3", 1, sim.AllFeatures)
		d.must(hub.SetStatus{ID: "truck-0", Disabled: true})
		d.must(blink("j", func(s *job.Spec) { s.Threshold = &job.Threshold{Amount: *exact("2")}; s.InFlight = 1 }))
		// Blocked, offline, offline: the third failure is too many.
		if v := d.job("j"); v.Status != job.Cancelled || d.children("j") != "fffp" {
			t.Errorf("blocked and offline devices: %s %s", v.Status, d.children("j"))
		}
		d.must(blink("k", func(s *job.Spec) {
			s.Targets = []sim.DeviceID{"truck-3"}
			s.Threshold = &job.Threshold{Amount: *exact("0")}
		}))
		d.must(hub.Unregister{ID: "truck-3"})
		if v := d.job("k"); v.Status != job.Cancelled {
			t.Errorf("a device deleted on the way (%d): %s", c, v.Status)
		}
	})
	t.Run("A-09 a blocked device takes properties, not commands", func(t *testing.T) {
		d := trucks(t, 1)
		d.must(hub.SetStatus{ID: "truck-0", Disabled: true})
		for _, kind := range []string{"property", "cloudProperty"} {
			d.must(site(kind))
			if got := d.children(kind); got != "c" {
				t.Errorf("%s: %s", kind, got)
			}
		}
		d.must(blink("j", nil))
		if got := d.children("j"); got != "f" {
			t.Errorf("command: %s", got)
		}
	})
	t.Run("A-12 what can be rerun", func(t *testing.T) {
		d := trucks(t, 2)
		c := d.connect("truck-0", 1, sim.AllFeatures)
		d.must(blink("j", nil)) // truck-1 has failed, truck-0 is at it
		if got := d.code(hub.RerunJob{ID: "j", NewID: "r"}); got != hub.CodeState {
			t.Errorf("running: code %d", got)
		}
		d.must(hub.StopJob{ID: "j"})
		d.must(hub.RerunJob{ID: "j", NewID: "stopped"})
		d.must(hub.ResumeJob{ID: "j"})
		d.answer("truck-0", c, 1, 200)
		d.must(hub.RerunJob{ID: "j", NewID: "complete"})
		d.must(blink("ok", func(s *job.Spec) { s.Targets = []sim.DeviceID{"truck-0"} }))
		d.answer("truck-0", c, 2, 200)
		if got := d.code(hub.RerunJob{ID: "ok", NewID: "r"}); got != hub.CodeState {
			t.Errorf("nothing failed: code %d", got)
		}
		d.must(blink("many", func(s *job.Spec) { s.Threshold = &job.Threshold{Amount: *exact("0")} }))
		d.answer("truck-0", c, 3, 200)
		if v := d.job("many"); v.Status != job.Cancelled {
			t.Fatalf("job is %s", v.Status)
		}
		d.must(hub.RerunJob{ID: "many", NewID: "cancelled"})
	})
	t.Run("A-13 a stopped job has no end", func(t *testing.T) {
		d := trucks(t, 1)
		d.must(blink("j", func(s *job.Spec) { s.Kind, s.Grace, s.Timeout = "rebootDevice", 100*time.Hour, 10*time.Minute }))
		d.to(60 * second)
		d.must(hub.StopJob{ID: "j"})
		if v := d.job("j"); v.End != sim.Never || v.Status != job.Stopped {
			t.Errorf("stopped, it ends at %s", v.End)
		}
		d.to(9 * 60 * second)
		if v := d.job("j"); v.End != sim.Never {
			t.Errorf("stopped, it ends at %s", v.End)
		}
	})
	t.Run("A-14 a property is done when the hub has it", func(t *testing.T) {
		d := trucks(t, 1) // never connected
		d.must(site("property"))
		if v := d.job("property"); v.Status != job.Completed || v.Counts.Succeeded != 1 {
			t.Errorf("job is %s %+v", v.Status, v.Counts)
		}
		c := d.connect("truck-0", 1, sim.AllFeatures)
		d.log.Reset()
		d.say(sim.Message{Kind: sim.GetTwin, Device: "truck-0", Conn: c, Name: "1"})
		if !strings.Contains(d.log.String(), `{"desired":{"Site":"north","$version":2}`) {
			t.Errorf("the device finds %s", d.log.String())
		}
	})
	t.Run("A-15 any 2xx completes, nothing else; A-16 with the reason", func(t *testing.T) {
		for status, want := range map[int32]string{200: "c", 202: "c", 299: "c", 199: "f", 300: "f", 404: "f", 500: "f"} { // any order: each for itself
			d := trucks(t, 1)
			c := d.connect("truck-0", 1, sim.AllFeatures)
			d.must(blink("j", nil))
			d.say(sim.Message{Kind: sim.Answer, Device: "truck-0", Conn: c, ID: 1, Status: status, Body: []byte(`{"why":"worn"}`)})
			got, why := d.children("j"), d.must(hub.ListChildren{Job: "j"}).Children[0].FailureReason
			if got != want || want == "f" && why != fmt.Sprintf(`device answered %d: {"why":"worn"}`, status) {
				t.Errorf("%d: %s, %q", status, got, why)
			}
		}
	})
	t.Run("4.5 no answer within 30 s fails", func(t *testing.T) {
		d := trucks(t, 1)
		d.connect("truck-0", 1, sim.AllFeatures)
		d.must(blink("j", nil))
		d.to(30*second - 1)
		if got := d.children("j"); got != "r" {
			t.Errorf("before: %s", got)
		}
		d.to(30 * second)
		if got := d.children("j"); got != "f" {
			t.Errorf("after: %s", got)
		}
	})
	t.Run("A-21 a copy's name is cut in front of the word", func(t *testing.T) {
		d := trucks(t, 1)
		d.must(blink("j", func(s *job.Spec) { s.Name = strings.Repeat("n", 147) }))
		d.must(hub.CopyJob{ID: "j", NewID: "k"})
		d.must(hub.CopyJob{ID: "k", NewID: "l"})
		if got, want := d.job("k").Spec.Name, strings.Repeat("n", 143)+" Copy"; got != want {
			t.Errorf("the copy is %q", got)
		}
		if got := d.job("l").Spec.Name; len(got) != 148 || !strings.HasSuffix(got, " Copy") {
			t.Errorf("its copy is %q", got)
		}
	})
	t.Run("A-23 thirty days from the end, or from the stop", func(t *testing.T) {
		d := trucks(t, 2)
		d.must(blink("done", nil)) // nobody is there
		d.to(10 * day)
		// Of two devices the first is done with, the second waits for its turn.
		stopped := func(id string) {
			c := d.connect("truck-0", 1, sim.AllFeatures)
			d.must(blink(id, func(s *job.Spec) {
				s.Kind, s.Grace, s.Rollout = "rebootDevice", 1000*time.Hour, &job.Rollout{PerMinute: 1}
			}))
			d.answer("truck-0", c, 1, 500)
			d.must(hub.StopJob{ID: id})
			if got := d.children(id); got != "fp" {
				t.Fatalf("job %s: %s", id, got)
			}
		}
		stopped("stopped")
		stopped("resumed")
		known := func(want string) {
			t.Helper()
			list := ""
			for _, v := range d.must(hub.ListJobs{}).Jobs {
				list += v.ID + " "
			}
			if list != want {
				t.Errorf("at %s known are %q; want %q", d.now, list, want)
			}
		}
		d.to(20 * day)
		d.must(hub.ResumeJob{ID: "resumed"}) // it waits for a device that does not come
		d.to(30*day - 1)
		known("done stopped resumed ")
		d.to(30 * day)
		known("stopped resumed ")
		d.to(40*day - 1)
		known("stopped resumed ")
		d.to(40 * day)
		known("resumed ")
		if v := d.job("resumed"); v.Status != job.Running {
			t.Errorf("resumed, it is %s", v.Status)
		}
	})
	t.Run("A-24 an instance counts, whatever becomes of it", func(t *testing.T) {
		d := trucks(t, 1)
		d.must(hub.PutSchedule{ID: "x", Rule: rule(t, "2026-01-01T00:00:03Z", zone.Daily, zone.Times(2)), Spec: site("cloudProperty").Spec})
		d.must(hub.DeleteGroup{ID: "trucks"})
		d.to(5 * day)
		if p := d.plan("x"); p.Created != 2 || !p.Completed || d.job(p.Instances[1]).Status != job.Failed {
			t.Errorf("it is %+v", p)
		}
	})
	t.Run("A-31 what the state does not allow is told apart from what is not there", func(t *testing.T) {
		d := trucks(t, 1)
		d.must(blink("j", nil))
		for cmd, want := range map[hub.Command]hub.Code{ // any order: each is asked
			hub.StopJob{ID: "j"}: hub.CodeState, hub.ResumeJob{ID: "j"}: hub.CodeState,
			hub.StopJob{ID: "k"}: hub.CodeJobNotFound, hub.ResumeJob{ID: "k"}: hub.CodeJobNotFound, hub.RerunJob{ID: "k"}: hub.CodeJobNotFound,
		} {
			if got := d.code(cmd); got != want {
				t.Errorf("%#v: code %d; want %d", cmd, got, want)
			}
		}
	})
	t.Run("A-38 ranges", func(t *testing.T) {
		d := trucks(t, 1)
		for _, tt := range []struct {
			value            string
			batch, threshold bool
		}{
			{"0", false, true}, {"1", true, true}, {"-1", false, false}, {"1.5", false, false}, {"2147483647", true, true}, {"2147483648", false, false},
			{"0%", false, true}, {"0.001%", true, true}, {"100%", true, true}, {"100.1%", false, false}, {"-1%", false, false},
		} {
			a, err := job.ParseAmount(tt.value)
			if err != nil {
				t.Fatal(err)
			}
			if ok := d.code(blink("", func(s *job.Spec) { s.Batch = &a })) == 0; ok != tt.batch {
				t.Errorf("a batch of %s: accepted %t", tt.value, ok)
			}
			if ok := d.code(blink("", func(s *job.Spec) { s.Threshold = &job.Threshold{Amount: a} })) == 0; ok != tt.threshold {
				t.Errorf("a threshold of %s: accepted %t", tt.value, ok)
			}
		}
	})
	t.Run("A-49 a rerun keeps the name", func(t *testing.T) {
		d := trucks(t, 1)
		d.must(blink("j", func(s *job.Spec) { s.Name = "blink all" }))
		d.must(hub.RerunJob{ID: "j", NewID: "r"})
		d.must(hub.RerunJob{ID: "j", NewID: "q", Name: "blink all (rerun)"})
		if a, b := d.job("r").Spec.Name, d.job("q").Spec.Name; a != "blink all" || b != "blink all (rerun)" {
			t.Errorf("reruns are %q and %q", a, b)
		}
	})
	t.Run("A-50 an id in use is refused, whatever the body", func(t *testing.T) {
		d := &desk{t: t, hub: hub.New(hub.Config{Epoch: sim.DefaultEpoch, Seed: 1, StrictJobs: true})}
		d.must(hub.Register{ID: "truck-0", PrimaryKey: key})
		c := hub.SubmitJob{Spec: job.Spec{ID: "j", Kind: "command", Command: "blink", Targets: []sim.DeviceID{"truck-0"}}}
		d.must(c)
		if got := d.code(c); got != hub.CodePrecondition {
			t.Errorf("code %d; want %d", got, hub.CodePrecondition)
		}
	})
}

// TestScheduleRules: the rules S-2, S-5, S-6 and A-30 on a hub.
func TestScheduleRules(t *testing.T) {
	blink := job.Spec{Name: "X", Kind: "command", Command: "blink", Group: "trucks", Timeout: -1, Queued: true}
	t.Run("S-2 an instance is a job like others", func(t *testing.T) {
		d := trucks(t, 2)
		c := d.connect("truck-0", 1, sim.AllFeatures)
		d.must(hub.PutSchedule{ID: "x", Rule: rule(t, "2026-01-01T00:00:03Z", zone.Once, zone.End{}), Spec: blink})
		d.to(3 * second)
		id := d.plan("x").Instances[0]
		if list := d.must(hub.ListJobs{}).Jobs; len(list) != 1 || list[0].ID != id || len(id) != 36 {
			t.Fatalf("jobs are %+v", list)
		}
		d.must(hub.StopJob{ID: id})
		d.must(hub.ResumeJob{ID: id})
		d.answer("truck-0", c, 1, 200)
		r := d.must(hub.RerunJob{ID: id, NewID: "r"})
		if v := r.Job; v.Spec.Schedule != "x" && v.Spec.Schedule != "" || d.job("r").Counts.Total != 1 {
			t.Errorf("the rerun is %+v", v)
		}
		if p := d.plan("x"); p.Number != 1 || len(p.Instances) != 1 {
			t.Errorf("a rerun counts as an instance: %+v", p)
		}
	})
	t.Run("S-5 A-25 the end date is a whole day of the schedule's zone", func(t *testing.T) {
		d := trucks(t, 1)
		day2, err := zone.ParseDay("2026-01-02")
		if err != nil {
			t.Fatal(err)
		}
		// 23:59 on the second is 04:59 UTC on the third.
		d.must(hub.PutSchedule{ID: "x", Rule: rule(t, "2026-01-01T23:59:00-05:00", zone.Daily, zone.Until(day2)), Spec: blink})
		d.to(10 * day)
		if p := d.plan("x"); p.Created != 2 || !p.Completed || p.Next != sim.Never {
			t.Errorf("it is %+v; want two instances, completed", p)
		}
	})
	t.Run("S-6 A-26 wall clock and fixed offset", func(t *testing.T) {
		for _, tt := range []struct {
			start, zone string
			want        []string
		}{
			{"2026-03-28T02:30:00", "Europe/Paris", []string{"2026-03-28T01:30:00", "2026-03-29T01:30:00", "2026-03-30T00:30:00"}},
			{"2026-03-28T02:30:00+01:00", "", []string{"2026-03-28T01:30:00", "2026-03-29T01:30:00", "2026-03-30T01:30:00"}},
			{"2026-04-04T02:30:00", "Australia/Sydney", []string{"2026-04-03T15:30:00", "2026-04-04T15:30:00", "2026-04-05T16:30:00"}},
		} {
			d := trucks(t, 1)
			var z *zone.Zone
			if tt.zone != "" {
				var err error
				if z, err = zone.Load(tt.zone); err != nil {
					t.Fatal(err)
				}
			}
			s, err := zone.ParseStart(tt.start, z)
			if err != nil {
				t.Fatal(err)
			}
			d.must(hub.PutSchedule{ID: "x", Rule: zone.Rule{Start: s, Kind: zone.Daily, End: zone.Times(3)}, Spec: blink})
			for _, want := range tt.want {
				next := d.plan("x").Next
				if got := sim.DefaultEpoch.Text(next); !strings.HasPrefix(got, want+".0000000") {
					t.Errorf("%s %s fires at %s; want %s", tt.start, tt.zone, got, want)
				}
				d.to(next)
			}
		}
	})
	t.Run("A-30 a stopped instance does not hold the next one up", func(t *testing.T) {
		d := trucks(t, 1)
		r := rule(t, "2026-01-01T00:00:01Z", zone.Every, zone.Times(2))
		r.Every = 5 * time.Second
		spec := blink
		spec.Kind, spec.Grace = "rebootDevice", time.Hour
		d.must(hub.PutSchedule{ID: "x", Rule: r, Spec: spec})
		d.to(second)
		d.must(hub.StopJob{ID: d.plan("x").Instances[0]})
		d.to(6 * second)
		if p := d.plan("x"); p.Created != 2 || d.job(p.Instances[0]).Status != job.Stopped || d.job(p.Instances[1]).Status != job.Running {
			t.Errorf("it is %+v", p)
		}
	})
}
