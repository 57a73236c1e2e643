package iothub

import (
	"errors"
	"fmt"

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

// Topics is the hub's role on one connection: it reads the device's packets
// and writes the hub's. It is made by Accept and never changes after that, so
// one goroutine may read while another writes.
type Topics struct {
	device sim.DeviceID
	user   Username
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
	m = sim.Message{Kind: sim.Connect, Device: id, Name: u.Host, Body: p.Password, Status: int32(p.KeepAlive)}
	if p.CleanSession {
		m.ID = 1
	}
	return &Topics{device: id, user: u}, m, mqtt.Accepted
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
			m.ID |= uint64(feature)
			m.Body[i] = min(f.QoS, 1)
		}
		return m, nil
	case mqtt.Unsubscribe:
		m.Kind, m.Status = sim.Unsubscribe, int32(p.ID)
		for _, f := range p.Filters { // one that is not subscribed to is acknowledged too [MQTT-3.10.4-5]
			if feature, ok := filterFeature(t.device, f.Topic); ok {
				m.ID |= uint64(feature)
			}
		}
		return m, nil
	case mqtt.Disconnect:
		m.Kind, m.Status = sim.Close, int32(sim.ReasonNormal)
		return m, nil
	case mqtt.Puback:
		return m, ErrIgnored // what it acknowledges is sent with QoS 0 so far
	}
	return m, fmt.Errorf("a device may not say %s here", p.Kind)
}

func (t *Topics) published(p *mqtt.Packet) (m sim.Message, err error) {
	if p.QoS > 1 {
		return m, errors.New("publish with QoS 2 is not supported; use 0 or 1")
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
			if m.Name != "" {
				m.Name += "&"
			}
			m.Name += retainProperty
		}
		if n := len(p.Payload) + len(m.Name); n > maxTelemetry {
			return m, fmt.Errorf("telemetry of %d bytes; the limit is %d", n, maxTelemetry)
		}
	}
	m.Body = p.Payload
	return m, nil
}

// Packet writes one of the hub's messages as a packet; what is published goes
// with QoS 0. Close has no packet.
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
	return mqtt.Packet{Kind: mqtt.Publish, Topic: string(topic), Payload: body}, nil
}

var null = []byte("null")
