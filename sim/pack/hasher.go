package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Hasher hashes the payload of a package that comes in from its first byte
// on, keeps its head, and can be put down as a checkpoint and taken up again.
// What has no line end within MaxManifest bytes is no package; nothing of it
// is hashed.
type Hasher struct {
	have   uint64
	head   []byte // its capacity is its length if it is not ours
	line   int    // length of the manifest's line; 0: not ended yet, or never
	digest digest
}

// digest is what crypto/sha256 gives: a hash whose state can be saved.
type digest interface {
	Write([]byte) (int, error)
	Sum([]byte) []byte
	MarshalBinary() ([]byte, error)
	UnmarshalBinary([]byte) error
}

func newDigest() digest { return sha256.New().(digest) }

func state(d digest) []byte {
	b, err := d.MarshalBinary()
	if err != nil {
		panic(fmt.Sprintf("pack: state of a hash: %v", err)) // crypto/sha256 does not fail
	}
	return b
}

// restore sets d to a state that state returned.
func restore(d digest, state []byte) {
	if err := d.UnmarshalBinary(state); err != nil {
		panic(fmt.Sprintf("pack: state of a hash: %v", err))
	}
}

// checkVersion begins every checkpoint: version, have (8 bytes), head, the
// hash's state if the manifest's line has ended.
const checkVersion = 1

// Resume returns a Hasher that goes on where the checkpoint was taken, at
// Have bytes; nil stands for the start. The checkpoint is not kept.
func Resume(check []byte) (*Hasher, error) {
	h := &Hasher{digest: newDigest()}
	if len(check) == 0 {
		return h, nil
	}
	if len(check) < 9 || check[0] != checkVersion {
		return nil, errors.New("package checkpoint: not one of this version; download from the start")
	}
	h.have = binary.BigEndian.Uint64(check[1:])
	rest := check[9:]
	n := min(h.have, HeadSize)
	if uint64(len(rest)) < n {
		return nil, errors.New("package checkpoint: cut short; download from the start")
	}
	h.head, rest = slices.Clone(rest[:n]), rest[n:]
	h.line = bytes.IndexByte(h.head, '\n') + 1
	if h.line > 0 {
		if err := h.digest.UnmarshalBinary(rest); err != nil {
			return nil, fmt.Errorf("package checkpoint: %w; download from the start", err)
		}
		// The state ends with how much was hashed.
		if got := binary.BigEndian.Uint64(rest[len(rest)-8:]); got != h.have-uint64(h.line) {
			return nil, fmt.Errorf("package checkpoint: %d bytes were hashed, want %d; download from the start", got, h.have-uint64(h.line))
		}
	} else if len(rest) > 0 {
		return nil, errors.New("package checkpoint: too long; download from the start")
	}
	return h, nil
}

// Write takes the package's next bytes. It never fails.
func (h *Hasher) Write(b []byte) (int, error) {
	n := len(b)
	if room := HeadSize - len(h.head); room > 0 && n > 0 {
		from := len(h.head)
		h.head = append(h.head[:from:from], b[:min(n, room)]...)
		if h.line == 0 {
			h.line = bytes.IndexByte(h.head, '\n') + 1
			if h.line > 0 {
				b = b[h.line-from:]
			}
		}
	}
	if h.line > 0 {
		h.digest.Write(b)
	}
	h.have += uint64(n)
	return n, nil
}

// Have returns how many bytes of the package were taken, those before the
// checkpoint included.
func (h *Hasher) Have() uint64 { return h.have }

// Head returns the first HeadSize bytes, fewer if there were not so many. It
// must not be changed and stays as it is.
func (h *Hasher) Head() []byte { return h.head[:len(h.head):len(h.head)] }

// Sum returns the SHA-256 of the payload so far, of nothing at first.
func (h *Hasher) Sum() (sum [32]byte) {
	h.digest.Sum(sum[:0])
	return sum
}

// Check returns the checkpoint for Resume: at most 640 bytes.
func (h *Hasher) Check() []byte {
	b := make([]byte, 0, 9+len(h.head)+128)
	b = append(b, checkVersion)
	b = binary.BigEndian.AppendUint64(b, h.have)
	b = append(b, h.head...)
	if h.line > 0 {
		b = append(b, state(h.digest)...)
	}
	return b
}
