package iothub

import (
	"errors"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
)

func publish(topic, body string) *mqtt.Packet {
	return &mqtt.Packet{Kind: mqtt.Publish, Topic: topic, Payload: []byte(body)}
}

// TestDevicePublishes has the exact topics of the documentation, "Communicate
// with your IoT hub using the MQTT protocol", and those that device SDKs send.
func TestDevicePublishes(t *testing.T) {
	for _, x := range []struct {
		device, topic string
		want          string // as Message prints, or the beginning of the error
	}{
		{"d", "$iothub/twin/GET/?$rid=6d0c3dd0-1111", "get-twin d#0 6d0c3dd0-1111"},
		{"d", "$iothub/twin/GET/?$rid=%20+a/b", "get-twin d#0 %20+a/b"}, // byte for byte
		{"d", "$iothub/twin/PATCH/properties/reported/?$rid=1f", "report d#0 1f BODY"},
		{"d", "$iothub/twin/PATCH/properties/reported/?$rid=1f&$version=7", "report d#0 id=7 1f BODY"},
		{"d", "$iothub/twin/PATCH/properties/reported/?$version=7&$rid=1f", "report d#0 id=7 1f BODY"},
		{"d", "$iothub/methods/res/200/?$rid=5", "answer d#0 id=5 status=200 BODY"},
		{"d", "$iothub/methods/res/-1/?$rid=1f", "answer d#0 id=31 status=-1 BODY"},
		{"d", "devices/d/messages/events/", "telemetry d#0 BODY"},
		{"d", "devices/d/messages/events", "telemetry d#0 BODY"},
		{"sim-0003", "devices/sim-0003/messages/events/%24.mid=m-3&%24.ct=application%2Fjson&%24.ce=utf-8&alert%20level=low%20%26%20slow",
			"telemetry sim-0003#0 %24.mid=m-3&%24.ct=application%2Fjson&%24.ce=utf-8&alert%20level=low%20%26%20slow BODY"},
		{"d/m", "devices/d/modules/m/messages/events/%24.on=out/", "telemetry d/m#0 %24.on=out BODY"},
		{"a#b", "devices/a%23b/messages/events/", "telemetry a#b#0 BODY"},
		{"a%20b", "devices/a%20b/messages/events/", "telemetry a%20b#0 BODY"},

		{"d", "$iothub/methods/res/200/?$rid=zz", "ignored"},
		{"d", "$iothub/methods/res/200/?$rid=0", "ignored"},
		{"d", "$iothub/methods/res/200/", `topic "$iothub/methods/res/200/" is not`},
		{"d", "$iothub/methods/res/ok/?$rid=1", "topic"},
		{"d", "$iothub/methods/res/99999999999/?$rid=1", "topic"},
		{"d", "$iothub/twin/GET/?", "topic"},
		{"d", "$iothub/twin/GET/", "topic"},
		{"d", "$iothub/twin/PATCH/properties/reported/?$rid=1&$version=x", "topic"},
		{"d", "$iothub/twin/PATCH/properties/desired/?$rid=1", "topic"},
		{"d", "devices/e/messages/events/", "topic"},
		{"d", "devices/d/messages/eventsandmore", "topic"},
		{"d", "devices/d/modules/m/messages/events/", "topic"},
		{"d/m", "devices/d/messages/events/", "topic"},
		{"d", "devices/d/messages/devicebound/", "topic"},
		{"d", "anything", "topic"},
		{"d", "", "topic"},
	} {
		topics := Topics{device: sim.DeviceID(x.device)}
		m, err := topics.Read(publish(x.topic, "BODY"))
		got := m.String()
		if err != nil {
			got = err.Error()
			if !strings.HasPrefix(got, x.want) {
				t.Errorf("%s publishes %q: error %q; want %q", x.device, x.topic, got, x.want)
			}
			continue
		}
		if got != x.want {
			t.Errorf("%s publishes %q: got %q; want %q", x.device, x.topic, got, x.want)
		}
	}
}

