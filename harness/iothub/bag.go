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
