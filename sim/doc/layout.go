package doc

import "github.com/flotilla-sim/flotilla/sim"

// The layout. A value is a run of bytes that says at its end what it is, so
// that it can be written in one pass and read from any cut of a document:
//
//	null, false, true  tag
//	number, string     text, tag
//	array              elements, table, count, layout byte, tag
//	object             (name, value)..., table, times, count, layout byte, tag
//	outside            number of the string it stands for (2 bytes), tag
//
// The table has, for each element, the offset of its end, and for each member
// the offsets of its name's end and of its value's end, from the start of the
// container. A time is written as how long before the object itself the
// member was written; all of them are left out if all are 0. Integers are
// little endian and as wide as the container needs them.
//
// The same content and times always give the same bytes, but for values that
// were moved outside by Share.
const (
	tagNull byte = iota + 1
	tagFalse
	tagTrue
	tagNumber
	tagString
	tagArray
	tagObject
	tagOutside
)

const (
	encNull   = "\x01"
	encFalse  = "\x02"
	encTrue   = "\x03"
	encNumber = "\x04"
	encString = "\x05"
	encObject = "\x00\x00\x07" // of no members
)

var tagKinds = [...]Kind{KindAbsent, KindNull, KindBool, KindBool, KindNumber, KindString, KindArray, KindObject, KindAbsent}

// The layout byte.
const (
	layoutWidth   = 0x03 // width of offsets and count, less 1
	layoutTime    = 0x3c // width of times: 0 to 8
	layoutStamps  = 0x40 // there are times somewhere below
	layoutOutside = 0x80 // there are references somewhere below
)

// outside holds strings which documents have in common: complete values
// without references and without times of their own.
type outside struct{ refs []string }

func (v Value) tag() byte { return v.enc[len(v.enc)-1] }

// below tells what has to be minded when v is copied: layoutStamps if there
// are times in it, layoutOutside if it refers to something.
func (v Value) below() byte { return below(v.enc) }

func below[T string | []byte](enc T) byte {
	switch n := len(enc); enc[n-1] {
	case tagArray, tagObject:
		l := enc[n-2]
		if l&layoutTime != 0 {
			l |= layoutStamps
		}
		return l & (layoutStamps | layoutOutside)
	case tagOutside:
		return layoutOutside
	}
	return 0
}

// frame is a container's table, taken apart.
type frame struct {
	enc         string
	n           int // elements or members
	names       bool
	width, time int // of offsets, of times
	table       int // offset of the table
}

func (v Value) container() (f frame, ok bool) {
	n := len(v.enc)
	if n < 3 || v.enc[n-1] != tagArray && v.enc[n-1] != tagObject {
		return f, false
	}
	l := v.enc[n-2]
	f = frame{enc: v.enc, names: v.enc[n-1] == tagObject, width: int(l&layoutWidth) + 1, time: int(l&layoutTime) >> 2}
	f.n = int(integer(f.enc, n-2-f.width, f.width))
	f.table = n - 2 - f.width - f.n*f.entry() - f.n*f.time
	return f, true
}

// object is the frame of an object, that of {} if v is none.
func (v Value) object() (frame, bool) {
	if f, ok := v.container(); ok && f.names {
		return f, true
	}
	return frame{names: true}, false
}

// entry is the width of one entry of the table.
func (f *frame) entry() int {
	if f.names {
		return 2 * f.width
	}
	return f.width
}

// start is where the i-th entry begins: its name, or the element.
func (f *frame) start(i int) int {
	if i == 0 {
		return 0
	}
	return int(integer(f.enc, f.table+i*f.entry()-f.width, f.width))
}

func (f *frame) name(i int) string {
	return f.enc[f.start(i):int(integer(f.enc, f.table+i*2*f.width, f.width))]
}

// raw is the i-th value as it is written: perhaps a reference.
func (f *frame) raw(v Value, i int) Value {
	from := f.start(i)
	if f.names {
		from = int(integer(f.enc, f.table+i*2*f.width, f.width))
	}
	c := Value{enc: f.enc[from:f.start(i+1)], ext: v.ext, at: v.at}
	if f.time > 0 {
		times := f.table + f.n*f.entry()
		c.at -= sim.Time(integer(f.enc, times+i*f.time, f.time))
	}
	return c
}

// resolve replaces a reference by what it stands for.
func (v Value) resolve() Value {
	switch {
	case v.ext == nil:
	case v.tag() == tagOutside:
		return Value{enc: v.ext.refs[integer(v.enc, 0, 2)], at: v.at}
	case v.below()&layoutOutside == 0:
		v.ext = nil
	}
	return v
}

// find looks for a member by name: its number, or where it would be.
func (f *frame) find(name string) (int, bool) {
	lo, hi := 0, f.n
	for lo < hi {
		if mid := int(uint(lo+hi) / 2); f.name(mid) < name {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < f.n && f.name(lo) == name
}

// integer reads width bytes at offset at.
func integer(s string, at, width int) uint64 {
	switch width {
	case 1:
		return uint64(s[at])
	case 2:
		return uint64(s[at]) | uint64(s[at+1])<<8
	}
	var x uint64
	for i := width - 1; i >= 0; i-- {
		x = x<<8 | uint64(s[at+i])
	}
	return x
}

// appendInteger writes the low width bytes of x.
func appendInteger(b []byte, x uint64, width int) []byte {
	for ; width > 0; width-- {
		b = append(b, byte(x))
		x >>= 8
	}
	return b
}