func TestPublishRules(t *testing.T) {
	d := Topics{device: "d"}
	p := publish("devices/d/messages/events/a=1", "x")
	p.QoS, p.ID, p.Retain = 1, 77, true
	m, err := d.Read(p)
	if want := "telemetry d#0 id=77 a=1&mqtt-retain=true x"; err != nil || m.String() != want {
		t.Errorf("QoS 1, retained: %q, %v; want %q", m, err, want)
	}
	if name, ok := Get(m.Name, "mqtt-retain"); name != "true" || !ok {
		t.Errorf("mqtt-retain of %q = %q, %t", m.Name, name, ok)
	}
	p.QoS = 2
	if _, err := d.Read(p); err == nil {
		t.Error("QoS 2: no error; the connection must end")
	}
	if _, err := d.Read(publish("devices/d/messages/events/", strings.Repeat("x", maxTelemetry))); err != nil {
		t.Errorf("256 KiB: %v", err)
	}
	if _, err := d.Read(publish("devices/d/messages/events/a=", strings.Repeat("x", maxTelemetry))); err == nil {
		t.Error("256 KiB and a property: no error")
	}
	if _, err := d.Read(publish("$iothub/methods/res/200/?$rid=1", strings.Repeat("x", maxAnswer+1))); err == nil {
		t.Error("answer above 128 KiB: no error")
	}
	if m, err := d.Read(&mqtt.Packet{Kind: mqtt.Disconnect}); err != nil || m.String() != "close d#0 normal" {
		t.Errorf("DISCONNECT: %q, %v", m, err)
	}
	if m, err := d.Read(&mqtt.Packet{Kind: mqtt.Puback, ID: 7}); err != nil || m.String() != "cloud-ack d#0 id=7" {
		t.Errorf("PUBACK: %q, %v", m, err)
	}
	if _, err := d.Read(&mqtt.Packet{Kind: mqtt.Pubrel, ID: 1}); err == nil || errors.Is(err, ErrIgnored) {
		t.Errorf("PUBREL: %v", err)
	}
}

func TestSubscribe(t *testing.T) {
	d := Topics{device: "d/m"}
	m, err := d.Read(&mqtt.Packet{Kind: mqtt.Subscribe, ID: 9, Filters: []mqtt.Filter{
		{Topic: "$iothub/twin/res/#"}, {Topic: "$iothub/twin/PATCH/properties/desired/#", QoS: 1},
		{Topic: "$iothub/methods/POST/#", QoS: 2}, {Topic: "devices/d/modules/m/messages/devicebound/#", QoS: 1},
	}})
	if err != nil || m.Kind != sim.Subscribe || m.Status != 9 ||
		sim.Feature(m.ID) != sim.AllFeatures|sim.FeatureC2D|sim.FeatureC2DAck || string(m.Body) != "\x00\x01\x01\x01" {
		t.Errorf("got %q, codes %v, %v", m, m.Body, err)
	}
	if m, err := (&Topics{device: "d"}).Read(&mqtt.Packet{Kind: mqtt.Subscribe, ID: 9, Filters: []mqtt.Filter{{Topic: "devices/d/messages/devicebound/#"}}}); err != nil ||
		sim.Feature(m.ID) != sim.FeatureC2D {
		t.Errorf("cloud-to-device messages with QoS 0: %q, %v; want no acknowledgement", m, err)
	}
	back, err := d.Packet(sim.Message{Kind: sim.Subscribed, Status: 9, Body: m.Body})
	if err != nil || back.Kind != mqtt.Suback || back.ID != 9 || string(back.Codes) != string(m.Body) {
		t.Errorf("SUBACK: %+v, %v", back, err)
	}
	for _, filter := range []string{"#", "+", "$iothub/#", "$iothub/twin/res/+", "$iothub/methods/POST/reboot/#",
		"devices/d/messages/devicebound/#", "devices/e/modules/m/messages/devicebound/#", "devices/d/modules/m/messages/devicebound/x"} {
		if _, err := d.Read(&mqtt.Packet{Kind: mqtt.Subscribe, ID: 1, Filters: []mqtt.Filter{{Topic: filter}}}); err == nil {
			t.Errorf("filter %q: no error; the connection must end", filter)
		}
	}
	m, err = d.Read(&mqtt.Packet{Kind: mqtt.Unsubscribe, ID: 3, Filters: []mqtt.Filter{{Topic: "$iothub/methods/POST/#"}, {Topic: "x"}}})
	if err != nil || sim.Feature(m.ID) != sim.FeatureMethods || m.Status != 3 {
		t.Errorf("UNSUBSCRIBE: %q, %v", m, err)
	}
}

