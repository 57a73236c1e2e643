package mqtt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"golang.org/x/net/nettest"
	"pgregory.net/rapid"
)

func TestPipeIsConn(t *testing.T) {
	nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
		a, b := Pipe()
		return a, b, func() { a.Close(); b.Close() }, nil
	})
}

// TestPipeIsConnReversed runs the same from the server's end, over a listener.
func TestPipeIsConnReversed(t *testing.T) {
	nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
		l := NewMemListener("nettest", 1)
		b, err := l.Dial(context.Background())
		if err != nil {
			return nil, nil, nil, err
		}
		a, err := l.Accept()
		return a, b, func() { a.Close(); b.Close(); l.Close() }, err
	})
}

// TestRing holds the ring against a plain slice.
func TestRing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q ring
		var plain []byte
		var next byte
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				b := make([]byte, rapid.OneOf(rapid.IntRange(0, 700), rapid.IntRange(0, 70_000)).Draw(t, "n"))
				for i := range b {
					b[i] = next
					next++
				}
				n := q.write(b)
				if want := min(len(b), ringBound-len(plain)); n != want {
					t.Fatalf("write(%d) with %d inside = %d; want %d", len(b), len(plain), n, want)
				}
				next -= byte(len(b) - n)
				plain = append(plain, b[:n]...)
			},
			"read": func(t *rapid.T) {
				b := make([]byte, rapid.OneOf(rapid.IntRange(0, 700), rapid.IntRange(0, 70_000)).Draw(t, "n"))
				n := q.read(b)
				if !bytes.Equal(b[:n], plain[:min(len(b), len(plain))]) {
					t.Fatalf("read(%d) with %d inside: %d other bytes", len(b), len(plain), n)
				}
				plain = plain[n:]
			},
			"": func(t *rapid.T) {
				if q.n != len(plain) || (q.n == 0) != (q.buf == nil) {
					t.Fatalf("holds %d bytes in %d; want %d, and no memory when empty", q.n, len(q.buf), len(plain))
				}
			},
		})
	})
}

// TestPipeTwoWriters: writes larger than the link, from several goroutines,
// arrive whole and all, through readers of odd sizes; nobody is left asleep.
func TestPipeTwoWriters(t *testing.T) {
	for _, readers := range []int{1, 2} {
		t.Run(fmt.Sprint(readers, " readers"), func(t *testing.T) {
			a, b := Pipe()
			const writers, rounds, size = 4, 8, 3*ringBound/2 + 17
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					msg := bytes.Repeat([]byte{byte('a' + w)}, size)
					for range rounds {
						if n, err := a.Write(msg); n != size || err != nil {
							t.Errorf("Write = %d, %v", n, err)
						}
					}
				})
			}
			var mu sync.Mutex // of reading and appending together, to keep the order
			var all []byte
			var rg sync.WaitGroup
			for r := range readers {
				rg.Go(func() {
					buf := make([]byte, 7000+1000*r)
					for {
						mu.Lock()
						n, err := b.Read(buf)
						all = append(all, buf[:n]...)
						mu.Unlock()
						if err == io.EOF {
							return
						}
						if err != nil {
							t.Errorf("Read: %v", err)
							return
						}
					}
				})
			}
			wg.Wait()
			a.Close()
			rg.Wait()
			if len(all) != writers*rounds*size {
				t.Fatalf("%d bytes arrived; want %d", len(all), writers*rounds*size)
			}
			for i := 0; i < len(all); i += size {
				if !bytes.Equal(all[i:i+size], bytes.Repeat(all[i:i+1], size)) {
					t.Fatalf("message at %d is mixed with another", i)
				}
			}
		})
	}
}

// TestPipeWritersWithDeadlines: a writer that gives up while it waits for
// another does not take that other's wake-up with it.
func TestPipeWritersWithDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		a.SetWriteDeadline(time.Now().Add(time.Second))
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				n, err := a.Write(make([]byte, 2*ringBound))
				if !errors.Is(err, os.ErrDeadlineExceeded) || n != 0 && n != ringBound {
					t.Errorf("Write = %d, %v; want a timeout", n, err)
				}
			})
		}
		wg.Wait()
		a.SetWriteDeadline(time.Time{})
		wg.Go(func() {
			if n, err := a.Write([]byte("after")); n != 5 || err != nil {
				t.Errorf("Write after the timeouts = %d, %v", n, err)
			}
			a.Close()
		})
		all, err := io.ReadAll(b)
		if err != nil || len(all) != ringBound+5 {
			t.Errorf("%d bytes, %v; want %d", len(all), err, ringBound+5)
		}
		wg.Wait()
	})
}

