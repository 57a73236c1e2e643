package soak

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/zone"
)

// forger shows a judge a hub of its own invention: it keeps rows as an honest
// hub would, and lies where a test wants it to.
type forger struct {
	t    *testing.T
	j    *judge
	now  sim.Time
	rows []forged
}

type forged struct {
	view     job.View
	children []job.ChildView
}

// newForger is a judge of a case of four devices; d03 is in ring b, the others
// in a.
func newForger(t *testing.T) *forger {
	c := &Case{Call: 10 * time.Second, Profile: device.NewProfile()}
	for i := range 4 {
		c.Devices = append(c.Devices, Device{ID: deviceID(i), Ring: rings[i/3]})
	}
	f := &forger{t: t, j: newJudge(c)}
	f.j.read = func(n uint32) (job.View, []job.ChildView, bool) {
		if int(n) >= len(f.rows) {
			return job.View{}, nil, false
		}
		return f.rows[n].view, f.rows[n].children, true
	}
	return f
}

// row makes the row of a job over some devices.
func (f *forger) row(s job.Spec, devices ...sim.DeviceID) uint32 {
	s.Targets = devices
	r := forged{view: job.View{ID: s.ID, Spec: &s, BatchSize: max(1, sizeOf(s.Batch, len(devices)))}}
	for _, id := range devices {
		r.children = append(r.children, job.ChildView{Device: id})
	}
	f.rows = append(f.rows, r)
	f.count(len(f.rows) - 1)
	return uint32(len(f.rows) - 1)
}

// count has a job's counts be those of its children.
func (f *forger) count(n int) {
	c := job.Counts{}
	for _, x := range f.rows[n].children {
		c.Total++
		*map[job.Status]*int{job.Pending: &c.Pending, job.Running: &c.Running, job.Completed: &c.Succeeded, job.Failed: &c.Failed,
			job.Cancelled: &c.Cancelled}[x.Status]++
	}
	f.rows[n].view.Counts = c
}

// step shows a Step of the hub that touches a job.
func (f *forger) step(n uint32, o ...sim.Observation) {
	for i := range o {
		o[i].At = f.now
	}
	f.j.watch(f.now, "", &sim.Input{}, &sim.Outbox{Dirty: []sim.Row{{Table: sim.TableJob, Key: uint64(n)}}, Observe: o})
}

// at lets time go on to a second.
func (f *forger) at(seconds int) *forger {
	f.now = sim.Time(seconds) * second
	return f
}

// submit is a job that is taken, over the devices it names or given ones.
func (f *forger) submit(s job.Spec, devices ...sim.DeviceID) uint32 {
	f.j.asked(hub.SubmitJob{Spec: s})
	if devices == nil {
		devices = s.Targets
	}
	n := f.row(s, devices...)
	f.step(n, sim.Observation{Event: sim.EventJob, Job: s.ID, Text: "pending"})
	f.j.answered(hub.SubmitJob{Spec: s}, hub.Reply{Ticket: uint64(n) + 1}, nil)
	return n
}

// becomes has a job enter a state.
func (f *forger) becomes(n uint32, s job.Status) *forger {
	f.rows[n].view.Status = s
	f.step(n, sim.Observation{Event: sim.EventJob, Job: f.rows[n].view.ID, Text: s.String()})
	return f
}

// child has a device's part enter a state.
func (f *forger) child(n uint32, i int, s job.Status) *forger {
	f.rows[n].children[i].Status = s
	f.count(int(n))
	f.step(n, sim.Observation{Event: sim.EventChild, Job: f.rows[n].view.ID, Device: f.rows[n].children[i].Device, Text: s.String()})
	return f
}

// saw has a device do something.
func (f *forger) saw(id sim.DeviceID, e sim.Event, text string) *forger {
	f.j.watch(f.now, id, &sim.Input{}, &sim.Outbox{Observe: []sim.Observation{{At: f.now, Device: id, Event: e, Text: text}}})
	return f
}

// accept opens a session, call sends a call on it, answer is an answer to it
// that the hub takes so many times.
func (f *forger) accept(id sim.DeviceID, conn uint32) *forger {
	f.j.watch(f.now, "", &sim.Input{}, &sim.Outbox{Send: []sim.Message{{Kind: sim.Accept, Device: id, Conn: conn}}})
	return f
}

