package mqtt

// Flags of CONNECT (section 3.1.2.3).
const (
	flagReserved = 1 << iota
	flagClean
	flagWill
	flagWillQoS // two bits
	_
	flagWillRetain
	flagPassword
	flagUsername
)

// AppendTo appends the packet's bytes to dst. A packet that breaks a rule of the
// format is refused with a FormatError or ErrTooLarge, and dst comes back as it
// was. It allocates nothing but what dst lacks.
func (p *Packet) AppendTo(dst []byte) ([]byte, error) {
	if err := p.check(); err != nil {
		return dst, err
	}
	n := p.remaining()
	if n > maxRemaining {
		return dst, ErrTooLarge
	}
	dst = append(dst, byte(p.Kind)<<4|p.flags())
	dst = appendLength(dst, n)
	switch p.Kind {
	case Connect:
		dst = p.appendConnect(dst)
	case Connack:
		dst = append(dst, bit(p.SessionPresent, 1), p.Code)
	case Publish:
		dst = appendString(dst, p.Topic)
		if p.QoS > 0 {
			dst = appendUint16(dst, p.ID)
		}
		dst = append(dst, p.Payload...)
	case Puback, Pubrec, Pubrel, Pubcomp, Unsuback:
		dst = appendUint16(dst, p.ID)
	case Subscribe, Unsubscribe:
		dst = appendUint16(dst, p.ID)
		for _, f := range p.Filters {
			dst = appendString(dst, f.Topic)
			if p.Kind == Subscribe {
				dst = append(dst, f.QoS)
			}
		}
	case Suback:
		dst = appendUint16(dst, p.ID)
		dst = append(dst, p.Codes...)
	}
	return dst, nil
}

func (p *Packet) appendConnect(dst []byte) []byte {
	dst = append(dst, 0, 4, 'M', 'Q', 'T', 'T', Level311)
	dst = append(dst, bit(p.CleanSession, flagClean)|bit(p.HasWill, flagWill|p.WillQoS*flagWillQoS)|
		bit(p.HasWill && p.WillRetain, flagWillRetain)|bit(p.HasPassword, flagPassword)|bit(p.HasUsername, flagUsername))
	dst = appendUint16(dst, p.KeepAlive)
	dst = appendString(dst, p.ClientID)
	if p.HasWill {
		dst = appendString(dst, p.WillTopic)
		dst = appendBytes(dst, p.WillPayload)
	}
	if p.HasUsername {
		dst = appendString(dst, p.Username)
	}
	if p.HasPassword {
		dst = appendBytes(dst, p.Password)
	}
	return dst
}

// flags returns the low four bits of the first byte (section 2.2.2).
func (p *Packet) flags() byte {
	switch p.Kind {
	case Publish:
		return bit(p.Dup, 8) | p.QoS<<1 | bit(p.Retain, 1)
	case Pubrel, Subscribe, Unsubscribe:
		return 2
	}
	return 0
}

// remaining returns the remaining length (section 2.2.3) of a checked packet.
func (p *Packet) remaining() int {
	switch p.Kind {
	case Connect:
		n := 10 + 2 + len(p.ClientID)
		if p.HasWill {
			n += 2 + len(p.WillTopic) + 2 + len(p.WillPayload)
		}
		if p.HasUsername {
			n += 2 + len(p.Username)
		}
		if p.HasPassword {
			n += 2 + len(p.Password)
		}
		return n
	case Publish:
		n := 2 + len(p.Topic) + len(p.Payload)
		if p.QoS > 0 {
			n += 2
		}
		return n
	case Connack, Puback, Pubrec, Pubrel, Pubcomp, Unsuback:
		return 2
	case Subscribe, Unsubscribe:
		n := 2
		for _, f := range p.Filters {
			n += 2 + len(f.Topic)
			if p.Kind == Subscribe {
				n++
			}
		}
		return n
	case Suback:
		return 2 + len(p.Codes)
	}
	return 0
}

