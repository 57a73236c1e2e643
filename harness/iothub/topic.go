package iothub

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
)

// The topics. What is in braces in the documentation stands between them.
const (
	twinGet        = "$iothub/twin/GET/?"
	twinPatch      = "$iothub/twin/PATCH/properties/reported/?"
	twinAnswer     = "$iothub/twin/res/"
	twinDesired    = "$iothub/twin/PATCH/properties/desired/?"
	methodCall     = "$iothub/methods/POST/"
	methodAnswer   = "$iothub/methods/res/"
	devices        = "devices/"
	modules        = "/modules/"
	events         = "/messages/events"
	devicebound    = "/messages/devicebound/"
	filterTwin     = "$iothub/twin/res/#"
	filterDesired  = "$iothub/twin/PATCH/properties/desired/#"
	filterMethods  = "$iothub/methods/POST/#"
	methodName     = "method-name" // property of a cloud-to-device message that is a command
	parameterRID   = "$rid"
	parameterVers  = "$version"
	retainProperty = "mqtt-retain=true"
	willProperty   = "iothub-MessageType=Will"
)

// errIgnored marks what is well formed and of no use: an answer whose request
// id cannot be one of ours.
var errIgnored = errors.New("ignored")

func unsupported(topic string) error {
	if len(topic) > 80 {
		topic = topic[:80] + "..."
	}
	return fmt.Errorf("topic %q is not one of IoT Hub's", topic)
}

// readDeviceTopic reads the topic of what device published: a Telemetry,
// GetTwin, Report or Answer without its body. Any other topic is an error,
// for which the hub ends the connection.
func readDeviceTopic(device sim.DeviceID, topic string) (m sim.Message, err error) {
	m.Device = device
	switch {
	case strings.HasPrefix(topic, twinGet):
		m.Kind = sim.GetTwin
		m.Name, _, err = twinParameters(topic[len(twinGet):])
	case strings.HasPrefix(topic, twinPatch):
		m.Kind = sim.Report
		m.Name, m.ID, err = twinParameters(topic[len(twinPatch):])
	case strings.HasPrefix(topic, methodAnswer):
		status, query, ok := strings.Cut(topic[len(methodAnswer):], "/?")
		code, bad := strconv.ParseInt(status, 10, 32)
		if !ok || bad != nil {
			return m, unsupported(topic)
		}
		m.Kind, m.Status = sim.Answer, int32(code)
		if m.ID, ok = requestID(parameter(query, parameterRID)); !ok {
			return m, errIgnored
		}
	default:
		bag, ok := eventsBag(device, topic)
		if !ok {
			return m, unsupported(topic)
		}
		m.Kind, m.Name = sim.Telemetry, bag
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", unsupported(topic), err)
	}
	return m, err
}

// appendDeviceTopic appends the topic at which m's device says m.
func appendDeviceTopic(b []byte, m sim.Message) ([]byte, error) {
	switch m.Kind {
	case sim.GetTwin:
		b = append(append(b, twinGet+parameterRID+"="...), m.Name...)
	case sim.Report:
		b = append(append(b, twinPatch+parameterRID+"="...), m.Name...)
		if m.ID != 0 {
			b = strconv.AppendUint(append(b, "&"+parameterVers+"="...), m.ID, 10)
		}
	case sim.Answer:
		b = strconv.AppendInt(append(b, methodAnswer...), int64(m.Status), 10)
		b = strconv.AppendUint(append(b, "/?"+parameterRID+"="...), m.ID, 16)
	case sim.Telemetry:
		b = append(appendAddress(b, m.Device), events+"/"...)
		b = append(b, m.Name...)
	default:
		return b, fmt.Errorf("a device cannot say %q by a topic", m.Kind)
	}
	return b, nil
}

// readHubTopic reads the topic of what the hub published to device: a
// TwinAnswer, Desired, Call or Cloud without its body.
func readHubTopic(device sim.DeviceID, topic string) (m sim.Message, err error) {
	m.Device = device
	switch {
	case strings.HasPrefix(topic, twinAnswer):
		status, query, ok := strings.Cut(topic[len(twinAnswer):], "/?")
		code, bad := strconv.ParseInt(status, 10, 32)
		if !ok || bad != nil {
			return m, unsupported(topic)
		}
		m.Kind, m.Status = sim.TwinAnswer, int32(code)
		m.Name, m.ID, err = twinParameters(query)
	case strings.HasPrefix(topic, twinDesired):
		m.Kind = sim.Desired
		m.ID, err = version(topic[len(twinDesired):])
	case strings.HasPrefix(topic, methodCall):
		name, query, ok := strings.Cut(topic[len(methodCall):], "/?")
		if !ok || name == "" {
			return m, unsupported(topic)
		}
		m.Kind, m.Name = sim.Call, name
		if strings.IndexByte(name, '%') >= 0 {
			m.Name = unescape(name)
		}
		if m.ID, ok = requestID(parameter(query, parameterRID)); !ok {
			return m, errIgnored
		}
	default:
		bag, ok := boundBag(device, topic)
		if !ok {
			return m, unsupported(topic)
		}
		m.Kind = sim.Cloud
		m.Name, _ = Get(bag, methodName)
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", unsupported(topic), err)
	}
	return m, err
}