func (f *forger) call(id sim.DeviceID, conn uint32, rid uint64) *forger {
	f.j.watch(f.now, "", &sim.Input{}, &sim.Outbox{Send: []sim.Message{{Kind: sim.Call, Device: id, Conn: conn, ID: rid, Due: f.now}}})
	return f
}

func (f *forger) answer(id sim.DeviceID, conn uint32, rid uint64, taken int, took time.Duration) *forger {
	out := &sim.Outbox{}
	for range taken {
		out.Observe = append(out.Observe, sim.Observation{At: f.now, Device: id, Metric: sim.MetricMethodRoundTrip, Value: int64(took)})
	}
	f.j.watch(f.now, "", &sim.Input{Kind: sim.Received, Msg: sim.Message{Kind: sim.Answer, Device: id, Conn: conn, ID: rid}}, out)
	return f
}

// over ends the case.
func (f *forger) over() { f.j.over(f.now, hub.Counters{Calls: 1, Answers: 1}) }

// settle ends a job and its ticket.
func (f *forger) settle(n uint32) *forger {
	v := f.rows[n].view
	f.j.settled(uint64(n)+1, hub.Reply{Job: &v}, nil)
	return f
}

// devices are the first n.
func devices(n int) (list []sim.DeviceID) {
	for i := range n {
		list = append(list, deviceID(i))
	}
	return list
}

func plain(n int) job.Spec {
	return job.Spec{ID: "j0", Kind: "property", Targets: devices(n), Timeout: time.Hour}
}

func number(n int) *job.Amount { return &job.Amount{Value: fmt.Sprint(n)} }

// honest plays a job over two devices, one of which fails, to its end.
func honest(f *forger, s job.Spec) uint32 {
	n := f.at(1).submit(s)
	f.becomes(n, job.Running).child(n, 0, job.Running).child(n, 1, job.Running)
	f.at(2).child(n, 0, job.Completed).child(n, 1, job.Failed)
	f.becomes(n, job.Completed).settle(n)
	return n
}

