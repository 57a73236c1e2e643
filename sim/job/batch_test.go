package job_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// reboots is a job of n devices with what a test sets in it.
func reboots(n int, set func(*job.Spec)) job.Spec {
	s := job.Spec{ID: "j", Kind: "rebootDevice", Targets: ids(n), Timeout: -1}
	if set != nil {
		set(&s)
	}
	return s
}

// called returns the devices with an open call.
func (f *fleet) called() []int {
	var list []int
	for _, c := range f.calls {
		list = append(list, int(c.dev))
	}
	slices.Sort(list)
	return list
}

// TestBatches: the devices of batch k+1 hear of the job only when every
// device of batch k has ended, whatever came of it; the last batch may be
// smaller.
func TestBatches(t *testing.T) {
	f := newFleet(t, 10, false)
	f.submit(reboots(10, func(s *job.Spec) { s.Batch = amount(t, "25%") }))
	for k, want := range [][]int{{0, 1, 2}, {3, 4, 5}, {6, 7, 8}, {9}} {
		if got := f.called(); !slices.Equal(got, want) {
			t.Fatalf("batch %d calls %v; want %v\n%s", k, got, want, f.log.String())
		}
		if v := f.engine.View(0); v.Batch != k+1 || v.BatchSize != 3 {
			t.Errorf("batch %d of size %d is shown as the present one; want %d of 3", v.Batch, v.BatchSize, k+1)
		}
		f.now += second
		for i, dev := range want {
			f.answer(uint32(dev), []int32{200, 500, 200}[i], "")
		}
	}
	v := f.engine.View(0)
	if v.Status != job.Completed || v.Counts.Failed != 3 || len(v.Batches) != 4 || v.Batches[3] != (job.Batch{From: 9, To: 10, Start: 3 * second, End: 4 * second}) {
		t.Errorf("job is %s %+v, batches %+v", v.Status, v.Counts, v.Batches)
	}
}

// TestPauseAndGate: the next batch waits out the pause; a batch with too few
// successes stops the job, which goes on when it is resumed.
func TestPauseAndGate(t *testing.T) {
	f := newFleet(t, 4, false)
	f.submit(reboots(4, func(s *job.Spec) { s.Batch, s.Pause, s.Gate = amount(t, "2"), time.Minute, amount(t, "50%") }))
	f.answer(0, 200, "")
	f.answer(1, 500, "")
	f.to(59 * second)
	if len(f.calls) != 0 {
		t.Errorf("batch 2 begins within the pause: %v", f.called())
	}
	f.to(60 * second)
	if got := f.called(); !slices.Equal(got, []int{2, 3}) {
		t.Errorf("after the pause %v are called; want 2 and 3", got)
	}
	f = newFleet(t, 4, false)
	f.submit(reboots(4, func(s *job.Spec) { s.Batch, s.Gate = amount(t, "2"), amount(t, "100%") }))
	f.answer(0, 200, "")
	f.answer(1, 500, "")
	v := f.engine.View(0)
	if v.Status != job.Stopped || v.FailureReason != "1 of 2 devices of batch 1 succeeded; the gate asks for 100%" || len(f.calls) != 0 {
		t.Fatalf("job is %s (%s), calls %v; want stopped by the gate", v.Status, v.FailureReason, f.called())
	}
	if err := f.engine.Resume(f.now, "j", &f.out); err != nil {
		t.Fatal(err)
	}
	f.settle()
	if got := f.called(); !slices.Equal(got, []int{2, 3}) {
		t.Errorf("after Resume %v are called; want 2 and 3", got)
	}
}