func TestPipeEnds(t *testing.T) {
	read := func(c net.Conn) (string, error) {
		buf := make([]byte, 64)
		n, err := c.Read(buf)
		return string(buf[:n]), err
	}
	t.Run("what was written stays readable after Close", func(t *testing.T) {
		a, b := Pipe()
		a.Write([]byte("last words"))
		a.Close()
		if s, err := read(b); s != "last words" || err != nil {
			t.Errorf("Read = %q, %v", s, err)
		}
		if _, err := read(b); err != io.EOF {
			t.Errorf("Read = %v; want EOF", err)
		}
	})
	t.Run("writing to a closed peer", func(t *testing.T) {
		a, b := Pipe()
		b.Close()
		if _, err := a.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("Write = %v; want ErrClosedPipe", err)
		}
	})
	t.Run("using a closed end", func(t *testing.T) {
		a, _ := Pipe()
		a.Close()
		_, werr := a.Write([]byte("x"))
		_, rerr := read(a)
		for op, err := range map[string]error{"Write": werr, "Read": rerr, "SetDeadline": a.SetDeadline(time.Time{})} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s = %v; want net.ErrClosed", op, err)
			}
		}
		if err := a.Close(); err != nil {
			t.Errorf("second Close = %v", err)
		}
	})
	t.Run("CloseWrite leaves the other direction", func(t *testing.T) {
		a, b := Pipe()
		a.Write([]byte("question"))
		a.(interface{ CloseWrite() error }).CloseWrite()
		if s, err := io.ReadAll(b); string(s) != "question" || err != nil {
			t.Errorf("ReadAll = %q, %v", s, err)
		}
		b.Write([]byte("answer"))
		b.Close()
		if s, err := io.ReadAll(a); string(s) != "answer" || err != nil {
			t.Errorf("ReadAll = %q, %v", s, err)
		}
		if _, err := a.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write after CloseWrite = %v; want net.ErrClosed", err)
		}
	})
	t.Run("Close wakes everybody", func(t *testing.T) {
		for _, own := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				a, b := Pipe()
				var wg sync.WaitGroup
				for range 2 {
					wg.Go(func() { a.Read(make([]byte, 1)) })
					wg.Go(func() { a.Write(make([]byte, 2*ringBound)) })
				}
				synctest.Wait()
				if own {
					a.Close()
				} else {
					b.Close()
				}
				wg.Wait()
			})
		}
	})
}

// TestPipeDeadlines: set before, during, in the past, moved and taken away.
func TestPipeDeadlines(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(c net.Conn) // at 0 s, before the Read
		then func(c net.Conn) // at 5 s, during it
		at   time.Duration    // when Read times out; 0: it gets the byte written at 60 s
	}{
		{"before", func(c net.Conn) { c.SetReadDeadline(time.Now().Add(3 * time.Second)) }, nil, 3 * time.Second},
		{"past", func(c net.Conn) { c.SetReadDeadline(time.Unix(1, 0)) }, nil, time.Nanosecond},
		{"during", nil, func(c net.Conn) { c.SetReadDeadline(time.Now().Add(time.Second)) }, 6 * time.Second},
		{"past, during", nil, func(c net.Conn) { c.SetDeadline(time.Unix(1, 0)) }, 5 * time.Second},
		{"later", func(c net.Conn) { c.SetReadDeadline(time.Now().Add(7 * time.Second)) },
			func(c net.Conn) { c.SetReadDeadline(time.Now().Add(20 * time.Second)) }, 25 * time.Second},
		{"taken away", func(c net.Conn) { c.SetReadDeadline(time.Now().Add(7 * time.Second)) },
			func(c net.Conn) { c.SetReadDeadline(time.Time{}) }, 0},
		{"of writing only", func(c net.Conn) { c.SetWriteDeadline(time.Now().Add(7 * time.Second)) }, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := Pipe()
				start := time.Now()
				if c.set != nil {
					c.set(a)
				}
				if c.then != nil {
					time.AfterFunc(5*time.Second, func() { c.then(a) })
				}
				time.AfterFunc(time.Minute, func() { b.Write([]byte{1}) })
				n, err := a.Read(make([]byte, 1))
				took := time.Since(start)
				if c.at == 0 {
					if n != 1 || err != nil || took != time.Minute {
						t.Errorf("Read = %d, %v after %v; want the byte of minute 1", n, err, took)
					}
					return
				}
				if !errors.Is(err, os.ErrDeadlineExceeded) || took != c.at.Truncate(time.Second) {
					t.Errorf("Read = %d, %v after %v; want a timeout after %v", n, err, took, c.at)
				}
			})
		})
	}
}

