package iothub_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/sim/sas"
)

const ownerKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

func TestParseConnectionString(t *testing.T) {
	for _, c := range []struct {
		text                 string
		host, policy, device string
		name, port, hub      string
		again                string // "": as text
	}{
		{text: "HostName=dmhub.azure-devices.net;SharedAccessKeyName=iothubowner;SharedAccessKey=" + ownerKey,
			host: "dmhub.azure-devices.net", policy: "iothubowner", name: "dmhub.azure-devices.net", hub: "dmhub"},
		{text: " SharedAccessKey=" + ownerKey + ";hostname=localhost:8443;SHAREDACCESSKEYNAME=service;\n",
			host: "localhost:8443", policy: "service", name: "localhost", port: "8443", hub: "localhost",
			again: "HostName=localhost:8443;SharedAccessKeyName=service;SharedAccessKey=" + ownerKey},
		{text: "HostName=[::1]:443;DeviceId=Device11-7ce4a850;SharedAccessKey=" + ownerKey,
			host: "[::1]:443", device: "Device11-7ce4a850", name: "::1", port: "443", hub: "::1"},
		{text: "HostName=h;DeviceId=d;ModuleId=m;SharedAccessKey=" + ownerKey, host: "h", device: "d/m", name: "h", hub: "h"},
		{text: "HostName=h;DeviceId=a=b#%;SharedAccessKey=" + ownerKey, host: "h", device: "a=b#%", name: "h", hub: "h"},
		{text: "HostName=h;SharedAccessKeyName=p;SharedAccessKey=" + strings.TrimRight(ownerKey, "="), host: "h", policy: "p", name: "h", hub: "h",
			again: "HostName=h;SharedAccessKeyName=p;SharedAccessKey=" + ownerKey},
	} {
		got, err := iothub.ParseConnectionString(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if got.Host != c.host || got.Policy != c.policy || string(got.Device) != c.device || got.Name() != c.name || got.Port() != c.port || got.Hub() != c.hub {
			t.Errorf("%q: %s, name %q, port %q, hub %q", c.text, got, got.Name(), got.Port(), got.Hub())
		}
		if key, _ := base64.StdEncoding.DecodeString(ownerKey); !bytes.Equal(got.Key, key) {
			t.Errorf("%q: the key is %x", c.text, got.Key)
		}
		if c.again == "" {
			c.again = c.text
		}
		if got.Text() != c.again {
			t.Errorf("%q is written %q; want %q", c.text, got.Text(), c.again)
		}
		for _, shown := range []string{got.String(), fmt.Sprint(got), fmt.Sprintf("%v", &got)} {
			if strings.Contains(shown, ownerKey[:20]) || !strings.Contains(shown, "SharedAccessKey=***") {
				t.Errorf("%q is shown as %q", c.text, shown)
			}
		}
	}
}

func TestParseConnectionStringRefused(t *testing.T) {
	const secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQ"
	for _, c := range []struct{ text, want string }{
		{"", "HostName is missing"},
		{"hub", "a part has no `=`"},
		{"HostName=h", "SharedAccessKey is missing"},
		{"SharedAccessKeyName=p;SharedAccessKey=" + secret, "HostName is missing"},
		{"HostName=h;SharedAccessKey=" + secret, "SharedAccessKeyName is missing"},
		{"HostName=;SharedAccessKeyName=p;SharedAccessKey=" + secret, "HostName is empty"},
		{"HostName=h;SharedAccessKeyName=p;SharedAccessKey=", "SharedAccessKey is empty"},
		{"HostName=h;HostName=h;SharedAccessKeyName=p;SharedAccessKey=" + secret, "HostName is there twice"},
		{"HostName=h;SharedAccessKeyName=p;SharedAccessKey=not?base64" + secret, "SharedAccessKey is not base64"},
		{"HostName=h;SharedAccessKeyName=p;DeviceId=d;SharedAccessKey=" + secret, "SharedAccessKeyName and DeviceId are both there"},
		{"HostName=h;SharedAccessKeyName=p;ModuleId=m;SharedAccessKey=" + secret, "ModuleId is there without DeviceId"},
		{"HostName=h;DeviceId=a b;SharedAccessKey=" + secret, `DeviceId "a b" is no device's id`},
		{"HostName=https://h;SharedAccessKeyName=p;SharedAccessKey=" + secret, "write the name alone"},
		{"HostName=h/x;SharedAccessKeyName=p;SharedAccessKey=" + secret, "write the name alone"},
		{"HostName=h:0;SharedAccessKeyName=p;SharedAccessKey=" + secret, "the port must be 1 to 65535"},
		{"HostName=h:;SharedAccessKeyName=p;SharedAccessKey=" + secret, "the port must be 1 to 65535"},
		{"HostName=h:65536;SharedAccessKeyName=p;SharedAccessKey=" + secret, "the port must be 1 to 65535"},
		{"HostName=::x;SharedAccessKeyName=p;SharedAccessKey=" + secret, "neither a name nor an address"},
		{"Endpoint=sb://x/;SharedAccessKeyName=p;SharedAccessKey=" + secret, `unknown part "Endpoint"`},
		{strings.Repeat("x", 9000), "has 9000 bytes"},
	} {
		got, err := iothub.ParseConnectionString(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "connection string: ") {
			t.Errorf("%.80q: %v, %v; want %q", c.text, got, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%.80q: the error shows the key: %v", c.text, err)
		}
	}
}

func FuzzParseConnectionString(f *testing.F) {
	f.Add("HostName=h;SharedAccessKeyName=p;SharedAccessKey=" + ownerKey)
	f.Add("HostName=[::1]:1;DeviceId=d;ModuleId=m;SharedAccessKey=a2V5")
	f.Add("HostName=h;;=;SharedAccessKey")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := iothub.ParseConnectionString(s)
		if err != nil {
			return
		}
		again, err := iothub.ParseConnectionString(c.Text())
		if err != nil || again.Text() != c.Text() || !bytes.Equal(again.Key, c.Key) {
			t.Errorf("%q reads as %v, and written again as %v, %v", s, c, again, err)
		}
	})
}

// TestToken: the SDK's vectors. [Azure IoT Hub device management preview, A.1]
func TestToken(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"HostName=localhost:8443;SharedAccessKeyName=iothubowner;SharedAccessKey=" + ownerKey,
			"SharedAccessSignature sr=localhost&sig=uv4cYRkbC7KiwfYA4BURgL2a6JUJ27zZOW2LG8XpJNo%3D&se=1462000000&skn=iothubowner"},
		{"HostName=dmhub.azure-devices.net;SharedAccessKeyName=service;SharedAccessKey=" + ownerKey,
			"SharedAccessSignature sr=dmhub.azure-devices.net&sig=KuWf2VRHaopYnYldYPp9PoFsXlB4Vyhk1EgrdzLK5iw%3D&se=1462000000&skn=service"},
	} {
		cs, err := iothub.ParseConnectionString(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := cs.Token(1462000000); got != c.want {
			t.Errorf("%s: %s; want %s", cs, got, c.want)
		}
	}
	cs, err := iothub.ParseConnectionString("HostName=h;DeviceId=a#b;SharedAccessKey=" + ownerKey)
	if err != nil {
		t.Fatal(err)
	}
	token, err := sas.Parse(cs.Token(1462000000))
	if err != nil || token.Policy != "" || token.Resource != "h%2Fdevices%2Fa%23b" || !token.Verify(cs.Key) {
		t.Errorf("a device's token is %+v, %v", token, err)
	}
}