// TestJ2: 10 devices, batches of 25 %, devices 2 and 3 fail, threshold 10 % of
// the job: the second failure cancels it in batch 1.
func TestJ2(t *testing.T) {
	f := newFleet(t, 10, false)
	f.submit(reboots(10, func(s *job.Spec) {
		s.Batch, s.Threshold = amount(t, "25%"), &job.Threshold{Amount: *amount(t, "10%")}
	}))
	f.answer(1, 500, "")
	if v := f.engine.View(0); v.Status != job.Running {
		t.Fatalf("the first failure makes the job %s", v.Status)
	}
	f.now = second
	f.answer(2, 500, "")
	v := f.engine.View(0)
	if v.Status != job.Cancelled || v.End != second || v.FailureReason != "2 of 10 devices failed; the cancellation threshold is 10%" {
		t.Fatalf("the second failure makes the job %s (%s), end %s", v.Status, v.FailureReason, v.End)
	}
	if len(f.engine.Ended()) != 0 {
		t.Error("the job is settled with a device in flight")
	}
	// what is in flight ends and is counted, the rest stays pending.
	f.answer(0, 200, "")
	want := job.Counts{Total: 10, Succeeded: 1, Failed: 2, Pending: 7}
	if v := f.engine.View(0); v.Counts != want || v.Status != job.Cancelled || v.End != second || len(f.calls) != 0 || len(f.engine.Ended()) != 1 {
		t.Errorf("in the end the job is %s %+v, end %s, calls %v", v.Status, v.Counts, v.End, f.called())
	}
}

// TestJ3: one failure in each batch, threshold 1 per batch: complete. One more
// in a batch, and that cancels.
func TestJ3(t *testing.T) {
	for _, second := range []int{-1, 5} {
		f := newFleet(t, 10, false)
		f.submit(reboots(10, func(s *job.Spec) {
			s.Batch, s.Threshold = amount(t, "3"), &job.Threshold{Amount: *amount(t, "1"), PerBatch: true}
		}))
		for len(f.calls) > 0 {
			dev := f.calls[0].dev
			status := int32(200)
			if dev%3 == 1 || int(dev) == second {
				status = 500
			}
			f.answer(dev, status, "")
		}
		want := job.Completed
		if second >= 0 {
			want = job.Cancelled
		}
		if v := f.engine.View(0); v.Status != want {
			t.Errorf("with device %d failing too: %s (%s); want %s", second, v.Status, v.FailureReason, want)
		}
	}
}

// TestThresholdOnTheLast: A-48: the failure that ends the list and exceeds
// the limit cancels.
func TestThresholdOnTheLast(t *testing.T) {
	f := newFleet(t, 1, false)
	f.submit(reboots(1, func(s *job.Spec) { s.Threshold = &job.Threshold{Amount: *amount(t, "0")} }))
	f.answer(0, 500, "")
	if v := f.engine.View(0); v.Status != job.Cancelled {
		t.Errorf("job is %s; want cancelled", v.Status)
	}
}

// TestJ4: seven queued jobs: five run, two wait; stopping one lets the oldest
// go on, a resumed one is last in the queue.
func TestJ4(t *testing.T) {
	f := newFleet(t, 7, false)
	for i := range 7 {
		f.submit(job.Spec{ID: fmt.Sprint("j", i), Kind: "rebootDevice", Targets: []sim.DeviceID{id(i)}, Timeout: -1, Queued: true})
	}
	states := func() string {
		var s []string
		for i := range 7 {
			s = append(s, f.engine.View(uint32(i)).Status.String()[:1])
		}
		return strings.Join(s, "")
	}
	expect := func(what, want string) {
		t.Helper()
		if got := states(); got != want {
			t.Errorf("%s: %s; want %s", what, got, want)
		}
	}
	expect("seven submitted", "rrrrrpp")
	if err := f.engine.Stop(f.now, "j2", &f.out); err != nil {
		t.Fatal(err)
	}
	f.settle()
	expect("one stopped, its device in flight", "rrsrrpp")
	f.answer(2, 500, "") // the slot is free only now
	expect("its device ended", "rrcrrrp")
	// a pending job can be stopped, and goes to the end of the queue.
	f.submit(job.Spec{ID: "j7", Kind: "rebootDevice", Targets: ids(1), Timeout: -1, Queued: true})
	if err := f.engine.Stop(f.now, "j6", &f.out); err != nil {
		t.Fatal(err)
	}
	if err := f.engine.Stop(f.now, "j6", &f.out); err == nil {
		t.Error("a stopped job was stopped again")
	}
	if err := f.engine.Resume(f.now, "j6", &f.out); err != nil {
		t.Fatal(err)
	}
	if err := f.engine.Resume(f.now, "j6", &f.out); err == nil {
		t.Error("a pending job was resumed")
	}
	f.answer(1, 200, "")
	if a, b := f.engine.View(7).Status, f.engine.View(6).Status; a != job.Running || b != job.Pending {
		t.Errorf("j7 is %s and the resumed j6 %s; want running and pending", a, b)
	}
}

