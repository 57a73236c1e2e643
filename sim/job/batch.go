package job

import (
	"fmt"
	"math/big"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/planted"
)

// batch is the part of a job's targets that is worked on: the one after it
// begins only when every device of it has ended.
type batch struct {
	size      int // of all but the last; 0: not cut yet
	number    int // from 0
	from, to  int
	ended     int
	failed    int
	succeeded int
	start     sim.Time // of its first device, Never before
	opens     sim.Time // not before: the pause
}

// cut makes batch n the present one.
func (j *Job) cut(n int) {
	total := len(j.devs)
	size := total
	if j.spec.Batch != nil && total > 0 {
		size = j.spec.Batch.Size(total)
	}
	from := min(n*size, total)
	j.batch = batch{size: size, number: n, from: from, to: min(from+size, total), start: sim.Never, opens: j.batch.opens}
}

// childEnded counts a child that has ended in its batch, and goes on with the next
// batch after the last of it.
func (e *Engine) childEnded(j *Job, s Status, now sim.Time, out *sim.Outbox) {
	if j.sweep != starting && (j.sweep != expiring || j.status != Stopped) {
		return // the job is over: what ends now is not judged by batches
	}
	b := &j.batch
	b.ended++
	switch s {
	case Failed:
		b.failed++
		if why := e.exceeds(j); why != "" && !j.status.Ended() && j.doomed == "" {
			e.doom(j, why, now, out)
			if j.status == Cancelled {
				return
			}
		}
	case Completed:
		b.succeeded++
	}
	early := planted.In(e.cfg.Planted, planted.BatchOrder) && b.ended == b.to-b.from-1
	if b.ended < b.to-b.from && !early || j.spec.Continuous {
		return
	}
	if len(j.batches) < MaxBatches {
		j.batches = append(j.batches, Batch{From: b.from, To: b.to, Failed: b.failed, Start: min(b.start, now), End: now})
	}
	if b.to == len(j.devs) {
		return // it was the last
	}
	was := *b
	j.batch.opens = now.Add(j.spec.Pause)
	j.cut(b.number + 1)
	if g := j.spec.Gate; g != nil && !g.Reached(was.succeeded, was.to-was.from) && j.status == Running {
		e.stop(j, fmt.Sprintf("%d of %d devices of batch %d succeeded; the gate asks for %s",
			was.succeeded, was.to-was.from, was.number+1, g), now, out)
	}
}

// wakeAt has the job's cursor go on at an instant.
func (e *Engine) wakeAt(j *Job, at sim.Time) {
	if j.wake != 0 && e.timers.At(j.wake-1) <= at {
		return
	}
	e.disarm(&j.wake)
	j.wake = e.arm(slot{Ref{Job: j.number}, slotWake}, at)
}

// pace is how fast devices are started.
type pace struct {
	rate   int64    // a minute, in 1/1000; 0: not begun
	next   sim.Time // not before
	counts int      // of devices at which the rate rises next
}

// paced says whether another device may be started now; if not, the job is
// woken when it may. It counts the start.
func (e *Engine) paced(j *Job, now sim.Time) bool {
	r := j.spec.Rollout
	if r == nil {
		return true
	}
	p := &j.pace
	if p.rate == 0 {
		p.rate, p.next = int64(r.PerMinute)*1000, now
		if r.Factor != "" {
			p.rate, p.counts = int64(r.Base)*1000, r.Notified+r.Succeeded
		}
	}
	if p.next > now {
		e.wakeAt(j, p.next)
		return false
	}
	if r.Factor != "" {
		count := j.counts.Succeeded
		if r.Notified > 0 {
			count = j.counts.Total - j.counts.Pending
		}
		for count >= p.counts && p.rate < int64(r.PerMinute)*1000 {
			factor, _ := Amount{Value: r.Factor}.rat()
			factor.Mul(factor, big.NewRat(p.rate, 1))
			rate := new(big.Int).Quo(factor.Num(), factor.Denom()).Int64()
			p.rate = min(max(rate, p.rate+1), int64(r.PerMinute)*1000)
			p.counts += r.Notified + r.Succeeded
		}
	}
	if now.Sub(p.next) > time.Second {
		p.next = now // it was held up: no burst makes up for that
	}
	p.next = p.next.Add(time.Duration(int64(time.Minute) * 1000 / p.rate))
	return true
}
