package hubd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/sas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const host = "hub.test"

var key = []byte("0123456789abcdef0123456789abcdef")

// house is a server with everything to reach it.
type house struct {
	*Server
	t     testing.TB
	epoch sim.Epoch
	mem   *mqtt.MemListener
	link  func(context.Context) (net.Conn, error)
}

func open(t testing.TB) *house {
	t.Helper()
	return openWith(t, func(*Config) {})
}

// openWith lets change see the configuration.
func openWith(t testing.TB, change func(*Config)) *house {
	t.Helper()
	start := time.Now()
	h := &house{t: t, epoch: sim.Epoch(start.UnixNano()), mem: mqtt.NewMemListener("hub", 0)}
	h.link = h.mem.Dial
	cfg := Config{
		Hub: hub.New(hub.Config{Hosts: []string{host}, Epoch: h.epoch, Seed: 1}),
		Now: func() sim.Time { return sim.Time(time.Since(start)) }, Hosts: []string{host},
	}
	change(&cfg)
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h.Server = s
	if err := s.Listen(h.mem); err != nil {
		t.Fatal(err)
	}
	return h
}

// over has devices reach the hub in another way than in memory.
func (h *house) over(transport string) {
	h.t.Helper()
	switch transport {
	case "tcp":
		addr, err := h.ListenTCP(context.Background(), "127.0.0.1:0")
		if err != nil {
			h.t.Fatal(err)
		}
		h.link = mqtt.TCP{Addr: addr.String(), Reset: true}.Dial
	case "tls":
		a, err := NewAuthority(host)
		if err != nil {
			h.t.Fatal(err)
		}
		addr, err := h.ListenTLS(context.Background(), "127.0.0.1:0", a.Server())
		if err != nil {
			h.t.Fatal(err)
		}
		h.link = mqtt.TLS{TCP: mqtt.TCP{Addr: addr.String(), Reset: true}, Config: a.Client(host)}.Dial
	}
}

func (h *house) close() {
	h.t.Helper()
	if err := h.Close(context.Background()); err != nil {
		h.t.Errorf("Close: %v", err)
	}
}

func (h *house) do(c hub.Command) hub.Reply {
	h.t.Helper()
	r, err := h.Do(context.Background(), c)
	if err != nil {
		h.t.Fatalf("%T: %v", c, err)
	}
	return r
}

func (h *house) register(ids ...sim.DeviceID) {
	h.t.Helper()
	for _, id := range ids {
		h.do(hub.Register{ID: id, PrimaryKey: key})
	}
}

// device is a device's end of a connection.
type device struct {
	*iothub.DeviceConn
	t  testing.TB
	id sim.DeviceID
}