// TestJ5: stop and continue: no device is worked on twice, the counts go on,
// batches stay as they were cut.
func TestJ5(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(rt, "devices")
		f := newFleet(t, n, false)
		f.submit(reboots(n, func(s *job.Spec) { s.Batch = amount(t, fmt.Sprint(rapid.IntRange(1, 5).Draw(rt, "batch"))) }))
		answered := map[uint32]bool{}
		done := -1
		for f.engine.View(0).Status != job.Completed {
			before := len(f.calls)
			v := f.engine.View(0)
			if v.Counts.Succeeded < done {
				rt.Fatalf("succeeded went from %d to %d", done, v.Counts.Succeeded)
			}
			done = v.Counts.Succeeded
			switch {
			case v.Status == job.Stopped && rapid.Bool().Draw(rt, "resume"):
				if err := f.engine.Resume(f.now, "j", &f.out); err != nil {
					rt.Fatal(err)
				}
				f.settle()
			case v.Status == job.Running && rapid.IntRange(0, 3).Draw(rt, "stop") == 0:
				if err := f.engine.Stop(f.now, "j", &f.out); err != nil {
					rt.Fatal(err)
				}
				f.settle()
			case before > 0:
				c := f.calls[rapid.IntRange(0, before-1).Draw(rt, "answer")]
				f.answer(c.dev, 200, "")
				answered[c.dev] = true
			case v.Status != job.Stopped:
				rt.Fatalf("the job hangs: %+v\n%s", v, f.log.String())
			}
			for _, c := range f.calls {
				if answered[c.dev] {
					rt.Fatalf("dev-%d is called again\n%s", c.dev, f.log.String())
				}
			}
		}
	})
}

// TestStopThenExceed: A-47: failures that came after the stop cancel the job
// on resume, before any device is called.
func TestStopThenExceed(t *testing.T) {
	f := newFleet(t, 4, false)
	f.submit(reboots(4, func(s *job.Spec) { s.InFlight, s.Threshold = 2, &job.Threshold{Amount: *amount(t, "1")} }))
	if err := f.engine.Stop(f.now, "j", &f.out); err != nil {
		t.Fatal(err)
	}
	f.settle()
	f.answer(0, 500, "")
	f.answer(1, 500, "")
	if v := f.engine.View(0); v.Status != job.Stopped {
		t.Fatalf("job is %s; want stopped until it is resumed", v.Status)
	}
	if err := f.engine.Resume(f.now, "j", &f.out); err != nil {
		t.Fatal(err)
	}
	f.settle()
	if v := f.engine.View(0); v.Status != job.Cancelled || len(f.calls) != 0 {
		t.Errorf("after Resume the job is %s, calls %v; want cancelled and none", v.Status, f.called())
	}
}

