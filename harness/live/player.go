package live

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/flotilla-sim/flotilla/harness/mailbox"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/fault"
)

// player owns one device's machine. Only who plays it touches it: a worker of
// the stage, in the device's turn, and at the end the goroutine in which it
// leaves. Between its turns a device costs no goroutine.
type player struct {
	stage   *Stage
	id      sim.DeviceID
	machine *device.Device
	box     *mailbox.Box[item]
	place   uint32       // with the pacer
	client  fault.Client // how its connections misbehave
	wild    bool         // it floods: how late it is says nothing about the generator

	base     fault.Conditions // through the whole run; never changed
	download fault.Download   // what the package server was told of it
	road     *road            // nil: its link cannot go wrong
	coming   atomic.Pointer[fault.Conditions]

	turn  atomic.Uint32 // resting, inLine ...
	knock chan struct{} // in place of turns while it leaves

	last    sim.Time // of the latest Step
	spin    int      // Steps at that instant without an input
	armed   sim.Time // what the pacer was asked for
	number  uint32   // of the latest link asked for
	link    *link    // nil while there is none
	parted  *link    // the latest that the device closed itself; its last words may still be on their way
	dialing context.CancelFunc
	fetches map[uint32]context.CancelFunc
	kept    *partial
}

// What player.turn says.
const (
	resting uint32 = iota // there is nothing to do
	inLine                // it waits for a worker
	playing               // a worker plays it
	again                 // and has to look again before it rests
	leaving               // knock is listened to
)

// turnLength is how many Steps that are due one device may take in a row while
// others wait.
const turnLength = 32

// item is what comes into a device's mailbox: an input, with the link when
// one was opened.
type item struct {
	in   sim.Input
	link *link
}

func newPlayer(s *Stage, m *device.Device, id sim.DeviceID, base, c fault.Conditions) *player {
	p := &player{
		stage: s, id: id, machine: m, last: s.cfg.Now(), armed: sim.Never,
		base: base, client: c.Client, wild: c.Device.Flood > 0, download: c.Download,
	}
	p.box = mailbox.NewWaking[item](mailboxSize, p.wake)
	s.pacer.join(p)
	return p
}

// wake asks for a turn: something came in, or something is due, or the stage
// stops. It does not wait.
func (p *player) wake() {
	for {
		switch p.turn.Load() {
		case resting:
			if p.turn.CompareAndSwap(resting, inLine) {
				p.stage.line.put(p)
				return
			}
		case playing:
			if p.turn.CompareAndSwap(playing, again) {
				return
			}
		case leaving:
			select {
			case p.knock <- struct{}{}:
			default:
			}
			return
		default:
			return
		}
	}
}

// play is one turn: the device does what is due and takes in what has come,
// until there is neither. When the stage has stopped it leaves. spare is memory
// for the mailbox; what comes back is for the next.
func (p *player) play(spare []item) []item {
	p.turn.Store(playing)
	for steps := 0; ; steps++ {
		now := p.stage.cfg.Now()
		if now == p.last {
			p.spin++
		} else {
			p.spin = 0
		}
		if p.spin > sim.MaxSteps {
			panic(fmt.Sprintf("device %s: %d steps at %s without an input", p.id, p.spin, now))
		}
		due := p.machine.Deadline()
		if due <= now {
			if !p.wild {
				p.stage.gauges.wake.add(now.Sub(max(due, p.last)))
			}
			p.step(now, sim.Input{Kind: sim.Wake})
		}
		if c := p.coming.Swap(nil); c != nil {
			p.spin = 0
			p.changes(c)
		}
		batch := p.box.Take(spare)
		for i := range batch {
			p.spin = 0
			p.take(&batch[i])
		}
		if n := int64(len(batch)); n > 1 {
			raise(&p.stage.gauges.mailbox, n)
		}
		clear(batch)
		if spare = batch[:0]; cap(spare) > keptItems {
			spare = nil
		}
		select {
		case <-p.stage.stop:
			p.knock = make(chan struct{}, 1)
			p.knock <- struct{}{} // something may have come in since
			p.turn.Store(leaving)
			p.stage.life(p.leave)
			return spare
		default:
		}
		due = p.machine.Deadline()
		switch {
		case p.stage.cfg.Now() < due:
			if due != p.armed {
				p.armed = due
				p.stage.pacer.arm(p, due)
			}
			if p.turn.CompareAndSwap(playing, resting) {
				return spare
			}
			p.turn.Store(playing)
		case steps == turnLength:
			p.turn.Store(inLine)
			p.stage.line.put(p)
			return spare
		}
	}
}

