package mqtt

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// lean is the client for large fleets: one goroutine that reads, writes by
// whoever calls. The reader acknowledges what it reads, so it waits for its
// server; that is safe with servers whose reader never writes.
type lean struct {
	line    *line
	handler Handler
	reader  Reader
	packet  Packet // the one just read; not on the stack, which stays at 2 KB so
	present bool
	beat    time.Duration // how often silence is looked at; 0: never
	pong    time.Duration

	// write is held by whoever writes: a channel, so that waiting for it is
	// waiting for the link's end too, and durable in a synctest bubble.
	write chan struct{}
	said  atomic.Bool // something was sent since the last beat
	done  sync.WaitGroup

	mu      sync.Mutex
	lastID  uint16
	waiting map[uint16]answer // packets to be acknowledged
}

// answer is what to say when a packet is acknowledged.
type answer struct {
	kind Kind // of the acknowledgement
	n    int  // filters of a SUBSCRIBE
	id   uint64
}

// ConnectLean connects with this package's own client: one goroutine and about
// 4 KB a connection. It is a Connector.
func ConnectLean(ctx context.Context, o Options) (Client, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	conn, err := o.Dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: dial: %w", err)
	}
	l := &lean{line: newLine(conn, &o), handler: o.Handler, write: make(chan struct{}, 1), pong: o.PingTimeout}
	l.reader.init(l.line, o.Limit)
	if err := l.connect(ctx, &o); err != nil {
		l.line.end(ErrCut)
		return nil, err
	}
	if o.KeepAlive > 0 {
		// Silence is noticed at the end of the half in which it began, so the
		// longest gap between two packets is one keep-alive [MQTT-3.1.2-23].
		l.beat = time.Duration(o.KeepAlive) * time.Second / 2
	}
	l.done.Go(l.run)
	return l, nil
}

func (l *lean) connect(ctx context.Context, o *Options) error {
	stop := context.AfterFunc(ctx, func() { l.line.end(context.Cause(ctx)) })
	defer stop()
	if err := l.line.SetReadDeadline(time.Now().Add(o.ConnectTimeout)); err != nil {
		return l.fail(err)
	}
	p := o.connect()
	if err := l.send(&p); err != nil {
		return l.fail(err)
	}
	p, err := l.reader.Read()
	switch {
	case err != nil:
		return l.fail(err)
	case p.Kind != Connack:
		return l.fail(malformed(p.Kind, "first packet is not CONNACK", "MQTT-3.2.0-1"))
	case p.Code != Accepted:
		return ConnackError(p.Code)
	}
	l.present = p.SessionPresent
	if !stop() {
		return l.fail(ctx.Err())
	}
	if err := l.line.SetReadDeadline(time.Time{}); err != nil {
		return l.fail(err)
	}
	return nil
}

// fail returns the error of a connect that went wrong: why the link ended, if it
// has, else err.
func (l *lean) fail(err error) error {
	if cause := l.line.reason(); cause != nil {
		err = cause
	}
	return fmt.Errorf("connect: %w", err)
}

// run is the reader.
func (l *lean) run() {
	err := l.read()
	l.line.end(err)
	l.mu.Lock()
	l.waiting = nil
	l.mu.Unlock()
}

func (l *lean) read() error {
	p := &l.packet
	pinged, quiet := false, 0 // quiet: beats since something was heard
	if l.beat > 0 {
		l.await(l.beat)
	}
	for {
		err := l.reader.read(p)
		if err != nil && l.beat > 0 && isTimeout(err) {
			if pinged {
				return ErrPing
			}
			if quiet++; l.said.Swap(false) && quiet < 2 {
				l.await(l.beat)
				continue
			}
			if err := l.ping(); err != nil {
				return err
			}
			pinged = true
			l.await(l.pong)
			continue
		}
		if err != nil {
			return err
		}
		quiet = 0
		if pinged {
			pinged = false // whatever came, the server is there
			l.await(l.beat)
		}
		if err := l.take(p); err != nil {
			return err
		}
	}
}

func (l *lean) ping() error {
	err := l.send(&Packet{Kind: Pingreq})
	l.said.Store(false) // the next beat counts from here
	return err
}

// await sets when Read comes back for the next beat. The deadline stays while
// packets come: a beat is looked at on time, not after a silence.
func (l *lean) await(d time.Duration) {
	l.line.SetReadDeadline(time.Now().Add(d))
}

