package hubd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/sas"
)

// Topics and filters of IoT Hub, as devices write them.
const (
	methodsFilter = "$iothub/methods/POST/#"
	twinFilter    = "$iothub/twin/res/#"
	eventsTopic   = "devices/d/messages/events/"
)

// TestSession has the rules of a device's session, a sentence each, played
// with packets as they are. Clauses are those of MQTT 3.1.1; the others are
// from Azure IoT Hub's documentation, "Communicate with your IoT hub using the
// MQTT protocol".
func TestSession(t *testing.T) {
	for _, x := range []struct {
		clause, sentence string
		play             func(t *testing.T, h *house)
	}{
		{"MQTT-3.1.0-1", "the first packet must be CONNECT", func(t *testing.T, h *house) {
			for _, p := range []mqtt.Packet{{Kind: mqtt.Pingreq}, publish(eventsTopic, 0), subscribe(methodsFilter), {Kind: mqtt.Disconnect}} {
				r := h.raw()
				r.send(p)
				r.end(io.EOF)
			}
		}},
		{"MQTT-3.1.0-2", "a second CONNECT ends the connection", func(t *testing.T, h *house) {
			r := h.enter(h.connect("d", 0))
			r.send(h.connect("d", 0))
			r.end(io.EOF)
		}},
		{"MQTT-3.1.2-2", "another protocol level is answered with return code 1", func(t *testing.T, h *house) {
			for _, hello := range []string{"\x10\x0e\x00\x06MQIsdp\x03\x02\x00\x00\x00\x00", "\x10\x0d\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x00"} {
				r := h.raw()
				r.Write([]byte(hello))
				r.refused(mqtt.RefusedLevel)
			}
		}},
		{"MQTT-3.1.3-8", "an empty client id is answered with return code 2", func(t *testing.T, h *house) {
			r := h.raw()
			p := h.connect("d", 0)
			p.ClientID = ""
			r.send(p)
			r.refused(mqtt.RefusedClientID)
		}},
		{"connecting", "a user name of another form is answered with return code 4", func(t *testing.T, h *house) {
			for _, user := range []string{"d", host + "/d", host + "/d/?api-version=yesterday"} {
				r := h.raw()
				p := h.connect("d", 0)
				p.Username = user
				r.send(p)
				r.refused(mqtt.RefusedLogin)
			}
		}},
		{"connecting", "whoever is not authorised is answered with return code 5, whatever is wrong", func(t *testing.T, h *house) {
			for name, change := range map[string]func(p *mqtt.Packet){
				"unknown device":        func(p *mqtt.Packet) { *p = h.connect("stranger", 0) },
				"malformed device id":   func(p *mqtt.Packet) { *p = h.connect("a b", 0) },
				"wrong key":             func(p *mqtt.Packet) { p.Password = h.token("d", []byte("another key, 16 or more")) },
				"another's token":       func(p *mqtt.Packet) { p.Password = h.token("e", key) },
				"expired token":         func(p *mqtt.Packet) { p.Password = h.tokenUntil("d", -301) },
				"garbage":               func(p *mqtt.Packet) { p.Password = []byte("SharedAccessSignature sr=&sig=&se=") },
				"no password":           func(p *mqtt.Packet) { p.HasPassword, p.Password = false, nil },
				"another's name":        func(p *mqtt.Packet) { p.Username = host + "/e/?api-version=2021-04-12" },
				"another hub":           func(p *mqtt.Packet) { p.Username = "elsewhere.test/d/?api-version=2021-04-12" },
				"another's will":        func(p *mqtt.Packet) { p.HasWill, p.WillTopic = true, "devices/e/messages/events/" },
				"a will of another QoS": func(p *mqtt.Packet) { p.HasWill, p.WillTopic, p.WillQoS = true, eventsTopic, 2 },
			} {
				p := h.connect("d", 0)
				change(&p)
				r := h.raw()
				r.send(p)
				if got, err := r.Read(); err != nil || got.Kind != mqtt.Connack || got.Code != mqtt.RefusedNotAllowed {
					t.Errorf("%s: %s %d, %v; want CONNACK 5", name, got.Kind, got.Code, err)
				}
				r.end(io.EOF)
			}
		}},
		{"connecting", "host names may have a port and capitals", func(t *testing.T, h *house) {
			p := h.connect("d", 0)
			p.Username = "HUB.test:18883/d/api-version=2020-09-30"
			h.enter(p).Close()
		}},
		{"MQTT-4.8.0-1", "a malformed packet ends the connection", func(t *testing.T, h *house) {
			for _, bad := range []string{
				"\x00\x00",                         // reserved type
				"\xf0\x00",                         // reserved type
				"\x82\x02\x00\x01",                 // SUBSCRIBE without a filter
				"\x80\x06\x00\x01\x00\x01a\x00",    // SUBSCRIBE with wrong flags
				"\x82\x06\x00\x00\x00\x01a\x00",    // packet identifier 0
				"\x82\x06\x00\x01\x00\x01a\x03",    // QoS 3 asked for
				"\x82\x07\x00\x01\x00\x02a#\x00",   // half a wildcard
				"\x36\x05\x00\x01a\x00\x01",        // PUBLISH with QoS 3
				"\x30\x04\x00\x02a+",               // a wildcard in a topic
				"\x30\x04\x00\x02\xc3\x28",         // not UTF-8
				"\x30\x02\x00\x00",                 // no topic
				"\xc0\xff\xff\xff\xff\x01",         // a length of five bytes
				"\xc0\x01\x00",                     // PINGREQ with a body
				"\x20\x02\x00\x00", "\xd0\x00\x00", // what servers say
			} {
				r := h.enter(h.connect("d", 0))
				r.Write([]byte(bad))
				r.end(io.EOF)
			}
		}},
		{"quotas", "a packet above 256 KB and its topic ends the connection", func(t *testing.T, h *house) {
			r := h.enter(h.connect("d", 0))
			go r.Write([]byte("\x30\xff\xff\xff\x7f\x00\x01a")) // 256 MiB announced
			r.end(io.EOF)
			for extra, kind := range map[int]mqtt.Kind{0: mqtt.Puback, 1: 0} {
				r := h.enter(h.connect("d", 0))
				p := publish(eventsTopic, 1)
				p.Payload = make([]byte, 256<<10+extra)
				go r.send(p)
				if kind == 0 {
					r.end(io.EOF)
				} else {
					r.gets(kind)
					r.Close()
				}
			}
		}},
		{"subscribing", "QoS is granted up to 1", func(t *testing.T, h *house) {
			r := h.enter(h.connect("d", 0))
			p := subscribe(twinFilter, methodsFilter, "$iothub/twin/PATCH/properties/desired/#")
			for i := range p.Filters {
				p.Filters[i].QoS = byte(i)
			}
			r.send(p)
			if got := r.gets(mqtt.Suback); string(got.Codes) != "\x00\x01\x01" {
				t.Errorf("SUBACK % x; want 00 01 01", got.Codes)
			}
			r.Close()
		}},
		{"subscribing", "subscribing again is one subscription, a sixth ends the connection", func(t *testing.T, h *house) {
			r := h.enter(h.connect("d", 0))
			for range 10 {
				r.send(subscribe(methodsFilter))
				r.gets(mqtt.Suback)
			}
			r.send(subscribe(twinFilter, "$iothub/twin/PATCH/properties/desired/#", "devices/d/messages/devicebound/#", "devices/%64/messages/devicebound/#"))
			r.gets(mqtt.Suback)
			r.send(subscribe("devices/%64/messages/devicebound/#"))
			r.gets(mqtt.Suback)
			h.register("dd")
			r = h.enter(h.connect("dd", 0))
			r.send(subscribe("devices/dd/messages/devicebound/#", "devices/%64d/messages/devicebound/#", "devices/d%64/messages/devicebound/#",
				"devices/%64%64/messages/devicebound/#", twinFilter))
			r.gets(mqtt.Suback)
			r.send(subscribe(methodsFilter))
			r.end(io.EOF)
		}},
		{"subscribing", "a filter that is not supported ends the connection, without SUBACK", func(t *testing.T, h *house) {
			for _, f := range []string{"#", "+/x", "$iothub/#", "$iothub/methods/POST/reboot", "$iothub/methods/+/#", "devices/e/messages/devicebound/#", "devices/d/messages/events/#", "$SYS/#"} {
				r := h.enter(h.connect("d", 0))
				r.send(subscribe(methodsFilter, f))
				r.end(io.EOF)
			}
		}},
		{"publishing", "a topic that is not the device's ends the connection", func(t *testing.T, h *house) {
			for _, topic := range []string{"devices/e/messages/events/", "devices/d/messages/devicebound/", "$iothub/methods/POST/x/?$rid=1", "telemetry", "$SYS/x"} {
				r := h.enter(h.connect("d", 0))
				r.send(publish(topic, 1))
				r.end(io.EOF)
			}
		}},
		{"publishing", "QoS 2 ends the connection, without an acknowledgement", func(t *testing.T, h *house) {
			r := h.enter(h.connect("d", 0))
			r.send(publish(eventsTopic, 2))
			r.end(io.EOF)
		}},
		{"publishing", "a retained message is accepted, and sent to nobody later", func(t *testing.T, h *house) {
			r := h.enter(h.connect("d", 0))
			p := publish(eventsTopic, 1)
			p.Retain = true
			r.send(p)
			r.gets(mqtt.Puback)
			r.send(subscribe(twinFilter, methodsFilter))
			r.gets(mqtt.Suback)
			r.send(mqtt.Packet{Kind: mqtt.Pingreq})
			r.gets(mqtt.Pingresp)
			r.Close()
		}},
		{"MQTT-3.14.4-1", "the connection is closed after DISCONNECT", func(t *testing.T, h *house) {
			r := h.enter(h.connect("d", 0))
			r.send(mqtt.Packet{Kind: mqtt.Disconnect})
			r.end(io.EOF)
		}},
		{"MQTT-3.1.2-8", "a will is published as telemetry when the connection ends without DISCONNECT", func(t *testing.T, h *house) {
			p := h.connect("d", 0)
			p.HasWill, p.WillTopic, p.WillPayload = true, eventsTopic, []byte("bye")
			h.enter(p).Close() // cut
			h.settled(func(c *hub.Counters) bool { return c.Wills == 1 && c.Telemetry == 1 && c.Closed == 1 })
			r := h.enter(p)
			r.send(publish("nowhere", 0)) // closed by the hub
			r.end(io.EOF)
			h.settled(func(c *hub.Counters) bool { return c.Wills == 2 })
			h.enter(p)
			h.enter(p).Close() // taken over, then cut
			h.settled(func(c *hub.Counters) bool { return c.Wills == 4 })
		}},
		{"MQTT-3.14.4-3", "a will is discarded after DISCONNECT", func(t *testing.T, h *house) {
			p := h.connect("d", 0)
			p.HasWill, p.WillTopic = true, eventsTopic
			r := h.enter(p)
			r.send(mqtt.Packet{Kind: mqtt.Disconnect})
			r.end(io.EOF)
			h.settled(func(c *hub.Counters) bool { return c.Closed == 1 && c.Wills == 0 && c.Telemetry == 0 })
		}},
		{"MQTT-3.1.4-2", "a second connection of a device closes the first, at once", func(t *testing.T, h *house) {
			first := h.enter(h.connect("d", 0))
			second := h.enter(h.connect("d", 0))
			first.end(io.EOF)
			second.send(mqtt.Packet{Kind: mqtt.Pingreq})
			second.gets(mqtt.Pingresp)
			second.Close()
		}},
		{"methods", "calls that wait for an answer fail with the takeover", func(t *testing.T, h *house) {
			first := h.enter(h.connect("d", 0))
			first.send(subscribe(methodsFilter))
			first.gets(mqtt.Suback)
			answer := h.ask(hub.Invoke{ID: "d", Method: "x"})
			first.gets(mqtt.Publish)
			second := h.enter(h.connect("d", 0))
			if _, err := answer(); code(err) != hub.CodeTakeover {
				t.Errorf("call: %v; want CodeTakeover", err)
			}
			first.end(io.EOF)
			second.Close()
		}},
		{"methods", "a device is online for methods when it is connected and subscribed", func(t *testing.T, h *house) {
			r := h.enter(h.connect("d", 0))
			if _, err := h.ask(hub.Invoke{ID: "d", Method: "x"})(); code(err) != hub.CodeOffline {
				t.Errorf("call before SUBSCRIBE: %v; want CodeOffline", err)
			}
			r.send(subscribe(methodsFilter))
			r.gets(mqtt.Suback)
			answer := h.ask(hub.Invoke{ID: "d", Method: "x"})
			if p := r.gets(mqtt.Publish); p.Topic != "$iothub/methods/POST/x/?$rid=1" || string(p.Payload) != "null" || p.QoS != 0 {
				t.Errorf("PUBLISH %q %q QoS %d; want request id 1, null, QoS 0", p.Topic, p.Payload, p.QoS)
			}
			late := publish("$iothub/methods/res/200/?$rid=ff", 0)
			r.send(late) // nobody asked
			said := publish("$iothub/methods/res/200/?$rid=1", 1)
			said.Payload = []byte("7")
			r.send(said)
			r.gets(mqtt.Puback)
			if reply, err := answer(); err != nil || reply.Status != 200 || string(reply.Payload) != "7" {
				t.Errorf("call: %d %s, %v; want 200 7", reply.Status, reply.Payload, err)
			}
			r.send(mqtt.Packet{Kind: mqtt.Unsubscribe, ID: 3, Filters: []mqtt.Filter{{Topic: methodsFilter}}})
			r.gets(mqtt.Unsuback)
			if _, err := h.ask(hub.Invoke{ID: "d", Method: "x"})(); code(err) != hub.CodeOffline {
				t.Errorf("call after UNSUBSCRIBE: %v; want CodeOffline", err)
			}
			r.Close()
		}},
		{"twins", "a twin is answered only if the device is subscribed to the answers", func(t *testing.T, h *house) {
			r := h.enter(h.connect("d", 0))
			get := publish("$iothub/twin/GET/?$rid=x", 0)
			get.Payload = []byte(" ")
			r.send(get)
			r.send(mqtt.Packet{Kind: mqtt.Pingreq})
			r.gets(mqtt.Pingresp) // and nothing before it
			r.send(subscribe(twinFilter))
			r.gets(mqtt.Suback)
			r.send(get)
			if p := r.gets(mqtt.Publish); p.Topic != "$iothub/twin/res/200/?$rid=x" {
				t.Errorf("answer %q", p.Topic)
			}
			r.Close()
		}},
		{"MQTT-3.1.2-4", "what a persistent session is subscribed to holds in the next connection", func(t *testing.T, h *house) {
			p := h.connect("d", 0)
			p.CleanSession = false
			r := h.enter(p)
			r.send(subscribe(methodsFilter, twinFilter))
			r.gets(mqtt.Suback)
			r.Close()
			r = h.raw()
			r.send(p)
			if got := r.gets(mqtt.Connack); !got.SessionPresent {
				t.Error("no session present")
			}
			r.send(publish("$iothub/twin/GET/?$rid=x", 0))
			r.gets(mqtt.Publish)
			answer := h.ask(hub.Invoke{ID: "d", Method: "x"})
			r.gets(mqtt.Publish)
			r.send(publish("$iothub/methods/res/204/?$rid=1", 0))
			if reply, err := answer(); err != nil || reply.Status != 204 {
				t.Errorf("call: %d, %v", reply.Status, err)
			}
			r.Close()
		}},
		{"MQTT-3.1.2-6", "a clean session forgets the persistent one", func(t *testing.T, h *house) {
			p := h.connect("d", 0)
			for i, x := range []struct{ clean, present bool }{{false, false}, {false, true}, {true, false}, {false, false}} {
				p.CleanSession = x.clean
				r := h.raw()
				r.send(p)
				if got := r.gets(mqtt.Connack); got.SessionPresent != x.present {
					t.Errorf("CONNECT %d: session present %t; want %t", i, got.SessionPresent, x.present)
				}
				if i == 0 {
					r.send(subscribe(methodsFilter))
					r.gets(mqtt.Suback)
				}
				r.Close()
			}
			if _, err := h.ask(hub.Invoke{ID: "d", Method: "x"})(); code(err) != hub.CodeOffline {
				t.Errorf("call: %v; want CodeOffline", err)
			}
		}},
		{"identities", "disabling or deleting a device closes its connection", func(t *testing.T, h *house) {
			r := h.enter(h.connect("d", 0))
			h.do(hub.SetStatus{ID: "d", Disabled: true})
			r.end(io.EOF)
			h.do(hub.SetStatus{ID: "d"})
			r = h.enter(h.connect("d", 0))
			h.do(hub.Unregister{ID: "d"})
			r.end(io.EOF)
		}},
	} {
		t.Run(x.clause+"/"+x.sentence, func(t *testing.T) {
			h := open(t)
			defer h.close()
			h.register("d", "e")
			x.play(t, h)
		})
	}
}