func (h *house) dial(id sim.DeviceID, connect mqtt.Connector) *device {
	h.t.Helper()
	d := iothub.Dialer{Link: h.link, Connect: connect, Agent: "test"}
	c, err := d.Dial(context.Background(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return &device{c, h.t, id}
}

func (h *house) token(id sim.DeviceID, key []byte) []byte {
	return []byte(sas.Sign(sas.DeviceResource(host, id), key, h.epoch.Date(0)+3600, ""))
}

// join connects and subscribes to everything.
func (h *house) join(id sim.DeviceID, connect mqtt.Connector) *device {
	h.t.Helper()
	d := h.dial(id, connect)
	d.say(sim.Message{Kind: sim.Connect, Name: host, Body: h.token(id, key), ID: 1, Status: 60})
	d.hears("accept " + string(id) + "#0")
	d.say(sim.Message{Kind: sim.Subscribe, ID: uint64(sim.AllFeatures), Status: 7})
	d.hears("subscribed " + string(id) + "#0 id=7 status=7 " + `"\x00\x00\x00"`)
	return d
}

func (d *device) say(m sim.Message) {
	d.t.Helper()
	m.Device = d.id
	if err := d.Send(m); err != nil {
		d.t.Fatalf("%s: %v", m, err)
	}
}

func (d *device) hears(want string) sim.Message {
	d.t.Helper()
	m, err := d.Receive()
	if err != nil || m.String() != want {
		d.t.Fatalf("heard %q, %v; want %q", m, err, want)
	}
	return m
}

func (d *device) ends() {
	d.t.Helper()
	if m, err := d.Receive(); err == nil {
		d.t.Fatalf("heard %q; want the end", m)
	}
	d.leave()
}

func (d *device) leave() {
	d.Close()
	d.Wait()
}

var connectors = []struct {
	name    string
	connect mqtt.Connector
}{{"paho", mqtt.ConnectPaho}, {"lean", mqtt.ConnectLean}}

// TestConversation says and hears everything there is, with both clients,
// in memory, over TCP and over TLS.
func TestConversation(t *testing.T) {
	for _, c := range connectors {
		for _, transport := range []string{"mem", "tcp", "tls"} {
			t.Run(c.name+"/"+transport, func(t *testing.T) {
				h := open(t)
				defer h.close()
				h.over(transport)
				converse(t, h, c.connect)
			})
		}
	}
}

func converse(t *testing.T, h *house, connect mqtt.Connector) {
	h.register("d", "e")
	d := h.join("d", connect)

	d.say(sim.Message{Kind: sim.GetTwin, Name: "g-1"})
	d.hears(`twin-answer d#0 status=200 g-1 {"desired":{"$version":1},"reported":{"$version":1}}`)
	d.say(sim.Message{Kind: sim.Report, Name: "r-1", Body: []byte(`{"a":1}`)})
	d.hears(`twin-answer d#0 id=2 status=204 r-1`)
	d.say(sim.Message{Kind: sim.Report, Name: "r2", ID: 1, Body: []byte(`{"a":2}`)})
	if m, err := d.Receive(); err != nil || m.Status != 412 {
		t.Fatalf("stale version: %q, %v", m, err)
	}
	d.say(sim.Message{Kind: sim.Telemetry, Name: "%24.mid=1", ID: 4711, Body: []byte("21.5")})
	d.hears(`telemetry-ack d#0 id=4711`)
	d.say(sim.Message{Kind: sim.Telemetry, Body: []byte("unacknowledged")})

	h.do(hub.PatchTwin{ID: "d", Desired: doc.MustParse(`{"x":null,"y":2}`)})
	d.hears(`desired d#0 id=2 {"x":null,"y":2,"$version":2}`)

	type result struct {
		hub.Reply
		error
	}
	answers := make(chan result, 1)
	ask := func(c hub.Command) {
		go func() {
			r, err := h.Call(context.Background(), c)
			answers <- result{r, err}
		}()
	}
	ask(hub.Invoke{ID: "d", Method: "dm.read", Payload: []byte(`{"resources":[]}`)})
	call := d.hears(`call d#0 id=1 dm.read {"resources":[]}`)
	d.say(sim.Message{Kind: sim.Answer, ID: call.ID, Status: 404, Body: []byte(`"no"`)})
	if r := <-answers; r.error != nil || r.Status != 404 || string(r.Payload) != `"no"` {
		t.Errorf("Call = %d %s, %v; want 404 \"no\"", r.Status, r.Payload, r.error)
	}
	ask(hub.Invoke{ID: "e", Method: "x"})
	if r := <-answers; code(r.error) != hub.CodeOffline {
		t.Errorf("call of an offline device: %v; want CodeOffline", r.error)
	}

	// A ticket of Do's comes by Settled.
	ticket := h.do(hub.Invoke{ID: "d", Method: "again"}).Ticket
	d.hears("call d#0 id=2 again null")
	d.say(sim.Message{Kind: sim.Answer, ID: 2, Status: 200})
	<-h.Ready()
	if list := h.Settled(); len(list) != 1 || list[0].Ticket != ticket || list[0].Reply.Status != 200 {
		t.Errorf("Settled = %+v; want ticket %d", list, ticket)
	}

	// A call pending while the device is taken over fails for that.
	ask(hub.Invoke{ID: "d", Method: "lost"})
	d.hears("call d#0 id=3 lost null")
	second := h.join("d", connect)
	d.ends()
	if r := <-answers; code(r.error) != hub.CodeTakeover {
		t.Errorf("call over a takeover: %v; want CodeTakeover", r.error)
	}
	h.do(hub.SetStatus{ID: "d", Disabled: true})
	second.ends()

	refused := h.dial("d", connect)
	refused.say(sim.Message{Kind: sim.Connect, Name: host, Body: h.token("d", key), ID: 1})
	refused.hears("accept d#0 status=5")
	refused.leave()
	forged := h.dial("e", connect)
	forged.say(sim.Message{Kind: sim.Connect, Name: host, Body: h.token("e", []byte("another key, 16 or more")), ID: 1})
	forged.hears("accept e#0 status=5")
	forged.leave()

	goodbye := h.join("e", connect)
	goodbye.say(sim.Message{Kind: sim.Close, Status: int32(sim.ReasonNormal)})
	goodbye.ends()
	n := h.do(hub.GetCounters{}).Counters
	if n.Accepted != 3 || n.Refused != 2 || n.Telemetry != 2 || n.Calls != 3 {
		t.Errorf("hub counted %+v", *n)
	}
}

func code(err error) hub.Code {
	if e, ok := errors.AsType[*hub.Error](err); ok {
		return e.Code
	}
	return 0
}

// TestShutdown: what is open is answered with CodeShutdown, whoever waits and
// however, and nothing is left.
func TestShutdown(t *testing.T) {
	h := open(t)
	h.register("d")
	d := h.join("d", mqtt.ConnectLean)
	results := make(chan error, 3)
	for i := range 3 {
		go func() {
			_, err := h.Call(context.Background(), hub.Invoke{ID: "d", Method: fmt.Sprint("m", i)})
			results <- err
		}()
		if m, err := d.Receive(); err != nil || m.Kind != sim.Call {
			t.Fatalf("heard %q, %v", m, err)
		}
	}
	ticket := h.do(hub.Invoke{ID: "d", Method: "m"}).Ticket
	h.close()
	for range 3 {
		if err := <-results; code(err) != hub.CodeShutdown {
			t.Errorf("open call: %v; want CodeShutdown", err)
		}
	}
	if list := h.Settled(); len(list) != 1 || list[0].Ticket != ticket || code(list[0].Err) != hub.CodeShutdown {
		t.Errorf("Settled = %+v; want ticket %d with CodeShutdown", list, ticket)
	}
	if _, err := h.Do(t.Context(), hub.GetCounters{}); code(err) != hub.CodeShutdown {
		t.Errorf("Do after Close: %v; want CodeShutdown", err)
	}
	if _, err := h.mem.Dial(t.Context()); err == nil {
		t.Error("the listener is still open")
	}
	d.leave()
	h.close() // again
}

// TestForgotten: who stops waiting is forgotten, and the device's answer
// disturbs nobody.
func TestForgotten(t *testing.T) {
	h := open(t)
	defer h.close()
	h.register("d")
	d := h.join("d", mqtt.ConnectLean)
	defer d.leave()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := h.Call(ctx, hub.Invoke{ID: "d", Method: "slow"})
		done <- err
	}()
	d.hears("call d#0 id=1 slow null")
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Call = %v; want context.Canceled", err)
	}
	d.say(sim.Message{Kind: sim.Answer, ID: 1, Status: 200})
	d.say(sim.Message{Kind: sim.GetTwin, Name: "after"})
	if m, err := d.Receive(); err != nil || m.Name != "after" {
		t.Fatalf("heard %q, %v", m, err)
	}
	if list := h.Settled(); len(list) != 0 {
		t.Errorf("Settled = %+v; want none", list)
	}
}

