package mqtt

import "io"

// Decode reads the packet at the start of b and says how many bytes it took.
// What it returns shares no memory with b. When b ends within the packet the
// error is io.ErrUnexpectedEOF. A CONNECT of another protocol level comes with
// ErrLevel and its Level set.
func Decode(b []byte) (Packet, int, error) {
	first, size, head, err := parseHeader(b)
	if err != nil {
		return Packet{}, 0, err
	}
	if head == 0 || len(b)-head < size {
		return Packet{}, 0, io.ErrUnexpectedEOF
	}
	var p Packet
	err = p.parse(first, b[head:head+size], nil, false)
	return p, head + size, err
}

// parseHeader reads a fixed header: the first byte, the remaining length, and
// how long the header is, 0 if b ends within it. The first byte's flags are
// checked as soon as it is there.
func parseHeader(b []byte) (first byte, size, head int, err error) {
	if len(b) == 0 {
		return 0, 0, 0, nil
	}
	first = b[0]
	if err := checkFirst(first); err != nil {
		return first, 0, 0, err
	}
	for i := 1; i < len(b); i++ {
		size |= int(b[i]&0x7f) << (7 * (i - 1))
		if b[i] < 0x80 {
			return first, size, i + 1, nil
		}
		if i == 4 {
			return first, 0, 0, malformed(Kind(first>>4), "remaining length of more than four bytes", "section 2.2.3")
		}
	}
	return first, 0, 0, nil
}

// checkFirst holds the first byte of a packet against sections 2.2.1 and 2.2.2.
func checkFirst(first byte) error {
	k, flags := Kind(first>>4), first&0xf
	switch k {
	case 0, 15:
		return malformed(k, "reserved packet type", "section 2.2.1")
	case Publish:
		return nil
	case Pubrel, Subscribe, Unsubscribe:
		flags ^= 2 // [MQTT-3.6.1-1] [MQTT-3.8.1-1] [MQTT-3.10.1-1]
	}
	if flags != 0 {
		return malformed(k, "reserved flags of the first byte", "MQTT-2.2.2-2")
	}
	return nil
}

// parse reads a packet from its first byte, which parseHeader has checked, and
// its body. own says that the body
// is the packet's from now on; otherwise what is kept of it is copied. topic, if
// not nil, remembers the topic of the last PUBLISH: most connections repeat
// theirs, and then no new string is made.
func (p *Packet) parse(first byte, body []byte, topic *string, own bool) error {
	*p = Packet{Kind: Kind(first >> 4)}
	c := cursor{b: body}
	switch p.Kind {
	case Connect:
		if err := p.parseConnect(&c); err != nil {
			return err
		}
	case Connack:
		flags := c.byte()
		p.Code = c.byte()
		if flags > 1 {
			return malformed(p.Kind, "reserved acknowledge flags", "section 3.2.2.1")
		}
		p.SessionPresent = flags == 1
	case Publish:
		p.Dup, p.QoS, p.Retain = first&8 != 0, first>>1&3, first&1 != 0
		t := c.bytes()
		if p.QoS > 0 {
			p.ID = c.uint16()
		}
		if topic != nil && *topic == string(t) {
			p.Topic = *topic
		} else if p.Topic = string(t); topic != nil && len(t) <= keptTopic {
			*topic = p.Topic
		}
		if rest := c.rest(); len(rest) > 0 {
			if !own {
				rest = append(make([]byte, 0, len(rest)), rest...)
			}
			p.Payload = rest
		}
	case Puback, Pubrec, Pubrel, Pubcomp, Unsuback:
		p.ID = c.uint16()
	case Subscribe, Unsubscribe:
		p.ID = c.uint16()
		for len(c.b) > 0 && !c.short {
			f := Filter{Topic: string(c.bytes())}
			if p.Kind == Subscribe {
				f.QoS = c.byte()
			}
			p.Filters = append(p.Filters, f)
		}
	case Suback:
		p.ID = c.uint16()
		p.Codes = append([]byte(nil), c.rest()...)
	}
	if c.short {
		return malformed(p.Kind, "packet ends within a field", "section 2.2.3")
	}
	if len(c.b) > 0 {
		return malformed(p.Kind, "bytes beyond the last field", "section 2.2.3")
	}
	return p.check()
}

// keptTopic is the longest topic that a Reader remembers, in bytes.
const keptTopic = 256

func (p *Packet) parseConnect(c *cursor) error {
	name := string(c.bytes())
	p.Level = c.byte()
	switch {
	case c.short:
		return nil // parse says so
	case name == "MQTT" && p.Level == Level311:
	case name == "MQTT" || name == "MQIsdp":
		return ErrLevel // [MQTT-3.1.2-2]: the caller answers CONNACK with code 1
	default:
		return malformed(p.Kind, "protocol name is not MQTT", "MQTT-3.1.2-1")
	}
	flags := c.byte()
	if flags&flagReserved != 0 {
		return malformed(p.Kind, "reserved connect flag", "MQTT-3.1.2-3")
	}
	p.CleanSession = flags&flagClean != 0
	p.HasWill = flags&flagWill != 0
	p.WillQoS = flags / flagWillQoS & 3
	p.WillRetain = flags&flagWillRetain != 0
	p.HasPassword = flags&flagPassword != 0
	p.HasUsername = flags&flagUsername != 0
	if !p.HasWill && p.WillQoS != 0 {
		return malformed(p.Kind, "will QoS without a will", "MQTT-3.1.2-13")
	}
	if !p.HasWill && p.WillRetain {
		return malformed(p.Kind, "will retain without a will", "MQTT-3.1.2-15")
	}
	p.KeepAlive = c.uint16()
	p.ClientID = string(c.bytes())
	if p.HasWill {
		p.WillTopic = string(c.bytes())
		p.WillPayload = append([]byte(nil), c.bytes()...)
	}
	if p.HasUsername {
		p.Username = string(c.bytes())
	}
	if p.HasPassword {
		p.Password = append([]byte(nil), c.bytes()...)
	}
	return nil
}

// cursor reads fields off a body. Beyond its end it returns zeros and is short.
type cursor struct {
	b     []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if n > len(c.b) {
		c.short, c.b = true, nil
		return nil
	}
	t := c.b[:n:n]
	c.b = c.b[n:]
	return t
}

func (c *cursor) byte() byte {
	if t := c.take(1); t != nil {
		return t[0]
	}
	return 0
}

func (c *cursor) uint16() uint16 {
	if t := c.take(2); t != nil {
		return uint16(t[0])<<8 | uint16(t[1])
	}
	return 0
}

func (c *cursor) bytes() []byte { return c.take(int(c.uint16())) }

func (c *cursor) rest() []byte { return c.take(len(c.b)) }
