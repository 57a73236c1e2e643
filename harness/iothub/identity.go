package iothub

import (
	"net/url"
	"strings"

	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
)

// APIVersion is what our devices ask for.
const APIVersion = "2021-04-12"

// maxIdentity is how long a device's or module's name may be, in bytes.
const maxIdentity = 128

// Username is what a device says of itself in CONNECT.
// [IoT Hub MQTT support: "Using the MQTT protocol directly"]
type Username struct {
	Host       string // of the hub, as written, perhaps with a port
	Device     sim.DeviceID
	APIVersion string // "" if it said none
	ModelID    string // digital twin model, "" if none
	ClientType string // DeviceClientType, decoded
}

// ParseUsername reads `{host}/{id}/?api-version=..&..`. The id has one part
// for a device and two for a module, as client says; the `?` may be missing,
// as some clients leave it out. code is a CONNACK return code:
// mqtt.RefusedLogin for what has another form, mqtt.RefusedNotAllowed for
// another device than client.
func ParseUsername(s string, client sim.DeviceID) (u Username, code byte) {
	host, rest, ok := strings.Cut(s, "/")
	if !ok || host == "" {
		return u, mqtt.RefusedLogin
	}
	u.Host, u.Device = host, client
	query, ok := strings.CutPrefix(rest, string(client)) // case counts
	if !ok {
		return u, mqtt.RefusedNotAllowed
	}
	if query, ok = strings.CutPrefix(query, "/"); !ok {
		return u, mqtt.RefusedLogin
	}
	if first, _, _ := strings.Cut(query, "="); strings.Contains(first, "/") {
		return u, mqtt.RefusedNotAllowed // a module of the device
	}
	query = strings.TrimPrefix(query, "?")
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		key, value, _ := strings.Cut(pair, "=")
		switch key {
		case "api-version":
			u.APIVersion = value
		case "model-id":
			u.ModelID = unescape(value)
		case "DeviceClientType":
			u.ClientType = unescape(value)
		}
	}
	if u.APIVersion != "" && !isAPIVersion(u.APIVersion) {
		return u, mqtt.RefusedLogin
	}
	return u, mqtt.Accepted
}

// username is what device id says of itself to host.
func username(host string, id sim.DeviceID, agent string) string {
	return host + "/" + string(id) + "/?api-version=" + APIVersion + "&DeviceClientType=" + strings.ReplaceAll(url.QueryEscape(agent), "+", "%20")
}

// isAPIVersion says whether s is `yyyy-MM-dd` with or without `-preview`.
func isAPIVersion(s string) bool {
	s = strings.TrimSuffix(s, "-preview")
	if len(s) != 10 {
		return false
	}
	for i := range len(s) {
		if i == 4 || i == 7 {
			if s[i] != '-' {
				return false
			}
		} else if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// validClient says whether id can be a device or `device/module`: each part 1
// to 128 bytes of ASCII letters, digits and - . _ : + # % * ? ! ( ) , = @ $ '
// [IoT Hub: "Understand the identity registry", device identity properties]
func validClient(id string) bool {
	device, module, two := strings.Cut(id, "/")
	return validPart(device) && (!two || validPart(module))
}

func validPart(s string) bool {
	if s == "" || len(s) > maxIdentity {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && strings.IndexByte("-.+%_#*?!(),:=@$'", c) < 0 {
			return false
		}
	}
	return true
}

// sameHost compares the hub name a device wrote with one of the hub's own:
// letter case and a port do not count.
func sameHost(written, own string) bool {
	return strings.EqualFold(withoutPort(written), withoutPort(own))
}

func withoutPort(host string) string {
	name, port, ok := strings.Cut(host, ":")
	if !ok || strings.Trim(port, "0123456789") != "" {
		return host
	}
	return name
}

// unescape decodes percent signs; what cannot be decoded is taken as written.
// A plus is a plus.
func unescape(s string) string {
	if t, err := url.PathUnescape(s); err == nil {
		return t
	}
	return s
}
