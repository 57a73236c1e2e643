package job

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/flotilla-sim/flotilla/sim"
)

// idMaker makes the ids of children: version 4 UUIDs that hold the child's
// Ref in a shuffled form, so that a child of 100,000 costs no id and is found
// by it. Two draws of the hub's stream are the key; without it the ids look
// random, and they are ids, not secrets.
type idMaker struct{ key, tail uint64 }

func newIDMaker(r *sim.Rand) idMaker { return idMaker{r.Uint64(), r.Uint64()} }

// make returns the id of ref: 64 bits of it are the shuffled Ref, 6 the marks
// of a UUID and 58 follow from the others.
func (m *idMaker) make(ref Ref) string {
	x := shuffle((uint64(ref.Job)<<32 | uint64(ref.Child)) ^ m.key)
	y := shuffle(x ^ m.tail)
	// 48 bits of x, version, 12 bits of x, variant, 4 bits of x, 58 of y
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], x>>16<<16|4<<12|x>>4&0xfff)
	binary.BigEndian.PutUint64(b[8:], 2<<62|(x&0xf)<<58|y>>6)
	return format(b)
}

// parse is make backwards; ok is false for an id that make never made.
func (m *idMaker) parse(id string) (ref Ref, ok bool) {
	if len(id) != 36 {
		return Ref{}, false
	}
	var b [16]byte
	if n, err := hex.Decode(b[:], []byte(id[:8]+id[9:13]+id[14:18]+id[19:23]+id[24:])); err != nil || n != 16 {
		return Ref{}, false
	}
	hi, lo := binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])
	x := hi>>16<<16 | hi&0xfff<<4 | lo>>58&0xf
	v := unshuffle(x) ^ m.key
	ref = Ref{uint32(v >> 32), uint32(v)}
	return ref, m.make(ref) == id
}

// compare orders the ids of two refs without making them: an id begins with
// its 64 shuffled bits, in their order.
func (m *idMaker) compare(a, b Ref) int {
	x := shuffle((uint64(a.Job)<<32 | uint64(a.Child)) ^ m.key)
	y := shuffle((uint64(b.Job)<<32 | uint64(b.Child)) ^ m.key)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func format(b [16]byte) string {
	var s [36]byte
	hex.Encode(s[:8], b[:4])
	hex.Encode(s[9:13], b[4:6])
	hex.Encode(s[14:18], b[6:8])
	hex.Encode(s[19:23], b[8:10])
	hex.Encode(s[24:], b[10:])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}

// shuffle is a bijection of 64 bits (multiplications by odd numbers and
// xor-shifts); unshuffle undoes it.
func shuffle(x uint64) uint64 {
	x ^= x >> 32
	x *= 0xd6e8feb86659fd93
	x ^= x >> 32
	x *= 0xd6e8feb86659fd93
	return x ^ x>>32
}

func unshuffle(x uint64) uint64 {
	const inverse = 0xcfee444d8b59a89b // of 0xd6e8feb86659fd93 modulo 2^64
	x ^= x >> 32
	x *= inverse
	x ^= x >> 32
	x *= inverse
	return x ^ x>>32
}
