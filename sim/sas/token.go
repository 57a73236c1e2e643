// Package sas makes and checks shared-access signatures, with which devices
// and operators show a hub that they hold a key, and derives a device's key
// from its group's.
//
// A token is
//
//	SharedAccessSignature sr=<resource>&sig=<signature>&se=<expiry>[&skn=<policy>]
//
// where the signature is the HMAC-SHA256, under the key, of the resource
// exactly as transmitted (it stays URL-encoded), a line end and the expiry as
// transmitted. [Azure IoT Hub: "Control access to IoT Hub by using shared
// access signatures", "SAS token structure"]
//
// Everything here is a function of its arguments: keys are passed in as bytes
// (decoded from their base64 text) and not kept, the time is an argument.
package sas

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
)

// Scheme is the word a token begins with.
const Scheme = "SharedAccessSignature"

// MaxToken is how long a token may be, in bytes.
const MaxToken = 4096

// Skew is how many seconds after its expiry a token still counts, because
// clocks differ.
const Skew = 300

// Sign returns the token that grants access to resource, URL-encoded as it is
// to be transmitted (see DeviceResource and Encode), until expiry. The policy
// is the name of the shared access policy whose key it is; "" for a device's
// own key.
func Sign(resource string, key []byte, expiry sim.Date, policy string) string {
	sum := signature(resource, strconv.FormatInt(int64(expiry), 10), key)
	var text [44]byte // base64 of 32 bytes
	base64.StdEncoding.Encode(text[:], sum[:])
	b := make([]byte, 0, len(Scheme)+len(resource)+len(policy)+len(text)+64)
	b = append(b, Scheme+" sr="...)
	b = append(b, resource...)
	b = append(b, "&sig="...)
	b = appendEncoded(b, string(text[:]))
	b = append(b, "&se="...)
	b = strconv.AppendInt(b, int64(expiry), 10)
	if policy != "" {
		b = append(b, "&skn="...)
		b = appendEncoded(b, policy)
	}
	return string(b)
}

// signature signs resource and expiry as transmitted.
func signature(resource, expiry string, key []byte) (sum [sha256.Size]byte) {
	h := hmac.New(sha256.New, key)
	var a [192]byte
	b := append(a[:0], resource...)
	b = append(b, '\n')
	h.Write(append(b, expiry...))
	h.Sum(sum[:0])
	return sum
}

// Token is a token taken apart.
type Token struct {
	Resource string   // sr as transmitted, URL-encoded
	Expiry   sim.Date // se: the last second of its validity, without Skew; an API token of Azure IoT Central has milliseconds here
	Policy   string   // skn, decoded; "" if there is none

	expiry string // se as transmitted
	sum    [sha256.Size]byte
}

// Parse takes a token apart. The pairs may come in any order, the scheme's
// word in any letter case; pairs of other names are ignored, one that comes
// twice is refused.
func Parse(token string) (Token, error) {
	var t Token
	if len(token) > MaxToken {
		return t, fmt.Errorf("shared access signature: %d bytes long, at most %d are allowed", len(token), MaxToken)
	}
	word, pairs, ok := strings.Cut(token, " ")
	if !ok || !strings.EqualFold(word, Scheme) {
		return t, errors.New("shared access signature: must begin with `" + Scheme + " `")
	}
	var values [4]string
	var seen [4]bool
	names := [4]string{"sr", "sig", "se", "skn"}
	for more := true; more; {
		var pair string
		pair, pairs, more = strings.Cut(pairs, "&")
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		for i, n := range names {
			if n != name {
				continue
			}
			if seen[i] {
				return t, fmt.Errorf("shared access signature: %s is there twice", n)
			}
			seen[i], values[i] = true, value
		}
	}
	for i, n := range names[:3] {
		if values[i] == "" {
			return t, fmt.Errorf("shared access signature: %s is missing", n)
		}
	}
	if _, err := url.PathUnescape(values[0]); err != nil {
		return t, fmt.Errorf("shared access signature: sr: %w", err)
	}
	// Not QueryUnescape: some clients leave the plus signs of base64 as they are.
	sig, err := url.PathUnescape(values[1])
	if err != nil {
		return t, fmt.Errorf("shared access signature: sig: %w", err)
	}
	sum, err := base64.StdEncoding.Strict().DecodeString(sig)
	if err != nil || len(sum) != len(t.sum) {
		return t, fmt.Errorf("shared access signature: sig is not the base64 text of %d bytes", len(t.sum))
	}
	expiry, err := strconv.ParseInt(values[2], 10, 64)
	if err != nil {
		return t, fmt.Errorf("shared access signature: se is %.32q, want seconds since 1970", values[2])
	}
	policy, err := url.PathUnescape(values[3])
	if err != nil {
		return t, fmt.Errorf("shared access signature: skn: %w", err)
	}
	t = Token{Resource: values[0], Expiry: sim.Date(expiry), Policy: policy, expiry: values[2]}
	copy(t.sum[:], sum)
	return t, nil
}

// Verify says whether the token was signed with key. It takes as long for a
// wrong signature as for a right one.
func (t Token) Verify(key []byte) bool {
	sum := signature(t.Resource, t.expiry, key)
	return hmac.Equal(sum[:], t.sum[:])
}

// Ends returns the second from which on the token is expired, Skew included:
// a connection opened with it is to be closed then.
func (t Token) Ends() sim.Date {
	if t.Expiry > math.MaxInt64-Skew {
		return math.MaxInt64
	}
	return t.Expiry + Skew
}

// Expired says whether the token does not count any more at now.
func (t Token) Expired(now sim.Date) bool { return now >= t.Ends() }
