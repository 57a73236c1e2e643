package fault

import (
	"fmt"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// The TCP that a Link is made of.
const (
	segment    = 1460                   // bytes in one of Ethernet's frames
	resend     = 200 * time.Millisecond // until what was lost is sent again, the first time; doubled each time [RFC 6298 section 5; Linux: TCP_RTO_MIN]
	maxResends = 8                      // losses in a row after which the connection is given up: 51 s [RFC 1122 section 4.2.3.5]
)

// Window is how many bytes wait for a link of a given rate before its sender
// has to: a socket's buffer.
const Window = 64 << 10

// Path is one direction of a link under conditions. Who carries messages asks
// it once for each, in order, and has none arrive before an earlier one. The
// zero value is healthy.
//
// A delay is not a throttle: what is said while something else is on its way
// leaves at once and takes as long, not longer. Only Rate lets what follows
// wait, and a loss, as in TCP, until what was lost has come.
type Path struct {
	link    Link
	latency sim.Dist
	free    sim.Time // when all that was handed over will have left
}

// Set has conditions hold for what is carried from now on.
func (p *Path) Set(l Link) {
	p.link, p.latency = l, sim.Dist{}
	if l.Latency != "" {
		d, err := sim.ParseDist(l.Latency)
		if err != nil {
			panic(fmt.Sprintf("fault: %v", err)) // recipes read it
		}
		p.latency = d
	}
}

// Carry says how much longer than on a healthy link a message takes that is
// handed over now, and whether the connection survives it: if not, it is cut
// after that time.
func (p *Path) Carry(now sim.Time, bytes int, r *sim.Rand) (delay time.Duration, survives bool) {
	l := &p.link
	leaves := now
	if l.Rate > 0 {
		leaves = max(now, p.free).Add(time.Duration(int64(bytes) * int64(time.Second) / l.Rate))
		p.free = leaves
	}
	delay = leaves.Sub(now) + p.latency.Draw(r)
	if l.Jitter > 0 {
		delay += time.Duration(r.N(int64(l.Jitter) + 1))
	}
	if l.Loss == 0 {
		return delay, true
	}
	again, survives := l.losses(bytes, r)
	return delay + again, survives
}

// losses draws how long what is lost of a message delays it. Segments are on
// their way together, so the unluckiest counts.
func (l *Link) losses(bytes int, r *sim.Rand) (longest time.Duration, survives bool) {
	for left := bytes; ; left -= segment {
		wait := resend
		for n := 0; r.N(1000) < int64(l.Loss); n++ {
			if n == maxResends-1 {
				return wait*2 - resend, false
			}
			wait *= 2
		}
		longest = max(longest, wait-resend)
		if left <= segment {
			return longest, true
		}
	}
}

// Waiting is how many bytes have not left yet, 0 where the rate does not
// matter.
func (p *Path) Waiting(now sim.Time) int64 {
	if p.link.Rate == 0 || p.free <= now {
		return 0
	}
	ns := int64(p.free.Sub(now))
	return ns/int64(time.Second)*p.link.Rate + ns%int64(time.Second)*p.link.Rate/int64(time.Second)
}