func publish(topic string, qos byte) mqtt.Packet {
	p := mqtt.Packet{Kind: mqtt.Publish, Topic: topic, QoS: qos}
	if qos > 0 {
		p.ID = 77
	}
	return p
}

func subscribe(filters ...string) mqtt.Packet {
	p := mqtt.Packet{Kind: mqtt.Subscribe, ID: 5}
	for _, f := range filters {
		p.Filters = append(p.Filters, mqtt.Filter{Topic: f})
	}
	return p
}

// enter connects, and is accepted.
func (h *house) enter(p mqtt.Packet) *raw {
	h.t.Helper()
	r := h.raw()
	r.send(p)
	if got := r.gets(mqtt.Connack); got.Code != mqtt.Accepted {
		h.t.Fatalf("CONNACK %d", got.Code)
	}
	return r
}

// refused reads CONNACK with a code, and the end.
func (r *raw) refused(code byte) {
	r.t.Helper()
	if p := r.gets(mqtt.Connack); p.Code != code {
		r.t.Errorf("CONNACK %d; want %d", p.Code, code)
	}
	r.end(io.EOF)
}

// end reads the end, and nothing before it.
func (r *raw) end(want error) {
	r.t.Helper()
	p, err := r.Read()
	if err == nil {
		r.t.Errorf("got %s; want the end", p.Kind)
	} else if !errors.Is(err, want) {
		r.t.Errorf("ended with %v; want %v", err, want)
	}
	r.Close()
}

