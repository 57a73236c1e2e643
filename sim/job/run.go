package job

import (
	"fmt"
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

// begin starts a child that was pending.
func (r *run) begin() {
	c := r.child
	r.unhold()
	c.status, c.start = Running, r.now
	r.job.counts.Pending--
	r.job.counts.Running++
	r.note("running")
	r.enter(0)
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
		c.timer = r.e.arm(slot{r.ref(), slotStep}, r.now.Add(d)) + 1
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

func (r *run) fail(reason string) { r.end(Failed, reason) }

// end ends the child and lets the next one begin: the device's next exclusive
// child, the job's next target.
func (r *run) end(s Status, reason string) {
	c, counts := r.child, &r.job.counts
	if c.status == Running {
		counts.Running--
	} else {
		counts.Pending--
	}
	ran := c.status == Running
	c.status, c.end, c.reason, c.current = s, r.now, reason, false
	r.unhold()
	r.disarm()
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
	e := r.e
	if r.i < len(r.job.devs) { // else it was cancelled before it was chosen
		e.release(r.dev(), r.ref(), r.now, r.out)
	}
	j := e.jobs.Mut(int(r.job.number))
	if j.sweep == starting && j.cursor < len(j.devs) {
		e.queue(j.number)
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
	for _, a := range list {
		if r := e.run(a, now, out); r.job.kind.Exclusive {
			if r.child.waiting {
				r.begin()
			}
			return
		}
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
		r.fail("device not connected")
		return
	}
	if r.job.spec.StepTimeout > 0 && r.job.spec.StepTimeout < d {
		return // that one comes first
	}
	r.disarm()
	r.child.timer = r.e.arm(slot{r.ref(), slotGrace}, r.now.Add(d)) + 1
}

func (r *run) call(method string, body []byte) {
	r.child.calls++
	r.child.current = true
	r.fleet().Call(r.now, r.dev(), r.ref(), method, body, r.e.cfg.Call, r.out)
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

func (r *run) disarm() {
	if r.child.timer != 0 {
		r.e.disarm(r.child.timer - 1)
		r.child.timer = 0
	}
}

func (r *run) dirty() {
	r.out.Dirty = append(r.out.Dirty, sim.Row{Table: sim.TableChild, Key: uint64(r.job.number), Sub: uint32(r.i)})
}

func (r *run) note(text string) {
	r.dirty()
	r.out.Observe = append(r.out.Observe, sim.Observation{
		At: r.now, Device: r.id(), Event: sim.EventChild, Job: r.job.spec.ID, Text: text})
}