// forgeries break one rule each; two of a rule where it has two sides.
var forgeries = []struct {
	rule, what string
	forge      func(f *forger)
}{
	{"state", "an ended device goes on", func(f *forger) { f.child(honest(f, plain(2)), 0, job.Running) }},
	{"state", "an ended job goes on", func(f *forger) { f.becomes(honest(f, plain(2)), job.Running) }},
	{"state", "the hub's row says another state than was observed", func(f *forger) {
		n := f.submit(plain(2))
		f.rows[n].children[0].Status = job.Running
		f.count(int(n))
		f.step(n)
	}},
	{"state", "the hub's job says another state than was observed", func(f *forger) {
		n := f.submit(plain(2))
		f.rows[n].view.Status = job.Stopped
		f.step(n)
	}},
	{"counts", "one device is counted twice", func(f *forger) {
		n := f.submit(plain(2))
		f.rows[n].view.Counts.Failed++
		f.step(n)
	}},
	{"counts", "a success is taken back", func(f *forger) {
		n := f.submit(plain(2))
		f.becomes(n, job.Running).child(n, 0, job.Running).child(n, 0, job.Completed)
		f.rows[n].children[0].Status = job.Failed
		f.j.jobs["j0"].parts[0].state = "failed" // as if it had been observed so
		f.count(int(n))
		f.step(n)
	}},
	{"in-flight", "two at a time, where one may be", func(f *forger) {
		s := plain(2)
		s.InFlight = 1
		n := f.submit(s)
		f.becomes(n, job.Running).child(n, 0, job.Running).child(n, 1, job.Running)
	}},
	{"batches", "the second batch begins too early", func(f *forger) {
		s := plain(3)
		s.Batch = number(2)
		n := f.submit(s)
		f.becomes(n, job.Running).child(n, 0, job.Running).child(n, 1, job.Running).child(n, 0, job.Completed).child(n, 2, job.Running)
	}},
	{"batches", "the first batch begins after the second", func(f *forger) {
		s := plain(2)
		s.Batch = number(1)
		n := f.submit(s)
		f.j.jobs["j0"].parts[1].begun = 1
		f.becomes(n, job.Running).child(n, 0, job.Running)
	}},
	{"pause", "the pause is cut short", func(f *forger) {
		s := plain(2)
		s.Batch, s.Pause = number(1), 10*time.Second
		n := f.submit(s)
		f.at(1).becomes(n, job.Running).child(n, 0, job.Running).at(2).child(n, 0, job.Completed).at(11).child(n, 1, job.Running)
	}},
	{"gate", "the gate is missed", func(f *forger) {
		s := plain(4)
		s.Batch, s.Gate = number(2), number(2)
		n := f.submit(s)
		f.becomes(n, job.Running).child(n, 0, job.Running).child(n, 1, job.Running).child(n, 0, job.Completed).child(n, 1, job.Failed)
		f.child(n, 2, job.Running)
	}},
	{"starts", "a device begins in a stopped job", func(f *forger) {
		n := f.submit(plain(2))
		f.becomes(n, job.Running).child(n, 0, job.Running).becomes(n, job.Stopped).child(n, 1, job.Running)
	}},
	{"starts", "a device begins in a cancelled job", func(f *forger) {
		n := f.submit(plain(2))
		f.becomes(n, job.Running)
		f.j.asked(hub.CancelJob{ID: "j0"})
		f.becomes(n, job.Cancelled).child(n, 1, job.Running)
	}},
	{"slots", "six run", func(f *forger) {
		for i := range 6 {
			s := plain(1)
			s.ID, s.Queued = fmt.Sprint(i), true
			f.becomes(f.submit(s), job.Running)
		}
	}},
	{"slots", "one jumps the queue", func(f *forger) {
		s := plain(1)
		s.Queued = true
		f.submit(s)
		s.ID = "j1"
		f.becomes(f.submit(s), job.Running)
	}},
	{"threshold", "one failure too late", func(f *forger) {
		s := plain(4)
		s.Threshold = &job.Threshold{Amount: *number(1)}
		n := f.submit(s)
		f.becomes(n, job.Running)
		for i := range 2 {
			f.child(n, i, job.Running).child(n, i, job.Failed)
		}
	}},
	{"threshold", "one failure too early", func(f *forger) {
		s := plain(4)
		s.Threshold = &job.Threshold{Amount: job.Amount{Value: "50", Percent: true}}
		n := f.submit(s)
		f.becomes(n, job.Running)
		for i := range 2 {
			f.child(n, i, job.Running).child(n, i, job.Failed)
		}
		f.becomes(n, job.Cancelled)
	}},
	{"exclusive", "two updates at a time", func(f *forger) {
		s := plain(1)
		s.Kind = "firmwareUpdate"
		f.becomes(f.submit(s), job.Running).child(0, 0, job.Running)
		s.ID = "j1"
		f.becomes(f.submit(s), job.Running).child(1, 0, job.Running)
	}},
	{"attempts", "a device begins twice", func(f *forger) {
		n := f.submit(plain(1))
		f.becomes(n, job.Running).child(n, 0, job.Running).child(n, 0, job.Pending).child(n, 0, job.Running)
	}},
	{"attempts", "a device is to begin again when all is over", func(f *forger) {
		s := plain(1)
		s.Retry = &job.Retry{Attempts: 1}
		n := f.submit(s)
		f.becomes(n, job.Running).child(n, 0, job.Running)
		f.j.asked(hub.CancelJob{ID: "j0"})
		f.becomes(n, job.Cancelled).child(n, 0, job.Pending)
	}},
	{"execution", "a device executes twice", func(f *forger) {
		s := plain(1)
		s.Kind = "rebootDevice"
		n := f.submit(s)
		f.becomes(n, job.Running).child(n, 0, job.Running)
		f.saw("d00", sim.EventExecute, "RebootDevice").saw("d00", sim.EventExecute, "RebootDevice")
	}},
	{"execution", "a command twice for one job", func(f *forger) {
		s := plain(1)
		s.Kind, s.Command = "command", "blink"
		n := f.submit(s)
		f.becomes(n, job.Running).child(n, 0, job.Running)
		f.saw("d00", sim.EventCommand, "blink").saw("d00", sim.EventCommand, "blink")
	}},
	{"execution", "completed without a deed", func(f *forger) {
		s := plain(1)
		s.Kind = "rebootDevice"
		n := f.submit(s)
		f.becomes(n, job.Running).child(n, 0, job.Running).child(n, 0, job.Completed)
	}},
	{"firmware", "a version out of nowhere", func(f *forger) {
		f.saw("d00", sim.EventResource, "FirmwareVersion=3.0")
	}},
	{"firmware", "downloaded without a download", func(f *forger) {
		f.saw("d00", sim.EventResource, "FirmwareUpdateState=3")
	}},
	{"firmware", "a version nobody made", func(f *forger) {
		f.saw("d00", sim.EventResource, "FirmwareVersion=2.0")
	}},
	{"answers", "taken twice", func(f *forger) {
		f.at(1).accept("d00", 1).call("d00", 1, 1).at(2).answer("d00", 1, 1, 1, time.Second).answer("d00", 1, 1, 1, time.Second)
	}},
	{"answers", "taken though late", func(f *forger) {
		f.at(1).accept("d00", 1).call("d00", 1, 1).at(12).answer("d00", 1, 1, 1, 11*time.Second)
	}},
	{"answers", "taken for another call", func(f *forger) {
		f.at(1).accept("d00", 1).call("d00", 1, 1).at(3).call("d00", 1, 2).at(4).answer("d00", 1, 1, 1, time.Second)
	}},
	{"answers", "taken from a connection that ended", func(f *forger) {
		f.at(1).accept("d00", 1).call("d00", 1, 1).accept("d00", 2).at(2).answer("d00", 1, 1, 1, time.Second)
	}},
	{"answers", "lost in the hub", func(f *forger) {
		f.at(1).accept("d00", 1).call("d00", 1, 1).at(2).answer("d00", 1, 1, 0, 0)
	}},
	{"answers", "two calls of one number", func(f *forger) { f.accept("d00", 1).call("d00", 1, 1).call("d00", 1, 1) }},
	{"targets", "another list than was asked for", func(f *forger) { f.submit(plain(2), "d00", "d02") }},
	{"targets", "who is not in the group", func(f *forger) {
		f.submit(job.Spec{ID: "j0", Kind: "property", Group: group("b")}, "d02", "d03")
	}},
	{"targets", "who joined is left out", func(f *forger) {
		n := f.submit(job.Spec{ID: "j0", Kind: "property", Group: group("b"), Continuous: true}, "d03")
		f.j.asked(hub.PatchTwin{ID: "d00", Tags: ring("b")})
		f.step(n)
	}},
	{"targets", "a job that is nobody's", func(f *forger) { f.becomes(f.row(plain(1), "d00"), job.Running) }},
	{"targets", "a job that fails by itself", func(f *forger) { f.becomes(f.submit(plain(1)), job.Failed) }},
	{"targets", "a device that is none of its own", func(f *forger) {
		n := f.submit(plain(1))
		f.becomes(n, job.Running)
		f.step(n, sim.Observation{Event: sim.EventChild, Job: "j0", Device: "d03", Text: "running"})
	}},
	{"schedules", "at the wrong instant", func(f *forger) { f.plan().at(21).fires("s0 - 1") }},
	{"schedules", "under the wrong number", func(f *forger) { f.plan().at(20).fires("s0 - 2") }},
	{"schedules", "once too often", func(f *forger) {
		f.plan().at(20).fires("s0 - 1").at(30).fires("s0 - 2").at(40).fires("s0 - 3")
	}},
	{"schedules", "not at all", func(f *forger) { f.plan().at(60).over() }},
	{"schedules", "after it was deleted", func(f *forger) {
		f.plan().j.asked(hub.DeleteSchedule{ID: "s0"})
		f.at(20).fires("s0 - 1")
	}},
	{"rollout", "a burst", func(f *forger) {
		s := plain(4)
		s.Rollout = &job.Rollout{PerMinute: 1}
		n := f.submit(s)
		f.becomes(n, job.Running)
		for i := range 3 {
			f.child(n, i, job.Running)
		}
	}},
	{"timeouts", "a device's part lasts too long", func(f *forger) {
		s := plain(1)
		s.DeviceTimeout = 10 * time.Second
		n := f.submit(s)
		f.becomes(n, job.Running).child(n, 0, job.Running).at(11).child(n, 0, job.Failed)
	}},
	{"timeouts", "a job lasts too long", func(f *forger) {
		s := plain(1)
		s.Timeout = 10 * time.Second
		n := f.submit(s)
		f.becomes(n, job.Running).child(n, 0, job.Running).at(11).child(n, 0, job.Failed).becomes(n, job.Completed)
	}},
	{"timeouts", "a job's clock is wound up by a stop", func(f *forger) {
		s := plain(1)
		s.Timeout = 10 * time.Second
		n := f.submit(s)
		f.becomes(n, job.Running).child(n, 0, job.Running).at(6).becomes(n, job.Stopped)
		f.at(60).becomes(n, job.Running).at(65).child(n, 0, job.Failed).becomes(n, job.Completed)
	}},
	{"idle", "a device is forgotten", func(f *forger) {
		n := f.submit(plain(2))
		f.becomes(n, job.Running).child(n, 0, job.Running).at(1).child(n, 0, job.Completed).at(62).child(n, 1, job.Running)
	}},
	{"settles", "never", func(f *forger) {
		f.submit(plain(1))
		f.over()
	}},
	{"settles", "twice", func(f *forger) { f.settle(honest(f, plain(2))) }},
	{"settles", "with devices in flight", func(f *forger) {
		n := f.submit(plain(1))
		f.becomes(n, job.Running).child(n, 0, job.Running).settle(n)
	}},
	{"settles", "a call, never", func(f *forger) {
		f.j.answered(hub.Invoke{ID: "d00"}, hub.Reply{Ticket: 9}, nil)
		f.over()
	}},
	{"settles", "a call, twice", func(f *forger) {
		f.j.answered(hub.Invoke{ID: "d00"}, hub.Reply{Ticket: 9}, nil)
		f.j.settled(9, hub.Reply{}, nil)
		f.j.settled(9, hub.Reply{}, nil)
	}},
	{"commands", "refused without a reason", func(f *forger) {
		f.j.asked(hub.SubmitJob{Spec: plain(1)})
		f.j.answered(hub.SubmitJob{Spec: plain(1)}, hub.Reply{}, fmt.Errorf("no"))
	}},
	{"commands", "taken though the device is deleted", func(f *forger) {
		f.j.asked(hub.Unregister{ID: "d00"})
		f.submit(plain(1))
	}},
	{"commands", "a deleted device goes on", func(f *forger) {
		n := f.submit(plain(1))
		f.becomes(n, job.Running).child(n, 0, job.Running)
		f.j.asked(hub.Unregister{ID: "d00"})
		f.j.answered(hub.Unregister{ID: "d00"}, hub.Reply{}, nil)
	}},
	{"commands", "a call is refused", func(f *forger) { f.j.answered(hub.Invoke{ID: "d00"}, hub.Reply{}, fmt.Errorf("no")) }},
	{"unhindered", "a failure without a cause", func(f *forger) {
		f.j.c.Jobs = []Job{{At: 100 * second, Spec: plain(2)}}
		honest(f, plain(2))
		f.over()
	}},
	{"time", "time goes back", func(f *forger) { f.at(2).saw("d00", sim.EventDevice, "down").at(1).saw("d00", sim.EventDevice, "down") }},
	{"time", "a latency below nothing", func(f *forger) {
		f.j.watch(0, "d00", &sim.Input{}, &sim.Outbox{Observe: []sim.Observation{{Metric: sim.MetricConnect, Value: -1}}})
	}},
}

