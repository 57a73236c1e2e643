package live

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Generator is how the fleet's own machinery fared: whether a latency was the
// target's or ours.
type Generator struct {
	WakeLag      Lag // a device was stepped this long after the instant it had asked for
	SendWait     Lag // a message waited this long for its connection's sender
	ConnectWait  Lag // a device waited this long for its turn to connect
	DownloadWait Lag // a device waited this long for its turn to download

	TelemetryDropped uint64 // messages dropped because a send queue was full
	LinksOverrun     uint64 // links closed because a send queue was full of what must not be dropped
	DialsFailed      uint64
	LinksOpened      uint64
	LinksLost        uint64 // links that ended without the device wanting it
	MailboxHigh      uint64 // most inputs taken from one device's mailbox at once; 64 is full
}

// Lag sums up waits. Percentiles are upper bounds of buckets that double.
type Lag struct {
	Count         uint64
	P50, P99, Max time.Duration
}

// meter counts waits in buckets: bucket n holds those below 2^n microseconds
// that bucket n-1 does not.
type meter struct {
	buckets [40]atomic.Uint64
	max     atomic.Int64
}

func (m *meter) add(d time.Duration) {
	d = max(0, d)
	m.buckets[min(bits.Len64(uint64(d/time.Microsecond)), len(m.buckets)-1)].Add(1)
	raise(&m.max, int64(d))
}

func (m *meter) lag() Lag {
	var counts [len(m.buckets)]uint64
	l := Lag{Max: time.Duration(m.max.Load())}
	for i := range counts {
		counts[i] = m.buckets[i].Load()
		l.Count += counts[i]
	}
	bound := func(share uint64) time.Duration { // in percent
		rank, seen := (l.Count*share+99)/100, uint64(0)
		for i, n := range counts {
			if seen += n; seen >= rank && n > 0 {
				return min(time.Microsecond<<i, l.Max)
			}
		}
		return 0
	}
	l.P50, l.P99 = bound(50), bound(99)
	return l
}

// gauges are what Stage counts while it runs.
type gauges struct {
	wake, send, connect, download meter

	dropped, overrun, dialsFailed, opened, lost atomic.Uint64
	mailbox                                     atomic.Int64
}

func (g *gauges) read() Generator {
	return Generator{
		WakeLag: g.wake.lag(), SendWait: g.send.lag(), ConnectWait: g.connect.lag(), DownloadWait: g.download.lag(),
		TelemetryDropped: g.dropped.Load(), LinksOverrun: g.overrun.Load(), DialsFailed: g.dialsFailed.Load(),
		LinksOpened: g.opened.Load(), LinksLost: g.lost.Load(), MailboxHigh: uint64(g.mailbox.Load()),
	}
}

// raise lifts v to at least x.
func raise(v *atomic.Int64, x int64) {
	for old := v.Load(); x > old && !v.CompareAndSwap(old, x); old = v.Load() {
	}
}
