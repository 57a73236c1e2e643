package mqtt

import (
	"errors"
	"io"
)

// Sizes of a Reader's memory.
const (
	readBuffer = 512      // kept for a connection's life; most packets fit
	firstChunk = 16 << 10 // a larger packet's memory grows with what arrives, from here
)

// Reader takes packets off a stream. It is used by one goroutine. Bodies are
// copies that nobody else holds.
type Reader struct {
	src   io.Reader
	limit int
	buf   [readBuffer]byte
	r, w  int    // buf[r:w] is read and not yet parsed
	big   []byte // the body of a packet too large for buf, as far as it has come
	first byte   // its first byte
	size  int    // its remaining length; 0: no such packet is under way
	topic string // of the last PUBLISH
	err   error
}

// NewReader returns a Reader over src that refuses packets with a remaining
// length above limit bytes; 0 means DefaultLimit.
func NewReader(src io.Reader, limit int) *Reader {
	r := new(Reader)
	r.init(src, limit)
	return r
}

func (r *Reader) init(src io.Reader, limit int) {
	if limit <= 0 {
		limit = DefaultLimit
	}
	r.src, r.limit = src, min(limit, maxRemaining)
}

// Read returns the next packet. Its errors: io.EOF when the stream ends between
// two packets, io.ErrUnexpectedEOF within one, ErrLevel (with a CONNECT whose
// Level is set), ErrTooLarge, a *FormatError, and what the stream returns.
// After an error only a timeout of the stream can be gone on from: Read then
// continues where it was.
func (r *Reader) Read() (p Packet, err error) {
	err = r.read(&p)
	return p, err
}

// read is Read into p. Waiting is kept apart from parsing: what waits is on the
// stack of one goroutine a connection, and a Packet on each frame of it would
// double that stack.
func (r *Reader) read(p *Packet) error {
	if r.err == nil {
		r.err = r.await()
	}
	if r.err == nil {
		r.err = r.parse(p)
	}
	if r.err == nil {
		return nil
	}
	err := r.err
	if isTimeout(err) {
		r.err = nil
	} else {
		r.big = nil
	}
	return err
}

// await reads until the next packet is there as a whole: in big, or else in buf.
func (r *Reader) await() error {
	for r.size == 0 {
		if whole, err := r.look(); whole || err != nil {
			return err
		}
		if r.size == 0 {
			if err := r.fill(); err != nil {
				return err
			}
		}
	}
	for len(r.big) < r.size {
		if err := r.fillBig(); err != nil {
			return err
		}
	}
	return nil
}

// look says whether buf holds a whole packet. One that buf cannot hold it moves
// to big.
func (r *Reader) look() (whole bool, err error) {
	first, size, head, err := parseHeader(r.buf[r.r:r.w])
	switch {
	case err != nil || head == 0:
		return false, err
	case size > r.limit:
		return false, ErrTooLarge
	case head+size <= len(r.buf):
		return r.w-r.r >= head+size, nil
	}
	r.first, r.size = first, size
	r.big = make([]byte, 0, min(size, firstChunk))
	r.big = append(r.big, r.buf[r.r+head:r.w]...)
	r.r, r.w = 0, 0
	return false, nil
}

// parse takes the packet that await has found.
func (r *Reader) parse(p *Packet) error {
	if r.size > 0 {
		body := r.big
		r.big, r.size = nil, 0
		return p.parse(r.first, body, &r.topic, true)
	}
	first, size, head, _ := parseHeader(r.buf[r.r:r.w])
	body := r.buf[r.r+head : r.r+head+size]
	r.r += head + size
	return p.parse(first, body, &r.topic, false)
}

// fill reads more into buf, which never is full of one packet when it is called.
func (r *Reader) fill() error {
	if r.r == r.w {
		r.r, r.w = 0, 0
	} else if r.r > 0 {
		r.w = copy(r.buf[:], r.buf[r.r:r.w])
		r.r = 0
	}
	for range maxEmptyReads {
		n, err := r.src.Read(r.buf[r.w:])
		r.w += n
		if n > 0 {
			return nil // an error that comes with bytes comes again
		}
		if err != nil {
			if r.w > 0 {
				err = within(err)
			}
			return err
		}
	}
	return io.ErrNoProgress
}

// fillBig reads more into big.
func (r *Reader) fillBig() error {
	if len(r.big) == cap(r.big) {
		grown := make([]byte, len(r.big), min(2*cap(r.big), r.size))
		copy(grown, r.big)
		r.big = grown
	}
	for range maxEmptyReads {
		n, err := r.src.Read(r.big[len(r.big):cap(r.big)])
		r.big = r.big[:len(r.big)+n]
		if n > 0 {
			return nil
		}
		if err != nil {
			return within(err)
		}
	}
	return io.ErrNoProgress
}

// maxEmptyReads is how often in a row a stream may return neither bytes nor an
// error.
const maxEmptyReads = 100

func within(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}
