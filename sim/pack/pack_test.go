package pack_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/sim/pack"
	"pgregory.net/rapid"
)

var spec = pack.Spec{Name: "fw", Version: "3.0", Model: "M1", Size: 256 << 10, Seed: 7}

// all reads a whole package.
func all(t testing.TB, p pack.Package) []byte {
	t.Helper()
	b := make([]byte, p.Len())
	if n, ok := p.ReadAt(b, 0); n != len(b) || !ok {
		t.Fatalf("ReadAt(%d bytes, 0) = %d, %v", len(b), n, ok)
	}
	return b
}

func TestPackage(t *testing.T) {
	for _, size := range []int64{0, 1, 7, 8, 9, 4095, 4096, 4097, 3 << 20, 3<<20 + 1} {
		s := spec
		s.Size = size
		p := pack.New(s)
		b := all(t, p)
		m, line, err := pack.ParseManifest(p.Head())
		if err != nil {
			t.Fatalf("size %d: %v", size, err)
		}
		if line != len(p.Manifest()) || !bytes.HasPrefix(b, p.Manifest()) {
			t.Errorf("size %d: the line has %d bytes, Manifest %d; package begins %.200q", size, line, len(p.Manifest()), b)
		}
		sum := sha256.Sum256(b[line:])
		want := pack.Manifest{Name: "fw", Version: "3.0", Model: "M1", Size: size, SHA256: hex.EncodeToString(sum[:])}
		if m != want || p.Sum() != sum || p.Served() != sum || int64(len(b)-line) != size {
			t.Errorf("size %d: manifest %+v, want %+v; payload %d bytes", size, m, want, len(b)-line)
		}
		if !bytes.Equal(p.Head(), b[:min(len(b), pack.HeadSize)]) {
			t.Errorf("size %d: head %q", size, p.Head())
		}
		if p.Spec() != s || p.IsZero() {
			t.Errorf("size %d: Spec() = %+v", size, p.Spec())
		}
	}
}

// TestPayload pins the bytes: a later version must serve the same package.
func TestPayload(t *testing.T) {
	const want = "3b2890c1f6fdba258ea42f11ecfb2169f4b29f1b239a82ffcdde7001d976a2f8"
	sum := pack.New(spec).Sum()
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("sum of %+v is %s, want %s", spec, got, want)
	}
	other := spec
	other.Seed++
	if pack.New(other).Sum() == sum {
		t.Error("another seed gives the same payload")
	}
}

func TestReadAt(t *testing.T) {
	p := pack.New(spec).Corrupt(1000)
	b := all(t, p)
	rapid.Check(t, func(t *rapid.T) {
		off := rapid.Int64Range(0, p.Len()+20).Draw(t, "off")
		if rapid.Bool().Draw(t, "near the manifest") {
			off %= 300
		}
		got := make([]byte, rapid.IntRange(0, 5000).Draw(t, "n"))
		n, ok := p.ReadAt(got, off)
		want := b[min(off, p.Len()):min(off+int64(len(got)), p.Len())]
		if !bytes.Equal(got[:n], want) || ok != (len(want) == len(got)) {
			t.Fatalf("ReadAt(%d bytes, %d) = %d, %v; want %d bytes", len(got), off, n, ok, len(want))
		}
	})
	if n, ok := p.ReadAt(make([]byte, 1), -1); n != 0 || ok {
		t.Errorf("ReadAt before the start = %d, %v", n, ok)
	}
}

func TestCorrupt(t *testing.T) {
	p := pack.New(spec)
	good, line := all(t, p), int64(len(p.Manifest()))
	for _, at := range []int64{0, 1, 4095, 4096, spec.Size / 2, spec.Size - 1, spec.Size, -1} {
		c := p.Corrupt(at)
		bad := all(t, c)
		where := line + (at+spec.Size)%spec.Size
		if bad[where] == good[where] {
			t.Errorf("Corrupt(%d): byte %d is as it was", at, where)
		}
		bad[where] = good[where]
		if !bytes.Equal(bad, good) {
			t.Errorf("Corrupt(%d): more than byte %d differs", at, where)
		}
		if c.Sum() != p.Sum() || c.Served() != sha256.Sum256(all(t, c)[line:]) || c.Served() == p.Served() {
			t.Errorf("Corrupt(%d): Sum %x, Served %x", at, c.Sum(), c.Served())
		}
		if sum, _ := c.Prefix(c.Len()); sum != c.Served() {
			t.Errorf("Corrupt(%d): Prefix of all is %x, Served %x", at, sum, c.Served())
		}
	}
	if p.Served() != p.Sum() || !bytes.Equal(all(t, p), good) {
		t.Error("Corrupt changed the package it was made from")
	}
	again := p.Corrupt(5).Corrupt(70000)
	if again.Served() != p.Corrupt(70000).Served() {
		t.Error("corrupting a corrupt package does not move the wrong byte")
	}
	empty := spec
	empty.Size = 0
	if e := pack.New(empty); e.Corrupt(3) != e {
		t.Error("a package without payload became another")
	}
}

