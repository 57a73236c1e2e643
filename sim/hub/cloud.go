package hub

import (
	"fmt"
	"slices"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// A command that is queued if its device is offline travels as a
// cloud-to-device message and waits in the hub until the device has taken it
// in. [Azure IoT Central: "How to use commands", offline commands; Azure IoT
// Hub: "Understand cloud-to-device messaging from an IoT hub", "Quotas and
// throttling"]
const (
	maxCloud     = 50 // messages waiting for one device
	maxCloudBody = 64 << 10
	cloudLife    = 24 * time.Hour // of a queued command
	maxDelivery  = 10             // times a message is sent
)

// inbox is what waits for one device, oldest first.
type inbox struct {
	list []cloud
	last uint16 // number given on the present connection
}

// cloud is a cloud-to-device message.
type cloud struct {
	name   string
	body   []byte
	ends   sim.Time // when it is not delivered any more
	number uint16   // on the present connection, 0: not sent on it
	tries  uint8
}

// enqueue keeps a command for a device and sends it if the device is there.
func (h *Hub) enqueue(now sim.Time, dev uint32, name string, body []byte, out *sim.Outbox) error {
	if len(body) > maxCloudBody {
		return &Error{CodeTooLarge, fmt.Sprintf("the command has %d bytes; a queued one may have %d", len(body), maxCloudBody)}
	}
	s := &h.sessions[dev]
	if s.inbox == nil {
		s.inbox = &inbox{}
	}
	if len(s.inbox.list) == maxCloud {
		return &Error{CodeTooMany, fmt.Sprintf("%d commands wait for the device already; that is the limit", maxCloud)}
	}
	s.inbox.list = append(s.inbox.list, cloud{name: name, body: body, ends: now.Add(cloudLife)})
	h.count.CommandsQueued++
	h.waits(dev, out)
	if len(s.inbox.list) == 1 {
		h.inboxes.Set(dev, s.inbox.list[0].ends)
	}
	h.deliver(now, dev, out)
	return nil
}

// deliver sends what was not sent on the present connection yet.
func (h *Hub) deliver(now sim.Time, dev uint32, out *sim.Outbox) {
	s := &h.sessions[dev]
	if s.inbox == nil || !s.open || s.features&sim.FeatureC2D == 0 {
		return
	}
	id := (*h.devices.At(int(dev))).ID
	for i := range s.inbox.list {
		c := &s.inbox.list[i]
		if c.number != 0 {
			continue
		}
		c.number = s.inbox.next()
		c.tries++
		m := sim.Message{Kind: sim.Cloud, Device: id, Conn: s.conn, Name: c.name, Body: c.body, Due: now}
		if s.features&sim.FeatureC2DAck != 0 {
			m.ID = uint64(c.number)
		}
		out.Send = append(out.Send, m)
	}
	if s.features&sim.FeatureC2DAck == 0 {
		h.count.CommandsDelivered += uint64(len(s.inbox.list))
		h.empty(dev)
		h.waits(dev, out)
	}
}

// next returns the next number that no message has: over MQTT it is a packet
// identifier. [MQTT-2.3.1-4]
func (b *inbox) next() uint16 {
	for {
		b.last++
		if b.last != 0 && !slices.ContainsFunc(b.list, func(c cloud) bool { return c.number == b.last }) {
			return b.last
		}
	}
}

// cloudAcked takes a message out that its device has taken in.
func (h *Hub) cloudAcked(dev uint32, number uint64, out *sim.Outbox) {
	s := &h.sessions[dev]
	if s.inbox == nil {
		return
	}
	for i := range s.inbox.list {
		if n := s.inbox.list[i].number; n != 0 && uint64(n) == number {
			h.count.CommandsDelivered++
			s.inbox.list = append(s.inbox.list[:i], s.inbox.list[i+1:]...)
			h.waits(dev, out)
			break
		}
	}
	if len(s.inbox.list) == 0 {
		h.empty(dev)
	}
}

// unsent has what was sent on a connection that ended, and not taken in, sent
// again on the next one; not for ever.
func (h *Hub) unsent(dev uint32, out *sim.Outbox) {
	s := &h.sessions[dev]
	if s.inbox == nil {
		return
	}
	s.inbox.last = 0
	h.dropCloud(dev, out, func(c *cloud) bool {
		c.number = 0
		return c.tries >= maxDelivery
	})
}

// expireCloud drops what has waited too long for its device.
func (h *Hub) expireCloud(now sim.Time, dev uint32, out *sim.Outbox) {
	h.dropCloud(dev, out, func(c *cloud) bool { return c.ends <= now })
}

// dropCloud drops messages of a device and arms for the oldest of the others.
func (h *Hub) dropCloud(dev uint32, out *sim.Outbox, drop func(*cloud) bool) {
	s := &h.sessions[dev]
	kept := s.inbox.list[:0]
	for i := range s.inbox.list {
		if c := &s.inbox.list[i]; drop(c) {
			h.count.CommandsExpired++
		} else {
			kept = append(kept, *c)
		}
	}
	dropped := len(s.inbox.list) - len(kept)
	clear(s.inbox.list[len(kept):])
	s.inbox.list = kept
	if dropped > 0 {
		h.waits(dev, out)
	}
	if len(kept) == 0 {
		h.empty(dev)
		return
	}
	h.inboxes.Set(dev, kept[0].ends)
}

// waits notes that what waits for a device has changed.
func (h *Hub) waits(dev uint32, out *sim.Outbox) {
	h.mut(dev, out).Waiting = len(h.sessions[dev].inbox.list)
}

// empty forgets what waits for a device.
func (h *Hub) empty(dev uint32) {
	s := &h.sessions[dev]
	if s.inbox != nil {
		s.inbox.list = nil
	}
	h.inboxes.Clear(dev)
}
