package mqtt

import (
	"errors"
	"fmt"
)

// Kind is a packet's type, numbered as on the wire (section 2.2.1).
type Kind byte

// The kinds. QoS 2's three can be read and written, so that a server can refuse
// them by name; nothing in this package speaks QoS 2.
const (
	Connect     Kind = 1
	Connack     Kind = 2
	Publish     Kind = 3
	Puback      Kind = 4
	Pubrec      Kind = 5
	Pubrel      Kind = 6
	Pubcomp     Kind = 7
	Subscribe   Kind = 8
	Suback      Kind = 9
	Unsubscribe Kind = 10
	Unsuback    Kind = 11
	Pingreq     Kind = 12
	Pingresp    Kind = 13
	Disconnect  Kind = 14
)

var kindNames = [16]string{
	0: "reserved-0", Connect: "connect", Connack: "connack", Publish: "publish", Puback: "puback",
	Pubrec: "pubrec", Pubrel: "pubrel", Pubcomp: "pubcomp", Subscribe: "subscribe", Suback: "suback",
	Unsubscribe: "unsubscribe", Unsuback: "unsuback", Pingreq: "pingreq", Pingresp: "pingresp",
	Disconnect: "disconnect", 15: "reserved-15",
}

// String returns the kind's word.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind-%d", byte(k))
}

// CONNACK return codes (section 3.2.2.3).
const (
	Accepted          byte = 0
	RefusedLevel      byte = 1 // unacceptable protocol level
	RefusedClientID   byte = 2
	RefusedBusy       byte = 3 // server unavailable
	RefusedLogin      byte = 4 // user name or password of a wrong form
	RefusedNotAllowed byte = 5 // not authorised
)

// SubackFailure is the SUBACK code of a filter that was refused.
const SubackFailure byte = 0x80

// Level311 is the protocol level of MQTT 3.1.1.
const Level311 byte = 4

// Packet is one control packet of any kind. Fields that its kind does not use
// are zero; AppendTo ignores them.
type Packet struct {
	Kind   Kind
	QoS    byte   // publish: 0-2
	Dup    bool   // publish
	Retain bool   // publish
	ID     uint16 // publish with QoS above 0, puback ... unsuback: packet identifier, never 0

	Topic   string // publish
	Payload []byte // publish
	Filters []Filter
	Codes   []byte // suback: a QoS or SubackFailure for each filter

	Code           byte // connack: return code
	SessionPresent bool // connack

	// Connect. Level tells MQTT 3.1 (3), 3.1.1 (4) and 5 apart: a CONNECT of
	// another level than 4 is read up to its level and comes with ErrLevel; 0 is
	// sent as 4. An empty ClientID without CleanSession is well-formed: the server
	// answers CONNACK with RefusedClientID and closes [MQTT-3.1.3-8].
	Level        byte
	CleanSession bool
	KeepAlive    uint16 // seconds; 0: none
	HasUsername  bool
	HasPassword  bool
	HasWill      bool
	WillQoS      byte
	WillRetain   bool
	ClientID     string
	Username     string
	Password     []byte
	WillTopic    string
	WillPayload  []byte
}

// Filter is a topic filter in SUBSCRIBE (with the QoS asked for) or UNSUBSCRIBE.
type Filter struct {
	Topic string
	QoS   byte
}

// Limits of the wire format.
const (
	maxString    = 65535       // a string's length (section 1.5.3)
	maxRemaining = 268_435_455 // a packet's remaining length (section 2.2.3)
)

// DefaultLimit is the largest remaining length a Reader takes unless told:
// 256 KiB of payload, a topic of any length, and their framing.
const DefaultLimit = 256<<10 + maxString + 16

// Errors a caller branches on.
var (
	// ErrLevel: a CONNECT of another MQTT version. The server answers CONNACK
	// with RefusedLevel and closes [MQTT-3.1.2-2].
	ErrLevel = errors.New("mqtt: protocol level is not 4; speak MQTT 3.1.1")
	// ErrTooLarge: a packet above the limit of its reader or of the format.
	ErrTooLarge = errors.New("mqtt: packet too large")
	// ErrMalformed is what every FormatError unwraps to.
	ErrMalformed = errors.New("mqtt: malformed packet")
)

// FormatError says which rule a packet breaks. The server closes the connection
// [MQTT-4.8.0-1].
type FormatError struct {
	Kind   Kind
	What   string
	Clause string // "MQTT-3.3.2-2", or a section, "section 2.2.3"
}

func (e *FormatError) Error() string {
	return "mqtt: " + e.Kind.String() + ": " + e.What + " [" + e.Clause + "]"
}

// Unwrap returns ErrMalformed.
func (e *FormatError) Unwrap() error { return ErrMalformed }

func malformed(k Kind, what, clause string) error {
	return &FormatError{Kind: k, What: what, Clause: clause}
}

// ConnackError is a CONNACK's return code, as the error of a refused CONNECT.
type ConnackError byte

var connackNames = [...]string{
	Accepted: "accepted", RefusedLevel: "unacceptable protocol level", RefusedClientID: "client identifier rejected",
	RefusedBusy: "server unavailable", RefusedLogin: "bad user name or password", RefusedNotAllowed: "not authorised",
}

func (e ConnackError) Error() string {
	word := "reserved code"
	if int(e) < len(connackNames) {
		word = connackNames[e]
	}
	return fmt.Sprintf("mqtt: connection refused: %s (return code %d)", word, byte(e))
}