// ask asks the hub something that a device must answer, without waiting; the
// function it returns does.
func (h *house) ask(c hub.Command) func() (hub.Reply, error) {
	type result struct {
		hub.Reply
		error
	}
	done := make(chan result, 1)
	go func() {
		r, err := h.Call(context.Background(), c)
		done <- result{r, err}
	}()
	return func() (hub.Reply, error) { r := <-done; return r.Reply, r.error }
}

// settled waits until the hub's counters are as wanted.
func (h *house) settled(ok func(*hub.Counters) bool) {
	h.t.Helper()
	deadline := time.Now().Add(time.Minute) // bounds a hang
	for {
		c := h.do(hub.GetCounters{}).Counters
		if ok(c) {
			return
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("the counters stay at %+v", *c)
		}
	}
}

// tokenUntil is a token that runs out so many seconds from now.
func (h *house) tokenUntil(id sim.DeviceID, seconds sim.Date) []byte {
	now := sim.Date(time.Now().Unix())
	return []byte(sas.Sign(sas.DeviceResource(host, id), key, now+seconds, ""))
}

// TestTokenEnds: a connection is closed 300 s after its token has run out,
// and not before. [Azure IoT Hub: "Control access to IoT Hub using shared
// access signatures"]
func TestTokenEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		h.register("d")
		p := h.connect("d", 0)
		p.Password = h.tokenUntil("d", 60)
		start := time.Now()
		r := h.enter(p)
		r.end(io.EOF)
		if took := time.Since(start); took < 359*time.Second || took > 361*time.Second {
			t.Errorf("closed after %s; want 360 s", took)
		}
		h.close()
	})
}