// TestTickets: answers that nobody reads count as open tickets, and too many
// of them are refused until some are read.
func TestTickets(t *testing.T) {
	h := open(t)
	defer h.close()
	h.limit = 3 // before anything is asked
	h.register("d")
	offline := hub.Invoke{ID: "d", Method: "x"}
	for range 3 {
		h.do(offline)
	}
	if _, err := h.Do(t.Context(), offline); code(err) != hub.CodeTooMany {
		t.Errorf("a fourth ticket: %v; want CodeTooMany", err)
	}
	h.do(hub.GetCounters{}) // needs no ticket
	if list := h.Settled(); len(list) != 3 || code(list[0].Err) != hub.CodeOffline {
		t.Errorf("Settled = %+v; want three answers with CodeOffline", list)
	}
	h.do(offline)
}

// TestFlood: a device that says as much as it can is heard in its turn, and
// another one beside it too.
func TestFlood(t *testing.T) {
	h := open(t)
	defer h.close()
	h.register("flood", "well")
	flood := h.raw()
	flood.send(h.connect("flood", 0))
	flood.gets(mqtt.Connack)
	p := mqtt.Packet{Kind: mqtt.Publish, Topic: "devices/flood/messages/events/", Payload: []byte("x")}
	one, err := p.AppendTo(nil)
	if err != nil {
		t.Fatal(err)
	}
	many := bytes.Repeat(one, 1000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, err := flood.Write(many); err != nil {
				return
			}
		}
	}()
	well := h.join("well", mqtt.ConnectLean)
	for i := range 200 {
		well.say(sim.Message{Kind: sim.GetTwin, Name: fmt.Sprint(i)})
		if m, err := well.Receive(); err != nil || m.Name != fmt.Sprint(i) {
			t.Fatalf("beside the flood: %q, %v", m, err)
		}
	}
	flood.Close()
	<-done
	well.leave()
	if n := h.Counters(); n.MailboxHigh > mailboxSize {
		t.Errorf("%d items at once; the bound is %d", n.MailboxHigh, mailboxSize)
	}
}