// TestRerun: a rerun is a new job over just the devices that failed, with the
// same operation; percentages are of the new total; it can be rerun itself.
func TestRerun(t *testing.T) {
	f := newFleet(t, 6, false)
	f.submit(reboots(6, func(s *job.Spec) { s.Name, s.Batch = "restart all", amount(t, "50%") }))
	if _, err := f.engine.Rerun(f.now, "j", "r1", "", &f.out); err == nil {
		t.Error("a running job was rerun")
	}
	for len(f.calls) > 0 {
		dev := f.calls[0].dev
		f.answer(dev, map[bool]int32{true: 500, false: 200}[dev%2 == 1], "")
	}
	f.gone[5] = true // deleted since: it fails again
	for _, bad := range []string{"j", "none"} {
		if _, err := f.engine.Rerun(f.now, map[string]string{"j": "j", "none": "none"}[bad], "j", "", &f.out); err == nil {
			t.Errorf("rerun of %s under a used id was taken", bad)
		}
	}
	n, err := f.engine.Rerun(f.now, "j", "r1", "", &f.out)
	if err != nil {
		t.Fatal(err)
	}
	f.settle()
	if got := f.called(); !slices.Equal(got, []int{1, 3}) {
		t.Errorf("the rerun's first batch calls %v; want 1 and 3: half of three, rounded up", got)
	}
	f.answer(1, 200, "")
	f.answer(3, 500, "")
	v := f.engine.View(n)
	if want := (job.Counts{Total: 3, Succeeded: 1, Failed: 2}); v.Counts != want || v.Status != job.Completed || v.Spec.Name != "restart all" {
		t.Errorf("rerun %q is %s %+v; want completed %+v", v.Spec.Name, v.Status, v.Counts, want)
	}
	// the rerun's own failures; the original's stay as recorded.
	n, err = f.engine.Rerun(f.now, "r1", "r2", "again", &f.out)
	f.settle()
	if v := f.engine.View(n); err != nil || v.Counts.Total != 2 || v.Spec.Name != "again" {
		t.Errorf("rerun of the rerun: %v, %+v", err, v.Counts)
	}
	n, err = f.engine.Rerun(f.now, "j", "r3", "", &f.out)
	f.settle()
	if v := f.engine.View(n); err != nil || v.Counts.Total != 3 {
		t.Errorf("second rerun of the original: %v, %+v", err, v.Counts)
	}
}

// TestRetry: a failure of the named kinds is tried again after a back-off
// that doubles; others, and the last, are final and alone count.
func TestRetry(t *testing.T) {
	f := newFleet(t, 2, false)
	f.submit(reboots(2, func(s *job.Spec) {
		s.Retry = &job.Retry{Attempts: 2, Min: 10 * time.Second, Max: 15 * time.Second, On: []job.Why{job.WhyRefused}}
		s.Threshold = &job.Threshold{Amount: *amount(t, "1")}
	}))
	f.answer(0, 500, "")
	f.ack(1, job.Ack{Lost: "the device disconnected", Why: job.WhyLost}) // not named
	if v := f.engine.View(0); v.Counts != (job.Counts{Total: 2, Pending: 1, Failed: 1}) {
		t.Fatalf("after the first failures: %+v", v.Counts)
	}
	f.to(10*second - 1)
	if len(f.calls) != 0 {
		t.Error("tried again before the back-off was over")
	}
	f.to(10 * second)
	f.answer(0, 500, "")
	f.to(25*second - 1)
	if len(f.calls) != 0 {
		t.Error("the second back-off is shorter than 15 s")
	}
	f.to(25 * second)
	f.answer(0, 200, "")
	if v := f.engine.View(0); v.Status != job.Completed || v.Counts.Succeeded != 1 {
		t.Errorf("job is %s %+v\n%s", v.Status, v.Counts, f.log.String())
	}
	if c := f.engine.Children(0, 0, 1)[0]; c.Start != 0 || c.End != 25*second {
		t.Errorf("the child lasts from %s to %s; want its tries together", c.Start, c.End)
	}
}