// socket is an in-memory link that the hub takes for a socket: it has no
// address of an in-memory link.
type socket struct{ net.Conn }

func (socket) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// sockets accepts in-memory links as sockets.
type sockets struct{ net.Listener }

func (s sockets) Accept() (net.Conn, error) {
	c, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return socket{c}, nil
}

// TestKeepAlive: a connection is closed when nothing was heard for one and a
// half keep-alive times, 1,767 s at most, which is also what a keep-alive of 0
// gets. Any packet counts. [MQTT-3.1.2-24] [IoT Hub MQTT support: "Default
// keep-alive timeout"]
func TestKeepAlive(t *testing.T) {
	any := []mqtt.Packet{{Kind: mqtt.Pingreq}, publish(eventsTopic, 0), publish("$iothub/twin/GET/?$rid=1", 0), subscribe(methodsFilter),
		{Kind: mqtt.Unsubscribe, ID: 9, Filters: []mqtt.Filter{{Topic: methodsFilter}}}, publish("$iothub/methods/res/200/?$rid=9", 0), {Kind: mqtt.Puback, ID: 3}}
	for _, x := range []struct {
		keepAlive uint16
		want      time.Duration
	}{{1, 1500 * time.Millisecond}, {60, 90 * time.Second}, {1177, 1765500 * time.Millisecond}, {1178, 1767 * time.Second}, {65535, 1767 * time.Second}, {0, 1767 * time.Second}} {
		t.Run(fmt.Sprint(x.keepAlive), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t)
				wires := mqtt.NewMemListener("sockets", 0)
				if err := h.Listen(sockets{wires}); err != nil {
					t.Fatal(err)
				}
				h.link = wires.Dial
				h.register("d")
				p := h.connect("d", x.keepAlive)
				p.Password = h.tokenUntil("d", 24*3600)
				r := h.enter(p)
				for _, p := range any {
					<-time.After(x.want - 10*time.Millisecond)
					r.send(p)
				}
				start := time.Now()
				for {
					if _, err := r.Read(); err != nil {
						break
					}
				}
				if took := time.Since(start); took < x.want || took > x.want+3*mqtt.DefaultTick/2 {
					t.Errorf("closed after %s of silence; want %s", took, x.want)
				}
				synctest.Wait()
				if n := h.Counters(); n.Silent != 1 {
					t.Errorf("counted %+v; want one silent", n)
				}
				r.Close()
				h.close()
			})
		})
	}
}

