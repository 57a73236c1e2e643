package iothub

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// ParseMinutes reads a time limit as people type it: minutes, as the SDKs of
// 2016 take them, or a number with a unit: 25, 25m, 90s, 1h30m.
func ParseMinutes(s string) (time.Duration, error) {
	if n, err := strconv.ParseUint(s, 10, 32); err == nil {
		if n > uint64(MaxJobTimeout/time.Minute) {
			return 0, fmt.Errorf("%s minutes are more than a day", s)
		}
		return time.Duration(n) * time.Minute, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%.40q is not a time limit; write minutes (25) or a number with a unit (25m, 90s, 1h30m)", s)
	}
	return d, nil
}

// ParseSetting reads `name=value` as people type it. The value is a number,
// true, false or a text; in quotes it is a text whatever it looks like.
func ParseSetting(s string) (name string, value doc.Value, err error) {
	name, text, ok := strings.Cut(s, "=")
	if !ok || strings.TrimSpace(name) == "" {
		return "", value, fmt.Errorf("%.80q: write NAME=VALUE", s)
	}
	if v, err := doc.ParseString(text); err == nil {
		switch v.Kind() {
		case doc.KindNumber, doc.KindBool, doc.KindString:
			return name, v, nil
		}
	}
	return name, doc.String(text), nil
}

// maxDevicesFile bounds a file of devices: 100,000 of them have 40 MB.
const maxDevicesFile = 64 << 20

// ReadDevices reads devices to create, of the shape of the tutorial's
// sampledevices.json: an array of devices, an object whose member `devices` is
// one, or one device. [Azure IoT Hub device management preview: "Get started
// with device management", generate_devices.js]
func ReadDevices(r io.Reader) ([]Device, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxDevicesFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > maxDevicesFile:
		return nil, fmt.Errorf("more than %d bytes", maxDevicesFile)
	}
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\ufeff")))
	var file struct {
		Devices []Device `json:"devices"`
		Device
	}
	if len(b) > 0 && b[0] == '[' {
		err = json.Unmarshal(b, &file.Devices)
	} else {
		err = json.Unmarshal(b, &file)
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		line := 1 + bytes.Count(b[:min(int(syntax.Offset), len(b))], []byte("\n"))
		return nil, fmt.Errorf("line %d: not JSON: %w", line, err)
	}
	if err != nil {
		return nil, fmt.Errorf("not a list of devices: %w", err)
	}
	list := file.Devices
	if list == nil && file.DeviceID != "" {
		list = []Device{file.Device}
	}
	if len(list) == 0 {
		return nil, errors.New(`it names no device; write [{"deviceId": "Device11", "serviceProperties": {"properties": {}, "tags": []}}]`)
	}
	seen := make(map[string]bool, len(list))
	for i, d := range list {
		switch {
		case d.DeviceID == "":
			return nil, fmt.Errorf("device %d has no deviceId", i+1)
		case seen[d.DeviceID]:
			return nil, fmt.Errorf("device %s is there twice", d.DeviceID)
		}
		seen[d.DeviceID] = true
	}
	return list, nil
}

// ReadQuery reads a query expression and returns it as it is written, too:
// the hub is sent that.
func ReadQuery(b []byte) (QueryExpression, json.RawMessage, error) {
	var q QueryExpression
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\ufeff")))
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return q, nil, fmt.Errorf(`the query is not a JSON object such as {"filter": {"type": "comparison", ...}}: %w`, err)
	}
	json.Unmarshal(b, &q) // for the columns of a table; what is wrong with it is the hub's to say
	return q, b, nil
}