// TestAnswersOutOfOrder: a try that timed out left a call behind. The answer
// to the present try's call counts although that one's is still to come, and
// the late one counts for nothing, whichever comes first.
func TestAnswersOutOfOrder(t *testing.T) {
	retried := func() *fleet {
		f := newFleet(t, 1, false)
		f.submit(reboots(1, func(s *job.Spec) {
			s.StepTimeout = 10 * time.Second
			s.Retry = &job.Retry{Attempts: 1, Min: time.Second, Max: time.Second}
		}))
		f.to(12 * second)
		if len(f.calls) != 2 {
			t.Fatalf("%d calls are open; want the first and that of the second try", len(f.calls))
		}
		return f
	}
	f := retried()
	f.answerLast(0, 200, "")
	if v := f.engine.View(0); v.Status != job.Completed || v.Counts.Succeeded != 1 {
		t.Errorf("after the answer of the second try: job is %s %+v", v.Status, v.Counts)
	}
	f.answer(0, 500, "")
	if v := f.engine.View(0); v.Counts.Succeeded != 1 || v.Counts.Failed != 0 {
		t.Errorf("after the late answer: %+v", v.Counts)
	}

	f = retried()
	f.answer(0, 500, "") // late
	if v := f.engine.View(0); v.Status != job.Running || v.Counts.Running != 1 {
		t.Errorf("after the late answer alone: job is %s %+v", v.Status, v.Counts)
	}
	f.answer(0, 200, "")
	if v := f.engine.View(0); v.Status != job.Completed || v.Counts.Succeeded != 1 {
		t.Errorf("after both: job is %s %+v", v.Status, v.Counts)
	}
}

// TestDeviceTimeout ends one device's part; the others go on.
func TestDeviceTimeout(t *testing.T) {
	f := newFleet(t, 2, false)
	f.submit(reboots(2, func(s *job.Spec) { s.InFlight, s.DeviceTimeout = 1, 5*time.Second }))
	f.to(5 * second)
	if got := f.called(); !slices.Equal(got, []int{0, 1}) {
		t.Fatalf("calls %v; want the second device's too", got)
	}
	f.answer(1, 200, "")
	c := f.engine.Children(0, 0, 2)
	if c[0].FailureReason != "timed out after 00:00:05 waiting for the device to answer" || c[1].Status != job.Completed {
		t.Errorf("children: %+v", c)
	}
}

// TestRollout: devices are started at the stated rate; an exponential one
// rises by its factor with every so many successes, up to its bound.
func TestRollout(t *testing.T) {
	f := newFleet(t, 50, false)
	f.submit(reboots(50, func(s *job.Spec) { s.Rollout = &job.Rollout{PerMinute: 60} }))
	for i := range 20 {
		if len(f.calls) != i+1 {
			t.Fatalf("at %s %d devices are started; want %d", f.now, len(f.calls), i+1)
		}
		f.to(f.now + second)
	}
	f = newFleet(t, 50, false)
	f.submit(reboots(50, func(s *job.Spec) { s.Rollout = &job.Rollout{PerMinute: 240, Base: 60, Factor: "2", Succeeded: 5} }))
	var starts []sim.Time
	for len(starts) < 25 {
		for len(f.calls) > 0 {
			starts = append(starts, f.now)
			f.answer(f.calls[0].dev, 200, "")
		}
		f.to(f.now + second/4)
	}
	for i, gap := range map[int]sim.Time{1: second, 4: second, 7: second / 2, 9: second / 2, 12: second / 4, 20: second / 4} { // any order: each is looked at
		if got := starts[i] - starts[i-1]; got != gap {
			t.Errorf("device %d is started %s after the one before; want %s", i, got, gap)
		}
	}
}

// TestContinuous: devices that join are worked on; the job ends by its
// timeout.
func TestContinuous(t *testing.T) {
	f := newFleet(t, 2, false)
	f.submit(job.Spec{ID: "j", Kind: "rebootDevice", Targets: ids(1), Timeout: time.Hour, Continuous: true})
	f.answer(0, 200, "")
	if v := f.engine.View(0); v.Status != job.Running {
		t.Fatalf("job is %s when its first device has ended", v.Status)
	}
	for range 2 { // the second time it is there already
		f.engine.Join(f.now, 0, id(1), 1, &f.out)
		f.settle()
	}
	f.answer(1, 200, "")
	f.to(3600 * second)
	if v := f.engine.View(0); v.Status != job.Completed || v.Counts.Succeeded != 2 || v.End != 3600*second {
		t.Errorf("job is %s %+v, end %s", v.Status, v.Counts, v.End)
	}
}

