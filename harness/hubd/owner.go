package hubd

import (
	"fmt"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// item is what comes into the mailbox: a message of a connection, something
// asked, or the order to stop.
type item struct {
	conn *conn
	msg  sim.Message
	ask  *request
	stop bool

	befall *fault.Hub
}

// inputsPerDue is how many inputs are taken in between two looks at what is
// due: a long job neither holds up the devices nor is held up by them.
const inputsPerDue = 32

// owner runs the hub machine; only its goroutine touches what is here.
type owner struct {
	*Server
	hub      *hub.Hub
	out      sim.Outbox
	links    map[uint32]*conn // by number
	number   uint32           // of the latest connection: above all earlier ones, so one hub takes 4 G of them
	tickets  map[uint64]*request
	stopping bool
	pauses   []Pause
	busy     sim.Time // until when the hub is at its latest message; 0: messages cost nothing
	idle     bool     // nothing has waited for it since

	last sim.Time
	spin int
}

func newOwner(s *Server) *owner {
	return &owner{Server: s, hub: s.cfg.Hub, links: map[uint32]*conn{}, tickets: map[uint64]*request{}, pauses: s.cfg.Pauses}
}

// run alternates due work and inputs, and waits when there is neither.
func (o *owner) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var batch []item
	for {
		if len(o.pauses) > 0 {
			o.pause()
		}
		worked := o.due()
		batch = o.box.Take(batch)
		for i := range batch {
			o.take(&batch[i])
			if o.busy > 0 || len(o.pauses) > 0 {
				o.due()
				o.pause()
			}
			if i%inputsPerDue == inputsPerDue-1 {
				o.due()
			}
		}
		if n := uint64(len(batch)); n > o.high.Load() {
			o.high.Store(n)
		}
		worked = worked || len(batch) > 0
		clear(batch)
		batch = batch[:0]
		if worked {
			continue
		}
		due := o.hub.Deadline()
		if len(o.pauses) > 0 {
			due = min(due, o.begins())
		}
		if due == sim.Never {
			timer.Stop()
		} else {
			timer.Reset(max(0, due.Sub(o.cfg.Now())))
		}
		o.idle = true
		select {
		case <-o.box.Ready():
		case <-timer.C:
		case <-o.quit:
			o.stop()
			for _, x := range o.box.Take(nil) { // put in before the box was closed
				o.take(&x)
			}
			return
		}
	}
}

// due does what is due, one Step of it, and says whether there was any.
func (o *owner) due() bool {
	now := o.cfg.Now()
	if o.hub.Deadline() > now {
		return false
	}
	if now > o.last {
		o.last, o.spin = now, 0
	} else if o.spin++; o.spin > sim.MaxSteps {
		panic(fmt.Sprintf("hub: %d steps at %s without an input", o.spin, now))
	}
	o.hub.Step(now, sim.Input{Kind: sim.Wake}, &o.out)
	o.carry()
	return true
}

// take does one item.
func (o *owner) take(x *item) {
	o.spin = 0
	switch {
	case x.stop:
		o.stop()
	case x.befall != nil:
		o.befall(*x.befall)
	case x.ask != nil:
		o.do(x.ask)
	case x.conn != nil:
		o.hear(x.conn, x.msg)
	}
}

// hear gives the hub what a connection's reader read.
func (o *owner) hear(c *conn, m sim.Message) {
	switch {
	case m.Kind == sim.Connect && c.ended.Load():
		return // the hub has ended it meanwhile
	case m.Kind == sim.Connect:
		o.number++
		c.number = o.number
		o.links[c.number] = c
	case o.links[c.number] != c:
		return // the hub ended it before this was read
	}
	m.Conn = c.number
	if m.Kind == sim.Close {
		delete(o.links, c.number)
	}
	o.work()
	o.hub.Step(o.cfg.Now(), sim.Input{Kind: sim.Received, Msg: m}, &o.out)
	o.carry()
}

// carry carries out what a Step wants.
func (o *owner) carry() {
	for i := range o.out.Send {
		o.say(&o.out.Send[i])
	}
	for _, n := range o.out.Settled {
		reply, err := o.hub.Take(n)
		o.settle(n, reply, err)
	}
	if len(o.out.Observe) > 0 {
		o.cfg.Observe(o.out.Observe)
	}
	o.out.Reset()
}

// say sends one message, without waiting.
func (o *owner) say(m *sim.Message) {
	c := o.links[m.Conn]
	if c == nil {
		return // it has just ended; the machine hears of that next
	}
	if m.Kind == sim.Close {
		delete(o.links, m.Conn)
		c.ended.Store(true)
		if c.accepted {
			c.session.Fail(errHubClosed) // at once [MQTT-3.1.4-2]
		} else {
			c.session.CloseAfterFlush(flushTimeout) // what refuses it is on its way
		}
		c.decided()
		return
	}
	if m.Kind == sim.Accept && m.Status == 0 {
		c.accepted = true
		if c.memory && c.beat == 0 {
			o.wheel.Remove(c.session)
		} else {
			o.wheel.Add(c.session, c.beat)
		}
	}
	p, err := c.topics.Packet(*m)
	if err != nil {
		panic(fmt.Sprintf("hub: %s: %v", m, err)) // the machine says what the dialect does not know
	}
	c.session.Send(&p) // never waits; its errors are the end of the connection, of which the reader tells
	if m.Kind == sim.Accept {
		c.decided()
	}
}

// decided lets the reader go on behind CONNECT; only the owner calls it.
func (c *conn) decided() {
	select {
	case <-c.verdict:
	default:
		close(c.verdict)
	}
}

// stop answers what is open, and from now on whatever is asked, with
// hub.CodeShutdown.
func (o *owner) stop() {
	o.stopping = true
	for n, r := range o.tickets { // any order: each has its own answer
		delete(o.tickets, n)
		o.answer(n, r, hub.Reply{}, errShutdown)
	}
}