// plan has a schedule that fires at 20 s and 30 s.
func (f *forger) plan() *forger {
	s, err := zone.ParseStart("2026-01-01T00:00:20Z", nil)
	if err != nil {
		f.t.Fatal(err)
	}
	f.j.c.Plans = []Plan{{ID: "s0", Spec: job.Spec{Kind: "property", Group: group("b")}, Rule: zone.Rule{
		Start: s, Kind: zone.Every, Every: 10 * time.Second, End: zone.Times(2)}}}
	f.j.asked(hub.PutSchedule{ID: "s0"})
	return f
}

// fires has the schedule make an instance of a name.
func (f *forger) fires(name string) *forger {
	n := f.row(job.Spec{ID: fmt.Sprint("i", len(f.rows)), Name: name, Kind: "property", Group: group("b"), Schedule: "s0"}, "d03")
	f.becomes(n, job.Running).child(n, 0, job.Running).child(n, 0, job.Completed).becomes(n, job.Completed)
	return f
}

// TestJudge: the judge finds what breaks a rule and names that rule; each rule
// that a hub can break has a forgery.
func TestJudge(t *testing.T) {
	forged := map[string]bool{"digest": true, "panic": true} // they are not the judge's: TestDigests, TestPanic
	for _, c := range forgeries {
		forged[c.rule] = true
		t.Run(c.rule+"/"+strings.ReplaceAll(c.what, " ", "-"), func(t *testing.T) {
			f := newForger(t)
			c.forge(f)
			if f.j.broken.Rule != c.rule {
				t.Errorf("%s: the judge says %s; want a breach of %s", c.what, f.j.broken, c.rule)
			}
		})
	}
	for _, r := range Rules {
		if !forged[r.Name] {
			t.Errorf("rule %s has no forgery", r.Name)
		}
	}
}