// TestRerunOfContinuous: the rerun of a continuous job has its failed devices
// once, though they join its group again; who is new joins.
func TestRerunOfContinuous(t *testing.T) {
	f := newFleet(t, 3, false)
	f.submit(job.Spec{ID: "j", Kind: "rebootDevice", Targets: ids(2), Timeout: time.Hour, Continuous: true})
	f.answer(0, 500, "")
	f.answer(1, 200, "")
	f.to(3600 * second)
	n, err := f.engine.Rerun(f.now, "j", "again", "", &f.out)
	if err != nil {
		t.Fatal(err)
	}
	f.settle()
	f.answer(0, 200, "")
	for dev := range uint32(3) {
		f.engine.Join(f.now, n, id(int(dev)), dev, &f.out)
		f.settle()
	}
	if got := f.called(); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("the devices that joined and are called are %v; want 1 and 2, the failed one is there already", got)
	}
	if v := f.engine.View(n); v.Counts.Total != 3 {
		t.Errorf("the rerun has %+v; want 3 devices", v.Counts)
	}
}

// TestEmptyGroup: A-04: a job over a group without devices completes at once.
func TestEmptyGroup(t *testing.T) {
	f := newFleet(t, 0, false)
	f.submit(job.Spec{ID: "j", Kind: "rebootDevice", Group: "nobody"})
	if v := f.engine.View(0); v.Status != job.Completed || v.Counts.Total != 0 {
		t.Errorf("job is %s %+v", v.Status, v.Counts)
	}
	n := f.engine.SubmitFailed(f.now, job.Spec{ID: "k", Kind: "rebootDevice", Group: "gone"}, "the group is gone", &f.out)
	if v := f.engine.View(n); v.Status != job.Failed || v.FailureReason != "the group is gone" {
		t.Errorf("job is %s (%s)", v.Status, v.FailureReason)
	}
}

// TestGroup: a job over a group has the group's members at its creation, in
// order of their ids; a group that cannot be evaluated fails the job.
func TestGroup(t *testing.T) {
	f := newFleet(t, 5, false)
	f.submit(job.Spec{ID: "j", Kind: "rebootDevice", Group: "all", Timeout: -1})
	if v := f.engine.View(0); v.Counts.Total != 5 || len(f.calls) != 5 {
		t.Errorf("the job has %+v, %d calls", v.Counts, len(f.calls))
	}
	f.submit(job.Spec{ID: "k", Kind: "rebootDevice", Group: "gone", Timeout: -1})
	if v := f.engine.View(1); v.Status != job.Failed || v.FailureReason != "the group is gone" {
		t.Errorf("the job over a lost group is %s (%s)", v.Status, v.FailureReason)
	}
}

// TestBatchTable is table 4.3 played: how a job of so many devices is cut, by
// which devices hear of it together.
func TestBatchTable(t *testing.T) {
	for _, tt := range []struct {
		total   int
		value   string
		batches string
	}{
		{10, "25%", "3,3,3,1"}, {10, "30%", "3,3,3,1"}, {10, "33.3%", "4,4,2"}, {7, "50%", "4,3"}, {3, "25%", "1,1,1"}, {1, "25%", "1"},
		{200, "0.1%", strings.Repeat("1,", 199) + "1"}, {1000, "12.5%", strings.Repeat("125,", 7) + "125"}, {10, "100%", "10"},
	} {
		f := newFleet(t, tt.total, false)
		f.submit(reboots(tt.total, func(s *job.Spec) { s.Batch = amount(t, tt.value) }))
		var got []string
		next := 0
		for len(f.calls) > 0 {
			wave := f.called()
			for i, dev := range wave {
				if dev != next+i {
					t.Fatalf("%d by %s: batch %d has devices %v", tt.total, tt.value, len(got)+1, wave)
				}
			}
			next += len(wave)
			got = append(got, fmt.Sprint(len(wave)))
			for _, dev := range wave {
				f.answer(uint32(dev), 200, "")
			}
		}
		if s := strings.Join(got, ","); s != tt.batches {
			t.Errorf("%d by %s: batches of %s; want %s", tt.total, tt.value, s, tt.batches)
		}
	}
}

