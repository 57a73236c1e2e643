package fault

import "time"

// Link is what is wrong between a device and its hub: with its connections and
// with those it tries to open. What a device downloads goes another way: see
// Download. The zero value is healthy.
//
// A connection is TCP: what is said arrives in order and complete, until the
// connection ends; then what is on its way is gone, and nothing else ever is.
type Link struct {
	Latency  string        // a distribution (sim.ParseDist): so much longer everything takes, each way; "": nothing
	Jitter   time.Duration // and up to so much more, evenly drawn for each message
	Loss     int           // so many of 1,000 segments are lost and sent again
	Rate     int64         // bytes a second, each way; 0: any
	HalfOpen time.Duration // so long after it was opened a connection goes silent: nothing passes, nobody is told; 0: never
	Flap     time.Duration // so long after it was opened a connection is cut; 0: never
	Refuse   bool          // no connection can be opened
	Cut      bool          // at the beginning the open connection is cut
}

// with puts the conditions of two faults together: delays of the later one
// replace those of the earlier, of two bounds the narrower one counts.
func (l Link) with(m Link) Link {
	if m.Latency != "" {
		l.Latency = m.Latency
	}
	l.Jitter = max(l.Jitter, m.Jitter)
	l.Loss = max(l.Loss, m.Loss)
	l.Rate = narrower(l.Rate, m.Rate)
	l.HalfOpen = narrower(l.HalfOpen, m.HalfOpen)
	l.Flap = narrower(l.Flap, m.Flap)
	l.Refuse = l.Refuse || m.Refuse
	l.Cut = l.Cut || m.Cut
	return l
}

// narrower is the smaller of two bounds of which 0 is none.
func narrower[N ~int64](a, b N) N {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// Hub is what befalls the hub as a whole.
type Hub struct {
	Pause   time.Duration // for so long it takes in nothing and says nothing; its connections stay
	Slow    time.Duration // so long it takes for each thing that a device says
	Drop    bool          // at the beginning all its connections are closed
	Restart time.Duration // at the beginning all its connections are closed and what they said last is forgotten; for so long it opens none and does nothing
}

// with puts two together: of two lengths the larger counts.
func (h Hub) with(o Hub) Hub {
	return Hub{
		Pause: max(h.Pause, o.Pause), Slow: max(h.Slow, o.Slow),
		Drop: h.Drop || o.Drop, Restart: max(h.Restart, o.Restart),
	}
}