// TestPrefix holds checkpoint and sum of every kind of offset against a
// Hasher that was given the bytes, and goes on from there.
func TestPrefix(t *testing.T) {
	for _, size := range []int64{0, 5, 500, 4096, 3 << 20} {
		s := spec
		s.Size = size
		for _, p := range []pack.Package{pack.New(s), pack.New(s).Corrupt(size / 3)} {
			b, line := all(t, p), int64(len(p.Manifest()))
			offsets := []int64{0, 1, line - 1, line, line + 1, 511, 512, 513, 4095, 4096, 4097,
				line + 4095, line + 4096, line + 12288, line + 12289, line + 1<<20, p.Len() - 1, p.Len()}
			for _, n := range offsets {
				if n > p.Len() {
					continue
				}
				name := fmt.Sprintf("size %d, %d bytes", size, n)
				h, _ := pack.Resume(nil)
				h.Write(b[:n])
				sum, check := p.Prefix(n)
				if h.Sum() != sum || sum != sha256.Sum256(b[min(line, n):n]) || !bytes.Equal(h.Check(), check) {
					t.Errorf("%s: Prefix = %x, %x; hashed %x, %x", name, sum, check, h.Sum(), h.Check())
				}
				r, err := pack.Resume(check)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				if r.Have() != uint64(n) || !bytes.Equal(r.Head(), b[:min(n, pack.HeadSize)]) {
					t.Errorf("%s: resumed with %d bytes, head %q", name, r.Have(), r.Head())
				}
				r.Write(b[n:])
				if r.Sum() != p.Served() || r.Have() != uint64(p.Len()) || !bytes.Equal(r.Head(), p.Head()) {
					t.Errorf("%s: at the end %x, want %x; have %d, head %d bytes", name, r.Sum(), p.Served(), r.Have(), len(r.Head()))
				}
			}
		}
	}
	p := pack.New(spec)
	if sum, _ := p.Prefix(p.Len() + 5); sum != p.Sum() {
		t.Error("Prefix beyond the end is not that of all")
	}
}

// TestHasher cuts a package anywhere, any number of times, with and without
// a checkpoint between: it makes no difference.
func TestHasher(t *testing.T) {
	s := spec
	s.Size = 3000
	p := pack.New(s)
	b := all(t, p)
	rapid.Check(t, func(t *rapid.T) {
		h, _ := pack.Resume(nil)
		for at := 0; at < len(b); {
			n := min(len(b)-at, rapid.IntRange(0, 700).Draw(t, "n"))
			if k, err := h.Write(b[at : at+n]); k != n || err != nil {
				t.Fatalf("Write(%d bytes) = %d, %v", n, k, err)
			}
			at += n
			if rapid.Bool().Draw(t, "checkpoint") {
				check := h.Check()
				head := h.Head()
				r, err := pack.Resume(check)
				if err != nil {
					t.Fatal(err)
				}
				clear(check)
				h.Write([]byte("goes on elsewhere"))
				if !bytes.Equal(head, b[:min(at, pack.HeadSize)]) {
					t.Fatalf("head changed to %q", head)
				}
				h = r
			}
		}
		if h.Sum() != p.Sum() || h.Have() != uint64(len(b)) || !bytes.Equal(h.Head(), p.Head()) {
			t.Fatalf("sum %x, want %x; have %d of %d", h.Sum(), p.Sum(), h.Have(), len(b))
		}
	})
}

func TestNoPackage(t *testing.T) {
	h, _ := pack.Resume(nil)
	page := []byte(strings.Repeat("<p>not found</p>", 100) + "\n")
	h.Write(page[:700])
	r, err := pack.Resume(h.Check())
	if err != nil {
		t.Fatal(err)
	}
	r.Write(page[700:])
	if r.Sum() != sha256.Sum256(nil) || r.Have() != uint64(len(page)) || len(r.Head()) != pack.HeadSize {
		t.Errorf("sum %x, have %d, head %d bytes", r.Sum(), r.Have(), len(r.Head()))
	}
	if _, _, err := pack.ParseManifest(r.Head()); err == nil || err == pack.ErrIncomplete {
		t.Errorf("ParseManifest: %v, want a final error", err)
	}
}

func TestResumeErrors(t *testing.T) {
	_, check := pack.New(spec).Prefix(9000)
	_, early := pack.New(spec).Prefix(10)
	longer := bytes.Clone(check)
	longer[8]++ // have
	for _, c := range []struct {
		name  string
		check []byte
	}{
		{"version", append([]byte{2}, check[1:]...)},
		{"one byte", check[:1]},
		{"cut in the head", check[:300]},
		{"cut in the state", check[:len(check)-1]},
		{"head without end", early[:15]},
		{"something behind a short head", append(bytes.Clone(early), 1)},
		{"have and hash disagree", longer},
	} {
		if _, err := pack.Resume(c.check); err == nil || !strings.Contains(err.Error(), "download from the start") {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		spec pack.Spec
		want []string // in the error
	}{
		{spec, nil},
		{pack.Spec{Name: "a", Version: "1"}, nil},
		{pack.Spec{Size: -1}, []string{"name: must not be empty", "version: must not be empty", "size: must be 0 to 1073741824 bytes, is -1"}},
		{pack.Spec{Name: "a", Version: "1", Size: pack.MaxSize + 1}, []string{"is 1073741825"}},
		{pack.Spec{Name: strings.Repeat("x", 500), Version: "1"}, []string{"the manifest would be 622 bytes long"}},
	} {
		err := c.spec.Validate()
		if (err == nil) != (c.want == nil) {
			t.Errorf("%+v: %v", c.spec, err)
		}
		for _, w := range c.want {
			if !strings.Contains(fmt.Sprint(err), w) {
				t.Errorf("%+v: error %q lacks %q", c.spec, err, w)
			}
		}
	}
}

func BenchmarkNew(b *testing.B) {
	b.SetBytes(spec.Size)
	for b.Loop() {
		pack.New(spec)
	}
}

func BenchmarkReadAt(b *testing.B) {
	p := pack.New(spec)
	buf := make([]byte, 32<<10)
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		p.ReadAt(buf, 1001)
	}
}

func BenchmarkPrefix(b *testing.B) {
	p := pack.New(spec)
	for n := int64(0); b.Loop(); n = (n + 5001) % p.Len() {
		p.Prefix(n)
	}
}