// TestThresholdTable is table 4.4 played: the failure that cancels, over the
// job and in one batch.
func TestThresholdTable(t *testing.T) {
	for _, tt := range []struct {
		base    int
		value   string
		cancels int // the failure that does it; 0: never
	}{
		{10, "0%", 1}, {10, "5%", 1}, {10, "10%", 2}, {10, "25%", 3}, {4, "25%", 2}, {3, "33.3%", 1}, {3, "34%", 2}, {10, "100%", 0}, {10, "0", 1}, {10, "9", 10}, {10, "10", 0},
	} {
		for _, perBatch := range []bool{false, true} {
			f := newFleet(t, tt.base, false)
			f.submit(reboots(tt.base, func(s *job.Spec) {
				s.Threshold = &job.Threshold{Amount: *amount(t, tt.value), PerBatch: perBatch}
			}))
			cancels := 0
			for i := range tt.base {
				f.answer(uint32(i), 500, "")
				if f.engine.View(0).Status == job.Cancelled && cancels == 0 {
					cancels = i + 1
				}
			}
			if cancels != tt.cancels {
				t.Errorf("%s of %d, per batch %t: failure %d cancels; want %d", tt.value, tt.base, perBatch, cancels, tt.cancels)
			}
		}
	}
}

// TestDeletedWhileHeldUp: a child of a stopped job that waited behind another
// job of its device ends with the device, and does not begin when its job goes
// on.
func TestDeletedWhileHeldUp(t *testing.T) {
	f := newFleet(t, 2, false)
	for _, id := range []string{"first", "second"} {
		f.submit(job.Spec{ID: id, Kind: "factoryResetDevice", Targets: ids(2), Timeout: time.Hour})
	}
	if err := f.engine.Stop(f.now, "second", &f.out); err != nil {
		t.Fatal(err)
	}
	f.settle()
	f.gone[0] = true
	f.engine.Deleted(f.now, 0, &f.out)
	f.settle()
	if err := f.engine.Resume(f.now, "second", &f.out); err != nil {
		t.Fatal(err)
	}
	f.settle()
	if v := f.engine.View(1); v.Status != job.Running || v.Counts != (job.Counts{Total: 2, Failed: 1, Pending: 1}) {
		t.Errorf("the job is %s %+v; want it running, one failed and one waiting\n%s", v.Status, v.Counts, f.log.String())
	}
}

// TestStoppedInPause: a job that is stopped in the pause between two batches and
// resumed before its end goes on when the pause is over.
func TestStoppedInPause(t *testing.T) {
	f := newFleet(t, 2, false)
	f.submit(reboots(2, func(s *job.Spec) { s.Batch, s.Pause = amount(t, "1"), 10*time.Second }))
	f.answer(0, 200, "")
	f.to(2 * second)
	if err := f.engine.Stop(f.now, "j", &f.out); err != nil {
		t.Fatal(err)
	}
	f.settle()
	f.to(3 * second)
	if err := f.engine.Resume(f.now, "j", &f.out); err != nil {
		t.Fatal(err)
	}
	f.settle()
	f.to(9 * second)
	if got := f.called(); len(got) != 0 {
		t.Errorf("devices %v begin in the pause", got)
	}
	f.to(11 * second)
	if got := f.called(); len(got) != 1 || got[0] != 1 {
		t.Errorf("behind the pause devices %v begin; want 1\n%s", got, f.log.String())
	}
}
