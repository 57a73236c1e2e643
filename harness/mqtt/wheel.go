package mqtt

import (
	"sync"
	"sync/atomic"
	"time"
)

// MaxSilence is the longest silence of a connection that a Wheel allows, and what
// it allows a connection without a keep-alive: 1.5 times 1,178 s. [Azure IoT Hub:
// "Understand the IoT Hub MQTT support", "Default keep-alive timeout"]
const MaxSilence = 1767 * time.Second

// Silence returns how long a connection with a keep-alive of so many seconds may
// be silent: one and a half times that [MQTT-3.1.2-24], MaxSilence at most.
func Silence(keepAlive uint16) time.Duration {
	if keepAlive == 0 {
		return MaxSilence
	}
	return min(time.Duration(keepAlive)*time.Second*3/2, MaxSilence)
}

// Wheel closes connections that are silent for too long: one goroutine for all
// of them. Time passes in ticks; a Session is looked at when it would be due if
// it had said nothing, about once per allowed silence. It is closed with
// ErrKeepAlive within a tick and a half after its time, never before.
type Wheel struct {
	tick time.Duration
	now  atomic.Int64 // ticks since the start

	mu    sync.Mutex
	slots []*Session // slots[t % len]: those to be looked at in tick t, as a list

	stop chan struct{}
	once sync.Once
	done sync.WaitGroup
}

// DefaultTick is a Wheel's resolution unless told.
const DefaultTick = 500 * time.Millisecond

// NewWheel starts a Wheel of that resolution, 0 for DefaultTick. Stop it.
func NewWheel(tick time.Duration) *Wheel {
	if tick <= 0 {
		tick = DefaultTick
	}
	w := &Wheel{tick: tick, stop: make(chan struct{})}
	w.slots = make([]*Session, w.ticks(MaxSilence)+2)
	w.done.Go(w.run)
	return w
}

// Stop ends the Wheel and waits for its goroutine. Sessions stay open.
func (w *Wheel) Stop() {
	w.once.Do(func() { close(w.stop) })
	w.done.Wait()
}

// Add has s watched, with the silence its keep-alive in seconds allows. Adding it
// again changes the keep-alive and counts as a packet heard. A server adds a
// connection at once with a short time for CONNECT to come, and again after that.
// A closed session is not added. s must not be on another Wheel.
func (w *Wheel) Add(s *Session, keepAlive uint16) { w.AddFor(s, Silence(keepAlive)) }

// AddFor is Add with the silence itself, MaxSilence at most.
func (w *Wheel) AddFor(s *Session, silence time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := &s.pulse
	w.unlink(s)
	now := w.now.Load()
	p.heard.Store(now)
	p.silence = w.ticks(min(silence, MaxSilence))
	p.wheel.Store(w)
	w.link(s, now+p.silence+1)
	if p.gone.Load() { // after the Store above: see leave
		w.unlink(s)
	}
}

// Remove has s no longer watched. Closing a session removes it.
func (w *Wheel) Remove(s *Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unlink(s)
}

// ticks returns d in ticks, rounded up.
func (w *Wheel) ticks(d time.Duration) int64 { return int64((d + w.tick - 1) / w.tick) }

func (w *Wheel) run() {
	t := time.NewTicker(w.tick)
	defer t.Stop()
	start := time.Now()
	for {
		select {
		case <-w.stop:
			return
		case <-t.C:
			// A ticker drops what a busy machine is late for: the clock says how
			// many ticks it has been.
			for until := int64(time.Since(start) / w.tick); w.now.Load() < until; {
				w.turn()
			}
		}
	}
}

// turn goes on by one tick and looks at who is due.
func (w *Wheel) turn() {
	now := w.now.Add(1)
	w.mu.Lock()
	var silent []*Session
	slot := now % int64(len(w.slots))
	for s := w.slots[slot]; s != nil; {
		next := s.pulse.next
		w.unlink(s)
		if due := s.pulse.heard.Load() + s.pulse.silence + 1; due > now {
			w.link(s, due)
		} else {
			silent = append(silent, s)
		}
		s = next
	}
	w.mu.Unlock()
	for _, s := range silent { // without mu: Fail takes the session's lock, and then mu
		s.Fail(ErrKeepAlive)
	}
}

func (w *Wheel) link(s *Session, at int64) {
	p := &s.pulse
	p.slot, p.linked = int(at%int64(len(w.slots))), true
	p.prev, p.next = nil, w.slots[p.slot]
	if p.next != nil {
		p.next.pulse.prev = s
	}
	w.slots[p.slot] = s
}

func (w *Wheel) unlink(s *Session) {
	p := &s.pulse
	if !p.linked {
		return
	}
	if p.prev != nil {
		p.prev.pulse.next = p.next
	} else {
		w.slots[p.slot] = p.next
	}
	if p.next != nil {
		p.next.pulse.prev = p.prev
	}
	p.prev, p.next, p.linked = nil, nil, false
}

// pulse is what a Wheel knows of a Session. All but the atomics are guarded by
// the Wheel's mu.
type pulse struct {
	wheel      atomic.Pointer[Wheel]
	heard      atomic.Int64 // the tick of the last packet
	silence    int64        // ticks allowed
	prev, next *Session
	slot       int
	linked     bool
	gone       atomic.Bool
}

// touch notes that a packet was heard: two loads and, once a tick, a store.
func (p *pulse) touch() {
	if w := p.wheel.Load(); w != nil {
		if now := w.now.Load(); p.heard.Load() != now {
			p.heard.Store(now)
		}
	}
}

// leave takes a session that ends off its wheel for good. It may meet Add: then
// either Add sees gone, or leave sees the wheel and waits for Add's mu.
func (s *Session) leave() {
	s.pulse.gone.Store(true)
	if w := s.pulse.wheel.Load(); w != nil {
		w.Remove(s)
	}
}
