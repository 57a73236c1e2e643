package live

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Generator is how the fleet's own machinery fared: whether a latency was the
// target's or ours.
//
// What devices wanted to say is Planned. Once all links have ended, that is
// after Close, Planned = Sent + Dropped: nothing is lost uncounted.
type Generator struct {
	WakeLag      Lag // a device was stepped this long after the instant it had asked for
	SendLag      Lag // a message was handed to its connection this long after the instant it was due
	SendWait     Lag // of that, in the queue in front of its connection
	ConnectWait  Lag // a device waited this long for its turn to connect
	DownloadWait Lag // a device waited this long for its turn to download

	Planned uint64 // messages that devices wanted to say
	Sent    uint64 // of these, those that their connection took
	Dropped uint64 // of these, those that were never said, for any reason

	TelemetryDropped uint64 // dropped because a send queue was full
	TelemetryOffline uint64 // dropped because they came due while the device was not connected
	LinksOverrun     uint64 // links closed because a send queue was full of what must not be dropped
	DialsFailed      uint64
	LinksOpened      uint64
	LinksLost        uint64 // links that ended without the device wanting it
	MailboxHigh      uint64 // most inputs taken from one device's mailbox at once; 64 is full
}

// Lag sums up waits. Percentiles are upper bounds of buckets an eighth wide.
type Lag struct {
	Count         uint64
	P50, P99, Max time.Duration
}

// meter counts waits: in microseconds up to 8, then in buckets that are an
// eighth of the power of two below them wide.
type meter struct {
	buckets [8 * 34]atomic.Uint64
	max     atomic.Int64
}

// bucket is where a wait of so many microseconds is counted.
func bucket(us uint64) int {
	if us < 8 {
		return int(us)
	}
	shift := bits.Len64(us) - 4 // us>>shift is 8 to 15
	return min(8*shift+int(us>>shift), len(meter{}.buckets)-1)
}

// bound is the first wait that is above bucket i.
func bound(i int) time.Duration {
	if i < 8 {
		return time.Duration(i+1) * time.Microsecond
	}
	shift := i/8 - 1
	return time.Duration(i%8+9) << shift * time.Microsecond
}

func (m *meter) add(d time.Duration) {
	d = max(0, d)
	m.buckets[bucket(uint64(d/time.Microsecond))].Add(1)
	raise(&m.max, int64(d))
}

// reset forgets; what is added meanwhile may be forgotten with it.
func (m *meter) reset() {
	for i := range m.buckets {
		m.buckets[i].Store(0)
	}
	m.max.Store(0)
}

func (m *meter) lag() Lag {
	var counts [len(m.buckets)]uint64
	l := Lag{Max: time.Duration(m.max.Load())}
	for i := range counts {
		counts[i] = m.buckets[i].Load()
		l.Count += counts[i]
	}
	below := func(share uint64) time.Duration { // in percent
		rank, seen := (l.Count*share+99)/100, uint64(0)
		for i, n := range counts {
			if seen += n; seen >= rank && n > 0 {
				return min(bound(i), l.Max)
			}
		}
		return 0
	}
	l.P50, l.P99 = below(50), below(99)
	return l
}

// gauges are what Stage counts while it runs.
type gauges struct {
	wake, say, send, connect, download meter

	planned, sent                      atomic.Uint64
	dropped, offline, unsaid           atomic.Uint64 // ways of not being sent: queue full, no session, link ended
	overrun, dialsFailed, opened, lost atomic.Uint64
	mailbox                            atomic.Int64
}

func (g *gauges) read() Generator {
	return Generator{
		WakeLag: g.wake.lag(), SendLag: g.say.lag(), SendWait: g.send.lag(), ConnectWait: g.connect.lag(), DownloadWait: g.download.lag(),
		Planned: g.planned.Load(), Sent: g.sent.Load(), Dropped: g.dropped.Load() + g.offline.Load() + g.unsaid.Load(),
		TelemetryDropped: g.dropped.Load(), TelemetryOffline: g.offline.Load(), LinksOverrun: g.overrun.Load(), DialsFailed: g.dialsFailed.Load(),
		LinksOpened: g.opened.Load(), LinksLost: g.lost.Load(), MailboxHigh: uint64(g.mailbox.Load()),
	}
}

// raise lifts v to at least x.
func raise(v *atomic.Int64, x int64) {
	for old := v.Load(); x > old && !v.CompareAndSwap(old, x); old = v.Load() {
	}
}
