package mqtt

import "sync"

// ring is a byte queue of up to ringBound bytes. It holds memory only while it
// holds bytes: buffers come from pools of three sizes and go back when empty, so
// an idle link costs none. It is not safe for concurrent use.
type ring struct {
	buf  []byte // one of ringSizes long, or nil
	r, n int    // first byte, number of bytes
}

// ringBound is how many bytes a link holds in one direction before its writer
// waits: the order of a socket's buffer.
const ringBound = 64 << 10

var ringSizes = [...]int{512, 4 << 10, ringBound}

// The pools hold pointers to arrays: putting one back allocates nothing. Buffers
// carry no channel, so they may wander between synctest bubbles.
var (
	smallRings = sync.Pool{New: func() any { return new([512]byte) }}
	pageRings  = sync.Pool{New: func() any { return new([4 << 10]byte) }}
	fullRings  = sync.Pool{New: func() any { return new([ringBound]byte) }}
)

func takeBuf(n int) []byte {
	switch {
	case n <= ringSizes[0]:
		return smallRings.Get().(*[512]byte)[:]
	case n <= ringSizes[1]:
		return pageRings.Get().(*[4 << 10]byte)[:]
	}
	return fullRings.Get().(*[ringBound]byte)[:]
}

func giveBuf(b []byte) {
	switch len(b) {
	case ringSizes[0]:
		smallRings.Put((*[512]byte)(b))
	case ringSizes[1]:
		pageRings.Put((*[4 << 10]byte)(b))
	case ringSizes[2]:
		fullRings.Put((*[ringBound]byte)(b))
	}
}

// write takes as much of b as there is room for.
func (q *ring) write(b []byte) int {
	n := min(len(b), ringBound-q.n)
	if n == 0 {
		return 0
	}
	if q.n+n > len(q.buf) {
		grown := takeBuf(q.n + n)
		q.peek(grown)
		giveBuf(q.buf)
		q.buf, q.r = grown, 0
	}
	at := q.r + q.n
	if at >= len(q.buf) {
		at -= len(q.buf)
	}
	k := copy(q.buf[at:], b[:n])
	copy(q.buf, b[k:n])
	q.n += n
	return n
}

// read moves up to len(b) bytes into b.
func (q *ring) read(b []byte) int {
	n := q.peek(b)
	q.n -= n
	if q.n == 0 {
		q.drop()
		return n
	}
	q.r += n
	if q.r >= len(q.buf) {
		q.r -= len(q.buf)
	}
	return n
}

// peek copies up to len(b) bytes into b and leaves them there.
func (q *ring) peek(b []byte) int {
	n := min(len(b), q.n)
	if n == 0 {
		return 0
	}
	k := copy(b[:n], q.buf[q.r:])
	copy(b[k:n], q.buf)
	return n
}

// drop forgets all bytes and gives the memory back.
func (q *ring) drop() {
	giveBuf(q.buf)
	*q = ring{}
}