func TestPipeAddresses(t *testing.T) {
	a, b := Pipe()
	if a.LocalAddr() != b.RemoteAddr() || b.LocalAddr() != a.RemoteAddr() || a.LocalAddr() == b.LocalAddr() || a.LocalAddr().Network() != "mem" {
		t.Errorf("addresses %v %v, %v %v", a.LocalAddr(), a.RemoteAddr(), b.LocalAddr(), b.RemoteAddr())
	}
}

// TestPipeMemory: a link that was used and is idle costs at most 1 KB.
func TestPipeMemory(t *testing.T) {
	const links = 10_000
	keep := make([]net.Conn, 0, 2*links)
	before, _ := memory()
	buf := make([]byte, 2000)
	for range links {
		a, b := Pipe()
		a.Write(buf[:1+rand.IntN(len(buf)-1)])
		b.Read(buf)
		b.Write(buf[:100])
		a.Read(buf)
		keep = append(keep, a, b)
	}
	after, _ := memory()
	each := (after - before) / links
	t.Logf("%.0f bytes an idle link, struct %d", each, unsafe.Sizeof(wire{}))
	if each > 1024 {
		t.Errorf("an idle link costs %.0f bytes; want at most 1024", each)
	}
	runtime.KeepAlive(keep)
}

func TestMemListener(t *testing.T) {
	t.Run("a full backlog makes Dial wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := NewMemListener("hub", 1)
			first, err := l.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := l.Dial(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Dial with a full backlog: %v; want the context's end", err)
			}
			var wg sync.WaitGroup
			wg.Go(func() {
				c, err := l.Dial(t.Context())
				if err != nil {
					t.Errorf("Dial after Accept: %v", err)
					return
				}
				c.Close()
			})
			synctest.Wait()
			c, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			first.Write([]byte("x"))
			if n, err := c.Read(make([]byte, 2)); n != 1 || err != nil {
				t.Errorf("Read = %d, %v: not the first link", n, err)
			}
			wg.Wait()
			l.Close()
		})
	})
	t.Run("Close", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := NewMemListener("hub", 1)
			waiting, err := l.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			wg.Go(func() {
				if _, err := l.Dial(t.Context()); !errors.Is(err, ErrRefused) {
					t.Errorf("a waiting Dial: %v; want ErrRefused", err)
				}
			})
			synctest.Wait()
			l.Close()
			wg.Wait()
			if _, err := waiting.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("a link nobody accepted: Read = %v; want EOF", err)
			}
			if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Accept = %v; want net.ErrClosed", err)
			}
			if _, err := l.Dial(t.Context()); !errors.Is(err, ErrRefused) {
				t.Errorf("Dial = %v; want ErrRefused", err)
			}
			if err := l.Close(); err != nil {
				t.Errorf("second Close = %v", err)
			}
		})
	})
}

func BenchmarkPipe(b *testing.B) {
	b.Run("throughput 32 KiB", func(b *testing.B) {
		a, z := Pipe()
		go io.Copy(io.Discard, struct{ io.Reader }{z})
		buf := make([]byte, 32<<10)
		b.SetBytes(int64(len(buf)))
		for b.Loop() {
			a.Write(buf)
		}
		a.Close()
	})
	b.Run("ping-pong 100 B", func(b *testing.B) {
		a, z := Pipe()
		go func() {
			buf := make([]byte, 512)
			for {
				n, err := z.Read(buf)
				if err != nil {
					return
				}
				z.Write(buf[:n])
			}
		}()
		buf := make([]byte, 100)
		b.ReportAllocs()
		for b.Loop() {
			a.Write(buf)
			io.ReadFull(a, buf)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rt/s")
		a.Close()
	})
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			a, _ := Pipe()
			a.Close()
		}
	})
}
