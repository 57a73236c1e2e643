package iothub

import (
	"fmt"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
)

// TestWill has which wills a CONNECT may carry, and what the hub takes them
// for. [IoT Hub MQTT support: "Using the MQTT protocol directly", last will]
func TestWill(t *testing.T) {
	for _, x := range []struct {
		name   string
		client string
		topic  string
		qos    byte
		retain bool
		code   byte
		want   string // as Message prints
	}{
		{"plain", "d", "devices/d/messages/events/", 0, false, 0, "will d#0 iothub-MessageType=Will bye"},
		{"without the slash", "d", "devices/d/messages/events", 1, false, 0, "will d#0 iothub-MessageType=Will bye"},
		{"with properties", "d", "devices/d/messages/events/%24.mid=7&a=b", 0, false, 0, "will d#0 %24.mid=7&a=b&iothub-MessageType=Will bye"},
		{"retained", "d", "devices/d/messages/events/", 0, true, 0, "will d#0 iothub-MessageType=Will&mqtt-retain=true bye"},
		{"of a module", "d/m", "devices/d/modules/m/messages/events/", 0, false, 0, "will d/m#0 iothub-MessageType=Will bye"},
		{"QoS 2", "d", "devices/d/messages/events/", 2, false, mqtt.RefusedNotAllowed, ""},
		{"another device's topic", "d", "devices/e/messages/events/", 0, false, mqtt.RefusedNotAllowed, ""},
		{"no topic of the hub", "d", "lwt/d", 0, false, mqtt.RefusedNotAllowed, ""},
		{"no telemetry", "d", "$iothub/twin/GET/?$rid=1", 0, false, mqtt.RefusedNotAllowed, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			p := mqtt.Packet{Kind: mqtt.Connect, Level: 4, ClientID: x.client, HasUsername: true, Username: "h/" + x.client + "/?api-version=2021-04-12",
				HasPassword: true, HasWill: true, WillTopic: x.topic, WillPayload: []byte("bye"), WillQoS: x.qos, WillRetain: x.retain}
			topics, _, code := Accept(&p)
			if code != x.code {
				t.Fatalf("code %d; want %d", code, x.code)
			}
			if code != mqtt.Accepted {
				return
			}
			m, ok := topics.Will(&p)
			if !ok || m.String() != x.want {
				t.Errorf("Will = %q, %t; want %q", m, ok, x.want)
			}
			if v, _ := Get(m.Name, "iothub-MessageType"); v != "Will" {
				t.Errorf("property iothub-MessageType is %q; want Will", v)
			}
		})
	}
	topics := Topics{device: "d"}
	if m, ok := topics.Will(&mqtt.Packet{Kind: mqtt.Connect}); ok {
		t.Errorf("a CONNECT without a will: %q", m)
	}
}

// TestSubscriptions: a connection has at most five; subscribing again costs
// none, unsubscribing gives one back. [IoT Hub MQTT support: "Device is
// limited to five concurrent topic subscriptions"]
func TestSubscriptions(t *testing.T) {
	subscribe := func(filters ...string) *mqtt.Packet {
		p := &mqtt.Packet{Kind: mqtt.Subscribe, ID: 1}
		for _, f := range filters {
			p.Filters = append(p.Filters, mqtt.Filter{Topic: f, QoS: 2})
		}
		return p
	}
	all := []string{filterTwin, filterDesired, filterMethods, "devices/dev/messages/devicebound/#", "devices/%64ev/messages/devicebound/#"}
	const sixth = "devices/d%65v/messages/devicebound/#"
	const every = sim.FeatureTwin | sim.FeatureDesired | sim.FeatureMethods | sim.FeatureC2D | sim.FeatureC2DAck

	d := Topics{device: "dev"}
	for i := range 20 {
		m, err := d.Read(subscribe(filterMethods))
		if err != nil || m.ID != uint64(sim.FeatureMethods) || string(m.Body) != "\x01" {
			t.Fatalf("SUBSCRIBE %d of one filter: %q, %v; want it granted with QoS 1", i, m, err)
		}
	}
	m, err := d.Read(subscribe(all...))
	if err != nil || m.ID != uint64(every) || string(m.Body) != "\x01\x01\x01\x01\x01" {
		t.Fatalf("five filters: %q, %v", m, err)
	}
	if _, err := d.Read(subscribe(all...)); err != nil {
		t.Errorf("the same five again: %v", err)
	}
	if m, err := d.Read(&mqtt.Packet{Kind: mqtt.Unsubscribe, ID: 2, Filters: []mqtt.Filter{{Topic: all[3]}, {Topic: "unknown/#"}}}); err != nil || m.ID != uint64(sim.FeatureC2D|sim.FeatureC2DAck) {
		t.Errorf("UNSUBSCRIBE: %q, %v", m, err)
	}
	if _, err := d.Read(subscribe(sixth)); err != nil {
		t.Errorf("a fifth after one was given up: %v", err)
	}
	if m, err := d.Read(subscribe(all[3])); err == nil {
		t.Errorf("a sixth: %q; want an error", m)
	}
	fresh := Topics{device: "dev"}
	if m, err := fresh.Read(subscribe(append(all, sixth)...)); err == nil {
		t.Errorf("six in one packet: %q; want an error", m)
	}
}

// TestEventSize: a message may have 256 KB, of which a system property costs
// its value and any other its name and value, decoded. [IoT Hub: "Quotas and
// throttling"]
func TestEventSize(t *testing.T) {
	const limit = 256 << 10
	for _, x := range []struct {
		bag  string
		cost int
	}{
		{"", 0},
		{"%24.mid=12345", 5},
		{"$.ct=application%2Fjson", 16},
		{"iothub-creation-time-utc=2026-01-01", 10},
		{"a%20b=%20%20", 5},
		{"name", 4},
		{"%24.mid=1&x=22&%24.ce=utf-8", 9},
	} {
		for _, over := range []int{0, 1} {
			p := publish("devices/d/messages/events/"+x.bag, strings.Repeat("x", limit-x.cost+over))
			d := Topics{device: "d"}
			if _, err := d.Read(p); (err != nil) != (over > 0) {
				t.Errorf("bag %q, %d bytes over: %v", x.bag, over, err)
			}
		}
	}
	d := Topics{device: "d"}
	p := publish(fmt.Sprintf("devices/d/messages/events/k=%s", strings.Repeat("v", 60000)), strings.Repeat("x", limit-60001))
	if _, err := d.Read(p); err != nil {
		t.Errorf("body and a long property, exactly at the limit: %v", err)
	}
}
