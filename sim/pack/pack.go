// Package pack is a firmware package: what a package server serves and what a
// device downloads and checks.
//
// A package is one line of JSON, its manifest, and the payload:
//
//	{"name":"fw","version":"3.0","model":"M1","size":262144,"sha256":"<hex>"}\n
//	<size bytes>
//
// The manifest ends within the first MaxManifest bytes and holds the SHA-256
// of the payload alone. The payload is a pure function of a seed and the
// offset in it, so that a package of any size needs no storage and any part
// of it can be served at any time.
//
// Hasher checks a download as it comes in. Its checkpoints let a download
// that broke off be resumed without reading the first part again, and are the
// same, byte for byte, whether a shell received real bytes or a Package
// reckoned them (Package.Prefix).
package pack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// MaxSize is how long a payload New makes may be, in bytes: it has to be
// hashed once.
const MaxSize = 1 << 30

// Spec says what a package is to be.
type Spec struct {
	Name, Version string // not empty
	Model         string // of the devices it is for
	Size          int64  // of the payload in bytes, 0 to MaxSize
	Seed          uint64 // of the payload
	URI           string // another one at which devices find it, beside the package server's; "": none
}

// Validate says all that is wrong with a Spec.
func (s Spec) Validate() error {
	var errs []error
	if s.Name == "" {
		errs = append(errs, errors.New("package: name: must not be empty"))
	}
	if s.Version == "" {
		errs = append(errs, errors.New("package: version: must not be empty"))
	}
	if s.Size < 0 || s.Size > MaxSize {
		errs = append(errs, fmt.Errorf("package: size: must be 0 to %d bytes, is %d", int64(MaxSize), s.Size))
	}
	if err := checkURI(s.URI); err != nil {
		errs = append(errs, err)
	}
	if n := len(s.manifest([sha256.Size]byte{})); n > MaxManifest {
		errs = append(errs, fmt.Errorf("package: the manifest would be %d bytes long, at most %d are allowed; shorten name, version or model", n, MaxManifest))
	}
	return errors.Join(errs...)
}

// manifest returns the manifest's line.
func (s Spec) manifest(sum [sha256.Size]byte) []byte {
	b, err := json.Marshal(Manifest{s.Name, s.Version, s.Model, s.Size, hex.EncodeToString(sum[:])})
	if err != nil {
		panic(fmt.Sprintf("pack: manifest of %+v: %v", s, err)) // strings and an integer cannot fail
	}
	return append(b, '\n')
}

// Package is a package as it is served. It is one pointer, immutable and
// shareable; the zero Package is none and must not be used.
type Package struct{ c *content }

type content struct {
	spec     Spec
	manifest []byte
	head     []byte
	sum      [sha256.Size]byte // of the payload as it ought to be
	served   [sha256.Size]byte // of the payload as it is
	flip     int64             // offset in the payload of the byte that is wrong; -1: none
	step     int64             // between states
	states   [][]byte          // of the payload's hash after 0, step, 2*step ... bytes
}

// States lie at least minStep bytes apart and are at most about maxStates: any
// prefix is reckoned by hashing less than one step.
const (
	minStep   = 4 << 10
	maxStates = 256
)

// New makes a package. It generates and hashes the payload once, which takes
// some seconds per GiB. It panics if the Spec is not valid.
func New(s Spec) Package {
	if err := s.Validate(); err != nil {
		panic(fmt.Sprintf("pack: %v", err))
	}
	c := &content{spec: s, flip: -1, step: minStep}
	for c.step*maxStates < s.Size {
		c.step *= 2
	}
	c.hash()
	c.sum = c.served
	c.manifest = s.manifest(c.sum)
	return c.whole()
}

// hash goes on from the states that are there to the payload's end.
func (c *content) hash() {
	h, off := newDigest(), int64(0)
	if n := len(c.states); n > 0 {
		off = int64(n-1) * c.step
		restore(h, c.states[n-1])
	} else {
		c.states = append(c.states, state(h))
	}
	var buf [minStep]byte
	for off < c.spec.Size {
		n := c.payload(buf[:min(minStep, c.spec.Size-off)], off)
		h.Write(buf[:n])
		if off += int64(n); off%c.step == 0 {
			c.states = append(c.states, state(h))
		}
	}
	h.Sum(c.served[:0])
}