// keptItems is the largest memory of a mailbox that is kept, in items.
const keptItems = 4

// take gives the machine one item of the mailbox.
func (p *player) take(x *item) {
	switch {
	case x.link != nil: // a dial came through
		if x.link.number != p.number {
			x.link.cut()
			return
		}
		p.dialing = nil
		p.link = x.link
		p.stage.gauges.opened.Add(1)
		p.link.open(p)
	case x.in.Kind == sim.Received && x.in.Msg.Kind == sim.Close:
		if x.in.Msg.Conn != p.number {
			return // of a link the device has left
		}
		if p.link != nil {
			p.link.cut()
			p.link = nil
			p.stage.gauges.lost.Add(1)
		}
		p.dialing = nil
	}
	p.step(p.stage.cfg.Now(), x.in)
	if f := x.in.Fetched; f != nil && f.Done {
		p.forget(f.ID)
	}
}

// step steps the machine and carries out what it wants.
func (p *player) step(now sim.Time, in sim.Input) {
	out := p.stage.boxes.Get().(*sim.Outbox)
	p.machine.Step(now, in, out)
	p.last = now
	for i := range out.Send {
		p.send(out.Send[i])
	}
	for i := range out.Observe {
		if o := &out.Observe[i]; o.Event == sim.EventDrop { // planned, and never said
			p.stage.gauges.planned.Add(uint64(o.Value))
			p.stage.gauges.offline.Add(uint64(o.Value))
		}
	}
	for _, f := range out.Fetch {
		p.fetch(f)
	}
	if out.Dial {
		p.dial()
	}
	if len(out.Observe) > 0 {
		p.stage.cfg.Observe(out.Observe)
	}
	out.Reset()
	p.stage.boxes.Put(out)
}

// send hands a message to its link and counts what was planned; a link that
// has ended in the meantime takes nothing more. One that the device gives up
// before the hub has accepted it has no last words: it is cut.
func (p *player) send(m sim.Message) {
	if m.Kind != sim.Close {
		p.stage.gauges.planned.Add(1)
	}
	if p.link == nil || m.Conn != p.link.number {
		if m.Kind != sim.Close {
			p.stage.gauges.unsaid.Add(1)
		}
		return
	}
	p.link.send(p.stage, m)
	if m.Kind == sim.Close {
		if !p.link.freed.Load() {
			p.link.cut()
		}
		p.parted, p.link = p.link, nil
	}
}

// lastWords is how long the next link waits for what was said on the one that
// the device closed itself: as long as a connection may wait for its socket.
const lastWords = 2 * time.Second

