package live

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/base64"
	"hash"
	"strings"
	"sync"
)

// whole holds a download against its server's Repr-Digest, which is of all the
// bytes served, manifest included, where sim.Fetched.Sum is of the payload
// alone. So the header is judged here: one that is right is not passed on, one
// that is wrong is, for the device to refuse the package. nil when there is no
// SHA-256 in the header or when the start of the package was not seen.
// [RFC 9530, section 3]
type whole struct {
	header string
	want   []byte
	hash   hash.Hash
}

// Write takes the next bytes.
func (w *whole) Write(b []byte) {
	if w != nil {
		w.hash.Write(b)
	}
}

// refuted returns the header if the bytes are not those it names, else "".
func (w *whole) refuted() string {
	if w == nil || bytes.Equal(w.hash.Sum(nil), w.want) {
		return ""
	}
	return w.header
}

// named reads the SHA-256 of a Repr-Digest header.
func named(header string) (sum []byte, ok bool) {
	for field := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		if name != "sha-256" {
			continue
		}
		value, _, _ = strings.Cut(value, ";")
		inner, opened := strings.CutPrefix(strings.TrimSpace(value), ":")
		inner, closed := strings.CutSuffix(inner, ":")
		sum, err := base64.StdEncoding.DecodeString(inner)
		return sum, opened && closed && err == nil
	}
	return nil, false
}

// partial is the state of a device's download that broke off, for the next
// try to go on from.
type partial struct {
	mu    sync.Mutex
	have  uint64
	state []byte
}

// resume returns a whole for a download from byte from on.
func (p *partial) resume(from uint64, header string) *whole {
	if header == "" {
		return nil
	}
	w := &whole{header: header, hash: sha256.New()}
	w.want, _ = named(header) // nothing agrees with a header that cannot be read
	if w.want == nil && !strings.Contains(header, "sha-256") {
		return nil
	}
	if from == 0 {
		return w
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == nil || p.have != from || w.hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(p.state) != nil {
		return nil
	}
	return w
}

// keep puts w down after have bytes.
func (p *partial) keep(have uint64, w *whole) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.have, p.state = have, nil
	if w != nil {
		p.state, _ = w.hash.(encoding.BinaryMarshaler).MarshalBinary()
	}
}
