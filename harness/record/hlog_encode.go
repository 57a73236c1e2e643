package record

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// The V2 encoding of a histogram [HdrHistogram, Java:
// AbstractHistogram.encodeIntoByteBuffer, encodeIntoCompressedByteBuffer]: a
// header of 40 bytes and the counts of all buckets from 0 to the highest in
// use, each a zig-zag LEB128 number, a run of more than one empty bucket as
// its negative length; compressed with zlib behind a header of 8 bytes, and
// in logs written in base64.
const (
	v2Cookie           = 0x1c849303 | 0x10
	v2CompressedCookie = 0x1c849304 | 0x10
	v2Header           = 40
	v2CompressedHeader = 8
)

// bucket is how many values lie in one bucket of a histogram.
type bucket struct {
	index int // place in the array of all buckets
	count int64
}

// encoder writes histograms of few values as V2. The library's own encoder
// walks the array of all buckets and makes a new compressor of over a megabyte
// for each histogram; this one walks the buckets in use and keeps its
// compressor, which for the short histograms of devices is twenty to ninety
// times as fast. It compresses with zlib's fastest level, where the library uses
// the best: for such short texts that costs a few bytes a line. What is
// compressed is the same, byte for byte.
//
// An encoder is for one goroutine.
type encoder struct {
	values  []int64
	ranks   []float64
	buckets []bucket
	plain   []byte
	packed  bytes.Buffer
	zip     *zlib.Writer
	base64  []byte
}

func newEncoder() *encoder {
	e := &encoder{}
	e.zip, _ = zlib.NewWriterLevel(&e.packed, zlib.BestSpeed) // refuses only levels that there are not
	return e
}

// series takes in the values of a series, which must have some, and returns
// the largest.
func (e *encoder) series(s *series) (highest int64) {
	e.buckets = e.buckets[:0]
	if p := s.packed; p != nil {
		e.walk(p)
		return p.max
	}
	e.values = e.values[:0]
	s.values(func(v int64) { e.values = append(e.values, v) })
	slices.Sort(e.values)
	for _, v := range e.values {
		i := bucketIndex(v)
		if n := len(e.buckets); n > 0 && e.buckets[n-1].index == i {
			e.buckets[n-1].count++
		} else {
			e.buckets = append(e.buckets, bucket{i, 1})
		}
	}
	return e.values[len(e.values)-1]
}

// walk takes in the buckets in use of a packed histogram, which has no
// iterator: it asks for the values of ranks in turn, many at once because
// each question walks the histogram, and passes over the ranks that lie in a
// bucket already seen.
func (e *encoder) walk(p *packed) {
	const many = 256
	n := p.hist.TotalCount()
	for rank := int64(1); rank <= n; {
		first := rank
		e.ranks = e.ranks[:0]
		for r := first; r <= n && len(e.ranks) < many; r++ {
			// The rank of a percentile is p/100*n+0.5, rounded down: 0.1 above
			// r is far from both neighbours, however p is rounded.
			e.ranks = append(e.ranks, (float64(r)-0.4)/float64(n)*100)
		}
		for i, v := range p.hist.ValueAtPercentilesSlice(e.ranks) {
			if first+int64(i) < rank {
				continue
			}
			b := bucket{bucketIndex(v), p.hist.CountAtValue(v)}
			e.buckets = append(e.buckets, b)
			rank += b.count
		}
	}
}

// text returns what was taken in, encoded. It is valid until the next call.
func (e *encoder) text() []byte {
	e.plain = appendV2(e.plain[:0], e.buckets)
	e.packed.Reset()
	e.packed.Write(make([]byte, v2CompressedHeader))
	e.zip.Reset(&e.packed)
	e.zip.Write(e.plain) // a bytes.Buffer takes everything
	e.zip.Close()
	b := e.packed.Bytes()
	binary.BigEndian.PutUint32(b, v2CompressedCookie)
	binary.BigEndian.PutUint32(b[4:], uint32(len(b)-v2CompressedHeader))
	e.base64 = base64.StdEncoding.AppendEncode(e.base64[:0], b)
	return e.base64
}

// appendV2 appends the encoding that is then compressed. Buckets are in
// ascending order.
func appendV2(b []byte, buckets []bucket) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint32(b, v2Cookie)
	b = binary.BigEndian.AppendUint32(b, 0) // length of the counts, below
	b = binary.BigEndian.AppendUint32(b, 0) // normalizing index offset
	b = binary.BigEndian.AppendUint32(b, Digits)
	b = binary.BigEndian.AppendUint64(b, uint64(Resolution))
	b = binary.BigEndian.AppendUint64(b, uint64(Highest))
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(1)) // ratio of integers to doubles
	next := 0
	for _, c := range buckets {
		// Go's varint is zig-zag LEB128 too; V2 differs from it only from
		// 2^55 on, which no count comes near.
		switch gap := c.index - next; {
		case gap == 1:
			b = binary.AppendVarint(b, 0)
		case gap > 1:
			b = binary.AppendVarint(b, -int64(gap))
		}
		b = binary.AppendVarint(b, c.count)
		next = c.index + 1
	}
	binary.BigEndian.PutUint32(b[start+4:], uint32(len(b)-start-v2Header))
	return b
}

// bucketIndex is the place of v's bucket in the array of all buckets: the
// first 2^bucketDigits are 2^bucketUnit wide, then half as many follow for
// every power of two. [hdrhistogram-go: countsIndexFor]
func bucketIndex(v int64) int {
	const half = 1 << (bucketDigits - 1)
	power := bits.Len64(uint64(v)|(1<<bucketDigits-1)<<bucketUnit) - bucketUnit - bucketDigits
	return power*half + int(v>>(power+bucketUnit))
}