// take handles one packet from the server.
func (l *lean) take(p *Packet) error {
	switch p.Kind {
	case Publish:
		if p.QoS > 1 {
			return ErrQoS
		}
		l.handler.Received(Message{Topic: p.Topic, Payload: p.Payload, ID: p.ID, QoS: p.QoS, Dup: p.Dup, Retain: p.Retain}, l.line.ended)
		if p.QoS == 1 {
			id := p.ID
			*p = Packet{Kind: Puback, ID: id}
			return l.send(p)
		}
	case Puback, Suback, Unsuback:
		a, ok := l.answered(p)
		if !ok {
			return nil // unknown: late or of another session, as paho takes it
		}
		switch {
		case p.Kind == Puback && a.id != 0:
			l.handler.Acked(a.id)
		case p.Kind == Suback:
			if len(p.Codes) != a.n {
				return malformed(p.Kind, "not a return code for each filter", "MQTT-3.8.4-5")
			}
			l.handler.Subscribed(a.id, p.Codes)
		case p.Kind == Unsuback:
			l.handler.Unsubscribed(a.id)
		}
	case Pingresp:
	default:
		return malformed(p.Kind, "sent by a server", "section 2.2.1")
	}
	return nil
}

// answered takes the packet that p acknowledges off the list.
func (l *lean) answered(p *Packet) (answer, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok := l.waiting[p.ID]
	if !ok || a.kind != p.Kind {
		return answer{}, false
	}
	delete(l.waiting, p.ID)
	if len(l.waiting) == 0 {
		l.waiting = nil // a map keeps its largest size
	}
	return a, true
}

// expect chooses a packet identifier that is not in use [MQTT-2.3.1-2].
func (l *lean) expect(a answer) (uint16, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) >= 65535 {
		return 0, ErrNoID
	}
	if l.waiting == nil {
		l.waiting = make(map[uint16]answer, 1)
	}
	for {
		l.lastID++
		if _, used := l.waiting[l.lastID]; l.lastID != 0 && !used {
			l.waiting[l.lastID] = a
			return l.lastID, nil
		}
	}
}

// send writes one packet.
func (l *lean) send(p *Packet) error {
	b := takeBuffer()
	defer giveBuffer(b)
	out, err := p.AppendTo(*b)
	if err != nil {
		return err
	}
	*b = out
	select {
	case l.write <- struct{}{}:
	case <-l.line.ended:
		return l.line.err
	}
	_, err = l.line.Write(out)
	<-l.write
	if !l.said.Load() {
		l.said.Store(true)
	}
	return err
}

// ask sends a packet that will be acknowledged.
func (l *lean) ask(p *Packet, a answer) error {
	if err := l.line.reason(); err != nil {
		return err
	}
	id, err := l.expect(a)
	if err != nil {
		return err
	}
	p.ID = id
	return l.send(p)
}

func (l *lean) Publish(topic string, qos byte, payload []byte, id uint64) error {
	if err := checkPublish(topic, qos, payload); err != nil {
		return err
	}
	p := Packet{Kind: Publish, QoS: qos, Topic: topic, Payload: payload}
	if qos == 0 {
		return l.send(&p)
	}
	return l.ask(&p, answer{kind: Puback, id: id})
}

func (l *lean) Subscribe(filters []Filter, id uint64) error {
	if err := checkSubscribe(filters); err != nil {
		return err
	}
	return l.ask(&Packet{Kind: Subscribe, Filters: filters}, answer{kind: Suback, n: len(filters), id: id})
}

func (l *lean) Unsubscribe(filters []string, id uint64) error {
	p := Packet{Kind: Unsubscribe, ID: 1}
	for _, f := range filters {
		p.Filters = append(p.Filters, Filter{Topic: f})
	}
	if err := p.check(); err != nil {
		return err
	}
	return l.ask(&p, answer{kind: Unsuback, id: id})
}

func (l *lean) Disconnect() {
	l.line.leaving.Store(true)
	if l.send(&Packet{Kind: Disconnect}) == nil {
		l.line.part()
	}
	<-l.line.ended
}

func (l *lean) Cut()                  { l.line.end(ErrCut) }
func (l *lean) SessionPresent() bool  { return l.present }
func (l *lean) Done() <-chan struct{} { return l.line.ended }
func (l *lean) Err() error            { return l.line.reason() }
func (l *lean) Wait()                 { <-l.line.ended; l.done.Wait() }
