package soak

import (
	"math/big"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// job follows a job from state to state.
func (j *judge) job(r *record, text string) {
	state, _, _ := strings.Cut(text, ":")
	if ended(r.state) && r.state != state {
		j.breaks("state", "job %s goes from %s to %s", r.spec.ID, r.state, state)
	}
	if state == "cancelled" && !r.cancelled && !j.exceeded(r) {
		j.breaks("threshold", "job %s is cancelled below its threshold", r.spec.ID)
	}
	if state == "failed" && !r.refusable {
		j.breaks("targets", "job %s has failed, but what it names is there", r.spec.ID)
	}
	was := r.state
	r.state = state
	if state == "running" && was != state {
		r.since = j.now
		j.runs(r)
	}
	if was == "running" && was != state {
		r.ran += j.now.Sub(r.since) // what it stood still does not count
		if r.ran > r.spec.Timeout && r.spec.Timeout > 0 && !j.slow() {
			j.breaks("timeouts", "job %s ran for %s; its timeout is %s", r.spec.ID, r.ran, r.spec.Timeout)
		}
	}
}

// runs holds a job that begins to run against the queue.
func (j *judge) runs(r *record) {
	if !r.spec.Queued {
		return
	}
	running := 0
	for _, o := range j.order {
		if o.spec.Queued && o.state == "running" {
			running++
		}
	}
	if running > 5 {
		j.breaks("slots", "%d queued jobs run at the same time", running)
	}
	for _, o := range j.order {
		if o == r || r.disturbed {
			break
		}
		if o.spec.Queued && o.state == "pending" && o.selected && !o.disturbed {
			j.breaks("slots", "job %s runs before %s, which was there first", r.spec.ID, o.spec.ID)
		}
	}
}

// child follows one device's part of a job.
func (j *judge) child(r *record, o *sim.Observation) {
	word, _, _ := strings.Cut(o.Text, ":")
	id, p := r.spec.ID, r.part(o.Device)
	if p == nil {
		if r.selected {
			j.breaks("targets", "job %s works on %s, which is none of its devices", id, o.Device)
		} else {
			r.take([]sim.DeviceID{o.Device}) // cancelled before it was selected
			r.parts[len(r.parts)-1].state = word
		}
		return
	}
	if ended(p.state) {
		j.breaks("state", "%s of %s goes from %s to %s", o.Device, id, p.state, word)
	}
	was := p.state
	p.state = word
	switch {
	case word == "running":
		j.begins(r, o.Device, p)
	case o.Text == "pending" && was != "running":
		p.held = true
		j.turn(r)
	case word == "pending" && was == "running" && ended(r.state):
		j.breaks("attempts", "%s of %s is to be tried again though the job is %s", o.Device, id, r.state)
	case ended(word):
		p.end = o.At
		if word == "completed" {
			j.didIt(r, o.Device, p)
		}
	}
	if most, ok := j.bound(&r.spec); ok && was == "running" && word != "running" && j.now.Sub(p.since) > most && !j.slow() {
		j.breaks("timeouts", "%s of %s lasts %s; its calls and the wait for the device may take %s", o.Device, id, j.now.Sub(p.since), most)
	}
	if d := r.spec.DeviceTimeout; was == "running" && word != "running" && d > 0 && j.now.Sub(p.since) > d && !j.slow() {
		j.breaks("timeouts", "%s of %s lasts %s; its timeout is %s", o.Device, id, j.now.Sub(p.since), d)
	}
}

// exclusive are the kinds of which a device takes one at a time.
var exclusive = map[string]bool{"firmwareUpdate": true, "factoryResetDevice": true}

// asks is how often a kind calls the device; the others do until it is done.
var asks = map[string]int{"property": 0, "cloudProperty": 0, "command": 1, "readDeviceProperties": 1, "writeDeviceProperties": 1,
	"rebootDevice": 1, "factoryResetDevice": 1, "updateDeviceConfiguration": 2}

// bound is how long one try of a part may last at most: as long as the device
// is waited for, and each call may take.
func (j *judge) bound(s *job.Spec) (most time.Duration, ok bool) {
	n, ok := asks[s.Kind]
	switch most = time.Duration(n) * j.c.Call; {
	case s.Grace == 0:
		most += job.DefaultGrace
	case s.Grace > 0:
		most += s.Grace
	}
	return most, ok
}

// begins holds the rules of who may be started when.
func (j *judge) begins(r *record, dev sim.DeviceID, p *part) {
	id, place := r.spec.ID, r.place[dev]
	if r.state != "running" {
		j.breaks("starts", "%s of %s begins while the job is %s", dev, id, r.state)
	}
	j.rouse(r)
	p.begun++
	p.since = j.now
	most := 1
	if r.spec.Retry != nil {
		most += r.spec.Retry.Attempts
	}
	if p.begun > most {
		j.breaks("attempts", "%s of %s begins for the %d. time; %d are allowed", dev, id, p.begun, most)
	}
	if what := deed(&r.spec); what != "" {
		j.devices[dev].begun[what]++
	}
	if exclusive[r.spec.Kind] {
		for _, o := range j.order {
			if p := o.part(dev); o != r && exclusive[o.spec.Kind] && p != nil && p.state == "running" {
				j.breaks("exclusive", "%s of %s begins while %s works on it", dev, id, o.spec.ID)
			}
		}
	}
	j.inTurn(r, dev, r.batch(place))
	if !p.held {
		j.turn(r)
	}
	p.held = false
}

// turn holds the rate against a device whose turn has come: it begins, or is held
// up by another job of its own and begins behind that.
func (j *judge) turn(r *record) {
	o := r.spec.Rollout
	if o == nil {
		return
	}
	r.starts = append(r.starts, j.now)
	if k := len(r.starts) - 1 - o.PerMinute - 1; k >= 0 && j.now.Sub(r.starts[k]) < time.Minute-time.Second && r.spec.Retry == nil {
		j.breaks("rollout", "%s: the turn of %d devices comes in less than a minute; the rate is %d", r.spec.ID, o.PerMinute+2, o.PerMinute)
	}
}

// inTurn holds the beginning of a device of a batch against the batches
// before and behind it.
func (j *judge) inTurn(r *record, dev sim.DeviceID, batch int) {
	var last sim.Time
	succeeded, before := 0, 0 // in the batch before
	for i := range r.parts {
		o, other := &r.parts[i], r.batch(i)
		switch {
		case other < batch && !ended(o.state):
			j.breaks("batches", "%s of %s begins while %s of an earlier batch is %s", dev, r.spec.ID, r.targets[i], o.state)
		case other > batch && o.begun > 0:
			j.breaks("batches", "%s of %s begins after %s of a later batch", dev, r.spec.ID, r.targets[i])
		}
		if other == batch-1 {
			last = max(last, o.end)
			before++
			if o.state == "completed" {
				succeeded++
			}
		}
	}
	if before == 0 {
		return
	}
	if since := j.now.Sub(last); since < r.spec.Pause {
		j.breaks("pause", "%s of %s begins %s after the last batch; the pause is %s", dev, r.spec.ID, since, r.spec.Pause)
	}
	if g := r.spec.Gate; g != nil && r.resumed == 0 && rat(g, before).Cmp(big.NewRat(int64(succeeded), 1)) > 0 {
		j.breaks("gate", "%s of %s begins behind a batch of which %d of %d succeeded; the gate is %s", dev, r.spec.ID, succeeded, before, g)
	}
}

// check holds what must be true after every Step of the jobs whose rows it
// changed: the hub's counts are those of its children and never go back, its
// states are those observed, and a threshold has cancelled.
func (j *judge) check(r *record) {
	if j.broken.Rule != "" {
		return
	}
	v, children, ok := j.read(r.number)
	if !ok {
		return
	}
	var sum job.Counts
	for i := range children {
		c := &children[i]
		sum.Total++
		switch c.Status {
		case job.Completed:
			sum.Succeeded++
		case job.Failed:
			sum.Failed++
		case job.Running:
			sum.Running++
		case job.Pending:
			sum.Pending++
		case job.Cancelled:
			sum.Cancelled++
		}
		if p := r.part(c.Device); r.selected && (p == nil || p.state != c.Status.String()) {
			j.breaks("state", "%s of %s is %s; what was observed of it is %+v", c.Device, v.ID, c.Status, p)
		}
	}
	switch {
	case sum != v.Counts:
		j.breaks("counts", "job %s counts %+v; its children are %+v", v.ID, v.Counts, sum)
	case v.Counts.Succeeded < r.counts.Succeeded || v.Counts.Failed < r.counts.Failed || r.selected && v.Counts.Total < r.counts.Total:
		j.breaks("counts", "the counts of %s go back from %+v to %+v", v.ID, r.counts, v.Counts)
	case r.selected && sum.Total != len(r.targets):
		j.breaks("targets", "job %s has %d devices; it should have %d", v.ID, sum.Total, len(r.targets))
	case r.spec.InFlight > 0 && sum.Running > r.spec.InFlight:
		j.breaks("in-flight", "%d devices of %s are in flight; the limit is %d", sum.Running, v.ID, r.spec.InFlight)
	case r.selected && !r.spec.Continuous && sum.Running > r.size:
		j.breaks("in-flight", "%d devices of %s are in flight; its batches have %d", sum.Running, v.ID, r.size)
	case v.Status.String() != r.state:
		j.breaks("state", "job %s is %s; it was observed as %s", v.ID, v.Status, r.state)
	case r.state == "running" && j.exceeded(r):
		j.breaks("threshold", "job %s runs on above its threshold: %+v", v.ID, v.Counts)
	}
	r.counts = v.Counts
	j.idles(r)
}

// idles holds a job that works on nobody, though it runs and there is somebody
// left, against the time for which that may be.
func (j *judge) idles(r *record) {
	j.rouse(r)
	r.idle = r.state == "running" && r.counts.Running == 0 && r.counts.Pending > 0 && !exclusive[r.spec.Kind] && !j.slow()
}

// rouse ends the time in which a job works on nobody.
func (j *judge) rouse(r *record) {
	if !r.idle {
		r.quiet = j.now
		return
	}
	r.idle = false
	if d := j.now.Sub(r.quiet); d > r.patience() {
		j.breaks("idle", "job %s worked on nobody for %s; it may do so for %s", r.spec.ID, d, r.patience())
	}
}

// patience is how long a job may work on nobody: a pause between batches, the
// wait before a retry, and a minute for the slowest rate.
func (r *record) patience() time.Duration {
	d := r.spec.Pause + time.Minute
	if r.spec.Retry != nil {
		d += r.spec.Retry.Max
	}
	return d
}

// rat is an amount of a number of devices, exactly.
func rat(a *job.Amount, of int) *big.Rat {
	v, _ := new(big.Rat).SetString(a.Value)
	if a.Percent {
		v.Mul(v, big.NewRat(int64(of), 100))
	}
	return v
}

// sizeOf is how many devices are in a batch: the least whole number that is
// not below the amount.
func sizeOf(b *job.Amount, n int) int {
	if b == nil || n == 0 {
		return n
	}
	v, size := rat(b, n), 1
	for size < n && v.Cmp(big.NewRat(int64(size), 1)) > 0 {
		size++
	}
	return size
}

// exceeded reckons whether more has failed than a job's threshold allows.
func (j *judge) exceeded(r *record) bool {
	t := r.spec.Threshold
	if t == nil || len(r.parts) == 0 {
		return false
	}
	size := len(r.parts)
	if t.PerBatch && !r.spec.Continuous {
		size = r.size
	}
	for from := 0; from < len(r.parts); from += size {
		some := r.parts[from:min(from+size, len(r.parts))]
		failed := 0
		for i := range some {
			if some[i].state == "failed" {
				failed++
			}
		}
		if failed > 0 && big.NewRat(int64(failed), 1).Cmp(rat(&t.Amount, len(some))) > 0 {
			return true
		}
	}
	return false
}
