package hub

import (
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/sas"
)

// session is what the hub holds of a device's connection.
type session struct {
	conn     uint32
	open     bool
	clean    bool
	features sim.Feature // of the present connection
	stored   sim.Feature // of the persistent session, kept while it is offline
	rid      uint64      // last method request of this connection
	calls    uint32      // first of its calls, none
	kept     bool        // a persistent session is stored
	rate     throttle
	will     *will  // nil: none
	inbox    *inbox // nil: nothing ever waited
}

// will is what a device leaves to be said when its connection ends without
// DISCONNECT.
type will struct {
	name string // property bag
	body []byte
}

func (s *session) online() bool { return s.open && s.features&sim.FeatureMethods != 0 }

// connect judges a CONNECT: accepted (0), not authorised (5) or, for too many
// new connections, server unavailable (3), after which devices back off.
// [MQTT 3.1.1, 3.2.2.3; IoT Hub: "Communicate with your IoT hub using MQTT",
// "Quotas and throttling"]
func (h *Hub) connect(now sim.Time, m *sim.Message, out *sim.Outbox) {
	dev, known := h.byID[m.Device]
	var ends sim.Date // when the connection is closed at the latest
	if known {
		ends, known = h.authorised(now, *h.devices.At(int(dev)), string(m.Body))
	}
	if !known {
		h.refuse(now, m, 5, sim.ReasonUnauthorized, "refused: not authorised", out)
		return
	}
	if !h.sessions[dev].rate.admits(now, h.cfg.DeviceConnects) || !h.rate.admits(now, h.cfg.Connects) {
		h.count.Throttled++
		h.refuse(now, m, 3, sim.ReasonRefused, "refused: too many new connections", out)
		return
	}
	h.end(now, dev, sim.ReasonTakeover, true, out)
	h.count.Accepted++
	h.count.Connected++
	s := &h.sessions[dev]
	s.rate.charge(now, h.cfg.DeviceConnects)
	h.rate.charge(now, h.cfg.Connects)
	s.conn, s.open, s.clean, s.rid = m.Conn, true, m.ID&1 != 0, 0
	*h.activity.Mut(int(dev)) = now
	present := uint64(0)
	if s.clean {
		s.stored = 0 // [MQTT-3.1.2-6]
	} else if s.kept {
		present = 1 // [MQTT-3.2.2-2]
	}
	s.kept = !s.clean
	s.features = s.stored
	h.expiry.Set(dev, h.cfg.Epoch.TimeOf(ends))
	d := h.mut(dev, out)
	d.Connected, d.ConnectionChanged, d.LastActivity = true, now, now
	out.Send = append(out.Send, sim.Message{Kind: sim.Accept, Device: m.Device, Conn: m.Conn, ID: present, Due: now})
	if s.online() {
		h.nowOnline(now, dev, out)
	}
	h.deliver(now, dev, out)
}

// refuse answers a CONNECT with a return code and has the driver close.
func (h *Hub) refuse(now sim.Time, m *sim.Message, code int32, why sim.Reason, text string, out *sim.Outbox) {
	h.count.Refused++
	out.Note(now, m.Device, sim.EventConnect, text)
	out.Send = append(out.Send,
		sim.Message{Kind: sim.Accept, Device: m.Device, Conn: m.Conn, Status: code, Due: now},
		sim.Message{Kind: sim.Close, Device: m.Device, Conn: m.Conn, Status: int32(why), Due: now})
}

// authorised holds a token against a device: resource, end and signature by
// one of its keys.
func (h *Hub) authorised(now sim.Time, d *Device, token string) (ends sim.Date, ok bool) {
	t, err := sas.Parse(token)
	if err != nil || d.Disabled || t.Expired(h.cfg.Epoch.Date(now)) {
		return 0, false
	}
	covered := false
	for _, host := range h.cfg.Hosts {
		covered = covered || t.Covers(sas.DeviceResource(host, d.ID))
	}
	if !covered || d.PrimaryKey == nil || !t.Verify(d.PrimaryKey) && !t.Verify(d.SecondaryKey) {
		return 0, false
	}
	return t.Ends(), true
}

// end ends a device's present connection, if it has one. tell says whether
// the driver is to close it.
func (h *Hub) end(now sim.Time, dev uint32, why sim.Reason, tell bool, out *sim.Outbox) {
	s := &h.sessions[dev]
	if !s.open {
		return
	}
	s.open, s.features = false, 0
	h.expiry.Clear(dev)
	h.count.Closed++
	h.count.Connected--
	d := h.mut(dev, out)
	d.Connected, d.ConnectionChanged = false, now
	if tell {
		out.Send = append(out.Send, sim.Message{Kind: sim.Close, Device: d.ID, Conn: s.conn, Status: int32(why), Due: now})
	}
	if w := s.will; w != nil {
		s.will = nil
		if why != sim.ReasonNormal { // [MQTT-3.1.2-8] [MQTT-3.14.4-3]
			h.count.Wills++
			h.telemetry(now, &sim.Message{Kind: sim.Telemetry, Device: d.ID, Conn: s.conn, Name: w.name, Body: w.body, Due: now}, out)
		}
	}
	h.unsent(dev, out)
	h.dropCalls(now, dev, why, out)
	h.jobs.Offline(now, dev, out)
}

func (h *Hub) subscribe(now sim.Time, dev uint32, m *sim.Message, out *sim.Outbox) {
	s := &h.sessions[dev]
	was := s.online()
	s.features |= sim.Feature(m.ID)
	if !s.clean {
		s.stored = s.features
	}
	out.Send = append(out.Send, sim.Message{Kind: sim.Subscribed, Device: m.Device, Conn: m.Conn, Status: m.Status, ID: m.ID, Body: m.Body, Due: now})
	if !was && s.online() {
		h.nowOnline(now, dev, out)
	}
	h.deliver(now, dev, out)
}

func (h *Hub) unsubscribe(now sim.Time, dev uint32, m *sim.Message, out *sim.Outbox) {
	s := &h.sessions[dev]
	was := s.online()
	s.features &^= sim.Feature(m.ID)
	if !s.clean {
		s.stored = s.features
	}
	out.Send = append(out.Send, sim.Message{Kind: sim.Unsubscribed, Device: m.Device, Conn: m.Conn, Status: m.Status, Due: now})
	if was && !s.online() {
		h.jobs.Offline(now, dev, out)
	}
}

// nowOnline sends what waited for the device.
func (h *Hub) nowOnline(now sim.Time, dev uint32, out *sim.Outbox) {
	h.sendWaiting(now, dev, out)
	h.jobs.Online(now, dev, out)
}
