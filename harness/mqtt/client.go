package mqtt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Client is one connection of a device, from an accepted CONNECT to its end; the
// next connection is another Client. ConnectPaho and ConnectLean make them, and
// behave alike.
//
// Publish, Subscribe and Unsubscribe hand a packet to the connection and wait
// for the socket, WriteTimeout at most; what the server answers comes to the
// Handler with the id given here. They return ErrQoS or a FormatError for what
// cannot be said, and when the connection has ended, Err's value. They are for
// one goroutine at a time and never for a Handler's.
type Client interface {
	// Publish sends a message. With QoS 1, Acked(id) follows its PUBACK, unless
	// id is 0; with QoS 0 id has no meaning. payload must not change for
	// WriteTimeout.
	Publish(topic string, qos byte, payload []byte, id uint64) error
	// Subscribe asks for filters, each with QoS 0 or 1. Subscribed(id, codes)
	// follows the SUBACK.
	Subscribe(filters []Filter, id uint64) error
	// Unsubscribe gives filters up. Unsubscribed(id) follows the UNSUBACK.
	Unsubscribe(filters []string, id uint64) error
	// Disconnect says DISCONNECT after what was published; the server discards the
	// will and closes. It returns when the connection has ended. A server that does
	// not close is given a second: closing first, by RST, could take back what it
	// has not read yet, and by FIN would leave a socket in TIME_WAIT.
	Disconnect()
	// Cut closes the connection without a word, as a device does that loses its
	// power. It never waits.
	Cut()
	// SessionPresent says whether the server had a session for the client.
	SessionPresent() bool
	// Done closes at the connection's end, whoever ended it. Nothing is read from
	// then on, but a Handler may still be running: see Wait.
	Done() <-chan struct{}
	// Err says why the connection ended: ErrDisconnected, ErrCut, ErrPing, or an
	// error that wraps what the connection returned, io.EOF if the server closed
	// it. nil before Done.
	Err() error
	// Wait returns when the connection has ended and every goroutine it had is
	// gone, no Handler running.
	Wait()
}

// Handler takes what comes in over a Client, on the client's goroutines. A method
// is not called again before it has returned, but with paho two methods may run
// beside each other. All may be called before the Connector has returned, when the
// server has messages waiting. None may call the Client.
type Handler interface {
	// Received is given a message. The message is the handler's to keep. It may
	// wait, with all that comes after it waiting too, but only until ended closes.
	// While it waits little is read, so that a server's closing may be noticed only
	// by the next write. A message with QoS 1 is acknowledged when Received returns.
	Received(m Message, ended <-chan struct{})
	// Acked: the PUBACK of Publish(..., id). It must not wait.
	Acked(id uint64)
	// Subscribed: the SUBACK of Subscribe(..., id), with a code for each filter in
	// order: the QoS granted, or SubackFailure. It must not wait.
	Subscribed(id uint64, codes []byte)
	// Unsubscribed: the UNSUBACK of Unsubscribe(..., id). It must not wait.
	Unsubscribed(id uint64)
}

// Message is a PUBLISH that came in.
type Message struct {
	Topic   string
	Payload []byte
	ID      uint16 // 0 with QoS 0
	QoS     byte
	Dup     bool
	Retain  bool
}

// Will is what the server publishes when a connection ends without DISCONNECT.
type Will struct {
	Topic   string
	Payload []byte
	QoS     byte
	Retain  bool
}

// Options say how to connect. Dial and Handler must be there; every other zero
// value has a meaning.
type Options struct {
	Dial         func(context.Context) (net.Conn, error) // opens the link; the Client owns and closes it
	Handler      Handler
	ClientID     string
	Username     string // empty: none
	Password     string // empty: none; it needs a user name
	CleanSession bool
	Will         *Will

	// KeepAlive is what CONNECT says, in seconds; 0: none, and no PINGREQ is sent.
	// On in-memory links leave it 0: the server's Wheel allows MaxSilence then, and
	// a client saves a timer, with paho a goroutine.
	KeepAlive uint16
	// PingTimeout is how long a PINGRESP may take, 10 s if 0.
	PingTimeout time.Duration
	// ConnectTimeout bounds the time from the open link to CONNACK, 30 s if 0.
	ConnectTimeout time.Duration
	// WriteTimeout bounds each write, 2 s if 0: a server that takes nothing for so
	// long is given up.
	WriteTimeout time.Duration
	// Limit is the largest remaining length read, in bytes, DefaultLimit if 0.
	// paho has no limit.
	Limit int

	// Ended, if set, is called once when the link has ended, also one over which
	// CONNECT was refused, so that to wait for Done needs no goroutine. It is
	// called by whoever notices; it must not wait, nor call the Client.
	Ended func()
}

