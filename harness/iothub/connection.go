package iothub

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/sas"
)

// ConnectionString is where a hub is and what opens it: a policy's key, or a
// device's. [Azure IoT Hub: "Control access to IoT Hub by using shared access
// signatures", connection strings]
//
//	HostName=hub.example.com;SharedAccessKeyName=iothubowner;SharedAccessKey=<base64>
//	HostName=hub.example.com;DeviceId=Device11;SharedAccessKey=<base64>
type ConnectionString struct {
	Host   string       // a port may follow, which the SDKs of 2016 do not understand
	Policy string       // SharedAccessKeyName, "" in a device's
	Device sim.DeviceID // DeviceId and, behind a slash, ModuleId; "" in a policy's
	Key    []byte       // decoded
}

// maxConnectionString bounds the text of one, in bytes.
const maxConnectionString = 8 << 10

// ParseConnectionString reads the text of one. The parts may come in any
// order and their names in any letter case. An error names the part and never
// shows the key.
func ParseConnectionString(s string) (ConnectionString, error) {
	c, err := parseConnectionString(s)
	if err != nil {
		return ConnectionString{}, fmt.Errorf("connection string: %w", err)
	}
	return c, nil
}

func parseConnectionString(s string) (c ConnectionString, err error) {
	if len(s) > maxConnectionString {
		return c, fmt.Errorf("has %d bytes; the limit is %d", len(s), maxConnectionString)
	}
	names := [...]string{"HostName", "SharedAccessKeyName", "SharedAccessKey", "DeviceId", "ModuleId"}
	var values [len(names)]string
	for part := range strings.SplitSeq(strings.TrimSpace(s), ";") {
		if part == "" { // behind the last one, say
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return c, errors.New("a part has no `=`; write HostName=..;SharedAccessKeyName=..;SharedAccessKey=..")
		}
		i := 0
		for i < len(names) && !strings.EqualFold(strings.TrimSpace(name), names[i]) {
			i++
		}
		switch {
		case i == len(names):
			return c, fmt.Errorf("unknown part %.40q; there is %s", name, strings.Join(names[:], ", "))
		case value == "":
			return c, fmt.Errorf("%s is empty", names[i])
		case values[i] != "":
			return c, fmt.Errorf("%s is there twice", names[i])
		}
		values[i] = value
	}
	host, policy, key, device, module := values[0], values[1], values[2], values[3], values[4]
	switch {
	case host == "":
		return c, errors.New("HostName is missing")
	case key == "":
		return c, errors.New("SharedAccessKey is missing")
	case policy == "" && device == "":
		return c, errors.New("SharedAccessKeyName is missing (or DeviceId, in a device's)")
	case policy != "" && device != "":
		return c, errors.New("SharedAccessKeyName and DeviceId are both there; a key is a policy's or a device's")
	case module != "" && device == "":
		return c, errors.New("ModuleId is there without DeviceId")
	}
	if err := checkHost(host); err != nil {
		return c, err
	}
	c = ConnectionString{Host: host, Policy: policy, Device: sim.DeviceID(device)}
	if module != "" {
		c.Device += "/" + sim.DeviceID(module)
	}
	if device != "" && !validClient(string(c.Device)) {
		return c, fmt.Errorf("DeviceId %.140q is no device's id", c.Device)
	}
	if c.Key, err = base64.StdEncoding.DecodeString(key); err != nil {
		if c.Key, err = base64.RawStdEncoding.DecodeString(key); err != nil {
			return c, errors.New("SharedAccessKey is not base64")
		}
	}
	return c, nil
}

// checkHost holds a host, perhaps with a port, against what a URL takes.
func checkHost(host string) error {
	if strings.Contains(host, "/") {
		return fmt.Errorf("HostName %.80q: write the name alone, without https:// and path", host)
	}
	name, port, ok := strings.Cut(host, ":")
	if strings.HasPrefix(host, "[") || strings.Count(host, ":") > 1 { // IPv6
		var err error
		if name, port, err = net.SplitHostPort(host); err != nil {
			name, port, ok = strings.Trim(host, "[]"), "", false
		} else {
			ok = true
		}
		if net.ParseIP(name) == nil {
			return fmt.Errorf("HostName %.80q is neither a name nor an address", host)
		}
	} else if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") != "" {
		return fmt.Errorf("HostName %.80q holds what no host name holds", host)
	}
	if !ok {
		return nil
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("HostName %.80q: the port must be 1 to 65535", host)
	}
	return nil
}

// Text is the connection string with its key.
func (c ConnectionString) Text() string { return c.text(base64.StdEncoding.EncodeToString(c.Key)) }

// String is the connection string without its key: fit for logs and errors.
func (c ConnectionString) String() string { return c.text("***") }

func (c ConnectionString) text(key string) string {
	who := "SharedAccessKeyName=" + c.Policy
	if c.Device != "" {
		device, module, ok := strings.Cut(string(c.Device), "/")
		if who = "DeviceId=" + device; ok {
			who += ";ModuleId=" + module
		}
	}
	return "HostName=" + c.Host + ";" + who + ";SharedAccessKey=" + key
}

// Name is the host without its port: what the certificate and the tokens
// are for.
func (c ConnectionString) Name() string {
	if name, _, err := net.SplitHostPort(c.Host); err == nil {
		return name
	}
	return strings.Trim(c.Host, "[]")
}

// Port is the port of Host, "" if it has none.
func (c ConnectionString) Port() string {
	if _, port, err := net.SplitHostPort(c.Host); err == nil {
		return port
	}
	return ""
}

// Hub is the hub's short name: the host up to its first dot.
func (c ConnectionString) Hub() string {
	name, _, _ := strings.Cut(c.Name(), ".")
	return name
}

// Token signs in for the whole hub, or for the device, until expiry.
func (c ConnectionString) Token(expiry sim.Date) string {
	if c.Device != "" {
		return sas.Sign(sas.DeviceResource(c.Name(), c.Device), c.Key, expiry, "")
	}
	return sas.Sign(sas.Encode(c.Name()), c.Key, expiry, c.Policy)
}