// TestHubPublishes has the topics the documentation gives for what the hub
// says, and reads each of them as the device does.
func TestHubPublishes(t *testing.T) {
	for _, x := range []struct {
		say         sim.Message
		topic, body string
	}{
		{sim.Message{Kind: sim.TwinAnswer, Name: "6d0c-0", Status: 200, ID: 4, Body: []byte("{}")}, "$iothub/twin/res/200/?$rid=6d0c-0", "{}"},
		{sim.Message{Kind: sim.TwinAnswer, Name: "14", Status: 204, ID: 2}, "$iothub/twin/res/204/?$rid=14&$version=2", ""},
		{sim.Message{Kind: sim.TwinAnswer, Name: "14", Status: 429}, "$iothub/twin/res/429/?$rid=14", ""},
		{sim.Message{Kind: sim.Desired, ID: 9, Body: []byte(`{"a":1,"$version":9}`)}, "$iothub/twin/PATCH/properties/desired/?$version=9", `{"a":1,"$version":9}`},
		{sim.Message{Kind: sim.Call, ID: 31, Name: "dm.read", Body: []byte("{}")}, "$iothub/methods/POST/dm.read/?$rid=1f", "{}"},
		{sim.Message{Kind: sim.Call, ID: 1, Name: "a b/ü#+"}, "$iothub/methods/POST/a%20b%2F%C3%BC%23%2B/?$rid=1", "null"},
		{sim.Message{Kind: sim.Cloud, Name: "thermostat*service", Body: []byte("[1]")},
			"devices/d/messages/devicebound/%24.to=%2Fdevices%2Fd%2Fmessages%2Fdevicebound&method-name=thermostat%2Aservice", "[1]"},
	} {
		x.say.Device = "d"
		p, err := (&Topics{device: "d"}).Packet(x.say)
		if err != nil || p.Kind != mqtt.Publish || p.QoS != 0 || p.Topic != x.topic || string(p.Payload) != x.body {
			t.Errorf("%s: got %+v, %v; want %s %s", x.say, p, err, x.topic, x.body)
			continue
		}
		heard, err := readHubTopic("d", p.Topic)
		heard.Body = p.Payload
		want := x.say
		want.Body = []byte(x.body)
		if want.Kind == sim.TwinAnswer && want.Status != 204 {
			want.ID = 0
		}
		if err != nil || heard.String() != want.String() {
			t.Errorf("%s: heard %q, %v; want %q", p.Topic, heard, err, want)
		}
	}
	for _, topic := range []string{"", "$iothub/twin/res/ok/?$rid=1", "$iothub/twin/res/200/", "$iothub/methods/POST/?$rid=1", "$iothub/methods/POST/x/?$rid=", "devices/d/messages/devicebound", "devices/e/messages/devicebound/a=b"} {
		if m, err := readHubTopic("d", topic); err == nil {
			t.Errorf("hub publishes %q: got %q; want an error", topic, m)
		}
	}
}

// TestCloudToDevice: one that is acknowledged goes with QoS 1, and its packet
// identifier is the number the hub gave it; a module has its own address.
func TestCloudToDevice(t *testing.T) {
	p, err := (&Topics{device: "d/m"}).Packet(sim.Message{Kind: sim.Cloud, Device: "d/m", ID: 65535, Name: "blink"})
	if err != nil || p.QoS != 1 || p.ID != 65535 || !strings.HasPrefix(p.Topic, "devices/d/modules/m/messages/devicebound/") {
		t.Errorf("got %+v, %v", p, err)
	}
	if m, err := readHubTopic("d/m", p.Topic); err != nil || m.Kind != sim.Cloud || m.Name != "blink" || m.ID != 0 {
		t.Errorf("heard %q, %v; want it without a number: the client has acknowledged it", m, err)
	}
	if m, err := readHubTopic("d", "devices/d/messages/devicebound/a=b"); err != nil || m.Kind != sim.Cloud || m.Name != "" {
		t.Errorf("a message that is no command: %q, %v", m, err)
	}
}

