package mqtt

import (
	"errors"
	"net"
	"sync"
	"time"
)

// Bounds of a Session.
const (
	// QueueMessages and QueueBytes bound what waits to be written, what is in the
	// middle of being written included. One packet of any size always fits an
	// empty queue.
	//
	// Acknowledgements (CONNACK, PUBACK, SUBACK, UNSUBACK, PINGRESP) are bounded by
	// bytes alone. A device may have more than 256 messages under way in its socket;
	// when the server catches up after a pause it acknowledges them in one go, to a
	// peer that reads perfectly well.
	QueueMessages = 256
	QueueBytes    = 512 << 10
	// SessionWriteTimeout is how long one write may take before the connection is
	// given up: a peer that reads nothing for so long is gone.
	SessionWriteTimeout = 10 * time.Second
)

// Errors of a Session, beside those of its connection and its Reader.
var (
	// ErrSlowConsumer: the peer did not read, the queue was full, and the
	// connection has been closed for it.
	ErrSlowConsumer = errors.New("mqtt: slow consumer: send queue full")
	// ErrKeepAlive: nothing was heard for one and a half keep-alive times
	// [MQTT-3.1.2-24].
	ErrKeepAlive = errors.New("mqtt: keep-alive passed without a packet")
	// ErrClosed: the session or the client was closed by this side.
	ErrClosed = errors.New("mqtt: connection closed by this side")
)

// Session is the server's end of one connection: a building block between a
// net.Conn and a server's owner. One goroutine calls Read until it fails; any
// goroutine may call the other methods.
//
// Sending has a goroutine of its own only while there is something to send that
// cannot be handed over at once, so an idle Session costs its reader and nothing
// else.
type Session struct {
	conn   net.Conn
	prompt tryWriter // conn, if it is one
	reader Reader
	opened bool // CONNECT was read; reader's goroutine only

	mu       sync.Mutex
	queue    *[]byte     // packets to be written, encoded; from buffers, nil if none
	queued   int         // packets in queue
	flying   int         // packets being written
	flyBytes int         // and their size
	sending  bool        // the sender runs
	closing  bool        // no Send any more; the sender closes when it is through
	muted    bool        // the peer takes nothing more; it may still be read from
	dead     bool        // conn is closed
	cause    error       // why
	reaper   *time.Timer // ends a half-closed connection

	sender sync.WaitGroup
	pulse  pulse // the Wheel's
}

// tryWriter is a link that can tell at once whether it takes something: an
// in-memory one. A socket would be told by a system call, for which those who
// must never wait have no time.
type tryWriter interface{ TryWrite([]byte) bool }

// NewSession returns a Session over an accepted connection, which it owns from
// then on. limit is the largest remaining length it reads, 0 for DefaultLimit.
// Should conn's Close wait for the peer, as that of a *tls.Conn does, it has
// NetConn, as *tls.Conn has: that is closed then.
func NewSession(conn net.Conn, limit int) *Session {
	s := &Session{conn: conn}
	s.prompt, _ = conn.(tryWriter)
	s.reader.init(conn, limit)
	return s
}

// Conn returns the connection, to look at: its addresses, its TLS state.
func (s *Session) Conn() net.Conn { return s.conn }

// Read returns the next packet. It is for one goroutine, and never writes.
//
// Beside the format it holds the client to the order of packets: CONNECT first
// [MQTT-3.1.0-1] and once [MQTT-3.1.0-2], and only what clients may send. Any
// error means that the connection is to be closed, by the caller; on ErrLevel it
// answers CONNACK with RefusedLevel before. When the connection was closed by
// this side, the error is why: ErrClosed, ErrSlowConsumer, ErrKeepAlive, or what
// Fail was given. io.EOF means that the peer closed it.
func (s *Session) Read() (p Packet, err error) {
	err = s.ReadInto(&p)
	return p, err
}

// ReadInto is Read into p, for a caller with many connections that keeps p off
// its goroutines' stacks.
func (s *Session) ReadInto(p *Packet) error {
	if err := s.reader.read(p); err != nil {
		if cause := s.Err(); cause != nil && !errors.Is(err, ErrMalformed) {
			err = cause
		}
		return err
	}
	s.pulse.touch()
	switch p.Kind {
	case Connect:
		if s.opened {
			return malformed(p.Kind, "second CONNECT on a connection", "MQTT-3.1.0-2")
		}
		s.opened = true
	case Connack, Suback, Unsuback, Pingresp:
		return malformed(p.Kind, "sent by a client", "section 2.2.1")
	default:
		if !s.opened {
			return malformed(p.Kind, "first packet is not CONNECT", "MQTT-3.1.0-1")
		}
	}
	return nil
}

// Send queues a packet. It never waits. Its errors: ErrSlowConsumer once, if the
// queue was full, and then the connection is closed; after that, and after
// Close, why the session ended; a FormatError for a packet that cannot be sent.
func (s *Session) Send(p *Packet) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.admit(p.Kind, p.remaining()+5); err != nil {
		return err
	}
	b := s.buffer()
	out, err := p.AppendTo(*b)
	*b = out
	if err != nil {
		return err
	}
	s.push(p.Kind)
	return nil
}

// SendBytes queues one packet that is encoded already, as when many sessions get
// the same. The bytes are copied. It is Send in all other things.
func (s *Session) SendBytes(packet []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(packet) == 0 {
		return nil
	}
	kind := Kind(packet[0] >> 4)
	if err := s.admit(kind, len(packet)); err != nil {
		return err
	}
	b := s.buffer()
	*b = append(*b, packet...)
	s.push(kind)
	return nil
}

