package mailbox

import (
	"sync"
	"testing"
	"testing/synctest"
)

// TestOrderAndBound has many producers and a slow consumer: nothing is lost,
// each producer's order holds, the bound holds.
func TestOrderAndBound(t *testing.T) {
	const producers, each, bound = 16, 2000, 7
	type item struct{ who, n int }
	b := New[item](bound)
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for n := range each {
				if !b.Put(item{p, n}, nil) {
					t.Error("Put = false on an open box")
					return
				}
			}
		})
	}
	var next [producers]int
	var batch []item
	for got := 0; got < producers*each; {
		<-b.Ready()
		batch = b.Take(batch)
		if len(batch) > bound {
			t.Fatalf("took %d items; bound is %d", len(batch), bound)
		}
		for _, x := range batch {
			if x.n != next[x.who] {
				t.Fatalf("producer %d: got %d, want %d", x.who, x.n, next[x.who])
			}
			next[x.who]++
			got++
		}
	}
	wg.Wait()
}

// TestFull: a full box makes everybody wait; who leaves does not take the
// wake-up of the others with him.
func TestFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New[int](1)
		b.Put(0, nil)
		leave := make(chan struct{})
		var wg sync.WaitGroup
		var mu sync.Mutex
		var in, left int
		for i := range 10 {
			done := leave
			if i%2 == 0 {
				done = nil
			}
			wg.Go(func() {
				ok := b.Put(i+1, done)
				mu.Lock()
				defer mu.Unlock()
				if ok {
					in++
				} else {
					left++
				}
			})
		}
		synctest.Wait()
		close(leave)
		synctest.Wait()
		if left != 5 || in != 0 {
			t.Fatalf("after leaving: %d left, %d in; want 5, 0", left, in)
		}
		total := 0
		for total < 6 {
			<-b.Ready()
			total += len(b.Take(nil))
			synctest.Wait()
		}
		wg.Wait()
		if in != 5 || b.Len() != 0 {
			t.Fatalf("%d put in, %d inside; want 5, 0", in, b.Len())
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New[int](1)
		b.Put(1, nil)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if b.Put(2, nil) {
					t.Error("Put = true on a closed box")
				}
			})
		}
		synctest.Wait()
		b.Close()
		wg.Wait()
		<-b.Ready()
		if got := b.Take(nil); len(got) != 1 || got[0] != 1 {
			t.Fatalf("Take after Close = %v; want [1]", got)
		}
		if b.Put(3, nil) {
			t.Fatal("Put after Close = true")
		}
	})
}

func BenchmarkPutTake(b *testing.B) {
	box := New[[16]uint64](4096)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var batch [][16]uint64
		for n := 0; n < b.N; {
			<-box.Ready()
			batch = box.Take(batch)
			n += len(batch)
		}
	}()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			box.Put([16]uint64{}, nil)
		}
	})
	<-done
}

// TestWaking: wake is called for what comes into the empty box, and by Close,
// and not for what comes on top; who waits for room waits as in any other.
func TestWaking(t *testing.T) {
	wakes := 0
	b := NewWaking[int](2, func() { wakes++ })
	b.Put(1, nil)
	b.Put(2, nil)
	b.Force(3)
	if wakes != 1 {
		t.Errorf("%d wakes for three items; want one", wakes)
	}
	if got := b.Take(nil); len(got) != 3 {
		t.Errorf("took %v", got)
	}
	b.Force(4)
	b.Close()
	if wakes != 3 {
		t.Errorf("%d wakes; want one for the next item and one for Close", wakes)
	}
}