// TestJudgeIsFair: an honest hub breaks no rule.
func TestJudgeIsFair(t *testing.T) {
	for name, story := range map[string]func(f *forger){
		"one job": func(f *forger) {
			honest(f, plain(2))
			f.over()
		},
		"batches, a pause and a gate that is met": func(f *forger) {
			s := plain(2)
			s.Batch, s.Pause, s.Gate = number(1), time.Second, number(1)
			n := f.submit(s)
			f.becomes(n, job.Running).child(n, 0, job.Running).child(n, 0, job.Completed).at(1).child(n, 1, job.Running)
		},
		"the failure that exceeds the threshold": func(f *forger) {
			s := plain(2)
			s.Threshold = &job.Threshold{Amount: job.Amount{Value: "49.9", Percent: true}}
			n := f.submit(s)
			f.becomes(n, job.Running).child(n, 0, job.Running)
			f.rows[n].view.Status = job.Cancelled // in the same Step
			f.rows[n].children[0].Status = job.Failed
			f.count(int(n))
			f.step(n, sim.Observation{Event: sim.EventChild, Job: "j0", Device: "d00", Text: "failed: by itself"},
				sim.Observation{Event: sim.EventJob, Job: "j0", Text: "cancelled"})
		},
		"a retry": func(f *forger) {
			s := plain(1)
			s.Retry = &job.Retry{Attempts: 1}
			n := f.submit(s)
			f.becomes(n, job.Running).child(n, 0, job.Running).child(n, 0, job.Pending).child(n, 0, job.Running).child(n, 0, job.Completed)
		},
		"answers in time, late and too late": func(f *forger) {
			f.at(1).accept("d00", 1).call("d00", 1, 1).call("d00", 1, 2).at(2).answer("d00", 1, 1, 1, time.Second)
			f.at(12).answer("d00", 1, 2, 0, 0)
		},
		"a member joins": func(f *forger) {
			s := job.Spec{ID: "j0", Kind: "property", Group: group("b"), Continuous: true}
			n := f.submit(s, "d03")
			f.j.asked(hub.PatchTwin{ID: "d00", Tags: ring("b")})
			f.rows[n].children = append(f.rows[n].children, job.ChildView{Device: "d00"})
			f.count(int(n))
			f.step(n)
		},
		"a schedule": func(f *forger) {
			f.plan().at(20).fires("s0 - 1").at(30).fires("s0 - 2").at(60).over()
		},
		"a firmware update": func(f *forger) {
			s := plain(1)
			s.Kind = "firmwareUpdate"
			n := f.submit(s)
			f.becomes(n, job.Running).child(n, 0, job.Running)
			for _, state := range []string{"2", "3"} {
				f.saw("d00", sim.EventResource, "FirmwareUpdateState="+state)
			}
			f.saw("d00", sim.EventExecute, "UpdateFirmware").saw("d00", sim.EventResource, "FirmwareVersion=3.0").child(n, 0, job.Completed)
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			f := newForger(t)
			story(f)
			if f.j.broken.Rule != "" {
				t.Errorf("the judge says %s", f.j.broken)
			}
		})
	}
}