// recorder is a device's end of an MQTT client, as it comes.
type recorder struct {
	mqtt.Client
	got chan mqtt.Message
}

func (r *recorder) Received(m mqtt.Message, ended <-chan struct{}) {
	select {
	case r.got <- m:
	case <-ended:
	}
}
func (r *recorder) Acked(uint64)                      {}
func (r *recorder) Subscribed(id uint64, code []byte) { r.got <- mqtt.Message{Topic: "suback"} }
func (r *recorder) Unsubscribed(uint64)               {}

func (h *house) client(connect mqtt.Connector, change func(*mqtt.Options)) (*recorder, error) {
	r := &recorder{got: make(chan mqtt.Message, 100)}
	p := h.connect("d", 0)
	o := mqtt.Options{Dial: h.link, Handler: r, ClientID: "d", Username: p.Username, Password: string(p.Password)}
	change(&o)
	var err error
	r.Client, err = connect(context.Background(), o)
	return r, err
}

func (r *recorder) hears(t *testing.T, topic string) {
	t.Helper()
	if m := <-r.got; m.Topic != topic {
		t.Fatalf("received %q; want %q", m.Topic, topic)
	}
}

// TestRealClientSession: a device with a persistent session subscribes once.
// After its link was cut, and after it went with DISCONNECT to renew its token,
// it says no SUBSCRIBE, as Azure's Node SDK does not, and methods and twin
// answers come all the same.
func TestRealClientSession(t *testing.T) {
	for _, c := range connectors {
		t.Run(c.name, func(t *testing.T) {
			h := open(t)
			defer h.close()
			h.register("d")
			leave := []func(mqtt.Client){mqtt.Client.Cut, mqtt.Client.Disconnect, mqtt.Client.Cut}
			for i, leave := range leave {
				d, err := h.client(c.connect, func(*mqtt.Options) {})
				if err != nil {
					t.Fatal(err)
				}
				if d.SessionPresent() != (i > 0) {
					t.Errorf("connection %d: session present %t", i, d.SessionPresent())
				}
				if i == 0 {
					if err := d.Subscribe([]mqtt.Filter{{Topic: twinFilter}, {Topic: methodsFilter}}, 1); err != nil {
						t.Fatal(err)
					}
					d.hears(t, "suback")
				}
				if err := d.Publish("$iothub/twin/PATCH/properties/reported/?$rid=1", 0, fmt.Appendf(nil, `{"n":%d}`, i), 0); err != nil {
					t.Fatal(err)
				}
				d.hears(t, fmt.Sprintf("$iothub/twin/res/204/?$rid=1&$version=%d", i+2))
				answer := h.ask(hub.Invoke{ID: "d", Method: "x"})
				d.hears(t, "$iothub/methods/POST/x/?$rid=1")
				d.Publish("$iothub/methods/res/200/?$rid=1", 0, []byte("{}"), 0)
				if reply, err := answer(); err != nil || reply.Status != 200 {
					t.Errorf("connection %d: call: %d, %v", i, reply.Status, err)
				}
				leave(d)
				d.Wait()
			}
		})
	}
}

