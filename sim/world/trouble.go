package world

import (
	"fmt"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
)

// trouble is a link's conditions, and how they are played.
type trouble struct {
	link     fault.Link
	up, down fault.Path    // to the hub, to the device
	rand     sim.Rand      // of its own, so that a healthy link draws as before
	age      uint32        // of these conditions: what was planned under earlier ones is nothing
	silent   uint32        // number of the connection that is half-open; 0: none
	beat     time.Duration // the connection's keep-alive
	last     sim.Time      // when the hub last heard of the device
}

// What befalls a connection at its time.
const (
	flaps    uint8 = iota // it is cut
	hushes                // it goes silent
	gives                 // the device gives a silent one up
	misses                // the hub gives a silent one up
	breaks                // too many losses in a row
	overruns              // too much waits for the device
)

// pingTimeout is how long a device waits for the answer to its PINGREQ. [paho:
// ClientOptions.SetPingTimeout]
const pingTimeout = 10 * time.Second

// Afflict sets what is wrong with device i from now on; see fault.Course for
// the meaning of Link.Cut.
func (w *World) Afflict(i int, c fault.Conditions) error {
	n := uint32(i)
	if c.Client != (fault.Client{}) {
		return fmt.Errorf("device %q: a fault of a client and its socket has no meaning in virtual time", w.devices[n].ID())
	}
	w.digest.afflict(w.now, w.devices[n].ID(), c)
	w.server.condition(n, c.Download)
	w.trouble(n, c.Link)
	if c.Link.Cut {
		w.cut(n, sim.ReasonLost)
	}
	w.stepDevice(n, sim.Input{Kind: sim.Afflicted, Condition: &c.Device})
	return nil
}

// trouble has a link's conditions hold from now on.
func (w *World) trouble(n uint32, link fault.Link) {
	link.Cut = false
	l := &w.links[n]
	if l.wrong == nil {
		if link == (fault.Link{}) {
			return
		}
		l.wrong = &trouble{rand: sim.NewRand(w.cfg.Seed, sim.ActorTrouble+l.number), last: w.now, beat: w.devices[n].Profile().KeepAlive}
	}
	t := l.wrong
	if link == t.link {
		return
	}
	t.link = link
	t.up.Set(link)
	t.down.Set(link)
	t.age++
	if l.up {
		w.age(n, w.now)
	}
}

// age plans what befalls the present connection, which counts from an instant.
func (w *World) age(n uint32, from sim.Time) {
	l := &w.links[n]
	t := l.wrong
	if t == nil {
		return
	}
	if t.link.Flap > 0 {
		w.plan(n, flaps, from.Add(t.link.Flap))
	}
	if t.link.HalfOpen > 0 {
		w.plan(n, hushes, from.Add(t.link.HalfOpen))
	}
}

func (w *World) plan(n uint32, why uint8, at sim.Time) {
	l := &w.links[n]
	w.queue.push(at, event{what: linkDue, dev: n, why: why, msg: sim.Message{Conn: l.conn, ID: uint64(l.wrong.age)}})
}

// linkDue does what befalls a connection.
func (w *World) linkDue(n uint32, m *sim.Message, why uint8) {
	l := &w.links[n]
	t := l.wrong
	if why == misses {
		if l.heard == m.Conn { // and no newer one has taken its place
			l.heard = 0
			w.counts.Silent++
			w.tellHub(n, m.Conn, sim.ReasonLost)
		}
		return
	}
	if m.Conn != l.conn || !l.up {
		return
	}
	switch why {
	case flaps:
		if m.ID == uint64(t.age) && t.silent != m.Conn {
			w.cut(n, sim.ReasonLost)
		}
	case breaks:
		w.cut(n, sim.ReasonLost)
	case overruns:
		w.cut(n, sim.ReasonSlowConsumer)
	case hushes:
		if m.ID != uint64(t.age) || t.silent == m.Conn {
			return
		}
		w.digest.hush(w.now, w.devices[n].ID(), m.Conn)
		t.silent = m.Conn
		if t.beat > 0 {
			w.plan(n, gives, w.now.Add(t.beat+pingTimeout))
			w.plan(n, misses, max(w.now, t.last.Add(t.beat+t.beat/2)))
		}
	case gives:
		l.gone = m.Conn
		w.tellDevice(n, m.Conn, sim.ReasonLost)
	}
}

// cut ends the present connection from outside: both ends hear of it at once,
// and what is on its way is gone.
func (w *World) cut(n uint32, why sim.Reason) {
	l := &w.links[n]
	conn := l.conn
	if conn == 0 || l.gone >= conn {
		return
	}
	if !w.silent(n, conn) {
		l.gone = conn
		if l.heard == conn {
			l.heard = 0
			if why == sim.ReasonLost {
				w.counts.Lost++
			}
			w.tellHub(n, conn, why)
		}
	}
	if l.up {
		w.tellDevice(n, conn, why)
	}
}

// silent says whether a connection is half-open.
func (w *World) silent(n, conn uint32) bool {
	t := w.links[n].wrong
	return t != nil && conn > 0 && t.silent == conn
}

// tellHub tells the hub of the end of a connection.
func (w *World) tellHub(n, conn uint32, why sim.Reason) {
	w.hear(sim.Message{Kind: sim.Close, Device: w.devices[n].ID(), Conn: conn, Status: int32(why), Due: w.now})
}

// tellDevice tells a device of the end of its connection.
func (w *World) tellDevice(n, conn uint32, why sim.Reason) {
	w.links[n].up = false
	w.stepDevice(n, sim.Input{Kind: sim.Received, Msg: sim.Message{
		Kind: sim.Close, Device: w.devices[n].ID(), Conn: conn, Status: int32(why), Due: w.now}})
}
