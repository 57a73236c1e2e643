package live

import "sync"

// line is where devices wait for their turn. Each is in it at most once.
type line struct {
	mu     sync.Mutex
	some   sync.Cond // there is somebody, or closed
	queue  []*player // queue[head:]
	head   int
	closed bool
}

func newLine() *line {
	l := new(line)
	l.some.L = &l.mu
	return l
}

// put has p wait behind all others.
func (l *line) put(p *player) {
	l.mu.Lock()
	if l.head > 0 && len(l.queue) == cap(l.queue) {
		n := copy(l.queue, l.queue[l.head:])
		clear(l.queue[n:])
		l.queue, l.head = l.queue[:n], 0
	}
	l.queue = append(l.queue, p)
	l.mu.Unlock()
	l.some.Signal()
}

// take waits for the one whose turn it is; nil after close.
func (l *line) take() *player {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.head == len(l.queue) {
		if l.closed {
			return nil
		}
		l.some.Wait()
	}
	p := l.queue[l.head]
	l.queue[l.head] = nil
	l.head++
	if l.head == len(l.queue) {
		l.queue, l.head = l.queue[:0], 0
	}
	return p
}

// close ends take when nobody waits any more.
func (l *line) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.some.Broadcast()
}