// check holds the fields that p's kind uses against the format: the one place of
// the rules, for what is sent and for what was read.
func (p *Packet) check() error {
	switch p.Kind {
	case Connect:
		return p.checkConnect()
	case Connack:
		if p.Code != Accepted && p.SessionPresent {
			return malformed(p.Kind, "session present on a refusal", "MQTT-3.2.2-4")
		}
	case Publish:
		if p.QoS > 2 {
			return malformed(p.Kind, "QoS is 3", "MQTT-3.3.1-4")
		}
		if p.QoS == 0 {
			if p.Dup {
				return malformed(p.Kind, "duplicate of a QoS 0 message", "MQTT-3.3.1-2")
			}
			return checkTopic(p.Kind, p.Topic)
		}
		if err := checkTopic(p.Kind, p.Topic); err != nil {
			return err
		}
		return p.checkID()
	case Puback, Pubrec, Pubrel, Pubcomp, Unsuback:
		return p.checkID()
	case Subscribe, Unsubscribe:
		if err := p.checkID(); err != nil {
			return err
		}
		return p.checkFilters()
	case Suback:
		if err := p.checkID(); err != nil {
			return err
		}
		if len(p.Codes) == 0 {
			return malformed(p.Kind, "no return code", "MQTT-3.8.4-5")
		}
		for _, c := range p.Codes {
			if c > 2 && c != SubackFailure {
				return malformed(p.Kind, "reserved return code", "MQTT-3.9.3-2")
			}
		}
	case Pingreq, Pingresp, Disconnect:
	default:
		return malformed(p.Kind, "reserved packet type", "section 2.2.1")
	}
	return nil
}

func (p *Packet) checkConnect() error {
	if p.Level != 0 && p.Level != Level311 {
		return ErrLevel
	}
	if p.HasPassword && !p.HasUsername {
		return malformed(p.Kind, "password without user name", "MQTT-3.1.2-22")
	}
	if err := checkText(p.Kind, p.ClientID); err != nil {
		return err
	}
	if p.HasUsername {
		if err := checkText(p.Kind, p.Username); err != nil {
			return err
		}
	}
	if p.HasPassword && len(p.Password) > maxString {
		return malformed(p.Kind, "password above 65,535 bytes", "section 3.1.3.5")
	}
	if !p.HasWill {
		return nil
	}
	if p.WillQoS > 2 {
		return malformed(p.Kind, "will QoS is 3", "MQTT-3.1.2-14")
	}
	if len(p.WillPayload) > maxString {
		return malformed(p.Kind, "will message above 65,535 bytes", "section 3.1.3.3")
	}
	return checkTopic(p.Kind, p.WillTopic)
}

func (p *Packet) checkID() error {
	if p.ID == 0 {
		return malformed(p.Kind, "packet identifier is 0", "MQTT-2.3.1-1")
	}
	return nil
}

func (p *Packet) checkFilters() error {
	if len(p.Filters) == 0 {
		if p.Kind == Subscribe {
			return malformed(p.Kind, "no topic filter", "MQTT-3.8.3-3")
		}
		return malformed(p.Kind, "no topic filter", "MQTT-3.10.3-2")
	}
	for _, f := range p.Filters {
		if p.Kind == Subscribe && f.QoS > 2 {
			return malformed(p.Kind, "requested QoS above 2", "MQTT-3-8.3-4")
		}
		if err := checkFilter(p.Kind, f.Topic); err != nil {
			return err
		}
	}
	return nil
}

func bit(set bool, b byte) byte {
	if set {
		return b
	}
	return 0
}

func appendUint16(dst []byte, v uint16) []byte { return append(dst, byte(v>>8), byte(v)) }

func appendString(dst []byte, s string) []byte {
	return append(appendUint16(dst, uint16(len(s))), s...)
}

func appendBytes(dst, b []byte) []byte {
	return append(appendUint16(dst, uint16(len(b))), b...)
}

// appendLength appends a remaining length: seven bits a byte, low ones first.
func appendLength(dst []byte, n int) []byte {
	for n >= 0x80 {
		dst = append(dst, byte(n)|0x80)
		n >>= 7
	}
	return append(dst, byte(n))
}
