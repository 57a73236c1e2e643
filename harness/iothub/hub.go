package iothub

import (
	"errors"
	"fmt"
	"slices"

	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
)

// Limits of what a device may publish, in bytes. [IoT Hub: "Quotas and
// throttling", "Other limits"]
const (
	maxTelemetry = 256 << 10 // body and properties
	maxAnswer    = 128 << 10 // of a direct method
)

// ErrIgnored comes from Topics.Read for a packet that is in order and means
// nothing to the hub; one with QoS 1 is acknowledged all the same.
var ErrIgnored = errIgnored

// maxFilters is how many topic filters one connection may be subscribed to.
// One that is subscribed to again is still one. [IoT Hub MQTT support: "Device
// is limited to five concurrent topic subscriptions"]
const maxFilters = 5

// Topics is the hub's role on one connection: it reads the device's packets
// and writes the hub's. It is made by Accept; after that Read is for one
// goroutine, and Packet may be another's.
type Topics struct {
	device  sim.DeviceID
	user    Username
	filters []string // subscribed to, as written; Read's
}

// Accept reads a CONNECT packet into a Connect message. A code other than
// mqtt.Accepted refuses it at once: such a CONNECT cannot be judged by the
// hub. hosts are the hub's own names; none accepts every name.
func Accept(p *mqtt.Packet, hosts ...string) (t *Topics, m sim.Message, code byte) {
	id := sim.DeviceID(p.ClientID)
	switch {
	case p.ClientID == "":
		return nil, m, mqtt.RefusedClientID
	case !validClient(p.ClientID):
		return nil, m, mqtt.RefusedNotAllowed
	case !p.HasUsername:
		return nil, m, mqtt.RefusedLogin
	}
	u, code := ParseUsername(p.Username, id)
	if code != mqtt.Accepted {
		return nil, m, code
	}
	known := len(hosts) == 0
	for _, h := range hosts {
		known = known || sameHost(u.Host, h)
	}
	if !known || !p.HasPassword { // a certificate would do without, but there is none
		return nil, m, mqtt.RefusedNotAllowed
	}
	if p.HasWill {
		if _, err := readWill(id, p); err != nil {
			return nil, m, mqtt.RefusedNotAllowed
		}
	}
	m = sim.Message{Kind: sim.Connect, Device: id, Name: u.Host, Body: p.Password, Status: int32(p.KeepAlive)}
	if p.CleanSession {
		m.ID = 1
	}
	return &Topics{device: id, user: u}, m, mqtt.Accepted
}

// Will reads the will of the CONNECT packet that was accepted; ok says that
// there is one. The hub takes it as telemetry with the application property
// `iothub-MessageType` when the connection ends without DISCONNECT. [IoT Hub
// MQTT support: "Using the MQTT protocol directly", last will]
func (t *Topics) Will(p *mqtt.Packet) (m sim.Message, ok bool) {
	if !p.HasWill {
		return m, false
	}
	m, err := readWill(t.device, p)
	return m, err == nil
}

// readWill reads a will. It must be what the device could publish: telemetry,
// at QoS 0 or 1.
func readWill(device sim.DeviceID, p *mqtt.Packet) (sim.Message, error) {
	m, err := readDeviceTopic(device, p.WillTopic)
	switch {
	case err != nil:
		return m, fmt.Errorf("will: %w", err)
	case m.Kind != sim.Telemetry:
		return m, fmt.Errorf("will: %w", unsupported(p.WillTopic))
	case p.WillQoS > 1:
		return m, errQoS
	}
	m.Kind, m.Body = sim.Will, p.WillPayload
	m.Name = withProperty(m.Name, willProperty)
	if p.WillRetain {
		m.Name = withProperty(m.Name, retainProperty)
	}
	return m, nil
}

var errQoS = errors.New("publish with QoS 2 is not supported; use 0 or 1")

// withProperty adds an encoded property to a bag.
func withProperty(bag, property string) string {
	if bag != "" {
		bag += "&"
	}
	return bag + property
}

// Device is whose connection it is.
func (t *Topics) Device() sim.DeviceID { return t.device }

// User is what the device said of itself.
func (t *Topics) User() Username { return t.user }

