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
	activity sim.Time
	rid      uint64 // last method request of this connection
	calls    uint32 // first of its calls, none
}

func (s *session) online() bool { return s.open && s.features&sim.FeatureMethods != 0 }

// connect judges a CONNECT: accepted (0) or not authorised (5). [MQTT 3.1.1,
// 3.2.2.3; IoT Hub: "Communicate with your IoT hub using MQTT"]
func (h *Hub) connect(now sim.Time, m *sim.Message, out *sim.Outbox) {
	dev, known := h.byID[m.Device]
	var ends sim.Date // when the connection is closed at the latest
	if known {
		ends, known = h.authorised(now, *h.devices.At(int(dev)), string(m.Body))
	}
	if !known {
		h.count.Refused++
		out.Note(now, m.Device, sim.EventConnect, "refused: not authorised")
		out.Send = append(out.Send,
			sim.Message{Kind: sim.Accept, Device: m.Device, Conn: m.Conn, Status: 5, Due: now},
			sim.Message{Kind: sim.Close, Device: m.Device, Conn: m.Conn, Status: int32(sim.ReasonUnauthorized), Due: now})
		return
	}
	h.end(now, dev, sim.ReasonTakeover, true, out)
	h.count.Accepted++
	h.count.Connected++
	s := &h.sessions[dev]
	present := uint64(0)
	s.conn, s.open, s.clean, s.rid, s.activity = m.Conn, true, m.ID&1 != 0, 0, now
	if s.clean {
		s.stored = 0
	} else if s.stored != 0 {
		present = 1
	}
	s.features = s.stored
	h.expiry.Set(dev, h.cfg.Epoch.TimeOf(ends))
	d := h.mut(dev, out)
	d.Connected, d.ConnectionChanged, d.LastActivity = true, now, now
	out.Send = append(out.Send, sim.Message{Kind: sim.Accept, Device: m.Device, Conn: m.Conn, ID: present, Due: now})
	if s.online() {
		h.nowOnline(now, dev, out)
	}
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
	if !covered || !t.Verify(d.PrimaryKey) && !t.Verify(d.SecondaryKey) {
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