// whole completes c with what follows from the rest.
func (c *content) whole() Package {
	p := Package{c}
	c.head = make([]byte, min(HeadSize, p.Len()))
	p.ReadAt(c.head, 0)
	return p
}

// Corrupt returns the package with one byte of its payload turned round, at
// offset at modulo the payload's size. The manifest still tells the true
// hash. There is one such byte: of a corrupt package it is another one then.
// It hashes the payload from there on: make one of these for all who are to
// get it. A package without payload stays as it is.
func (p Package) Corrupt(at int64) Package {
	c := *p.c
	if c.spec.Size == 0 {
		return p
	}
	if at %= c.spec.Size; at < 0 {
		at += c.spec.Size
	}
	n := at/c.step + 1 // states that lie before the wrong byte, the old one too
	if c.flip >= 0 {
		n = min(n, c.flip/c.step+1)
	}
	c.flip = at
	c.states = c.states[:n:n]
	c.hash()
	return c.whole()
}

// Spec returns what the package was made of.
func (p Package) Spec() Spec { return p.c.spec }

// IsZero says whether p is the zero Package.
func (p Package) IsZero() bool { return p.c == nil }

// Manifest returns the manifest's line, its line end included. It must not be
// changed.
func (p Package) Manifest() []byte { return p.c.manifest }

// Head returns the first HeadSize bytes of the package, all of it if it is
// shorter. It must not be changed.
func (p Package) Head() []byte { return p.c.head }

// Len returns how many bytes the package has: manifest and payload.
func (p Package) Len() int64 { return int64(len(p.c.manifest)) + p.c.spec.Size }

// Sum returns the SHA-256 of the payload as the manifest tells it.
func (p Package) Sum() [32]byte { return p.c.sum }

// Served returns the SHA-256 of the payload as it is served: Sum, unless the
// package is corrupt.
func (p Package) Served() [32]byte { return p.c.served }

// ReadAt fills b with the package's bytes from offset off and returns how
// many there were; ok is false if the package ends before b is full, or off
// is below 0.
func (p Package) ReadAt(b []byte, off int64) (n int, ok bool) {
	if off < 0 {
		return 0, false
	}
	line := int64(len(p.c.manifest))
	if off < line {
		n = copy(b, p.c.manifest[off:])
	}
	if rest := p.Len() - off - int64(n); rest > 0 && n < len(b) {
		n += p.c.payload(b[n:min(int64(len(b)), int64(n)+rest)], off+int64(n)-line)
	}
	return n, n == len(b)
}

// payload fills b with the payload from offset off; it must not reach beyond
// the end.
func (c *content) payload(b []byte, off int64) int {
	for i := 0; i < len(b); {
		at := off + int64(i)
		x := word(c.spec.Seed, uint64(at)/8) >> (8 * (uint64(at) % 8))
		for j := at % 8; j < 8 && i < len(b); j++ {
			b[i] = byte(x)
			x >>= 8
			i++
		}
	}
	if i := c.flip - off; i >= 0 && i < int64(len(b)) {
		b[i] ^= 0xff
	}
	return len(b)
}

// word is the i-th 8 bytes of a payload: SplitMix64, entered anywhere.
func word(seed, i uint64) uint64 {
	x := seed + (i+1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Prefix returns what a Hasher that was given the package's first n bytes
// has: the sum of the payload so far and the checkpoint. n is held within 0
// and Len. It hashes less than 1/128 of the payload, or than 4 KiB if that is
// more.
func (p Package) Prefix(n int64) (sum [32]byte, check []byte) {
	h := p.at(n)
	return h.Sum(), h.Check()
}

// at returns a Hasher as it is after the package's first n bytes.
func (p Package) at(n int64) *Hasher {
	n = max(0, min(n, p.Len()))
	h := &Hasher{have: uint64(n), head: p.c.head[:min(n, int64(len(p.c.head)))], digest: newDigest()}
	if off := n - int64(len(p.c.manifest)); off >= 0 {
		h.line = len(p.c.manifest)
		i := min(off/p.c.step, int64(len(p.c.states)-1))
		restore(h.digest, p.c.states[i])
		var buf [minStep]byte
		for from := i * p.c.step; from < off; {
			k := p.c.payload(buf[:min(minStep, off-from)], from)
			h.digest.Write(buf[:k])
			from += int64(k)
		}
	}
	return h
}
