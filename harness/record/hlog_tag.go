package record

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
)

// Tag returns the tag of one device's histogram in an HdrHistogram log:
//
//	<metric>/<device id>
//
// A fleet's tag is the metric's name alone. Tags of the format must not hold
// a comma, a space or a line end, which ids may; so an id is percent-encoded:
// letters, digits and - . _ ~ are as they are, every other byte is % and two
// upper-case hexadecimal digits [RFC 3986, sections 2.1 and 2.3]. Every id
// comes back from ParseTag as it was, whatever its bytes, and
// decodeURIComponent of other languages reads those that are text.
func Tag(metric string, id sim.DeviceID) string {
	return string(AppendTag(nil, metric, id))
}

// AppendTag appends the tag of Tag to b.
func AppendTag(b []byte, metric string, id sim.DeviceID) []byte {
	const hex = "0123456789ABCDEF"
	b = append(append(b, metric...), '/')
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
			b = append(b, c)
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}

// ParseTag returns what a tag names: a metric of the fleet or of one device.
func ParseTag(tag string) (metric string, id sim.DeviceID, fleet bool, err error) {
	metric, encoded, device := strings.Cut(tag, "/")
	if metric == "" {
		return "", "", false, fmt.Errorf("tag %q: names no metric", tag)
	}
	if !device {
		return metric, "", true, nil
	}
	text, err := url.PathUnescape(encoded)
	if err != nil {
		return "", "", false, fmt.Errorf("tag %q: %w", tag, err)
	}
	return metric, sim.DeviceID(text), false, nil
}