// TestEverythingIsDrawn: some seed of the first thousand has each recipe that
// virtual time can play, each kind of job, each verb and each policy.
func TestEverythingIsDrawn(t *testing.T) {
	drawn := map[string]bool{}
	for seed := range uint64(1000) {
		c := New(seed, All)
		for _, d := range c.Devices {
			name, _, _ := strings.Cut(d.Fault.Fault, "=")
			drawn["fault "+name] = true
		}
		for _, h := range c.Hub {
			name, _, _ := strings.Cut(h.Fault, "=")
			drawn["fault "+name] = true
		}
		for _, a := range c.Acts {
			drawn["act "+a.What] = true
		}
		for _, p := range c.Plans {
			drawn["schedule "+p.Rule.Kind.String()] = true
		}
		for _, j := range c.Jobs {
			s := j.Spec
			drawn["kind "+s.Kind] = true
			drawn["policy batch"] = drawn["policy batch"] || s.Batch != nil
			drawn["policy pause"] = drawn["policy pause"] || s.Pause > 0
			drawn["policy gate"] = drawn["policy gate"] || s.Gate != nil
			drawn["policy threshold"] = drawn["policy threshold"] || s.Threshold != nil
			drawn["policy rollout"] = drawn["policy rollout"] || s.Rollout != nil && s.Rollout.Factor != ""
			drawn["policy retry"] = drawn["policy retry"] || s.Retry != nil
			drawn["policy group"] = drawn["policy group"] || s.Group != ""
			drawn["policy continuous"] = drawn["policy continuous"] || s.Continuous
		}
	}
	var want []string
	for _, r := range fault.Recipes {
		if !r.LiveOnly {
			want = append(want, "fault "+r.Name)
		}
	}
	for _, k := range job.Kinds {
		want = append(want, "kind "+k.Name)
	}
	for _, list := range [][]string{onJobs, onDevices, onPlans} {
		for _, verb := range list {
			want = append(want, "act "+verb)
		}
	}
	for _, p := range strings.Fields("batch pause gate threshold rollout retry group continuous") {
		want = append(want, "policy "+p)
	}
	for _, w := range append(want, "schedule once", "schedule every") {
		if !drawn[w] {
			t.Errorf("no seed has %s", w)
		}
	}
}

