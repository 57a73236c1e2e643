package mqtt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// clientCases is what a Client does, case by case.
var clientCases = []clientCase{
	{"CONNECT says what the options say", broker{present: true}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		o.ClientID, o.Username, o.Password, o.KeepAlive, o.CleanSession = "dev-1", "hub/dev-1", "secret", 300, false
		o.Will = &Will{Topic: "t/will", Payload: []byte("gone"), QoS: 1, Retain: true}
		c := dialled(t, connect, o)
		if !c.SessionPresent() {
			t.Error("session is not present")
		}
		c.Disconnect()
		ended(t, c, ErrDisconnected)
		got, _ := b.stop()
		want := Packet{Kind: Connect, Level: 4, ClientID: "dev-1", KeepAlive: 300, HasUsername: true, Username: "hub/dev-1", HasPassword: true,
			Password: []byte("secret"), HasWill: true, WillTopic: "t/will", WillPayload: []byte("gone"), WillQoS: 1, WillRetain: true}
		if !reflect.DeepEqual(got[0], want) {
			t.Errorf("CONNECT\n got %+v\nwant %+v", got[0], want)
		}
	}},
	{"a clean session without login", broker{}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		c := dialled(t, connect, o)
		if c.SessionPresent() || c.Err() != nil {
			t.Errorf("session present %v, Err %v", c.SessionPresent(), c.Err())
		}
		c.Disconnect()
		ended(t, c, ErrDisconnected)
		got, _ := b.stop()
		if want := (Packet{Kind: Connect, Level: 4, ClientID: "a", CleanSession: true}); !reflect.DeepEqual(got[0], want) {
			t.Errorf("CONNECT\n got %+v\nwant %+v", got[0], want)
		}
	}},
	{"a refusal is a ConnackError", broker{}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		for _, code := range []byte{1, 2, 3, 4, 5, 6, 200} {
			b.mu.Lock()
			b.code = code
			b.mu.Unlock()
			_, err := connect(t.Context(), o)
			if got, ok := errors.AsType[ConnackError](err); !ok || got != ConnackError(code) {
				t.Errorf("code %d: %v; want its ConnackError", code, err)
			}
		}
	}},
	{"options without a dial, a handler, a topic", broker{}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		_, err := connect(t.Context(), Options{Password: "without user", Will: &Will{}})
		if err == nil || !strings.Contains(err.Error(), "Dial") || !strings.Contains(err.Error(), "Handler") || !strings.Contains(err.Error(), "MQTT-3.1.2-22") {
			t.Errorf("error %v; want all complaints", err)
		}
	}},
	{"dial's error", broker{}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		o.Dial = func(context.Context) (net.Conn, error) { return nil, ErrRefused }
		if _, err := connect(t.Context(), o); !errors.Is(err, ErrRefused) {
			t.Errorf("error %v; want ErrRefused", err)
		}
	}},
	{"no CONNACK in time", broker{saw: func(*Session, Packet) bool { return true }}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		o.ConnectTimeout = 7 * time.Second
		start := time.Now()
		_, err := connect(t.Context(), o)
		if took := time.Since(start); err == nil || !isTimeout(err) || took != o.ConnectTimeout {
			t.Errorf("error %v after %v; want a timeout after 7 s", err, took)
		}
	}},
	{"the context ends while CONNACK is awaited", broker{saw: func(*Session, Packet) bool { return true }}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		_, err := connect(ctx, o)
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != 3*time.Second {
			t.Errorf("error %v after %v; want the context's after 3 s", err, took)
		}
	}},
	{"the server closes instead of CONNACK", broker{saw: func(s *Session, _ Packet) bool { s.Close(); return true }}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		if _, err := connect(t.Context(), o); !errors.Is(err, io.EOF) {
			t.Errorf("error %v; want EOF", err)
		}
	}},
	{"another packet instead of CONNACK", broker{saw: func(s *Session, _ Packet) bool { s.Send(&Packet{Kind: Pingresp}); return true }}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		if _, err := connect(t.Context(), o); err == nil {
			t.Error("connected")
		}
	}},
	{"a server that takes nothing", broker{}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		o.Dial = func(context.Context) (net.Conn, error) { c, _ := Pipe(); return c, nil }
		o.Username, o.Password = strings.Repeat("u", 60<<10), strings.Repeat("p", 60<<10)
		start := time.Now()
		_, err := connect(t.Context(), o)
		if took := time.Since(start); err == nil || took > 2*time.Second {
			t.Errorf("error %v after %v; want one within WriteTimeout", err, took)
		}
	}},
	{"QoS 0 and 1, acknowledged by id", broker{}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		c := dialled(t, connect, o)
		for i := range 100 {
			id := uint64(i)<<32 | 7
			if i%10 == 0 {
				id = 0
			}
			if err := c.Publish(fmt.Sprint("t/", i), byte(i%2), []byte{byte(i)}, id); err != nil {
				t.Fatal(err)
			}
		}
		r.until(t, "50 acknowledgements", func() bool { return len(r.acked) == 50 })
		c.Disconnect()
		ended(t, c, ErrDisconnected)
		got, errs := b.stop()
		for i := range 100 {
			p := got[1+i]
			if p.Topic != fmt.Sprint("t/", i) || p.QoS != byte(i%2) || len(p.Payload) != 1 || p.Payload[0] != byte(i) || p.Retain || p.Dup {
				t.Fatalf("packet %d: %+v", i, p)
			}
			if i%2 == 1 && r.acked[i/2] != uint64(i)<<32|7 {
				t.Fatalf("acknowledged %x; want odd numbers", r.acked)
			}
		}
		if got[101].Kind != Disconnect || len(got) != 102 || errs[0] != ErrClosed {
			t.Errorf("after the messages: %+v, %v; want DISCONNECT", got[101:], errs)
		}
	}},
	{"what cannot be said", broker{}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		c := dialled(t, connect, o)
		for name, err := range map[string]error{
			"QoS 2":           c.Publish("t", 2, nil, 0),
			"wildcard":        c.Publish("t/#", 0, nil, 0),
			"no topic":        c.Publish("", 1, nil, 0),
			"no filter":       c.Subscribe(nil, 0),
			"filter QoS 2":    c.Subscribe([]Filter{{"t", 2}}, 0),
			"filter":          c.Subscribe([]Filter{{"t#", 0}}, 0),
			"nothing":         c.Unsubscribe(nil, 0),
			"a filter of two": c.Unsubscribe([]string{"t", "a+"}, 0),
		} {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrQoS) {
				t.Errorf("%s: %v; want it refused", name, err)
			}
		}
		c.Disconnect()
		ended(t, c, ErrDisconnected)
		if got, _ := b.stop(); len(got) != 2 {
			t.Errorf("the server saw %+v; want CONNECT and DISCONNECT", got)
		}
	}},
	{"SUBSCRIBE and UNSUBSCRIBE", broker{filter: func(f Filter) byte {
		if f.Topic == "no/#" {
			return SubackFailure
		}
		return 0
	}}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		c := dialled(t, connect, o)
		if err := c.Subscribe([]Filter{{"a/#", 1}, {"no/#", 1}, {"b/+/c", 0}}, 11); err != nil {
			t.Fatal(err)
		}
		if err := c.Subscribe([]Filter{{"d", 0}}, 12); err != nil {
			t.Fatal(err)
		}
		r.until(t, "two SUBACKs", func() bool { return len(r.granted) == 2 })
		if want := map[uint64][]byte{11: {0, SubackFailure, 0}, 12: {0}}; !reflect.DeepEqual(r.granted, want) {
			t.Errorf("granted %v; want %v", r.granted, want)
		}
		if err := c.Unsubscribe([]string{"a/#", "d"}, 13); err != nil {
			t.Fatal(err)
		}
		r.until(t, "UNSUBACK", func() bool { return len(r.given) == 1 && r.given[0] == 13 })
		c.Cut()
		ended(t, c, ErrCut)
		got, _ := b.stop()
		if want := []Filter{{Topic: "a/#"}, {Topic: "d"}}; !reflect.DeepEqual(got[3].Filters, want) {
			t.Errorf("UNSUBSCRIBE %+v; want %v", got[3], want)
		}
	}},
	{"messages come in order and are acknowledged after Received", broker{}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		var mu sync.Mutex
		acks := 0
		b.mu.Lock()
		b.saw = func(_ *Session, p Packet) bool {
			mu.Lock()
			defer mu.Unlock()
			if p.Kind == Puback {
				acks++
			}
			return false
		}
		b.mu.Unlock()
		hold := make(chan struct{})
		r.block = func(m Message, _ <-chan struct{}) {
			if m.Topic == "back/0" {
				<-hold
			}
		}
		c := dialled(t, connect, o)
		for i := range 20 {
			if err := c.Publish(fmt.Sprint("echo/", i), 1, []byte{byte(i)}, uint64(i+1)); err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				synctest.Wait()
				mu.Lock()
				if acks != 0 {
					t.Error("acknowledged before Received returned")
				}
				mu.Unlock()
				close(hold)
			}
		}
		r.until(t, "20 messages and acknowledgements", func() bool { return len(r.messages) == 20 && len(r.acked) == 20 })
		synctest.Wait()
		c.Disconnect()
		ended(t, c, ErrDisconnected)
		for i, m := range r.messages {
			if m.Topic != fmt.Sprint("back/", i) || m.QoS != 1 || m.ID == 0 || len(m.Payload) != 1 || m.Payload[0] != byte(i) {
				t.Fatalf("message %d: %+v", i, m)
			}
		}
		if acks != 20 {
			t.Errorf("%d PUBACKs from the client; want 20", acks)
		}
	}},
	{"a large message there and back", broker{}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		c := dialled(t, connect, o)
		if err := c.Publish("echo/large", 0, make([]byte, 256<<10), 0); err != nil {
			t.Fatal(err)
		}
		r.until(t, "the message", func() bool { return len(r.messages) == 1 && len(r.messages[0].Payload) == 256<<10 })
		c.Cut()
		ended(t, c, ErrCut)
	}},
	{"messages may come before the Connector returns", broker{greet: []Packet{{Kind: Publish, Topic: "c2d", QoS: 1, ID: 9, Retain: true}}}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		o.CleanSession = false
		c := dialled(t, connect, o)
		r.until(t, "the greeting", func() bool { return len(r.messages) == 1 && r.messages[0].Retain })
		c.Cut()
		ended(t, c, ErrCut)
	}},
	{"Cut says nothing", broker{}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		c := dialled(t, connect, o)
		c.Cut()
		ended(t, c, ErrCut)
		got, errs := b.stop()
		if count(got, Disconnect) != 0 || len(errs) != 1 || errs[0] != io.EOF {
			t.Errorf("the server saw %+v, %v; want the connection's end and no DISCONNECT", got, errs)
		}
	}},
	{"the server closes", broker{}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		c := dialled(t, connect, o)
		b.stop()
		ended(t, c, io.EOF)
	}},
	{"the server breaks the protocol", broker{greet: []Packet{{Kind: Pingresp}}}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		b.mu.Lock()
		b.saw = func(s *Session, p Packet) bool {
			if p.Kind == Publish {
				s.SendBytes([]byte{0xf0, 0})
			}
			return false
		}
		b.mu.Unlock()
		c := dialled(t, connect, o)
		c.Publish("t", 0, nil, 0)
		<-c.Done()
		c.Wait()
		if err := c.Err(); err == nil || errors.Is(err, io.EOF) || errors.Is(err, ErrCut) {
			t.Errorf("Err = %v; want the protocol error", err)
		}
	}},
	{"a Handler that waits is freed at the end", broker{}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		for _, end := range []struct {
			how  func(Client)
			want error
		}{
			{Client.Cut, ErrCut},
			{Client.Disconnect, ErrDisconnected},
			{func(Client) { b.mu.Lock(); defer b.mu.Unlock(); b.sessions[len(b.sessions)-1].Close() }, io.EOF},
		} {
			r.block = func(_ Message, ended <-chan struct{}) { <-ended }
			c := dialled(t, connect, o)
			for range 5 {
				c.Publish("echo/a", 1, nil, 0)
			}
			synctest.Wait()
			if end.want == io.EOF {
				// Nobody reads while the handler waits: the next write sees the end.
				end.how(c)
				synctest.Wait()
				c.Publish("t", 0, nil, 0)
				<-c.Done()
				c.Wait()
				continue
			}
			end.how(c)
			ended(t, c, end.want)
		}
	}},
	{"a server that stops reading", broker{}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		for name, end := range map[string]func(Client){"Disconnect": Client.Disconnect, "Cut": Client.Cut, "nothing": func(Client) {}} {
			var server net.Conn
			o.Dial = func(context.Context) (net.Conn, error) {
				var c net.Conn
				c, server = Pipe()
				server.Write([]byte{0x20, 2, 0, 0}) // CONNACK, before CONNECT is read: never is
				return c, nil
			}
			o.WriteTimeout = 2 * time.Second
			c := dialled(t, connect, o)
			start := time.Now()
			err := c.Publish("t", 1, make([]byte, 2*ringBound), 5)
			if err == nil { // paho writes in a goroutine of its own
				end(c)
			}
			<-c.Done()
			if took := time.Since(start); took > 2*o.WriteTimeout {
				t.Errorf("%s: the end took %v; want WriteTimeout at most twice", name, took)
			}
			c.Wait()
			if len(r.acked) != 0 {
				t.Errorf("%s: acknowledged", name)
			}
			server.Close()
		}
	}},
	{"keep-alive", broker{}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		o.KeepAlive = 20
		c := dialled(t, connect, o)
		select {
		case <-c.Done():
			t.Errorf("ended: %v", c.Err())
		case <-time.After(10 * time.Minute):
		}
		c.Cut()
		ended(t, c, ErrCut)
		got, _ := b.stop()
		if n := count(got, Pingreq); n < 20 || n > 60 {
			t.Errorf("%d PINGREQs in 10 minutes; want one every 20 s or so", n)
		}
	}},
	{"keep-alive while talking", broker{}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		o.KeepAlive = 20
		c := dialled(t, connect, o)
		for range 60 {
			if err := c.Publish("t", 1, nil, 0); err != nil {
				t.Fatal(err)
			}
			<-time.After(5 * time.Second)
		}
		c.Cut()
		ended(t, c, ErrCut)
		if got, _ := b.stop(); count(got, Pingreq) > 0 {
			t.Errorf("%d PINGREQs; want none", count(got, Pingreq))
		}
	}},
	{"no PINGRESP", broker{mute: true}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		o.KeepAlive, o.PingTimeout = 20, 5*time.Second
		c := dialled(t, connect, o)
		start := time.Now()
		<-c.Done()
		if took := time.Since(start); took < 10*time.Second || took > 40*time.Second {
			t.Errorf("noticed after %v", took)
		}
		ended(t, c, ErrPing)
	}},
	{"a half-open link is noticed while only QoS 0 is sent", broker{mute: true}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		o.KeepAlive, o.PingTimeout = 20, 5*time.Second
		c := dialled(t, connect, o)
		start := time.Now()
		for c.Publish("t", 0, nil, 0) == nil {
			<-time.After(time.Second)
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("noticed after %v", took)
		}
		ended(t, c, ErrPing)
	}},
	{"the context's end after CONNACK changes nothing", broker{}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		ctx, cancel := context.WithCancel(t.Context())
		c, err := connect(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait()
		if c.Err() != nil {
			t.Errorf("Err = %v", c.Err())
		}
		c.Disconnect()
		ended(t, c, ErrDisconnected)
	}},
	{"ends from all sides at once", broker{}, func(t *testing.T, connect Connector, o Options, r *recorder, b *broker) {
		for range 20 {
			c := dialled(t, connect, o)
			var wg sync.WaitGroup
			wg.Go(func() {
				for c.Publish("echo/a", 1, nil, 1) == nil {
				}
			})
			wg.Go(func() { c.Subscribe([]Filter{{"a", 0}}, 1) })
			wg.Go(c.Disconnect)
			wg.Go(c.Cut)
			wg.Go(c.Wait)
			wg.Wait()
			c.Wait()
		}
	}},
}
