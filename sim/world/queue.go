package world

import "github.com/flotilla-sim/flotilla/sim"

// event is something that happens at an instant: a message arrives, or the
// answer of a download.
type event struct {
	what    uint8
	why     uint8 // of linkDue
	dev     uint32
	msg     sim.Message
	fetch   sim.Fetch
	fetched *sim.Fetched
}

const (
	toHub uint8 = iota
	toDevice
	toServer   // fetch
	fromServer // fetched
	linkDue    // something befalls connection msg.Conn, if it is still that
)

// queue is the world's agenda: a heap of small entries over a slab of events,
// ordered by time, then by order of entry.
type queue struct {
	heap []entry
	slab []event
	free []uint32
	seq  uint64
}

type entry struct {
	at   sim.Time
	seq  uint64
	slot uint32
}

func (a entry) before(b entry) bool { return a.at < b.at || a.at == b.at && a.seq < b.seq }

func (q *queue) next() sim.Time {
	if len(q.heap) == 0 {
		return sim.Never
	}
	return q.heap[0].at
}

func (q *queue) push(at sim.Time, e event) {
	var slot uint32
	if n := len(q.free); n > 0 {
		slot, q.free = q.free[n-1], q.free[:n-1]
		q.slab[slot] = e
	} else {
		slot = uint32(len(q.slab))
		q.slab = append(q.slab, e)
	}
	q.seq++
	x := entry{at, q.seq, slot}
	q.heap = append(q.heap, x)
	i := len(q.heap) - 1
	for i > 0 {
		p := (i - 1) / 2
		if !x.before(q.heap[p]) {
			break
		}
		q.heap[i] = q.heap[p]
		i = p
	}
	q.heap[i] = x
}

func (q *queue) pop() event {
	slot := q.heap[0].slot
	e := q.slab[slot]
	q.slab[slot] = event{}
	q.free = append(q.free, slot)
	last := len(q.heap) - 1
	x := q.heap[last]
	q.heap = q.heap[:last]
	if last == 0 {
		return e
	}
	i := 0
	for {
		c := 2*i + 1
		if c >= last {
			break
		}
		if c+1 < last && q.heap[c+1].before(q.heap[c]) {
			c++
		}
		if !q.heap[c].before(x) {
			break
		}
		q.heap[i] = q.heap[c]
		i = c
	}
	q.heap[i] = x
	return e
}
