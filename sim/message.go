package sim

import (
	"strconv"
	"unicode/utf8"
)

// DeviceID names a device, or a module of one as `device/module`.
type DeviceID string

// Kind says what a Message is.
type Kind uint8

// The kinds. The comment names the fields each of them uses beside Device and
// Conn; every other field is zero.
const (
	_ Kind = iota

	// From the device.

	Connect     // open the session: Name = hub host, Body = SAS token, Status = keep-alive in seconds, ID = 1 for a clean session
	Subscribe   // ID = Feature bits, Status = packet id; Body comes back in Subscribed
	Unsubscribe // ID = Feature bits, Status = packet id
	Telemetry   // Name = property bag, Body, ID = number to acknowledge (0: none wanted)
	GetTwin     // Name = request id
	Report      // patch of reported properties: Name = request id, Body, ID = expected version or 0
	Answer      // to a Call: ID = the call's, Status, Body
	CloudAck    // a Cloud message was taken in: ID as in Cloud

	// From the hub.

	Accept       // answer to Connect: Status = CONNACK return code, ID = 1 if a session was present
	Subscribed   // Status = packet id, Body as in Subscribe
	Unsubscribed // Status = packet id
	TelemetryAck // ID as in Telemetry
	TwinAnswer   // Name = request id, Status = HTTP-like code, ID = version, Body
	Desired      // desired properties changed: ID = version, Body = the patch with $version
	Call         // direct method: ID = request id, Name = method, Body = payload
	Cloud        // cloud-to-device message, a command that nobody waits for an answer to: ID = number to acknowledge (0: none wanted), Name = command, Body = payload

	// From either side, and from the driver about the link itself.

	Opened // driver to device: the link asked for by Dial is there, its number is Conn
	Close  // end connection Conn; Status = Reason. As an input: the connection has ended
	Will   // driver to hub, after Connect: what the hub takes as Telemetry when the connection ends without DISCONNECT; Name, Body
)

var kindNames = [...]string{
	Connect: "connect", Subscribe: "subscribe", Unsubscribe: "unsubscribe", Telemetry: "telemetry",
	GetTwin: "get-twin", Report: "report", Answer: "answer", Accept: "accept", Subscribed: "subscribed",
	Unsubscribed: "unsubscribed", TelemetryAck: "telemetry-ack", TwinAnswer: "twin-answer",
	CloudAck: "cloud-ack",
	Desired:  "desired", Call: "call", Cloud: "cloud", Opened: "opened", Close: "close", Will: "will",
}

// String returns the kind's word.
func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return "kind-" + strconv.Itoa(int(k))
}

// Feature is a set of what a device asks to be told; over MQTT each one is a
// topic filter. The hub keeps a persistent session's features.
type Feature uint64

// The features.
const (
	FeatureTwin    Feature = 1 << iota // answers to twin requests
	FeatureDesired                     // desired property notifications
	FeatureMethods                     // direct methods
	FeatureC2D                         // cloud-to-device messages
	FeatureC2DAck                      // which are acknowledged: without, one is done with when it is sent
)

// AllFeatures is what a virtual device subscribes to; one that has commands
// asks for cloud-to-device messages too.
const AllFeatures = FeatureTwin | FeatureDesired | FeatureMethods

// Reason says why a connection ended (the Status of Close).
type Reason int32

// The reasons.
const (
	ReasonNormal       Reason = iota // the device said DISCONNECT
	ReasonLost                       // the link broke, or nothing was heard for too long
	ReasonRefused                    // the link could not be opened
	ReasonTakeover                   // a newer connection of the same device
	ReasonDisabled                   // the device was disabled or deleted
	ReasonExpired                    // its token ran out
	ReasonReboot                     // the device went down without a word
	ReasonProtocol                   // the peer broke the protocol
	ReasonSlowConsumer               // the peer did not read
	ReasonShutdown                   // the hub or the run ends
	ReasonUnauthorized               // CONNECT refused
	ReasonTimeout                    // no CONNACK in time
)

var reasonNames = [...]string{"normal", "lost", "refused", "takeover", "disabled", "expired", "reboot",
	"protocol", "slow-consumer", "shutdown", "unauthorized", "timeout"}

// String returns the reason's word.
func (r Reason) String() string {
	if r >= 0 && int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return "reason-" + strconv.Itoa(int(r))
}

// Message is one thing said between a device and its hub. It is flat and
// prints on one line; what the fields mean is said at the Kind.
type Message struct {
	Kind   Kind
	Status int32
	Conn   uint32 // number of the connection, given by the driver; a machine drops what is not of the present one
	Device DeviceID
	ID     uint64
	Name   string
	Body   []byte // immutable and shareable; a receiver that keeps it beyond its Step copies it
	Due    Time   // when the plan wanted it said: latency counts from here (no coordinated omission)
}

// String prints the message on one line, for transcripts: kind, device and
// connection, then what is set. A name with spaces and a name or body that is
// not printable text are quoted as in Go; Due is left out.
func (m Message) String() string {
	return string(m.Append(nil))
}

// Append appends the message's line to b, without a line end.
func (m Message) Append(b []byte) []byte {
	b = append(b, m.Kind.String()...)
	b = append(b, ' ')
	b = append(b, m.Device...)
	b = append(b, '#')
	b = strconv.AppendUint(b, uint64(m.Conn), 10)
	if m.ID != 0 {
		b = append(b, " id="...)
		b = strconv.AppendUint(b, m.ID, 10)
	}
	if m.Kind == Close {
		b = append(b, ' ')
		b = append(b, Reason(m.Status).String()...)
	} else if m.Status != 0 {
		b = append(b, " status="...)
		b = strconv.AppendInt(b, int64(m.Status), 10)
	}
	if m.Name != "" {
		b = append(b, ' ')
		if plain(m.Name, '!') {
			b = append(b, m.Name...)
		} else {
			b = strconv.AppendQuote(b, m.Name)
		}
	}
	if len(m.Body) > 0 {
		b = append(b, ' ')
		if plain(m.Body, ' ') {
			b = append(b, m.Body...)
		} else {
			b = strconv.AppendQuote(b, string(m.Body))
		}
	}
	return b
}

// plain says whether s is UTF-8 without control characters or ASCII below low.
func plain[T string | []byte](s T, low byte) bool {
	ascii := true
	for i := range len(s) {
		if s[i] < low || s[i] == 0x7f {
			return false
		}
		ascii = ascii && s[i] < utf8.RuneSelf
	}
	return ascii || utf8.ValidString(string(s))
}
