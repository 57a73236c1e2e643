package scenarios

import (
	"strconv"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
)

// MaxID is the length of a device id in bytes.
const MaxID = 128

// idSigns are the characters of a device id beside letters and digits. [Azure
// IoT Hub device management preview: "Device twin", deviceId]
const idSigns = `-:.+%_#*?!(),=@;$'`

// badID says what is wrong with a device id, "" if nothing is.
func badID(id string) string {
	if id == "" {
		return "a device id must not be empty"
	}
	if len(id) > MaxID {
		return "a device id has at most " + strconv.Itoa(MaxID) + " characters"
	}
	for _, c := range id {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.ContainsRune(idSigns, c):
		case c == ' ':
			return "a device id must not have a space"
		default:
			return "a device id must not have " + strconv.QuoteRune(c)
		}
	}
	return ""
}

// idRule is the hint for a bad device id.
const idRule = "letters, digits and " + idSigns + " are allowed"

// pattern makes the ids of a generated group: `dev-{number:05}` gives dev-00001,
// dev-00002 and so on. A number wider than its width is written in full.
type pattern struct {
	prefix, suffix string
	width          int // 0: no leading zeros
}

// parsePattern reads a pattern; wrong says why it is none.
func parsePattern(s string) (p pattern, wrong, hint string) {
	const example = "write an id with one {number} or {number:05}: dev-{number:05}"
	open := strings.Index(s, "{")
	if open < 0 {
		return p, "the id has no {number}: all devices would have the same id", example
	}
	shut := strings.Index(s, "}")
	if shut < open {
		return p, "the id has a { without a }", example
	}
	name, width, wide := strings.Cut(s[open+1:shut], ":")
	p = pattern{prefix: s[:open], suffix: s[shut+1:]}
	if name != "number" {
		return p, "the id may only have {number} in braces, has {" + s[open+1:shut] + "}", example
	}
	if wide {
		n, err := strconv.Atoi(width)
		if err != nil || n < 1 || n > 20 {
			return p, "the width of {number:" + width + "} must be 1 to 20 digits", example
		}
		p.width = n
	}
	if strings.ContainsAny(p.suffix, "{}") {
		return p, "the id has more than one {", example
	}
	if wrong := badID(p.prefix + "0" + p.suffix); wrong != "" {
		return p, wrong, idRule
	}
	return p, "", ""
}

// id returns the id of number i, from 0.
func (p pattern) id(i int) sim.DeviceID {
	b := make([]byte, 0, len(p.prefix)+max(p.width, 10)+len(p.suffix))
	b = append(b, p.prefix...)
	digits := strconv.Itoa(i + 1)
	for n := len(digits); n < p.width; n++ {
		b = append(b, '0')
	}
	b = append(b, digits...)
	return sim.DeviceID(append(b, p.suffix...))
}

// index returns which of the first count ids this one is.
func (p pattern) index(id sim.DeviceID, count int) (int, bool) {
	s, ok := strings.CutPrefix(string(id), p.prefix)
	if !ok {
		return 0, false
	}
	s, ok = strings.CutSuffix(s, p.suffix)
	if !ok || s == "" || len(s) > 20 {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > count || p.id(n-1) != id {
		return 0, false
	}
	return n - 1, true
}

// meets says whether two patterns may make the same id.
func (p pattern) meets(q pattern) bool {
	return (strings.HasPrefix(p.prefix, q.prefix) || strings.HasPrefix(q.prefix, p.prefix)) &&
		(strings.HasSuffix(p.suffix, q.suffix) || strings.HasSuffix(q.suffix, p.suffix))
}