// TestRealClientWill: a client's will is published when its power fails and
// not when it says goodbye.
func TestRealClientWill(t *testing.T) {
	for _, c := range connectors {
		t.Run(c.name, func(t *testing.T) {
			h := open(t)
			defer h.close()
			h.register("d")
			will := func(o *mqtt.Options) {
				o.Will = &mqtt.Will{Topic: eventsTopic, Payload: []byte("bye"), QoS: 1}
			}
			for _, leave := range []func(mqtt.Client){mqtt.Client.Disconnect, mqtt.Client.Cut} {
				d, err := h.client(c.connect, will)
				if err != nil {
					t.Fatal(err)
				}
				leave(d)
				d.Wait()
			}
			h.settled(func(c *hub.Counters) bool { return c.Closed == 2 && c.Wills == 1 })
		})
	}
}

// TestRealClientThrottled: a client that comes too often is told that the
// server is unavailable, and its present connection lives on.
func TestRealClientThrottled(t *testing.T) {
	for _, c := range connectors {
		t.Run(c.name, func(t *testing.T) {
			h := openWith(t, func(c *Config) {
				c.Hub = hub.New(hub.Config{Hosts: []string{host}, Epoch: sim.Epoch(time.Now().UnixNano()), Connects: 1})
			})
			defer h.close()
			h.register("d")
			first, err := h.client(c.connect, func(*mqtt.Options) {})
			if err != nil {
				t.Fatal(err)
			}
			_, err = h.client(c.connect, func(*mqtt.Options) {})
			if refusal, ok := errors.AsType[mqtt.ConnackError](err); !ok || refusal != mqtt.ConnackError(mqtt.RefusedBusy) {
				t.Errorf("second connection: %v; want return code 3", err)
			}
			if err := first.Err(); err != nil {
				t.Errorf("the first connection: %v", err)
			}
			first.Disconnect()
			first.Wait()
		})
	}
}

