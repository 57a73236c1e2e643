package mqtt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	pahomqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// paho is a Client over paho.mqtt.golang. One paho client serves one connection:
// nothing of its reconnecting, resuming and storing is used, because a device's
// machine decides those. It runs about ten goroutines.
//
// Whether the link lives is known from the connection that paho is handed, not
// from OnConnectionLost, which waits for handlers; that one tells only when
// paho's goroutines are through.
type paho struct {
	line    *pahoLine
	handler Handler
	client  pahomqtt.Client
	present bool
	gone    chan struct{} // closes when paho has wound up
	once    sync.Once     // of gone
	bye     sync.Once     // of Disconnect
	rest    sync.WaitGroup

	// publish is held for a Publish: paho calls Put in its middle, and the id
	// belongs to that. A channel, because it is held while waiting.
	publish chan struct{}
	id      uint64 // of the Publish under way, 0 for none

	mu      sync.Mutex
	waiting map[uint16]uint64 // packet identifier -> id, of publishes to be acknowledged
}

// pahoServers is not dialled; paho wants one.
var pahoServers = []*url.URL{{Scheme: "tcp", Host: "link"}}

// byeTimeout bounds paho's Disconnect, which all the waits within end long before.
const byeTimeout = time.Minute

// ConnectPaho connects with paho.mqtt.golang. It is a Connector.
func ConnectPaho(ctx context.Context, o Options) (Client, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	conn, err := o.Dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: dial: %w", err)
	}
	p := &paho{
		line: newPahoLine(newLine(conn, &o)), handler: o.Handler,
		gone: make(chan struct{}), publish: make(chan struct{}, 1),
	}
	po := pahomqtt.ClientOptions{
		Servers: pahoServers, ProtocolVersion: uint(Level311),
		ClientID: o.ClientID, Username: o.Username, Password: o.Password, CleanSession: o.CleanSession,
		KeepAlive: int64(o.KeepAlive), PingTimeout: o.PingTimeout,
		ConnectTimeout: o.ConnectTimeout, WriteTimeout: o.WriteTimeout,
		Order: true, Store: pahoStore{p},
		DefaultPublishHandler:  p.received,
		OnConnectionLost:       func(pahomqtt.Client, error) { p.windUp() },
		CustomOpenConnectionFn: func(*url.URL, pahomqtt.ClientOptions) (net.Conn, error) { return p.line, nil },
	}
	if w := o.Will; w != nil {
		po.WillEnabled, po.WillTopic, po.WillPayload, po.WillQos, po.WillRetained = true, w.Topic, w.Payload, w.QoS, w.Retain
	}
	p.client = pahomqtt.NewClient(&po)

	return p.connect(ctx)
}

func (p *paho) connect(ctx context.Context) (Client, error) {
	stop := context.AfterFunc(ctx, func() { p.line.end(context.Cause(ctx)) })
	t := p.client.Connect().(*pahomqtt.ConnectToken)
	<-t.Done() // the timeout and ctx end it by way of the line
	err := t.Error()
	if !stop() && err == nil {
		p.Wait()
		return nil, fmt.Errorf("connect: %w", context.Cause(ctx))
	}
	if err == nil {
		p.present = t.SessionPresent()
		return p, nil
	}
	cause := p.line.reason()
	p.line.end(ErrCut)
	if rc := t.ReturnCode(); rc != Accepted && rc < packets.ErrNetworkError {
		return nil, ConnackError(rc)
	}
	if rc := p.line.refusal(); rc != Accepted {
		return nil, ConnackError(rc)
	}
	if cause != nil && cause != errUnread {
		err = cause
	}
	return nil, fmt.Errorf("connect: %w", err)
}

func (p *paho) windUp() { p.once.Do(func() { close(p.gone) }) }

func (p *paho) received(_ pahomqtt.Client, m pahomqtt.Message) {
	p.handler.Received(Message{Topic: m.Topic(), Payload: m.Payload(), ID: m.MessageID(), QoS: m.Qos(),
		Dup: m.Duplicate(), Retain: m.Retained()}, p.line.ended)
}

func (p *paho) Publish(topic string, qos byte, payload []byte, id uint64) error {
	if err := checkPublish(topic, qos, payload); err != nil {
		return err
	}
	select {
	case p.publish <- struct{}{}:
	case <-p.line.ended:
		return p.line.err
	}
	defer func() { <-p.publish }()
	if err := p.line.reason(); err != nil { // paho would wait for WriteTimeout
		return err
	}
	p.id = id
	t := p.client.Publish(topic, qos, false, payload)
	p.id = 0
	if qos == 0 { // written when Publish returns: the link may be cut right after
		select {
		case <-t.Done():
		case <-p.line.ended:
		}
	}
	err := p.tokenError(t)
	if err != nil && qos > 0 {
		p.acked(t.(*pahomqtt.PublishToken).MessageID()) // nobody will
	}
	return err
}

// tokenError returns the error of a token that has one by now.
func (p *paho) tokenError(t pahomqtt.Token) error {
	select {
	case <-t.Done():
		if t.Error() == nil {
			return nil
		}
	default:
		return nil
	}
	if err := p.line.reason(); err != nil {
		return err
	}
	return fmt.Errorf("mqtt: %w", t.Error())
}

func (p *paho) Subscribe(filters []Filter, id uint64) error {
	if err := checkSubscribe(filters); err != nil {
		return err
	}
	if err := p.line.reason(); err != nil {
		return err
	}
	want := make(map[string]byte, len(filters))
	for _, f := range filters {
		want[f.Topic] = f.QoS
	}
	t := p.client.SubscribeMultiple(want, nil).(*pahomqtt.SubscribeToken)
	if err := p.tokenError(t); err != nil {
		return err
	}
	// Subscriptions are few: a goroutine for each SUBACK. paho completes the token
	// at the connection's end too.
	p.start(func() {
		select {
		case <-t.Done():
		case <-p.gone:
			return
		}
		if t.Error() != nil {
			return
		}
		got := t.Result()
		codes := make([]byte, len(filters))
		for i, f := range filters {
			codes[i] = got[f.Topic]
		}
		p.handler.Subscribed(id, codes)
	})
	return nil
}

