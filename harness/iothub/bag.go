package iothub

import (
	"slices"
	"strings"
)

// Property is one pair of a message's property bag. Names that begin with
// `$.` are system properties. [IoT Hub MQTT support: "Sending
// device-to-cloud messages"]
type Property struct{ Name, Value string }

// Properties reads a property bag: `name=value` joined with `&`, both sides
// percent-encoded, a plus being a plus. A name without `=` has the value "".
func Properties(bag string) []Property {
	var list []Property
	for bag != "" {
		var pair string
		pair, bag, _ = strings.Cut(bag, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		list = append(list, Property{unescape(name), unescape(value)})
	}
	return list
}

// Bag writes properties as a property bag, in their order.
func Bag(list ...Property) string {
	var b []byte
	for i, p := range list {
		if i > 0 {
			b = append(b, '&')
		}
		b = appendEscaped(b, p.Name)
		b = append(b, '=')
		b = appendEscaped(b, p.Value)
	}
	return string(b)
}

// Get returns the value of a property of a bag.
func Get(bag, name string) (string, bool) {
	list := Properties(bag)
	if i := slices.IndexFunc(list, func(p Property) bool { return p.Name == name }); i >= 0 {
		return list[i].Value, true
	}
	return "", false
}

// eventSize is how large the hub takes a message to be: its body, the values
// of its system properties, and names and values of the others. [IoT Hub:
// "Quotas and throttling", "Charge per operation"; message size]
func eventSize(body []byte, bag string) int {
	if whole := len(body) + len(bag); whole <= maxTelemetry {
		return whole // as written it is no shorter
	}
	n := len(body)
	for _, p := range Properties(bag) {
		if !system(p.Name) {
			n += len(p.Name)
		}
		n += len(p.Value)
	}
	return n
}

// system says whether a property's name is one of IoT Hub's own.
func system(name string) bool {
	return strings.HasPrefix(name, "$.") || name == "iothub-creation-time-utc"
}