// Read reads one of the device's packets into a message without Conn. After
// an error other than ErrIgnored the hub ends the connection, as IoT Hub does
// for topics and filters it does not support. A message with QoS 1 is
// acknowledged by the hub's TelemetryAck if it is Telemetry, else by the
// caller, once the message is taken in. PINGREQ is the caller's.
func (t *Topics) Read(p *mqtt.Packet) (m sim.Message, err error) {
	m.Device = t.device
	switch p.Kind {
	case mqtt.Publish:
		return t.published(p)
	case mqtt.Subscribe:
		m.Kind, m.Status = sim.Subscribe, int32(p.ID)
		m.Body = make([]byte, len(p.Filters)) // the codes of SUBACK
		for i, f := range p.Filters {
			feature, ok := filterFeature(t.device, f.Topic)
			if !ok {
				return m, fmt.Errorf("filter: %w", unsupported(f.Topic))
			}
			if !t.subscribed(f.Topic) {
				return m, fmt.Errorf("filter %.80q: a connection may have %d subscriptions", f.Topic, maxFilters)
			}
			m.Body[i] = min(f.QoS, 1)
			if feature == sim.FeatureC2D && m.Body[i] == 1 {
				feature |= sim.FeatureC2DAck
			}
			m.ID |= uint64(feature)
		}
		return m, nil
	case mqtt.Unsubscribe:
		m.Kind, m.Status = sim.Unsubscribe, int32(p.ID)
		for _, f := range p.Filters { // one that is not subscribed to is acknowledged too [MQTT-3.10.4-5]
			if feature, ok := filterFeature(t.device, f.Topic); ok {
				if feature == sim.FeatureC2D {
					feature |= sim.FeatureC2DAck
				}
				m.ID |= uint64(feature)
			}
			t.filters = slices.DeleteFunc(t.filters, func(s string) bool { return s == f.Topic })
		}
		return m, nil
	case mqtt.Disconnect:
		m.Kind, m.Status = sim.Close, int32(sim.ReasonNormal)
		return m, nil
	case mqtt.Puback: // nothing but cloud-to-device messages is sent with QoS 1
		m.Kind, m.ID = sim.CloudAck, uint64(p.ID)
		return m, nil
	}
	return m, fmt.Errorf("a device may not say %s here", p.Kind)
}

// subscribed notes a filter, unless there are too many.
func (t *Topics) subscribed(filter string) bool {
	if slices.Contains(t.filters, filter) {
		return true
	}
	if len(t.filters) == maxFilters {
		return false
	}
	t.filters = append(t.filters, common(filter))
	return true
}

// common returns the filter as one string for all connections where it can:
// it is kept as long as the connection.
func common(filter string) string {
	for _, s := range [...]string{filterTwin, filterDesired, filterMethods} {
		if s == filter {
			return s
		}
	}
	return filter
}

func (t *Topics) published(p *mqtt.Packet) (m sim.Message, err error) {
	if p.QoS > 1 {
		return m, errQoS
	}
	m, err = readDeviceTopic(t.device, p.Topic)
	if err != nil {
		return m, err
	}
	switch m.Kind {
	case sim.GetTwin:
		return m, nil // some say a space
	case sim.Answer:
		if len(p.Payload) > maxAnswer {
			return m, fmt.Errorf("method answer of %d bytes; the limit is %d", len(p.Payload), maxAnswer)
		}
	case sim.Telemetry:
		if p.QoS == 1 {
			m.ID = uint64(p.ID)
		}
		if p.Retain { // not stored, but told [IoT Hub MQTT support: "Using the MQTT protocol directly"]
			m.Name = withProperty(m.Name, retainProperty)
		}
		if n := eventSize(p.Payload, m.Name); n > maxTelemetry {
			return m, fmt.Errorf("telemetry of %d bytes; the limit is %d", n, maxTelemetry)
		}
	}
	m.Body = p.Payload
	return m, nil
}

// Packet writes one of the hub's messages as a packet; what is published goes
// with QoS 0, but for cloud-to-device messages to who asked for QoS 1. Close has
// no packet.
func (t *Topics) Packet(m sim.Message) (mqtt.Packet, error) {
	switch m.Kind {
	case sim.Accept:
		return mqtt.Packet{Kind: mqtt.Connack, Code: byte(m.Status), SessionPresent: m.Status == 0 && m.ID == 1}, nil
	case sim.Subscribed:
		return mqtt.Packet{Kind: mqtt.Suback, ID: uint16(m.Status), Codes: m.Body}, nil
	case sim.Unsubscribed:
		return mqtt.Packet{Kind: mqtt.Unsuback, ID: uint16(m.Status)}, nil
	case sim.TelemetryAck:
		return mqtt.Packet{Kind: mqtt.Puback, ID: uint16(m.ID)}, nil
	}
	var buf [128]byte
	topic, err := appendHubTopic(buf[:0], m)
	if err != nil {
		return mqtt.Packet{}, err
	}
	body := m.Body
	if m.Kind == sim.Call && len(body) == 0 {
		body = null // never empty: some devices refuse that by themselves
	}
	p := mqtt.Packet{Kind: mqtt.Publish, Topic: string(topic), Payload: body}
	if m.Kind == sim.Cloud && m.ID != 0 {
		p.QoS, p.ID = 1, uint16(m.ID)
	}
	return p, nil
}

var null = []byte("null")
