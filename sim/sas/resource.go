package sas

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/url"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
)

// DeviceResource returns the resource of a device or module of a hub, encoded
// as Sign and Covers want it.
func DeviceResource(host string, id sim.DeviceID) string {
	device, module, isModule := strings.Cut(string(id), "/")
	b := make([]byte, 0, len(host)+len(id)+len("%2Fdevices%2F%2Fmodules%2F")+16)
	b = appendEncoded(b, host)
	b = append(b, "%2Fdevices%2F"...)
	b = appendEncoded(b, device)
	if isModule {
		b = append(b, "%2Fmodules%2F"...)
		b = appendEncoded(b, module)
	}
	return string(b)
}

// Covers says whether the token grants access to a resource, which is encoded
// as for Sign: `host/a` covers `host/a` and `host/a/b`, not `host/ab`. Both
// are compared decoded and regardless of letter case, because the
// documentation has clients sign resources in lower case and the SDKs do not;
// it is the key that tells devices apart. A port after either host is
// ignored.
func (t Token) Covers(resource string) bool {
	scope, ok1 := segments(t.Resource)
	want, ok2 := segments(resource)
	if !ok1 || !ok2 || len(scope) > len(want) {
		return false
	}
	for i, s := range scope {
		if !equalFold(s, want[i]) {
			return false
		}
	}
	return true
}

// segments decodes a resource and cuts it at its slashes; those at its end do
// not count. It fails if there is no host.
func segments(resource string) ([]string, bool) {
	s, err := url.PathUnescape(resource)
	if err != nil {
		return nil, false
	}
	parts := strings.Split(strings.TrimRight(s, "/"), "/")
	if host, port, ok := cutLast(parts[0], ":"); ok && isNumber(port) {
		parts[0] = host
	}
	return parts, parts[0] != ""
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// equalFold compares regardless of the case of ASCII letters; other letters
// do not occur in hosts and ids, and Unicode folds a Kelvin sign into a k.
func equalFold(s, t string) bool {
	if len(s) != len(t) {
		return false
	}
	for i := range len(s) {
		if lower(s[i]) != lower(t[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// Encode escapes what URLs give a meaning to: all but letters, digits and
// - . _ ~ is written as %XX. The asterisk becomes %2a, as the Node SDK has
// it; a resource is signed as it is written, so the letters matter.
func Encode(s string) string { return string(appendEncoded(make([]byte, 0, len(s)+16), s)) }

func appendEncoded(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == '_', c == '~':
			b = append(b, c)
		case c == '*':
			b = append(b, "%2a"...)
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}

// DeriveKey returns the key (32 bytes) of a device of an enrollment group.
// Ids differ by letter case. [Azure IoT Hub Device Provisioning Service:
// "Symmetric key attestation", "Group enrollments"]
func DeriveKey(groupKey []byte, id string) []byte {
	h := hmac.New(sha256.New, groupKey)
	h.Write([]byte(id))
	return h.Sum(nil)
}
