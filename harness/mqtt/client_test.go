package mqtt

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// clients are the two implementations; every test of the table runs on both.
var clients = []struct {
	name    string
	connect Connector
}{
	{"paho", ConnectPaho},
	{"lean", ConnectLean},
}

// recorder is a Handler that keeps all it is told.
type recorder struct {
	mu       sync.Mutex
	messages []Message
	acked    []uint64
	granted  map[uint64][]byte
	given    []uint64
	news     chan struct{}                          // told of every change; capacity 1
	block    func(m Message, ended <-chan struct{}) // runs in Received
}

func newRecorder() *recorder {
	return &recorder{granted: make(map[uint64][]byte), news: make(chan struct{}, 1)}
}

func (r *recorder) note(f func()) {
	r.mu.Lock()
	f()
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
}

func (r *recorder) Received(m Message, ended <-chan struct{}) {
	r.note(func() { r.messages = append(r.messages, m) })
	if r.block != nil {
		r.block(m, ended)
	}
}
func (r *recorder) Acked(id uint64)                { r.note(func() { r.acked = append(r.acked, id) }) }
func (r *recorder) Subscribed(id uint64, c []byte) { r.note(func() { r.granted[id] = c }) }
func (r *recorder) Unsubscribed(id uint64)         { r.note(func() { r.given = append(r.given, id) }) }

// until waits for the recorder to be in a state.
func (r *recorder) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for limit := time.After(time.Minute); ; {
		r.mu.Lock()
		done := ok()
		r.mu.Unlock()
		if done {
			return
		}
		select {
		case <-r.news:
		case <-limit:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// clientCase is a test that both clients pass, in a synctest bubble over
// in-memory links: that all goroutines are gone at the end is part of each.
type clientCase struct {
	name   string
	broker broker
	run    func(t *testing.T, connect Connector, o Options, r *recorder, b *broker)
}

// dialled connects or fails the test.
func dialled(t *testing.T, connect Connector, o Options) Client {
	t.Helper()
	c, err := connect(t.Context(), o)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	return c
}

// ended checks how a client's connection ended, and waits for its goroutines and
// for the broker to take notice.
func ended(t *testing.T, c Client, want error) {
	t.Helper()
	checkEnd(t, c, want)
	synctest.Wait()
}

func checkEnd(t *testing.T, c Client, want error) {
	t.Helper()
	<-c.Done()
	c.Wait()
	if err := c.Err(); !errors.Is(err, want) {
		t.Errorf("Err = %v; want %v", err, want)
	}
	if err := c.Publish("t", 0, nil, 0); !errors.Is(err, want) {
		t.Errorf("Publish afterwards: %v; want %v", err, want)
	}
	if err := c.Subscribe([]Filter{{"t", 0}}, 1); !errors.Is(err, want) {
		t.Errorf("Subscribe afterwards: %v; want %v", err, want)
	}
	if err := c.Unsubscribe([]string{"t"}, 1); !errors.Is(err, want) {
		t.Errorf("Unsubscribe afterwards: %v; want %v", err, want)
	}
	c.Cut()
	c.Disconnect()
	c.Wait()
	if err := c.Err(); !errors.Is(err, want) {
		t.Errorf("Err after a second end = %v; want %v", err, want)
	}
}

func TestClients(t *testing.T) {
	for _, client := range clients {
		for i := range clientCases {
			c := &clientCases[i]
			t.Run(client.name+"/"+c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBroker(&broker{code: c.broker.code, present: c.broker.present, mute: c.broker.mute,
						filter: c.broker.filter, greet: c.broker.greet, saw: c.broker.saw})
					r := newRecorder()
					c.run(t, client.connect, Options{Dial: b.dial, Handler: r, ClientID: "a", CleanSession: true}, r, b)
					b.stop()
				})
			})
		}
	}
}

// TestClientsTCP runs a conversation over sockets.
func TestClientsTCP(t *testing.T) {
	for _, client := range clients {
		t.Run(client.name, func(t *testing.T) {
			goodbyes := make(chan struct{}, 3)
			b := newTCPBroker(t, &broker{saw: func(_ *Session, p Packet) bool {
				if p.Kind == Disconnect {
					goodbyes <- struct{}{}
				}
				return false
			}})
			for range 3 {
				r := newRecorder()
				c := dialled(t, client.connect, Options{Dial: b.dial, Handler: r, ClientID: "a", KeepAlive: 60})
				for i := range 200 {
					if err := c.Publish("echo/t", 1, make([]byte, 10*i), uint64(i+1)); err != nil {
						t.Fatal(err)
					}
				}
				r.until(t, "200 messages and acknowledgements", func() bool { return len(r.messages) == 200 && len(r.acked) == 200 })
				c.Disconnect()
				checkEnd(t, c, ErrDisconnected)
				<-goodbyes
			}
			b.stop()
		})
	}
}

// TestFleetHour: 50 clients with keep-alive through an hour of virtual time. The
// server allows them one and a half times their keep-alive, and loses none; then
// half of them are cut and the others say goodbye.
func TestFleetHour(t *testing.T) {
	for _, client := range clients {
		t.Run(client.name, func(t *testing.T) {
			began := time.Now()
			synctest.Test(t, func(t *testing.T) {
				b := newBroker(&broker{})
				var wg sync.WaitGroup
				for i := range 50 {
					wg.Go(func() {
						r := newRecorder()
						c, err := client.connect(t.Context(), Options{Dial: b.dial, Handler: r, ClientID: fmt.Sprint("dev-", i), CleanSession: true, KeepAlive: uint16(20 + i)})
						if err != nil {
							t.Errorf("device %d: %v", i, err)
							return
						}
						for m := range 12 {
							if err := c.Publish("echo/t", 1, []byte("hello"), uint64(m+1)); err != nil {
								t.Errorf("device %d, message %d: %v", i, m, err)
							}
							<-time.After(5 * time.Minute)
						}
						r.until(t, "12 acknowledgements", func() bool { return len(r.acked) == 12 && len(r.messages) == 12 })
						if i%2 == 0 {
							c.Cut()
						} else {
							c.Disconnect()
						}
						c.Wait()
					})
				}
				wg.Wait()
				synctest.Wait()
				got, _ := b.stop()
				if count(got, Connect) != 50 || count(got, Disconnect) != 25 || count(got, Pingreq) < 50*30 {
					t.Errorf("%d CONNECTs, %d DISCONNECTs, %d PINGREQs", count(got, Connect), count(got, Disconnect), count(got, Pingreq))
				}
			})
			t.Logf("an hour took %v", time.Since(began))
		})
	}
}
