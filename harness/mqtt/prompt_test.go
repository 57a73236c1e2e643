package mqtt

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestTryWrite: a link takes at once what it has room for, as a whole, and says
// no where Write would wait or fail.
func TestTryWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, z := Pipe()
		try := a.(tryWriter)
		want := func(what string, got, want bool) {
			t.Helper()
			if got != want {
				t.Errorf("%s: %t; want %t", what, got, want)
			}
		}
		want("one byte too many", try.TryWrite(make([]byte, ringBound+1)), false)
		want("all there is room for", try.TryWrite(make([]byte, ringBound)), true)
		want("a full link", try.TryWrite([]byte("x")), false)
		io.ReadFull(z, make([]byte, ringBound))
		want("an empty link", try.TryWrite([]byte("y")), true)

		done := make(chan struct{})
		go func() {
			defer close(done)
			a.Write(bytes.Repeat([]byte("w"), 2*ringBound))
		}()
		synctest.Wait() // a Write is in the middle of its bytes
		io.ReadFull(z, make([]byte, 1))
		want("beside a Write that waits", try.TryWrite(nil), false)
		got, err := io.ReadAll(io.LimitReader(z, 2*ringBound))
		if err != nil || bytes.Count(got, []byte("w")) != 2*ringBound {
			t.Errorf("%d bytes of the Write, %v", len(got), err)
		}
		<-done
		want("afterwards", try.TryWrite([]byte("z")), true)
		z.Close()
		want("a link whose other end has closed", try.TryWrite([]byte("x")), false)
		a.Close()
		want("a closed link", try.TryWrite([]byte("x")), false)
	})
}

// slowly reads a stream in pieces of many sizes, with pauses.
type slowly struct {
	src  io.Reader
	rand *rand.Rand
}

func (s slowly) Read(b []byte) (int, error) {
	<-time.After(time.Millisecond) // the writer waits for room, or is through
	return s.src.Read(b[:min(len(b), 1+s.rand.IntN(8<<10))])
}

// TestSessionPrompt: what a Session sends arrives in order, whether it was
// handed over at once or waited for its sender; and what could be handed over
// at once has no sender.
func TestSessionPrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, z := Pipe()
		s := NewSession(z, 0)
		random := rand.New(rand.NewPCG(1, 2))
		s.Send(&Packet{Kind: Publish, Topic: "first"})
		if s.sending || s.Queued() != 0 {
			t.Errorf("one small packet: sending %t, %d queued; want it handed over", s.sending, s.Queued())
		}
		var want bytes.Buffer
		want.Write(encode(t, Packet{Kind: Publish, Topic: "first"}))
		done := make(chan []byte)
		go func() {
			got, _ := io.ReadAll(slowly{a, random})
			done <- got
		}()
		waited := 0
		for i := range 2000 {
			p := Packet{Kind: Publish, Topic: "t", Payload: bytes.Repeat([]byte{byte(i)}, i%977)}
			if i%7 == 0 {
				p = Packet{Kind: Puback, ID: uint16(i + 1)}
			}
			for s.Queued() > QueueMessages/2 {
				waited++
				<-time.After(2 * time.Millisecond)
			}
			if err := s.Send(&p); err != nil {
				t.Fatalf("packet %d: %v", i, err)
			}
			want.Write(encode(t, p))
		}
		s.CloseAfterFlush(SessionWriteTimeout)
		got := <-done
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%d bytes arrived, not the %d sent, in order", len(got), want.Len())
		}
		if waited == 0 {
			t.Error("nothing ever waited")
		}
		a.Close()
		s.Read()
		s.Close()
		s.Wait()
	})
}

// TestClientEnded: Options.Ended is called once, whoever ends the connection,
// and also when there was none.
func TestClientEnded(t *testing.T) {
	for _, client := range clients {
		for name, end := range map[string]func(c Client, b *broker){
			"Cut":        func(c Client, _ *broker) { c.Cut(); c.Cut() },
			"Disconnect": func(c Client, _ *broker) { c.Disconnect() },
			"the server": func(c Client, b *broker) {
				b.mu.Lock()
				s := b.sessions[0]
				b.mu.Unlock()
				s.Close()
				<-c.Done()
			},
		} {
			t.Run(client.name+"/"+name, func(t *testing.T) {
				b := newBroker(&broker{})
				defer b.stop()
				var times atomic.Int32
				c := dialled(t, client.connect, Options{Dial: b.dial, Handler: newRecorder(), ClientID: "a", CleanSession: true, Ended: func() { times.Add(1) }})
				if n := times.Load(); n != 0 {
					t.Errorf("called %d times while connected", n)
				}
				end(c, b)
				c.Wait()
				if n := times.Load(); n != 1 {
					t.Errorf("called %d times; want once", n)
				}
			})
		}
		t.Run(client.name+"/refused", func(t *testing.T) {
			b := newBroker(&broker{code: RefusedNotAllowed})
			defer b.stop()
			var times atomic.Int32
			if _, err := client.connect(t.Context(), Options{Dial: b.dial, Handler: newRecorder(), ClientID: "a", CleanSession: true, Ended: func() { times.Add(1) }}); err == nil {
				t.Fatal("not refused")
			}
			if n := times.Load(); n != 1 {
				t.Errorf("called %d times; want once", n)
			}
		})
		t.Run(client.name+"/no link", func(t *testing.T) {
			called := false
			none := func(context.Context) (net.Conn, error) { return nil, net.ErrClosed }
			if _, err := client.connect(t.Context(), Options{Dial: none, Handler: newRecorder(), ClientID: "a", CleanSession: true, Ended: func() { called = true }}); err == nil || called {
				t.Errorf("%v, called %t; want an error and no call: there was no connection", err, called)
			}
		})
	}
}