// Errors of a Client.
var (
	ErrDisconnected = errors.New("mqtt: disconnected")
	ErrCut          = errors.New("mqtt: connection cut by this side")
	ErrPing         = errors.New("mqtt: no PINGRESP in time")
	ErrQoS          = errors.New("mqtt: QoS above 1 is not offered; use 0 or 1")
	ErrNoID         = errors.New("mqtt: 65,535 packets wait to be acknowledged")
)

// A Connector opens a connection and returns when CONNACK has accepted it.
// A refusal is a ConnackError, to be found with errors.As; other errors wrap
// what Dial or the connection returned, or ctx's cause.
type Connector func(ctx context.Context, o Options) (Client, error)

var (
	_ Connector = ConnectPaho
	_ Connector = ConnectLean
)

func (o *Options) validate() error {
	var errs []error
	if o.Dial == nil {
		errs = append(errs, errors.New("Dial: must be given"))
	}
	if o.Handler == nil {
		errs = append(errs, errors.New("Handler: must be given"))
	}
	p := o.connect()
	if err := p.check(); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("mqtt: options: %w", err)
	}
	if o.PingTimeout <= 0 {
		o.PingTimeout = 10 * time.Second
	}
	if o.ConnectTimeout <= 0 {
		o.ConnectTimeout = 30 * time.Second
	}
	if o.WriteTimeout <= 0 {
		o.WriteTimeout = 2 * time.Second
	}
	return nil
}

// connect returns the CONNECT packet of the options.
func (o *Options) connect() Packet {
	p := Packet{Kind: Connect, Level: Level311, ClientID: o.ClientID, CleanSession: o.CleanSession, KeepAlive: o.KeepAlive,
		HasUsername: o.Username != "", Username: o.Username, HasPassword: o.Password != "", Password: []byte(o.Password)}
	if w := o.Will; w != nil {
		p.HasWill, p.WillTopic, p.WillPayload, p.WillQoS, p.WillRetain = true, w.Topic, w.Payload, w.QoS, w.Retain
	}
	return p
}

// checkPublish is what both clients ask before they publish.
func checkPublish(topic string, qos byte, payload []byte) error {
	if qos > 1 {
		return ErrQoS
	}
	if len(payload)+len(topic)+4 > maxRemaining {
		return ErrTooLarge
	}
	return checkTopic(Publish, topic)
}

func checkSubscribe(filters []Filter) error {
	for _, f := range filters {
		if f.QoS > 1 {
			return ErrQoS
		}
	}
	p := Packet{Kind: Subscribe, ID: 1, Filters: filters}
	return p.check()
}

// line is a client's net.Conn. It knows whether the link lives: the first error
// of a Read or Write that is no read timeout ends it, and so does Close. Every
// Write has WriteTimeout, as a deadline of its own.
type line struct {
	net.Conn
	patience time.Duration // for one Write
	ended    chan struct{}
	told     func() // Options.Ended, or nil
	once     sync.Once
	err      error       // set before ended closes
	leaving  atomic.Bool // DISCONNECT is on its way: the end is ErrDisconnected
	parting  sync.Once
}

// farewell is how long a server may take to close after DISCONNECT.
const farewell = time.Second

func newLine(c net.Conn, o *Options) *line {
	return &line{Conn: c, patience: o.WriteTimeout, told: o.Ended, ended: make(chan struct{})}
}

// end closes the link; the first cause counts.
func (l *line) end(cause error) {
	l.once.Do(func() {
		l.err = cause
		close(l.ended)
		hangUp(l.Conn)
		if l.told != nil {
			l.told()
		}
	})
}

// part ends the link when the server closes it, or after farewell: DISCONNECT has
// been written. It does not wait; somebody must be reading.
func (l *line) part() {
	l.leaving.Store(true)
	l.parting.Do(func() { time.AfterFunc(farewell, func() { l.end(ErrDisconnected) }) })
}

func (l *line) alive() bool {
	select {
	case <-l.ended:
		return false
	default:
		return true
	}
}

// reason returns why the link ended, nil while it lives.
func (l *line) reason() error {
	if l.alive() {
		return nil
	}
	return l.err
}

func (l *line) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	if err != nil {
		err = l.lost(err)
	}
	return n, err
}

// lost ends the link over the error of a Read, unless that was a timeout, and
// returns why the link ended.
func (l *line) lost(err error) error {
	if isTimeout(err) {
		return err
	}
	if l.leaving.Load() {
		l.end(ErrDisconnected)
	}
	l.end(fmt.Errorf("mqtt: connection lost: %w", err))
	return l.err
}

func (l *line) Write(b []byte) (int, error) {
	if p, ok := l.Conn.(tryWriter); ok && p.TryWrite(b) {
		return len(b), nil
	}
	err := l.Conn.SetWriteDeadline(time.Now().Add(l.patience))
	n := 0
	if err == nil {
		n, err = l.Conn.Write(b)
	}
	if err != nil {
		l.end(fmt.Errorf("mqtt: connection lost: %w", err))
		err = l.err
	}
	return n, err
}

func (l *line) Close() error {
	l.end(ErrCut)
	return nil
}
