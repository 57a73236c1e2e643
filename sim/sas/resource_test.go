package sas_test

import (
	"encoding/base64"
	"testing"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/sas"
)

func TestDeviceResource(t *testing.T) {
	for _, c := range []struct {
		host string
		id   sim.DeviceID
		want string
	}{
		{"hub1.fleet.test", "dev-1", "hub1.fleet.test%2Fdevices%2Fdev-1"},
		{"localhost:18883", "a b#%1", "localhost%3A18883%2Fdevices%2Fa%20b%23%251"},
		{"h", "d/m", "h%2Fdevices%2Fd%2Fmodules%2Fm"},
		{"h", "x!'()*y", "h%2Fdevices%2Fx%21%27%28%29%2ay"},
	} {
		if got := sas.DeviceResource(c.host, c.id); got != c.want {
			t.Errorf("DeviceResource(%q, %q) = %s, want %s", c.host, c.id, got, c.want)
		}
	}
}

func TestEncode(t *testing.T) {
	const all = " !\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~\x00\x7fä"
	const want = "%20%21%22%23%24%25%26%27%28%29%2a%2B%2C-.%2F09%3A%3B%3C%3D%3E%3F%40AZ%5B%5C%5D%5E_%60az%7B%7C%7D~%00%7F%C3%A4"
	if got := sas.Encode(all); got != want {
		t.Errorf("Encode(%q) = %s, want %s", all, got, want)
	}
}

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		scope, resource string
		want            bool
	}{
		{"h", "h", true},
		{"h", "h%2Fdevices%2Fd", true},
		{"h/a/b", "h/a/b/c", true},
		{"h/a/b", "h/a/bc", false},
		{"h/a/b", "h/a", false},
		{"h%2Fdevices%2Fd", "h/devices/d", true},
		{"h%2fdevices%2fd", "h%2Fdevices%2Fd%2Fmodules%2Fm", true},
		{"h%2Fdevices%2Fd%2F%2F", "h/devices/d", true},
		{"h%2Fdevices%2Fd", "h/devices/d/", true},
		{"HUB.test%2FDevices%2FDevice11", "hub.TEST/devices/device11", true},
		{"hub.test:8883%2Fdevices%2Fd", "hub.test/devices/d", true},
		{"hub.test%2Fdevices%2Fd", "hub.test:443/devices/d", true},
		{"hub.test:1%2Fdevices%2Fd", "hub.test:2/devices/d", true},
		{"hub.test:x", "hub.test", false},
		{"h/devices/d:1", "h/devices/d", false},
		{"h/devices/a%2Bb", "h/devices/a+b", true},
		{"h/devices/a%252Bb", "h/devices/a+b", false},
		{"h/devices/a%252Bb", sas.DeviceResource("h", "a%2Bb"), true},
		{"other", "h", false},
		{"\u212A", "k", false}, // the Kelvin sign
		{"/", "h", false},
		{"/", "/", false},
		{"", "h", false},
		{"%zz", "%zz", false},
		{"h", "h%2", false},
	} {
		if got := (sas.Token{Resource: c.scope}).Covers(c.resource); got != c.want {
			t.Errorf("a token of %s covers %s: %v, want %v", c.scope, c.resource, got, c.want)
		}
	}
}

// The first key is from "How to provision devices using symmetric key
// enrollment groups".
func TestDeriveKey(t *testing.T) {
	group := decode(t, "8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw==")
	for _, c := range []struct{ id, want string }{
		{"sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6", "Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc="},
		{"sampledevice-1", "Inr4DK3LxY94lNocwtLzAifBsmlZQRauNNWJJrx0Edg="},
		{"Truck-001", "6CWH41CT2TWICdiT0i7xQNQymOdsLLyHMEkx87iYTak="},
		{"truck-001", "whEmVggCqn01WLZjClWD2W4o/nSr6yC99BzUtIZ4JQw="},
	} {
		if got := base64.StdEncoding.EncodeToString(sas.DeriveKey(group, c.id)); got != c.want {
			t.Errorf("DeriveKey(%s) = %s, want %s", c.id, got, c.want)
		}
	}
}