// raw is a connection on which packets are sent as they are.
type raw struct {
	net.Conn
	*mqtt.Reader
	t testing.TB
}

func (h *house) raw() *raw {
	h.t.Helper()
	c, err := h.link(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	return &raw{c, mqtt.NewReader(c, 0), h.t}
}

func (r *raw) send(p mqtt.Packet) {
	r.t.Helper()
	b, err := p.AppendTo(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.Write(b); err != nil {
		r.t.Fatal(err)
	}
}

func (r *raw) Read() (mqtt.Packet, error) { return r.Reader.Read() }

func (r *raw) gets(kind mqtt.Kind) mqtt.Packet {
	r.t.Helper()
	p, err := r.Read()
	if err != nil || p.Kind != kind {
		r.t.Fatalf("got %s, %v; want %s", p.Kind, err, kind)
	}
	return p
}

func (r *raw) closed() {
	r.t.Helper()
	if p, err := r.Read(); err == nil {
		r.t.Fatalf("got %s; want the end", p.Kind)
	}
	r.Close()
}

func (h *house) connect(id sim.DeviceID, keepAlive uint16) mqtt.Packet {
	return mqtt.Packet{Kind: mqtt.Connect, Level: 4, ClientID: string(id), CleanSession: true, KeepAlive: keepAlive,
		HasUsername: true, Username: host + "/" + string(id) + "/?api-version=2021-04-12", HasPassword: true, Password: h.token(id, key)}
}

// TestProtocol has what the hub answers and what it ends the connection for.
func TestProtocol(t *testing.T) {
	h := open(t)
	defer h.close()
	h.register("d")
	t.Run("another level", func(t *testing.T) {
		r := h.raw()
		r.Write([]byte("\x10\x0c\x00\x04MQTT\x05\x02\x00\x3c\x00\x00"))
		if p := r.gets(mqtt.Connack); p.Code != mqtt.RefusedLevel {
			t.Errorf("code %d; want 1", p.Code)
		}
		r.closed()
	})
	t.Run("refused", func(t *testing.T) {
		r := h.raw()
		p := h.connect("d", 0)
		p.Username = "elsewhere/d/"
		r.send(p)
		if p := r.gets(mqtt.Connack); p.Code != mqtt.RefusedNotAllowed {
			t.Errorf("code %d; want 5", p.Code)
		}
		r.closed()
	})
	t.Run("first packet", func(t *testing.T) {
		r := h.raw()
		r.send(mqtt.Packet{Kind: mqtt.Pingreq})
		r.closed()
	})
	t.Run("pipelined", func(t *testing.T) {
		r := h.raw()
		r.send(h.connect("d", 0))
		r.send(mqtt.Packet{Kind: mqtt.Pingreq})
		r.send(mqtt.Packet{Kind: mqtt.Publish, Topic: "$iothub/twin/PATCH/properties/reported/?$rid=1", Payload: []byte(`{}`), QoS: 1, ID: 9})
		r.send(mqtt.Packet{Kind: mqtt.Publish, Topic: "devices/d/messages/events/", QoS: 1, ID: 10})
		r.gets(mqtt.Connack) // before everything else
		r.gets(mqtt.Pingresp)
		for range 2 {
			if p := r.gets(mqtt.Puback); p.ID != 9 && p.ID != 10 {
				t.Errorf("PUBACK %d; want 9 and 10", p.ID)
			}
		}
		r.send(mqtt.Packet{Kind: mqtt.Disconnect})
		r.closed()
	})
	for _, x := range []struct {
		name string
		bad  mqtt.Packet
	}{
		{"second CONNECT", h.connect("d", 0)},
		{"filter", mqtt.Packet{Kind: mqtt.Subscribe, ID: 1, Filters: []mqtt.Filter{{Topic: "#"}}}},
		{"topic", mqtt.Packet{Kind: mqtt.Publish, Topic: "devices/e/messages/events/"}},
		{"QoS 2", mqtt.Packet{Kind: mqtt.Publish, Topic: "devices/d/messages/events/", QoS: 2, ID: 1}},
		{"PUBREL", mqtt.Packet{Kind: mqtt.Pubrel, ID: 1}},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := h.raw()
			r.send(h.connect("d", 0))
			r.gets(mqtt.Connack)
			r.send(x.bad)
			r.closed()
		})
	}
	if n := h.Counters(); n.Refused != 2 || n.Protocol != 6 {
		t.Errorf("counted %+v; want 2 refused, 6 protocol", n)
	}
}