func TestHubAnswers(t *testing.T) {
	d := &Topics{device: "d"}
	for _, x := range []struct {
		say  sim.Message
		want string // on the wire
	}{
		{sim.Message{Kind: sim.Accept}, "\x20\x02\x00\x00"},
		{sim.Message{Kind: sim.Accept, ID: 1}, "\x20\x02\x01\x00"},
		{sim.Message{Kind: sim.Accept, ID: 1, Status: 5}, "\x20\x02\x00\x05"},
		{sim.Message{Kind: sim.TelemetryAck, ID: 0x1234}, "\x40\x02\x12\x34"},
		{sim.Message{Kind: sim.Unsubscribed, Status: 3}, "\xb0\x02\x00\x03"},
	} {
		p, err := d.Packet(x.say)
		b, err2 := p.AppendTo(nil)
		if err != nil || err2 != nil || string(b) != x.want {
			t.Errorf("%s: % x, %v, %v; want % x", x.say, b, err, err2, x.want)
		}
	}
	if _, err := d.Packet(sim.Message{Kind: sim.Close}); err == nil {
		t.Error("Close has a packet")
	}
}

func TestBag(t *testing.T) {
	bag := "%24.mid=m-3&alert%20level=low%20%26%20slow&plus=a+b&bare&empty=&bad%zz=%"
	want := []Property{{"$.mid", "m-3"}, {"alert level", "low & slow"}, {"plus", "a+b"}, {"bare", ""}, {"empty", ""}, {"bad%zz", "%"}}
	got := Properties(bag)
	if len(got) != len(want) {
		t.Fatalf("Properties(%q) = %q; want %q", bag, got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("property %d = %q; want %q", i, got[i], want[i])
		}
	}
	again := Properties(Bag(got...))
	for i := range want {
		if again[i] != want[i] {
			t.Errorf("after writing, property %d = %q; want %q", i, again[i], want[i])
		}
	}
}

// FuzzTopic: whatever a device publishes or subscribes to, reading it does not
// panic, and what is understood can be said again by the device's role and
// means the same.
func FuzzTopic(f *testing.F) {
	for _, topic := range []string{
		"$iothub/twin/GET/?$rid=1", "$iothub/twin/PATCH/properties/reported/?$rid=1&$version=2", "$iothub/methods/res/200/?$rid=1f",
		"devices/d/messages/events/%24.mid=m&a=b", "devices/d/modules/m/messages/events/", "$iothub/methods/POST/#",
		"devices/a%23b/messages/events", "$iothub/methods/POST/a%20b/?$rid=1", "$iothub/twin/res/204/?$rid=1&$version=3",
	} {
		f.Add("d", topic)
		f.Add("d/m", topic)
	}
	f.Fuzz(func(t *testing.T, device, topic string) {
		if !validClient(device) {
			return
		}
		filterFeature(sim.DeviceID(device), topic)
		readHubTopic(sim.DeviceID(device), topic)
		m, err := readDeviceTopic(sim.DeviceID(device), topic)
		if err != nil {
			return
		}
		again, err := appendDeviceTopic(nil, m)
		if err != nil {
			t.Fatalf("%q read as %q cannot be said: %v", topic, m, err)
		}
		n, err := readDeviceTopic(sim.DeviceID(device), string(again))
		if m.Kind == sim.Telemetry {
			m.Name = strings.TrimSuffix(m.Name, "/") // an output's slash
		}
		if err != nil || n.String() != m.String() {
			t.Fatalf("%q read as %q, said as %q, read as %q, %v", topic, m, again, n, err)
		}
		Properties(m.Name)
	})
}

func BenchmarkCall(b *testing.B) {
	d := &Topics{device: "device-000001"}
	call := sim.Message{Kind: sim.Call, Device: "device-000001", ID: 0x1f, Name: "dm.read", Body: []byte(`{"resources":["/3/0/15"]}`)}
	answer := publish("$iothub/methods/res/200/?$rid=1f", `{"/3/0/15":"PST"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Packet(call); err != nil {
			b.Fatal(err)
		}
		if _, err := d.Read(answer); err != nil {
			b.Fatal(err)
		}
	}
}
