package job

import (
	"fmt"
	"strconv"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// run is one child in hand: what the steps of a kind work with.
type run struct {
	e     *Engine
	job   *Job
	child *child
	i     int
	now   sim.Time
	out   *sim.Outbox
}

func (r *run) fleet() Fleet { return r.e.cfg.Fleet }
func (r *run) dev() uint32  { return r.job.devs[r.i] }
func (r *run) ref() Ref     { return Ref{r.job.number, uint32(r.i)} }
func (r *run) step() *Step  { return &r.job.kind.Steps[r.child.step] }

func (r *run) id() sim.DeviceID { return r.job.spec.Targets[r.i] }

// begin makes a pending child a running one.
func (r *run) begin() {
	c := r.child
	r.unhold()
	r.turn(Running)
	if c.start == sim.Never {
		c.start = r.now
	}
	r.job.counts.Pending--
	r.job.counts.Running++
	r.job.batch.start = min(r.job.batch.start, r.now)
	if d := r.job.spec.DeviceTimeout; d > 0 {
		c.limit = r.e.arm(slot{r.ref(), slotLimit}, r.now.Add(d))
	}
	r.note("running")
}

// turn gives the child another state.
func (r *run) turn(s Status) {
	r.job.turned(r.i, r.child.status, s)
	r.child.status = s
}

// unhold notes that the child waits for no other any more.
func (r *run) unhold() {
	if r.child.waiting {
		r.child.waiting = false
		r.job.held--
	}
}

// enter begins a step.
func (r *run) enter(n int) {
	c := r.child
	c.step, c.current = uint8(n), false
	r.disarm()
	if d := r.job.spec.StepTimeout; d > 0 {
		c.timer = r.e.arm(slot{r.ref(), slotStep}, r.now.Add(d))
	}
	r.step().Enter(r)
}

// next leaves the step for the one after it: the boundary at which a
// cancelled child stops.
func (r *run) next() {
	if r.child.stop {
		r.end(Cancelled, "")
		return
	}
	r.dirty()
	r.enter(int(r.child.step) + 1)
}

func (r *run) complete() { r.end(Completed, "") }

// fail ends the child as failed, or has it tried again if the job says so.
func (r *run) fail(why Why, reason string) {
	c, p := r.child, r.job.spec.Retry
	if c.status != Running || c.stop || r.job.status.Ended() || !p.takes(why, c.attempt) {
		r.end(Failed, reason)
		return
	}
	r.rest(Pending)
	c.timer = r.e.arm(slot{r.ref(), slotRetry}, r.now.Add(p.backoff(c.attempt)))
	c.attempt++
	r.job.counts.Pending++
	r.note("pending: try " + strconv.Itoa(int(c.attempt)) + " failed: " + reason)
	r.settle()
}

// rest ends what the child does at present.
func (r *run) rest(s Status) {
	c, counts := r.child, &r.job.counts
	if c.status == Running {
		counts.Running--
	} else {
		counts.Pending--
	}
	r.turn(s)
	c.current = false
	r.unhold()
	r.e.disarm(&c.timer)
	r.e.disarm(&c.limit)
}

// end ends the child and lets the next one begin: the device's next exclusive
// child, the job's next target.
func (r *run) end(s Status, reason string) {
	c, counts := r.child, &r.job.counts
	ran := c.status == Running
	r.rest(s)
	c.end, c.reason = r.now, reason
	switch s {
	case Completed:
		counts.Succeeded++
	case Failed:
		counts.Failed++
	case Cancelled:
		counts.Cancelled++
	}
	if ran && s != Cancelled {
		r.out.Measure(r.now, r.id(), sim.MetricDeviceJob, c.start)
	}
	text := s.String()
	if reason != "" {
		text += ": " + reason
	}
	r.note(text)
	r.e.childEnded(r.job, s, r.now, r.out)
	r.settle()
}

// settle lets others go on where this child was.
func (r *run) settle() {
	e := r.e
	if r.i < len(r.job.devs) { // else it was cancelled before it was chosen
		e.release(r.dev(), r.ref(), r.now, r.out)
	}
	j := e.jobs.Mut(int(r.job.number))
	if j.sweep == starting && j.status == Running {
		e.todo(j.number)
	}
	e.settle(j, r.now, r.out)
}

// release takes an ended child off its device and begins the exclusive child
// that waited longest for it.
func (e *Engine) release(dev uint32, ref Ref, now sim.Time, out *sim.Outbox) {
	list := e.active[dev]
	for i, a := range list {
		if a == ref {
			list = append(list[:i], list[i+1:]...)
			break
		}
	}
	if len(list) == 0 {
		delete(e.active, dev)
		return
	}
	e.active[dev] = list
	if !e.jobs.At(int(ref.Job)).kind.Exclusive {
		return
	}
	for i := 0; i < len(list); {
		r := e.run(list[i], now, out)
		switch {
		case !r.job.kind.Exclusive:
			i++
			continue
		case !r.child.waiting:
			return
		case r.job.status == Running:
			r.begin()
			r.enter(0)
			return
		}
		// Its job does not run: a stopped one starts it anew when it goes on.
		r.unhold()
		if r.job.status == Stopped {
			r.job.again = append(r.job.again, int32(r.i))
		}
		list = append(list[:i], list[i+1:]...)
		e.active[dev] = list
	}
	if len(list) == 0 {
		delete(e.active, dev)
	}
}

// run takes a child in hand.
func (e *Engine) run(ref Ref, now sim.Time, out *sim.Outbox) *run {
	j := e.jobs.Mut(int(ref.Job))
	return &run{e: e, job: j, child: j.children.Mut(int(ref.Child)), i: int(ref.Child), now: now, out: out}
}

// grace waits for an offline device as long as the job allows.
func (r *run) grace() {
	d := r.job.spec.Grace
	if d < 0 {
		r.fail(WhyOffline, "device not connected")
		return
	}
	if r.job.spec.StepTimeout > 0 && r.job.spec.StepTimeout < d {
		return // that one comes first
	}
	r.disarm()
	r.child.timer = r.e.arm(slot{r.ref(), slotGrace}, r.now.Add(d))
}

func (r *run) call(method string, body []byte) {
	r.child.calls++
	r.child.call++
	r.child.current = true
	r.fleet().Call(r.now, r.dev(), CallRef{r.ref(), r.child.call}, method, body, r.e.cfg.Call, r.out)
}

func (r *run) write(values ...doc.Member) { r.call("dm.write", object(values...)) }

func (r *run) execute(resource string) {
	r.call("dm.execute", object(doc.Member{Name: "resource", Value: doc.String(resource)}))
}

// readFirmware asks for state, result and version.
func (r *run) readFirmware() {
	if r.child.calls == 0 {
		r.call("dm.read", []byte(`{"resources":["/5/0/3","/5/0/5","/3/0/3"]}`))
	}
}

// calling says whether an answer may still come.
func (r *run) calling() bool { return r.child.calls > 0 }

// took takes the answer of a dm.read into the device's properties and the
// child.
func (r *run) took(a *Ack) {
	v, err := doc.Parse(a.Body)
	if err != nil {
		return
	}
	r.fleet().Read(r.now, r.dev(), v, r.out)
	r.said(v.Get("/5/0/3"), v.Get("/5/0/5"))
}

// said notes a firmware state and result the device spoke of.
func (r *run) said(state, result doc.Value) {
	if n, ok := result.Int64(); ok && n >= 0 && n < unknown {
		r.child.result = uint8(n)
	}
	if n, ok := state.Int64(); ok && n > 0 && n < 256 {
		r.child.state = uint8(n)
	}
}

// property is what the hub knows of the device.
func (r *run) property(name string) (doc.Value, sim.Time) { return r.fleet().Property(r.dev(), name) }

func (r *run) timedOut(after time.Duration) string {
	if r.child.status == Pending {
		return fmt.Sprintf("timed out after %s waiting for its turn", clock(after))
	}
	return fmt.Sprintf("timed out after %s waiting for %s", clock(after), r.step().Waiting)
}

// clock writes a duration as hh:mm:ss, with milliseconds where it has any.
func clock(d time.Duration) string {
	s := fmt.Sprintf("%02d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
	if ms := d.Milliseconds() % 1000; ms != 0 {
		s += fmt.Sprintf(".%03d", ms)
	}
	return s
}

func (r *run) disarm() { r.e.disarm(&r.child.timer) }

func (r *run) dirty() {
	r.out.Dirty = append(r.out.Dirty, sim.Row{Table: sim.TableChild, Key: uint64(r.job.number), Sub: uint32(r.i)})
}

func (r *run) note(text string) {
	r.dirty()
	r.out.Observe = append(r.out.Observe, sim.Observation{
		At: r.now, Device: r.id(), Event: sim.EventChild, Job: r.job.spec.ID, Text: text})
}
