package iothub

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/flotilla-sim/flotilla/harness/mailbox"
	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
)

// Dialer opens connections in the device's role.
type Dialer struct {
	Link    func(context.Context) (net.Conn, error) // opens the link to the hub
	Connect mqtt.Connector                          // mqtt.ConnectPaho or mqtt.ConnectLean
	Agent   string                                  // what devices say they are, `flotilla/1.2`

	// NoKeepAlive leaves out what the device wants for a keep-alive: over an
	// in-memory link the hub hears of its end at once, and a client saves its
	// timer.
	NoKeepAlive bool

	ConnectTimeout time.Duration // from CONNECT to CONNACK; 0: 30 s
}

// inboxSize bounds what waits to be received on one connection. Beside it wait at
// most as many acknowledgements as the device waits for.
const inboxSize = 16

// Dial opens a link for device id. CONNECT is sent when the device says so.
func (d *Dialer) Dial(ctx context.Context, id sim.DeviceID) (*DeviceConn, error) {
	link, err := d.Link(ctx)
	if err != nil {
		return nil, fmt.Errorf("device %s: %w", id, err)
	}
	return &DeviceConn{dialer: d, device: id, link: link, connected: make(chan struct{}), closed: make(chan struct{})}, nil
}

// DialOver is Dial for a device whose client misbehaves in its socket, or whose
// link goes wrong: over gets the open link and returns what the client shall use
// instead. With beats it has the keep-alive it wants, NoKeepAlive or not.
func (d *Dialer) DialOver(ctx context.Context, id sim.DeviceID, over func(net.Conn) net.Conn, beats bool) (*DeviceConn, error) {
	wrapped := *d
	wrapped.NoKeepAlive = d.NoKeepAlive && !beats
	wrapped.Link = func(ctx context.Context) (net.Conn, error) {
		link, err := d.Link(ctx)
		if err != nil {
			return nil, err
		}
		return over(link), nil
	}
	return wrapped.Dial(ctx, id)
}

// DeviceConn is one connection of a device: messages out, messages in. Send
// is for one goroutine, Receive for another, Close and Wait for any.
//
// What comes in is either received or, without a goroutine and a queue for it,
// pushed.
type DeviceConn struct {
	dialer *Dialer
	device sim.DeviceID

	boxed sync.Once
	in    *mailbox.Box[sim.Message] // what is to be received; see inbox

	take  func(sim.Message, <-chan struct{}) // Push's, nil without
	lost  func()                             // likewise
	ended sync.Once                          // of lost

	connected chan struct{} // closed when client is there
	client    mqtt.Client
	closed    chan struct{} // closed by Close

	connecting sync.WaitGroup
	mu         sync.Mutex
	link       net.Conn // until CONNECT takes it
	cut        func()   // ends what is under way: CONNECT, then the client; nil before
	shut       bool     // Close was called

	batch []sim.Message // Receive's: taken, and from next on not yet returned
	next  int
	bag   string // Send's: the latest property bag and its topic
	topic string
}

// errClosed is why a connection of ours ended that we closed.
var errClosed = errors.New("connection closed by the device")

// Push has whatever comes in given to take, in order, in place of Receive, by
// the connection's own goroutines. take may wait until ended closes, and must
// not wait when ended is nil. lost is called once, when the connection has
// ended; it must not wait, nor call the connection. Push comes before Connect
// is sent.
func (c *DeviceConn) Push(take func(m sim.Message, ended <-chan struct{}), lost func()) {
	c.take, c.lost = take, lost
}

// deliver hands on what came in, waiting at most until ended closes; ended nil:
// it does not wait.
func (c *DeviceConn) deliver(m sim.Message, ended <-chan struct{}) {
	switch {
	case c.take != nil:
		c.take(m, ended)
	case ended == nil:
		c.inbox().Force(m)
	default:
		c.inbox().Put(m, ended)
	}
}

// over tells who is pushed to that the connection has ended.
func (c *DeviceConn) over() {
	if c.lost != nil {
		c.ended.Do(c.lost)
	}
}

// inbox is where what comes in waits to be received.
func (c *DeviceConn) inbox() *mailbox.Box[sim.Message] {
	c.boxed.Do(func() { c.in = mailbox.New[sim.Message](inboxSize) })
	return c.in
}

// Send says m. Connect waits for CONNACK, everything else for the socket, no
// longer than the MQTT client's write timeout; Close with ReasonReboot cuts,
// with any other reason says DISCONNECT first.
func (c *DeviceConn) Send(m sim.Message) error {
	if m.Kind == sim.Connect {
		return c.connect(m)
	}
	if m.Kind == sim.Close && sim.Reason(m.Status) == sim.ReasonReboot {
		return c.Close()
	}
	select {
	case <-c.connected:
	default:
		if m.Kind == sim.Close {
			return c.Close()
		}
		return fmt.Errorf("device %s: %s before connect", c.device, m.Kind)
	}
	switch m.Kind {
	case sim.Close:
		c.client.Disconnect()
		return c.Close()
	case sim.Subscribe:
		names := featureFilters(c.device, sim.Feature(m.ID))
		filters := make([]mqtt.Filter, len(names))
		for i, name := range names {
			filters[i].Topic = name // with QoS 0, at which the hub answers
			if m.ID&uint64(sim.FeatureC2DAck) != 0 && strings.HasSuffix(name, devicebound+"#") {
				filters[i].QoS = 1
			}
		}
		return c.client.Subscribe(filters, ticket(m))
	case sim.Unsubscribe:
		return c.client.Unsubscribe(featureFilters(c.device, sim.Feature(m.ID)), ticket(m))
	case sim.CloudAck: // the MQTT client has sent PUBACK
		return nil
	case sim.Telemetry:
		if c.topic == "" || c.bag != m.Name {
			topic, err := appendDeviceTopic(nil, m)
			if err != nil {
				return err
			}
			c.bag, c.topic = m.Name, string(topic)
		}
		return c.client.Publish(c.topic, byte(min(m.ID, 1)), m.Body, m.ID)
	}
	var buf [128]byte
	topic, err := appendDeviceTopic(buf[:0], m)
	if err != nil {
		return err
	}
	return c.client.Publish(string(topic), 0, m.Body, 0)
}

