package job

import (
	"fmt"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// Answered takes in the outcome of a call.
func (e *Engine) Answered(now sim.Time, ref CallRef, a Ack, out *sim.Outbox) {
	e.now = now
	if e.jobs.At(int(ref.Job)).purged {
		return
	}
	r := e.run(ref.Ref, now, out)
	c := r.child
	if c.calls > 0 {
		c.calls--
	}
	if c.status != Running || !c.current || c.call != ref.Number {
		return // of a step that is over; a later call is under way, perhaps
	}
	c.current = false
	s := r.step()
	if a.Status == 200 && a.Lost == "" {
		s.Answer(r, &a)
		return
	}
	if s.Refused != nil {
		s.Refused(r, &a)
		return
	}
	r.refuse(&a)
}

// refuse ends a child whose call was not answered with 200.
func (r *run) refuse(a *Ack) {
	if r.child.stop {
		r.end(Cancelled, "")
		return
	}
	why := a.Why
	if a.Lost == "" {
		why = WhyRefused
	}
	r.fail(why, refusal(r.step(), a))
}

// refusal says in words why a call was not answered with 200. The device's
// answer may name the resource and say why: {"resource":..,"message":..}.
func refusal(s *Step, a *Ack) string {
	if a.Lost != "" {
		return fmt.Sprintf("%s while waiting for %s", a.Lost, s.Waiting)
	}
	text := fmt.Sprintf("device refused (%d.%02d) while %s", a.Status/100, a.Status%100, s.Name)
	if v, err := doc.Parse(a.Body); err == nil {
		if x, ok := sim.ResourceByPath(v.Get("resource").Text()); ok {
			text += ": " + x.Name
		}
		if m := v.Get("message").Text(); m != "" {
			text += ": " + m
		}
	}
	return text
}

// each takes every child in hand that a device has not ended, in order of
// their start. A child may end on the way.
func (e *Engine) each(now sim.Time, dev uint32, out *sim.Outbox, f func(*run)) {
	e.now = now
	list := e.active[dev]
	if len(list) == 0 {
		return
	}
	var few [4]Ref
	for _, ref := range append(few[:0], list...) {
		if r := e.run(ref, now, out); r.child.status == Running {
			f(r)
		}
	}
}

// Online tells that a device is reachable again.
func (e *Engine) Online(now sim.Time, dev uint32, out *sim.Outbox) {
	e.each(now, dev, out, func(r *run) {
		if f := r.step().Online; f != nil {
			f(r)
		}
	})
}

// Offline tells that a device is gone. Its calls are answered on their own.
func (e *Engine) Offline(now sim.Time, dev uint32, out *sim.Outbox) {
	e.each(now, dev, out, func(r *run) {
		if f := r.step().Offline; f != nil {
			f(r)
		}
	})
}

// Reported tells what a device reported of its properties, by service name.
func (e *Engine) Reported(now sim.Time, dev uint32, properties doc.Value, out *sim.Outbox) {
	if len(e.active[dev]) == 0 {
		return
	}
	state, result := properties.Get("FirmwareUpdateState"), properties.Get("FirmwareUpdateResult")
	if state.IsAbsent() && result.IsAbsent() {
		return
	}
	e.each(now, dev, out, func(r *run) {
		r.said(state, result)
		if f := r.step().Report; f != nil {
			f(r)
		}
	})
}

// Deleted tells that a device is no more: its children fail.
func (e *Engine) Deleted(now sim.Time, dev uint32, out *sim.Outbox) {
	for _, ref := range append([]Ref(nil), e.active[dev]...) {
		if r := e.run(ref, now, out); !r.child.status.Ended() {
			r.end(Failed, "device deleted")
		}
	}
}