// dial opens a link in a goroutine of its own; the mailbox gets it, or the
// Close that says it could not be opened. What the device said before it closed
// the link before leaves first, as it does where one processor says both: a hub
// that is asked for a new session ends the old one, and never reads the answer
// of a device that has rebooted since.
func (p *player) dial() {
	if p.dialing != nil {
		p.dialing() // the machine has lost its patience
	}
	p.number++
	number, s := p.number, p.stage
	ctx, end := s.span()
	p.dialing = end
	client, wild, parted := p.client, p.wild, p.parted
	p.parted = nil
	s.life(func(context.Context) {
		defer end()
		if parted != nil {
			parted.until(ctx, lastWords)
		}
		wanted := s.cfg.Now()
		if s.connects.Acquire(ctx, 1) != nil {
			return
		}
		s.gauges.connect.add(s.cfg.Now().Sub(wanted))
		conn, err := p.open(ctx, client)
		if err != nil {
			s.connects.Release(1)
			s.gauges.dialsFailed.Add(1)
			refused := sim.Message{Kind: sim.Close, Device: p.id, Conn: number, Status: int32(sim.ReasonRefused)}
			p.box.Put(item{in: sim.Input{Kind: sim.Received, Msg: refused}}, ctx.Done())
			return
		}
		l := newLink(conn, number, s.connects)
		l.wild = wild
		opened := sim.Message{Kind: sim.Opened, Device: p.id, Conn: number}
		if !p.box.Put(item{in: sim.Input{Kind: sim.Received, Msg: opened}, link: l}, ctx.Done()) {
			l.cut()
		}
	})
}

// open dials, and puts what is wrong with the device's link and client around
// the connection.
func (p *player) open(ctx context.Context, client fault.Client) (Conn, error) {
	target := &p.stage.cfg.Target
	if client == (fault.Client{}) && p.road == nil {
		return target.Dial(ctx, p.id)
	}
	lay := func(c net.Conn) net.Conn { return c }
	if r := p.road; r != nil {
		if err := r.walk(ctx, p.stage.cfg.Now()); err != nil {
			return nil, err
		}
		lay = func(c net.Conn) net.Conn { return r.lay(c, p.stage) }
	}
	if client == (fault.Client{}) {
		return target.DialOver(ctx, p.id, lay, true)
	}
	w := new(wire)
	c, err := target.DialOver(ctx, p.id, func(c net.Conn) net.Conn { return w.over(lay(c)) }, p.road != nil)
	if err != nil {
		return nil, err
	}
	return newUnruly(c, w, client), nil
}

// fetch starts or cancels a download.
func (p *player) fetch(f sim.Fetch) {
	if f.Cancel {
		p.forget(f.ID)
		return
	}
	p.forget(f.ID)
	if p.fetches == nil {
		p.fetches = make(map[uint32]context.CancelFunc, 1)
		p.kept = new(partial)
	}
	ctx, end := p.stage.span()
	p.fetches[f.ID] = end
	kept := p.kept
	p.stage.life(func(context.Context) {
		p.stage.download(ctx, p.id, f, kept, func(x sim.Fetched) bool {
			return p.box.Put(item{in: sim.Input{Kind: sim.Downloaded, Fetched: &x}}, ctx.Done())
		})
	})
}

// forget ends download id, if it is under way.
func (p *player) forget(id uint32) {
	if end := p.fetches[id]; end != nil {
		end()
		delete(p.fetches, id)
	}
}

// leave says goodbye, unless abandon ends first, and lets nobody wait for the
// mailbox any more. Then dials and downloads under way end too.
func (p *player) leave(abandon context.Context) {
	defer p.stage.players.Done()
	if l := p.link; l != nil {
		l.send(p.stage, sim.Message{Kind: sim.Close, Device: p.id, Conn: l.number, Status: int32(sim.ReasonNormal)})
		for waiting := true; waiting; {
			select {
			case <-l.gone:
				waiting = false
			case <-p.knock: // so that the reader is not the one who waits
				for _, x := range p.box.Take(nil) {
					if m := x.in.Msg; m.Kind == sim.Close && m.Conn == l.number {
						l.cut()
					}
				}
			case <-abandon.Done():
				l.cut()
			}
		}
	}
	p.box.Close()
	for _, x := range p.box.Take(nil) {
		if x.link != nil {
			x.link.cut()
		}
	}
	if p.dialing != nil {
		p.dialing()
	}
	for id := range p.fetches { // any order: each ends
		p.forget(id)
	}
}