// TestSpecsAreTaken: whatever is drawn passes the hub's own checks.
func TestSpecsAreTaken(t *testing.T) {
	for seed := range uint64(1000) {
		for _, j := range New(seed, All).Jobs {
			j.Spec.PackageURI = "http://x/y"
			if err := job.Check(&j.Spec); err != nil {
				t.Errorf("seed %d, job %s: %v", seed, j.Spec.ID, err)
			}
		}
	}
}

// TestLimitsLeaveTheRest: what limits leave of a case is as in the whole.
func TestLimitsLeaveTheRest(t *testing.T) {
	for seed := range uint64(300) {
		whole := New(seed, All)
		for i, bit := range []Limits{
			{Devices: All.Devices, Jobs: All.Jobs, Plans: All.Plans, Acts: 0b101, Faults: All.Faults},
			{Devices: All.Devices, Jobs: 0b10, Plans: 0, Acts: All.Acts, Faults: 0},
			{Devices: 0b1101, Jobs: All.Jobs, Plans: All.Plans, Acts: All.Acts, Faults: All.Faults},
		} {
			part := New(seed, bit)
			have := map[string]bool{}
			for _, line := range strings.Split(whole.String(), "\n") {
				have[line] = true
			}
			for _, line := range strings.Split(part.String(), "\n") {
				if !have[line] && !strings.HasPrefix(line, "device") && !strings.Contains(line, " devices") {
					t.Errorf("seed %d, limits %d: %q is not in the whole case", seed, i, line)
				}
			}
			if again := New(seed, part.Limits); again.String() != part.String() {
				t.Errorf("seed %d: its own limits %s give\n%s\nwant\n%s", seed, part.Limits, again, part)
			}
		}
	}
}

// TestPanic: a machine that panics is a broken rule, with the place.
func TestPanic(t *testing.T) {
	c := New(1, All)
	c.Latency = sim.Dist{}
	c.Jobs = []Job{{Spec: job.Spec{ID: "j0", Kind: "property", Targets: devices(1), Properties: []doc.Member{{Name: "x", Value: doc.Int(1)}},
		Threshold: &job.Threshold{Amount: job.Amount{Value: "1"}}, Timeout: time.Minute}}}
	j := newJudge(c)
	r := play(c, nil, 60*second)
	if r.Broken.Rule != "" {
		t.Fatalf("without a judge: %s", r.Broken)
	}
	// A judge without a case panics when it is shown the first device.
	j.devices = nil
	if r := play(c, j, 0); r.Broken.Rule != "panic" {
		t.Errorf("broken: %s; want a panic", r.Broken)
	}
}