// appendHubTopic appends the topic at which the hub says m.
func appendHubTopic(b []byte, m sim.Message) ([]byte, error) {
	switch m.Kind {
	case sim.TwinAnswer:
		b = strconv.AppendInt(append(b, twinAnswer...), int64(m.Status), 10)
		b = append(append(b, "/?"+parameterRID+"="...), m.Name...)
		if m.Status == 204 { // only the answer to a patch names the new version
			b = strconv.AppendUint(append(b, "&"+parameterVers+"="...), m.ID, 10)
		}
	case sim.Desired:
		b = strconv.AppendUint(append(b, twinDesired+parameterVers+"="...), m.ID, 10)
	case sim.Call:
		b = appendEscaped(append(b, methodCall...), m.Name)
		b = strconv.AppendUint(append(b, "/?"+parameterRID+"="...), m.ID, 16)
	case sim.Cloud:
		b = append(appendAddress(b, m.Device), devicebound...)
		b = append(b, Bag(Property{"$.to", "/" + string(appendAddress(nil, m.Device)) + strings.TrimSuffix(devicebound, "/")}, Property{methodName, m.Name})...)
	default:
		return b, fmt.Errorf("the hub cannot say %q by a topic", m.Kind)
	}
	return b, nil
}

// twinParameters reads `$rid={any}[&$version={n}]` in either order. The
// request id is taken byte for byte.
func twinParameters(query string) (rid string, vers uint64, err error) {
	if rid = parameter(query, parameterRID); rid == "" {
		return "", 0, errors.New("no $rid")
	}
	vers, err = version(query)
	return rid, vers, err
}

// version reads `$version={n}`, 0 if there is none.
func version(query string) (uint64, error) {
	s := parameter(query, parameterVers)
	if s == "" {
		return 0, nil
	}
	v, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("$version %q is not a number", s)
	}
	return v, nil
}

// parameter returns the value of the first parameter of that name, "" if
// there is none.
func parameter(query, name string) string {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if k, v, ok := strings.Cut(pair, "="); ok && k == name {
			return v
		}
	}
	return ""
}

// requestID reads a method's request id: the hub counts in lower-case
// hexadecimal.
func requestID(s string) (uint64, bool) {
	id, err := strconv.ParseUint(s, 16, 64)
	return id, err == nil && id != 0
}

// cutAddress cuts `devices/{id}` or `devices/{id}/modules/{module}` from the
// front of a topic.
func cutAddress(device sim.DeviceID, topic string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(topic, devices); !ok {
		return "", false
	}
	name, module, two := strings.Cut(string(device), "/")
	if rest, ok = cutName(rest, name); ok && two {
		if rest, ok = strings.CutPrefix(rest, modules); ok {
			rest, ok = cutName(rest, module)
		}
	}
	return rest, ok
}

// boundBag cuts the property bag from the topic of a message to device.
func boundBag(device sim.DeviceID, topic string) (string, bool) {
	rest, ok := cutAddress(device, topic)
	if !ok {
		return "", false
	}
	return strings.CutPrefix(rest, devicebound)
}

// eventsBag cuts the property bag from a telemetry topic of device. The slash
// before the bag may be missing when the bag is; a module's output ends its
// bag with a slash.
func eventsBag(device sim.DeviceID, topic string) (string, bool) {
	rest, ok := cutAddress(device, topic)
	if !ok {
		return "", false
	}
	if rest, ok = strings.CutPrefix(rest, events); !ok {
		return "", false
	}
	if rest == "" {
		return "", true
	}
	if rest, ok = strings.CutPrefix(rest, "/"); !ok {
		return "", false
	}
	return strings.TrimSuffix(rest, "/"), true
}

// cutName cuts name, as it is or percent-encoded, from the front of s up to
// the next slash.
func cutName(s, name string) (string, bool) {
	if rest, ok := strings.CutPrefix(s, name); ok && strings.HasPrefix(rest, "/") {
		return rest, true
	}
	i := strings.IndexByte(s, '/')
	if i < 0 || unescape(s[:i]) != name {
		return "", false
	}
	return s[i:], true
}

// appendAddress appends `devices/{id}` or `devices/{id}/modules/{module}`.
// What a topic cannot carry in a name (`#` and `+`) is percent-encoded, and
// so is the percent sign then.
func appendAddress(b []byte, id sim.DeviceID) []byte {
	name, module, two := strings.Cut(string(id), "/")
	b = appendName(append(b, devices...), name)
	if two {
		b = appendName(append(b, modules...), module)
	}
	return b
}

func appendName(b []byte, name string) []byte {
	if !strings.ContainsAny(name, "#+%") {
		return append(b, name...)
	}
	return appendEscaped(b, name)
}

// filterFeature says which feature a topic filter of device asks for; false
// for a filter the hub does not support.
func filterFeature(device sim.DeviceID, filter string) (sim.Feature, bool) {
	switch filter {
	case filterTwin:
		return sim.FeatureTwin, true
	case filterDesired:
		return sim.FeatureDesired, true
	case filterMethods:
		return sim.FeatureMethods, true
	}
	rest, ok := cutAddress(device, filter)
	return sim.FeatureC2D, ok && rest == devicebound+"#"
}

// featureFilters appends the topic filters that ask for features.
func featureFilters(device sim.DeviceID, f sim.Feature) []string {
	var filters []string
	if f&sim.FeatureTwin != 0 {
		filters = append(filters, filterTwin)
	}
	if f&sim.FeatureDesired != 0 {
		filters = append(filters, filterDesired)
	}
	if f&sim.FeatureMethods != 0 {
		filters = append(filters, filterMethods)
	}
	if f&sim.FeatureC2D != 0 {
		filters = append(filters, string(appendAddress(nil, device))+devicebound+"#")
	}
	return filters
}

// appendEscaped percent-encodes all but RFC 3986's unreserved characters.
func appendEscaped(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~' {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}
