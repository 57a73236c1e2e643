package sim

// Timers is a machine's own set of deadlines: an indexed heap ordered by
// time, then by order of arming. Keys are small numbers chosen by the owner
// (they index a slice); a key is armed at most once. The zero value is empty.
// Hub, world and devices use the same one.
type Timers struct {
	heap []timer
	pos  []int32 // key -> index in heap + 1; 0: not armed
	seq  uint64
}

type timer struct {
	at  Time
	seq uint64
	key uint32
}

// Set arms key for at, in place of what it was armed for; at Never clears it.
func (t *Timers) Set(key uint32, at Time) {
	if at == Never {
		t.Clear(key)
		return
	}
	for int(key) >= len(t.pos) {
		t.pos = append(t.pos, 0)
	}
	t.seq++
	e := timer{at, t.seq, key}
	if i := t.pos[key]; i != 0 {
		t.heap[i-1] = e
		if !t.up(int(i - 1)) {
			t.down(int(i - 1))
		}
		return
	}
	t.heap = append(t.heap, e)
	t.pos[key] = int32(len(t.heap))
	t.up(len(t.heap) - 1)
}

// Clear disarms key; a key that is not armed stays so.
func (t *Timers) Clear(key uint32) {
	if int(key) >= len(t.pos) || t.pos[key] == 0 {
		return
	}
	i := int(t.pos[key] - 1)
	t.pos[key] = 0
	last := len(t.heap) - 1
	moved := t.heap[last]
	t.heap = t.heap[:last]
	if i == last {
		return
	}
	t.heap[i] = moved
	t.pos[moved.key] = int32(i + 1)
	if !t.up(i) {
		t.down(i)
	}
}

// Reset disarms everything and keeps the order of arming going.
func (t *Timers) Reset() {
	clear(t.pos)
	t.heap = t.heap[:0]
}

// Next returns the earliest deadline, Never if nothing is armed.
func (t *Timers) Next() Time {
	if len(t.heap) == 0 {
		return Never
	}
	return t.heap[0].at
}

// At returns what key is armed for, Never if it is not.
func (t *Timers) At(key uint32) Time {
	if int(key) >= len(t.pos) || t.pos[key] == 0 {
		return Never
	}
	return t.heap[t.pos[key]-1].at
}

// Pop disarms and returns the earliest key if it is due at now.
func (t *Timers) Pop(now Time) (key uint32, ok bool) {
	if len(t.heap) == 0 || t.heap[0].at > now {
		return 0, false
	}
	key = t.heap[0].key
	t.Clear(key)
	return key, true
}

// Len returns how many keys are armed.
func (t *Timers) Len() int { return len(t.heap) }

func (a timer) before(b timer) bool {
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

func (t *Timers) up(i int) bool {
	e, moved := t.heap[i], false
	for i > 0 {
		p := (i - 1) / 2
		if !e.before(t.heap[p]) {
			break
		}
		t.heap[i] = t.heap[p]
		t.pos[t.heap[i].key] = int32(i + 1)
		i, moved = p, true
	}
	t.heap[i] = e
	t.pos[e.key] = int32(i + 1)
	return moved
}

func (t *Timers) down(i int) {
	e, n := t.heap[i], len(t.heap)
	for {
		c := 2*i + 1
		if c >= n {
			break
		}
		if c+1 < n && t.heap[c+1].before(t.heap[c]) {
			c++
		}
		if !t.heap[c].before(e) {
			break
		}
		t.heap[i] = t.heap[c]
		t.pos[t.heap[i].key] = int32(i + 1)
		i = c
	}
	t.heap[i] = e
	t.pos[e.key] = int32(i + 1)
}
