package hubd

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// nuisances are devices that misbehave, over and over until stop closes, each
// within what one device may connect.
var nuisances = []struct {
	name   string
	closed func(Counters) uint64 // how often the hub has had enough of it
	plague func(h *house, stop <-chan struct{})
}{
	{"stuck", func(c Counters) uint64 { return c.SlowConsumers }, func(h *house, stop <-chan struct{}) { // its callback never returns
		h.again(stop, func() {
			d := h.join("bad", mqtt.ConnectPaho)
			defer d.leave()
			h.pester(stop)
		})
	}},
	{"deaf", func(c Counters) uint64 { return c.SlowConsumers }, func(h *house, stop <-chan struct{}) { // it never reads
		h.again(stop, func() {
			r := h.enter(h.connect("bad", 0))
			defer r.Close()
			r.send(subscribe(methodsFilter))
			r.gets(mqtt.Suback)
			h.pester(stop)
		})
	}},
	{"flooding", func(c Counters) uint64 { return c.Flooding }, func(h *house, stop <-chan struct{}) {
		h.again(stop, func() {
			r := h.enter(h.connect("bad", 0))
			defer r.Close()
			p := publish("devices/bad/messages/events/", 0)
			said, err := p.AppendTo(nil)
			for err == nil {
				select {
				case <-stop:
					return
				default:
					_, err = r.Write(said)
				}
			}
		})
	}},
	{"half-close", func(c Counters) uint64 { return c.Lost }, func(h *house, stop <-chan struct{}) {
		h.again(stop, func() {
			r := h.enter(h.connect("bad", 0))
			defer r.Close()
			r.Conn.(interface{ CloseWrite() error }).CloseWrite()
			for _, err := r.Read(); err == nil; _, err = r.Read() {
			}
		})
	}},
}

// again plays a nuisance until stop closes.
func (h *house) again(stop <-chan struct{}, once func()) {
	for {
		once()
		select {
		case <-stop:
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// pester calls a device that does not answer until the hub closes it.
func (h *house) pester(stop <-chan struct{}) {
	payload := fmt.Appendf(nil, "%q", strings.Repeat("x", 100<<10))
	for closed := h.Counters().SlowConsumers; h.Counters().SlowConsumers == closed; {
		select {
		case <-stop:
			return
		case <-time.After(time.Millisecond):
			h.Do(context.Background(), hub.Invoke{ID: "bad", Method: "x", Payload: payload})
			h.Settled()
		}
	}
}

// BenchmarkNeighbours calls devices as BenchmarkRoundTrip does, first alone and
// then, in the same run, beside one that misbehaves: how long the longest time
// was in which a device heard nothing, how long 99 % of the calls took at most,
// and how often the hub closed the one that misbehaves.
func BenchmarkNeighbours(b *testing.B) {
	for _, x := range nuisances {
		b.Run(x.name, func(b *testing.B) {
			h := open(b)
			defer h.close()
			h.over("tcp")
			for i := range benchDevices {
				defer h.answering(benchName(i), mqtt.ConnectLean)()
			}
			h.register("bad")
			alone := h.neighbours(b)
			stop := make(chan struct{})
			var plague sync.WaitGroup
			before := x.closed(h.Counters())
			plague.Go(func() { x.plague(h, stop) })
			beside := h.neighbours(b)
			close(stop)
			plague.Wait()
			b.ReportMetric(ms(alone.silence), "alone-silence-ms")
			b.ReportMetric(ms(alone.p99), "alone-p99-ms")
			b.ReportMetric(ms(beside.silence), "silence-ms")
			b.ReportMetric(ms(beside.p99), "p99-ms")
			b.ReportMetric(float64(x.closed(h.Counters())-before), "closed")
		})
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// quality is what healthy devices had.
type quality struct{ silence, p99 time.Duration }

// neighbours calls the healthy devices b.N times.
func (h *house) neighbours(b *testing.B) quality {
	var last, longest [benchDevices]atomic.Int64
	for i := range last {
		last[i].Store(time.Now().UnixNano())
	}
	var took [benchCallers][]time.Duration
	parallel(b, "rt/s", func(c, i int) {
		start := time.Now()
		if r, err := h.Call(context.Background(), hub.Invoke{ID: benchName(i), Method: "x"}); err != nil || r.Status != 200 {
			b.Errorf("Call = %d, %v", r.Status, err)
		}
		now := time.Now()
		took[c] = append(took[c], now.Sub(start))
		silence := now.UnixNano() - last[i%benchDevices].Swap(now.UnixNano())
		l := &longest[i%benchDevices]
		for old := l.Load(); silence > old && !l.CompareAndSwap(old, silence); old = l.Load() {
		}
	})
	var q quality
	for i := range longest {
		q.silence = max(q.silence, time.Duration(longest[i].Load()))
	}
	all := slices.Concat(took[:]...)
	slices.Sort(all)
	if len(all) > 0 {
		q.p99 = all[len(all)*99/100]
	}
	return q
}
