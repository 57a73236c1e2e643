package iothub

import (
	"testing"

	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
)

// TestUsername has the user names that device SDKs send.
func TestUsername(t *testing.T) {
	for _, x := range []struct {
		client, user string
		code         byte
		want         Username
	}{
		{"sim-0003", "localhost/sim-0003/?api-version=2021-04-12&DeviceClientType=azure-iot-device%2F1.18.4%20(node%20v20.20.2%3B%20Debian%2012%3B%20x64)", 0,
			Username{Host: "localhost", APIVersion: "2021-04-12", ClientType: "azure-iot-device/1.18.4 (node v20.20.2; Debian 12; x64)"}},
		{"d", "hub:18883/d/?api-version=2021-04-12&model-id=dtmi:com:example:Thermostat;1&DeviceClientType=x", 0,
			Username{Host: "hub:18883", APIVersion: "2021-04-12", ModelID: "dtmi:com:example:Thermostat;1", ClientType: "x"}},
		{"dev", "host/dev/api-version=2020-09-30", 0, Username{Host: "host", APIVersion: "2020-09-30"}},
		{"dev", "host/dev/DeviceClientType=c&api-version=2016-11-14", 0, Username{Host: "host", APIVersion: "2016-11-14", ClientType: "c"}},
		{"d/m", "host/d/m/?api-version=2021-04-12", 0, Username{Host: "host", APIVersion: "2021-04-12"}},
		{"d", "host/d/", 0, Username{Host: "host"}},
		{"d", "host/d/?api-version=2020-05-31-preview", 0, Username{Host: "host", APIVersion: "2020-05-31-preview"}},

		{"d", "host/d", mqtt.RefusedLogin, Username{}},
		{"d", "host", mqtt.RefusedLogin, Username{}},
		{"d", "/d/?api-version=2021-04-12", mqtt.RefusedLogin, Username{}},
		{"d", "host/d/?api-version=latest", mqtt.RefusedLogin, Username{}},
		{"d", "host/e/?api-version=2021-04-12", mqtt.RefusedNotAllowed, Username{}},
		{"d", "host/D/?api-version=2021-04-12", mqtt.RefusedNotAllowed, Username{}},
		{"d", "host/d/m/?api-version=2021-04-12", mqtt.RefusedNotAllowed, Username{}},
		{"d/m", "host/d/?api-version=2021-04-12", mqtt.RefusedNotAllowed, Username{}},
	} {
		got, code := ParseUsername(x.user, sim.DeviceID(x.client))
		if code != x.code {
			t.Errorf("ParseUsername(%q, %s): code %d; want %d", x.user, x.client, code, x.code)
		}
		if x.want.Device = sim.DeviceID(x.client); code == 0 && got != x.want {
			t.Errorf("ParseUsername(%q, %s) = %+v; want %+v", x.user, x.client, got, x.want)
		}
	}
	if got, want := username("hub.test", "d/m", "flotilla/0.1 (x; y)"), "hub.test/d/m/?api-version=2021-04-12&DeviceClientType=flotilla%2F0.1%20%28x%3B%20y%29"; got != want {
		t.Errorf("username = %q; want %q", got, want)
	}
	if u, code := ParseUsername(username("hub.test", "d/m", "flotilla/0.1 (x; y)"), "d/m"); code != 0 || u.ClientType != "flotilla/0.1 (x; y)" {
		t.Errorf("our own user name: %+v, %d", u, code)
	}
}

func TestAccept(t *testing.T) {
	good := mqtt.Packet{Kind: mqtt.Connect, Level: 4, ClientID: "d", CleanSession: true, KeepAlive: 240,
		HasUsername: true, Username: "HUB.test:8883/d/?api-version=2021-04-12", HasPassword: true, Password: []byte("SAS")}
	topics, m, code := Accept(&good, "other", "hub.test")
	if code != 0 || m.String() != "connect d#0 id=1 status=240 HUB.test:8883 SAS" || topics.Device() != "d" || topics.User().APIVersion != "2021-04-12" {
		t.Errorf("Accept = %q, %d", m, code)
	}
	for _, x := range []struct {
		name string
		bad  func(*mqtt.Packet)
		want byte
	}{
		{"empty client id", func(p *mqtt.Packet) { p.ClientID = "" }, mqtt.RefusedClientID},
		{"malformed device id", func(p *mqtt.Packet) { p.ClientID = "a b" }, mqtt.RefusedNotAllowed},
		{"device id too long", func(p *mqtt.Packet) { p.ClientID = string(make([]byte, 129)) }, mqtt.RefusedNotAllowed},
		{"no user name", func(p *mqtt.Packet) { p.HasUsername = false }, mqtt.RefusedLogin},
		{"no password", func(p *mqtt.Packet) { p.HasPassword = false }, mqtt.RefusedNotAllowed},
		{"another hub", func(p *mqtt.Packet) { p.Username = "elsewhere/d/?api-version=2021-04-12" }, mqtt.RefusedNotAllowed},
		{"another device", func(p *mqtt.Packet) { p.ClientID = "e" }, mqtt.RefusedNotAllowed},
	} {
		p := good
		x.bad(&p)
		if _, _, code := Accept(&p, "hub.test"); code != x.want {
			t.Errorf("%s: code %d; want %d", x.name, code, x.want)
		}
	}
}