func (p *paho) Unsubscribe(filters []string, id uint64) error {
	for _, f := range filters {
		if err := checkFilter(Unsubscribe, f); err != nil {
			return err
		}
	}
	if len(filters) == 0 {
		return malformed(Unsubscribe, "no topic filter", "MQTT-3.10.3-2")
	}
	if err := p.line.reason(); err != nil {
		return err
	}
	t := p.client.Unsubscribe(filters...)
	if err := p.tokenError(t); err != nil {
		return err
	}
	p.start(func() {
		select {
		case <-t.Done():
			if t.Error() == nil {
				p.handler.Unsubscribed(id)
			}
		case <-p.gone:
		}
	})
	return nil
}

func (p *paho) Disconnect() {
	p.bye.Do(func() {
		p.line.leaving.Store(true)
		p.start(func() {
			p.client.Disconnect(uint(byeTimeout.Milliseconds()))
			p.line.end(ErrDisconnected)
			p.windUp()
		})
	})
	<-p.line.ended
}

func (p *paho) Cut()                  { p.line.end(ErrCut) }
func (p *paho) SessionPresent() bool  { return p.present }
func (p *paho) Done() <-chan struct{} { return p.line.ended }
func (p *paho) Err() error            { return p.line.reason() }

func (p *paho) Wait() {
	<-p.line.ended
	<-p.gone
	p.mu.Lock() // whoever is in start has counted itself
	p.mu.Unlock()
	p.rest.Wait()
}

// start runs f in a goroutine that Wait waits for, unless the link has ended: a
// WaitGroup must not be added to while somebody waits.
func (p *paho) start(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.line.alive() {
		p.rest.Go(f)
	}
}

// acked takes a publish off the list of those that wait.
func (p *paho) acked(packetID uint16) (id uint64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id, ok = p.waiting[packetID]
	delete(p.waiting, packetID)
	if len(p.waiting) == 0 {
		p.waiting = nil
	}
	return id, ok
}

// pahoStore stores nothing. It is where paho says, without a goroutine a
// message, which packet identifier a publish got (Put "o.7", within Publish) and
// that its PUBACK came (Del "o.7", on the reading goroutine).
type pahoStore struct{ p *paho }

func (s pahoStore) Open()                            {}
func (s pahoStore) Close()                           {}
func (s pahoStore) Reset()                           {}
func (s pahoStore) All() []string                    { return nil }
func (s pahoStore) Get(string) packets.ControlPacket { return nil }

func (s pahoStore) Put(key string, m packets.ControlPacket) {
	if _, out := m.(*packets.PublishPacket); !out || key[0] != 'o' || s.p.id == 0 {
		return
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.p.waiting == nil {
		s.p.waiting = make(map[uint16]uint64, 1)
	}
	s.p.waiting[m.Details().MessageID] = s.p.id
}

func (s pahoStore) Del(key string) {
	if key[0] != 'o' {
		return
	}
	n, err := strconv.ParseUint(key[2:], 10, 16)
	if err != nil {
		return
	}
	if id, ok := s.p.acked(uint16(n)); ok {
		s.p.handler.Acked(id)
	}
}

// pahoLine is the connection that paho gets.
//
// paho sets write deadlines for PUBLISH only; the line has one for every write
// and ignores paho's. paho reads headers byte by byte; the line reads ahead.
// paho takes a CONNACK with a code above 5 for an acceptance and then finds the
// connection closed; the line sees it pass and refuses.
type pahoLine struct {
	*line
	ahead  *bufio.Reader
	head   [4]byte // the first bytes read: a CONNACK
	n      int
	pinged atomic.Bool // PINGREQ was written, PINGRESP not read
}

func newPahoLine(l *line) *pahoLine {
	return &pahoLine{line: l, ahead: bufio.NewReaderSize(l, 256)}
}

func (l *pahoLine) Read(b []byte) (int, error) {
	n, err := l.ahead.Read(b)
	if l.n < len(l.head) {
		l.n += copy(l.head[l.n:], b[:n])
		if rc := l.refusal(); rc > RefusedNotAllowed {
			l.end(ConnackError(rc))
			return 0, ConnackError(rc)
		}
	}
	if n == 1 && b[0] == byte(Pingresp)<<4 {
		l.pinged.Store(false)
	}
	return n, err
}

func (l *pahoLine) Write(b []byte) (int, error) {
	if b[0] == byte(Pingreq)<<4 {
		l.pinged.Store(true)
	}
	return l.line.Write(b)
}

// refusal returns the CONNACK's code, Accepted while it has not come.
func (l *pahoLine) refusal() byte {
	if l.n < len(l.head) || l.head[0] != byte(Connack)<<4 {
		return Accepted
	}
	return l.head[3]
}

// errUnread: paho gave the connection up though it lived.
var errUnread = errors.New("mqtt: connection lost: paho could not read what the server sent")

// Close is paho's way out: after DISCONNECT, or when it gives up.
func (l *pahoLine) Close() error {
	switch {
	case l.leaving.Load():
		l.part()
	case l.pinged.Load():
		l.end(ErrPing)
	default:
		l.end(errUnread)
	}
	return nil
}

func (l *pahoLine) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline is called around the handshake: the time for CONNACK.
func (l *pahoLine) SetDeadline(t time.Time) error { return l.SetReadDeadline(t) }
