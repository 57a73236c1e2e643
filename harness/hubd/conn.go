package hubd

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
)

// conn is one connection: its reader runs here, its sender in the session.
type conn struct {
	session *mqtt.Session
	topics  *iothub.Topics
	verdict chan struct{} // closed by the owner when CONNECT has been answered
	ended   atomic.Bool   // the hub has ended it: what comes in is no longer of interest
	memory  bool          // an in-memory link: its end is heard at once
	beat    uint16        // keep-alive, seconds
	inflow  inflow        // the reader's
	packet  mqtt.Packet   // the reader's: the one just read

	// Under the server's mu.
	read    bool          // the reader has ended
	waiting chan struct{} // closed then; nil while nobody waits for it

	// The owner's.
	number   uint32 // 0: not numbered, or no longer known
	accepted bool
}

// errHubClosed is why a session ended that the hub closed.
var errHubClosed = errors.New("connection closed by the hub")

// serve starts a connection's reader.
func (s *Server) serve(link net.Conn) {
	c := &conn{session: mqtt.NewSession(link, 0), verdict: make(chan struct{})}
	_, c.memory = link.LocalAddr().(mqtt.MemAddr)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		link.Close()
		return
	}
	s.conns[c] = struct{}{}
	s.opened.Add(1)
	s.wheel.AddFor(c.session, s.cfg.ConnectTimeout)
	s.readers.Go(func() {
		s.read(c)
		s.heardOut(c)
		c.session.Close()
		c.session.Wait()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	})
}

// after notes that c is the latest connection of its device, and waits until
// what the device said over the one before has been read, if it has left that:
// else a reader that is late would lose the last words of a device that answers,
// reboots and is back, for the hub ends the old connection when it hears of the
// new one. Whether a device has left is known of in-memory links and, on Linux,
// of sockets; elsewhere a takeover takes what it takes. The reader waited for
// waits only for the owner.
func (s *Server) after(c *conn) {
	s.mu.Lock()
	id := c.topics.Device()
	old := s.latest[id]
	s.latest[id] = c
	var done chan struct{}
	if old != nil && !old.read {
		if peerClosed(old.session.Conn()) {
			if old.waiting == nil {
				old.waiting = make(chan struct{})
			}
			done = old.waiting
		}
	}
	s.mu.Unlock()
	if done != nil {
		<-done
	}
}

// leaver is a link that knows whether the other end has closed.
type leaver interface{ PeerClosed() bool }

// peerClosed says that the other end of a link writes nothing more: what is
// unread is all there is to come. It says false when it cannot know.
func peerClosed(link net.Conn) bool {
	if t, ok := link.(interface{ NetConn() net.Conn }); ok { // TLS
		link = t.NetConn()
	}
	switch link := link.(type) {
	case leaver:
		return link.PeerClosed()
	case syscall.Conn:
		return hasFin(link)
	}
	return false
}

// heardOut notes that all has been read that c's device said.
func (s *Server) heardOut(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.read = true
	if c.waiting != nil {
		close(c.waiting)
	}
	if c.topics != nil && s.latest[c.topics.Device()] == c {
		delete(s.latest, c.topics.Device())
	}
}

// read takes in packets until the connection ends, and tells the hub of the
// end if it was told of the beginning.
//
// A reader waits in ReadInto nearly all its life, and there is one for every
// connection: what it needs for a packet alone stays off its stack, in conn
// and in functions that have returned by then.
func (s *Server) read(c *conn) {
	if !s.begin(c) {
		return
	}
	<-c.verdict // what else came with CONNECT waits for it [MQTT-3.1.4-4]
	why := s.converse(c)
	s.put(c, sim.Message{Kind: sim.Close, Device: c.topics.Device(), Status: int32(why)})
}

// begin reads CONNECT and puts the question to the hub. It says false when
// there is none.
func (s *Server) begin(c *conn) bool {
	p := &c.packet
	if err := c.session.ReadInto(p); err != nil {
		if errors.Is(err, mqtt.ErrLevel) {
			s.refuse(c, mqtt.RefusedLevel)
			return false
		}
		s.count(err)
		return false
	}
	topics, m, code := iothub.Accept(p, s.cfg.Hosts...)
	if code != mqtt.Accepted {
		s.refuse(c, code)
		return false
	}
	c.topics, c.beat = topics, p.KeepAlive
	s.after(c)
	if !s.put(c, m) {
		return false
	}
	if will, ok := topics.Will(p); ok {
		s.put(c, will) // of no account to the hub if CONNECT is refused
	}
	*p = mqtt.Packet{}
	return true
}

// put waits for the mailbox. The owner lives until the last reader has ended,
// so that this wait ends.
func (s *Server) put(c *conn, m sim.Message) bool {
	return s.box.Put(item{conn: c, msg: m}, nil)
}

// converse reads what an accepted device says, until the connection ends.
func (s *Server) converse(c *conn) sim.Reason {
	for {
		if err := c.session.ReadInto(&c.packet); err != nil {
			return s.count(err)
		}
		if why, over := s.heard(c); over {
			return why
		}
		c.packet = mqtt.Packet{} // its payload is the hub's now
	}
}

// heard deals with one packet; over says that it was the last.
func (s *Server) heard(c *conn) (why sim.Reason, over bool) {
	p := &c.packet
	if c.ended.Load() {
		return 0, false // until the peer has read what it was told last, and closes
	}
	if p.Kind == mqtt.Pingreq {
		c.session.Send(&mqtt.Packet{Kind: mqtt.Pingresp}) // an error here is the next read's
		return 0, false
	}
	m, err := c.topics.Read(p)
	switch {
	case errors.Is(err, iothub.ErrIgnored):
	case err != nil:
		s.protocol.Add(1)
		return sim.ReasonProtocol, true
	case m.Kind == sim.Close:
		return sim.Reason(m.Status), true
	case m.Kind != sim.Answer && !c.inflow.admit(s.cfg.Now(), s.cfg.Inflow): // of answers no more are taken than asked for
		s.flooding.Add(1)
		return sim.ReasonProtocol, true
	case !s.put(c, m):
		return sim.ReasonShutdown, true
	}
	if p.Kind == mqtt.Publish && p.QoS == 1 && m.Kind != sim.Telemetry {
		c.session.Send(&mqtt.Packet{Kind: mqtt.Puback, ID: p.ID})
	}
	return 0, false
}

// refuse answers CONNECT without asking the hub, and closes.
func (s *Server) refuse(c *conn, code byte) {
	s.refused.Add(1)
	c.session.Send(&mqtt.Packet{Kind: mqtt.Connack, Code: code})
	c.session.CloseAfterFlush(flushTimeout)
	io.Copy(io.Discard, c.session.Conn()) // until the peer has read it and closes, or flushTimeout
}

// count says why a connection ended, and counts what is not ordinary.
func (s *Server) count(err error) sim.Reason {
	switch {
	case errors.Is(err, mqtt.ErrSlowConsumer):
		s.slow.Add(1)
		return sim.ReasonSlowConsumer
	case errors.Is(err, mqtt.ErrKeepAlive):
		s.silent.Add(1)
		return sim.ReasonLost
	case errors.Is(err, mqtt.ErrMalformed), errors.Is(err, mqtt.ErrTooLarge):
		s.protocol.Add(1)
		return sim.ReasonProtocol
	case errors.Is(err, errHubClosed):
		return sim.ReasonShutdown
	}
	s.lost.Add(1)
	return sim.ReasonLost
}