// TestSilence: who says nothing is closed, after a time that depends on how
// far he came; an in-memory link without keep-alive may be silent.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		h.register("d", "e", "f")
		start := time.Now()
		after := func(r *raw, low, high time.Duration) {
			t.Helper()
			r.closed()
			if got := time.Since(start); got < low || got > high {
				t.Errorf("closed after %s; want %s to %s", got, low, high)
			}
		}
		mute := h.raw()
		defer mute.Close()
		quiet := h.raw()
		quiet.send(h.connect("d", 60))
		quiet.gets(mqtt.Connack)
		pinging := h.raw()
		pinging.send(h.connect("e", 60))
		pinging.gets(mqtt.Connack)
		still := h.raw()
		still.send(h.connect("f", 0))
		still.gets(mqtt.Connack)

		after(mute, DefaultConnectTimeout, DefaultConnectTimeout+2*time.Second)
		<-time.After(30 * time.Second) // in the bubble's time
		pinging.send(mqtt.Packet{Kind: mqtt.Pingreq})
		pinging.gets(mqtt.Pingresp)
		after(quiet, 90*time.Second, 92*time.Second)
		after(pinging, 140*time.Second, 142*time.Second)
		<-time.After(45 * time.Minute) // longer than the cap, shorter than the token
		still.send(mqtt.Packet{Kind: mqtt.Pingreq})
		still.gets(mqtt.Pingresp)
		if n := h.Counters(); n.Silent != 3 {
			t.Errorf("%d silent; want 3", n.Silent)
		}
		still.Close()
		h.close()
	})
}

// TestNeverReads: a device that does not read is closed and counted, and
// nobody waits for it.
func TestNeverReads(t *testing.T) {
	h := open(t)
	defer h.close()
	h.register("stuck", "well")
	stuck := h.raw()
	stuck.send(h.connect("stuck", 0))
	stuck.gets(mqtt.Connack)
	stuck.send(mqtt.Packet{Kind: mqtt.Subscribe, ID: 1, Filters: []mqtt.Filter{{Topic: "$iothub/methods/POST/#"}}})
	stuck.gets(mqtt.Suback)
	well := h.join("well", mqtt.ConnectLean)
	defer well.leave()
	payload := fmt.Appendf(nil, "%q", strings.Repeat("x", 100<<10))
	for i := 0; h.Counters().SlowConsumers == 0; i++ {
		if i == 100 {
			t.Fatal("10 MB were sent to a device that does not read")
		}
		h.do(hub.Invoke{ID: "stuck", Method: "x", Payload: payload})
		well.say(sim.Message{Kind: sim.GetTwin, Name: "t"})
		if m, err := well.Receive(); err != nil || m.Name != "t" {
			t.Fatalf("beside the stuck one: %q, %v", m, err)
		}
	}
	stuck.Close()
}