// admit says whether a packet of n bytes may be queued.
func (s *Session) admit(k Kind, n int) error {
	if s.dead || s.closing {
		if s.cause != nil {
			return s.cause
		}
		return ErrClosed
	}
	bytes := s.flyBytes
	if s.queue != nil {
		bytes += len(*s.queue)
	}
	if bytes > 0 && (bytes+n > QueueBytes || k == Publish && s.queued+s.flying >= QueueMessages) {
		s.end(ErrSlowConsumer)
		return ErrSlowConsumer
	}
	return nil
}

func (s *Session) buffer() *[]byte {
	if s.queue == nil {
		s.queue = takeBuffer()
	}
	return s.queue
}

// push has what was appended to the queue sent.
func (s *Session) push(k Kind) {
	if !s.sending && s.prompt != nil && s.prompt.TryWrite(*s.queue) {
		giveBuffer(s.queue)
		s.queue = nil
		return
	}
	if k == Publish {
		s.queued++
	}
	if !s.sending {
		s.sending = true
		s.sender.Go(s.send)
	}
}

// send is the sender: it writes all that waits in one Write, until nothing does.
func (s *Session) send() {
	for {
		s.mu.Lock()
		b := s.queue
		if b == nil || s.dead {
			s.sending = false
			closing := s.closing && !s.dead && !s.muted
			s.mu.Unlock()
			if closing {
				s.halfClose()
			}
			return
		}
		s.queue = nil
		s.flying, s.queued, s.flyBytes = s.queued, 0, len(*b)
		s.mu.Unlock()

		err := s.conn.SetWriteDeadline(time.Now().Add(SessionWriteTimeout))
		if err == nil {
			_, err = s.conn.Write(*b)
		}
		giveBuffer(b)

		s.mu.Lock()
		s.flying, s.flyBytes = 0, 0
		if err != nil {
			if isTimeout(err) {
				s.end(ErrSlowConsumer)
			} else {
				s.mute(err)
			}
		}
		s.mu.Unlock()
	}
}

// lastWords is how long a peer that takes nothing more may be read from.
const lastWords = 2 * time.Second

// mute ends sending: the peer has closed. What it said before that may still
// be on its way through Read, a device's last answer say, so that the
// connection stays open until Read has come to its end; lastWords bounds that.
// mu is held.
func (s *Session) mute(cause error) {
	if s.dead || s.muted {
		return
	}
	s.muted, s.closing, s.cause = true, true, cause
	s.drop()
	if s.reaper == nil {
		s.reaper = time.AfterFunc(lastWords, func() { s.Close() })
	}
}

// drop forgets what is queued; mu is held.
func (s *Session) drop() {
	if s.queue != nil {
		giveBuffer(s.queue)
		s.queue, s.queued = nil, 0
	}
}

// CloseAfterFlush sends what is queued and ends the connection then, after
// timeout at the latest; Send refuses from now on. Where the connection can, it
// is closed for writing first and wholly when the peer has closed too or Read's
// caller calls Close: a TCP socket closed with bytes unread would take back what
// was just sent, such as a CONNACK that refuses. So keep reading until Read fails.
func (s *Session) CloseAfterFlush(timeout time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead || s.closing {
		return
	}
	s.closing = true
	s.reaper = time.AfterFunc(timeout, func() { s.Close() })
	if !s.sending {
		s.sending = true
		s.sender.Go(s.send)
	}
}

func (s *Session) halfClose() {
	if c, ok := s.conn.(interface{ CloseWrite() error }); !ok || c.CloseWrite() != nil {
		s.Close()
	}
}

// Close closes the connection at once; what is queued is lost. It may be called
// any number of times. Wait for Wait, if the sender must be gone.
func (s *Session) Close() error { return s.Fail(ErrClosed) }

// Fail is Close with a cause, which Read, Send and Err return from then on. The
// first cause counts.
func (s *Session) Fail(cause error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end(cause)
}

// end closes the connection; mu is held.
func (s *Session) end(cause error) error {
	if s.dead {
		return nil
	}
	s.dead = true
	if s.cause == nil {
		s.cause = cause
	}
	s.drop()
	if s.reaper != nil {
		s.reaper.Stop()
	}
	s.leave()
	return hangUp(s.conn)
}

// hangUp closes a connection without waiting: of a TLS connection the socket,
// without the alert, which might have to wait for the peer.
func hangUp(c net.Conn) error {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		return t.NetConn().Close()
	}
	return c.Close()
}

// Err returns why this side closed the connection, nil while it has not.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// Queued returns how many messages wait to be written, acknowledgements aside.
func (s *Session) Queued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queued + s.flying
}

// Wait returns when the sender's goroutine is gone. Call it after Close, or after
// CloseAfterFlush.
func (s *Session) Wait() { s.sender.Wait() }

// Buffers for packets on their way out, shared by all connections of the
// process.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }}

// keptBuffer is the largest buffer that goes back to the pool, in bytes.
const keptBuffer = 64 << 10

func takeBuffer() *[]byte { return buffers.Get().(*[]byte) }

func giveBuffer(b *[]byte) {
	if cap(*b) <= keptBuffer {
		*b = (*b)[:0]
		buffers.Put(b)
	}
}