// ticket packs what comes back with SUBACK: features and packet id.
func ticket(m sim.Message) uint64 { return m.ID<<32 | uint64(uint32(m.Status)) }

// connect says CONNECT and waits for CONNACK. A refusal is received as Accept,
// like an acceptance.
func (c *DeviceConn) connect(m sim.Message) error {
	options := mqtt.Options{
		Dial:           func(context.Context) (net.Conn, error) { return c.handOver() },
		Handler:        (*handler)(c),
		ClientID:       string(c.device),
		Username:       username(m.Name, c.device, c.dialer.Agent),
		Password:       string(m.Body),
		CleanSession:   m.ID == 1,
		ConnectTimeout: c.dialer.ConnectTimeout,
		Ended:          c.clientEnded,
	}
	if !c.dialer.NoKeepAlive {
		options.KeepAlive = uint16(min(max(m.Status, 0), 1<<16-1))
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if !c.until(cancel, 1) {
		return errClosed
	}
	defer c.connecting.Done()
	client, err := c.dialer.Connect(ctx, options)
	accept := sim.Message{Kind: sim.Accept, Device: c.device}
	if refusal, ok := errors.AsType[mqtt.ConnackError](err); ok {
		accept.Status = int32(refusal)
		c.deliver(accept, nil)
		return nil // the device closes
	}
	if err != nil {
		return fmt.Errorf("device %s: %w", c.device, err)
	}
	if client.SessionPresent() {
		accept.ID = 1
	}
	c.deliver(accept, nil)
	c.client = client
	close(c.connected) // messages may follow
	if client.Err() != nil {
		c.over() // clientEnded may have come too early
	}
	if !c.until(client.Cut, 0) {
		client.Cut()
	}
	return nil
}

// clientEnded is told that the client's connection has ended. The end of one
// that was not accepted is Send's error, or an Accept with its refusal.
func (c *DeviceConn) clientEnded() {
	select {
	case <-c.connected:
		c.over()
	default:
	}
}

// until has Close call cut from now on, and Wait wait for n more; false if
// Close was called before.
func (c *DeviceConn) until(cut func(), n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shut {
		return false
	}
	c.cut = cut
	c.connecting.Add(n)
	return true
}

// handOver hands the link over, once.
func (c *DeviceConn) handOver() (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	link := c.link
	c.link = nil
	if link == nil {
		return nil, errClosed
	}
	return link, nil
}

// Receive waits for what the hub says next; its error says why the connection
// ended. What came before the end is received before the error.
func (c *DeviceConn) Receive() (sim.Message, error) {
	in, connected := c.inbox(), c.connected
	var done <-chan struct{}
	var ended error
	for {
		if c.next < len(c.batch) {
			m := c.batch[c.next]
			c.batch[c.next] = sim.Message{}
			c.next++
			return m, nil
		}
		c.batch, c.next = in.Take(c.batch), 0
		if len(c.batch) > 0 {
			continue
		}
		if ended != nil {
			in.Close()
			return sim.Message{}, ended
		}
		select {
		case <-in.Ready():
		case <-connected:
			done, connected = c.client.Done(), nil
		case <-done:
			ended = c.client.Err()
		case <-c.closed:
			ended = errClosed
		}
	}
}

// Close cuts the link without a word. It does not wait.
func (c *DeviceConn) Close() error {
	c.mu.Lock()
	link, cut, first := c.link, c.cut, !c.shut
	c.link, c.shut = nil, true
	c.mu.Unlock()
	if first {
		close(c.closed)
		c.over()
	}
	if cut != nil {
		cut()
	}
	if link != nil {
		return link.Close()
	}
	return nil
}

// Wait returns when the connection has been closed and its goroutines have
// ended.
func (c *DeviceConn) Wait() {
	<-c.closed
	c.connecting.Wait()
	select {
	case <-c.connected:
		c.client.Wait()
	default:
	}
}

// handler is a DeviceConn as its MQTT client sees it.
type handler DeviceConn

// Received waits while the inbox is full, and until CONNACK has been received:
// a hub may send at once what waited for the device.
func (h *handler) Received(m mqtt.Message, ended <-chan struct{}) {
	select {
	case <-h.connected:
	case <-ended:
		return
	}
	said, err := readHubTopic(h.device, m.Topic)
	if err != nil {
		return // a topic of another feature than ours; the hub may know more than we do
	}
	said.Body = m.Payload
	(*DeviceConn)(h).deliver(said, ended)
}

// Acked tells the device that its telemetry was accepted.
func (h *handler) Acked(id uint64) {
	(*DeviceConn)(h).deliver(sim.Message{Kind: sim.TelemetryAck, Device: h.device, ID: id}, nil)
}

// Subscribed tells the device what was granted.
func (h *handler) Subscribed(id uint64, codes []byte) {
	(*DeviceConn)(h).deliver(sim.Message{Kind: sim.Subscribed, Device: h.device, Status: int32(uint32(id)), ID: id >> 32, Body: codes}, nil)
}

// Unsubscribed tells the device that it is told no more.
func (h *handler) Unsubscribed(id uint64) {
	(*DeviceConn)(h).deliver(sim.Message{Kind: sim.Unsubscribed, Device: h.device, Status: int32(uint32(id))}, nil)
}