// TestPingPong: two clients of one id, each of which comes back at once when
// the other has taken its connection, keep within the device's connects, and
// another device beside them is served. [Azure IoT Hub: error 400027
// ConnectionForcefullyClosedOnNewConnection]
func TestPingPong(t *testing.T) {
	h := open(t)
	defer h.close()
	h.register("d", "well")
	start := time.Now()
	stop := make(chan struct{})
	var rivals sync.WaitGroup
	for range 2 {
		rivals.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if d, err := h.client(mqtt.ConnectLean, func(*mqtt.Options) {}); err == nil {
					select {
					case <-d.Done():
					case <-stop:
						d.Cut()
					}
					d.Wait()
				}
			}
		})
	}
	h.settled(func(c *hub.Counters) bool { return c.Throttled > 0 })
	well := h.join("well", mqtt.ConnectLean)
	for i := range 300 {
		well.say(sim.Message{Kind: sim.GetTwin, Name: fmt.Sprint(i)})
		if m, err := well.Receive(); err != nil || m.Name != fmt.Sprint(i) {
			t.Fatalf("beside the rivals: %q, %v", m, err)
		}
	}
	well.leave()
	close(stop)
	rivals.Wait()
	took := time.Since(start)
	n := h.do(hub.GetCounters{}).Counters
	if most := uint64(hub.DefaultDeviceConnects*(1+took.Seconds())) + 2; n.Accepted > most {
		t.Errorf("%d connections accepted within %s; the bound is %d", n.Accepted, took, most)
	}
}
