package doc

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/flotilla-sim/flotilla/sim"
)

var profile = MustParse(`{"dm":{"Manufacturer":"Contoso","ModelNumber":"M-1000","FirmwareVersion":"2.0","UtcOffset":"+01:00"},
	"net":{"mac":"00:00","ip":{"gateway":"10.0.0.1","mask":"255.255.255.0","servers":["10.0.0.2","10.0.0.3","10.0.0.4"]}},
	"uri":"http://packages.fleet.test/firmware/of/a/long/name/that/many/devices/share","n":1}`)

// within says whether s is a cut of v's bytes.
func within(s, enc string) bool {
	p, q := uintptr(unsafe.Pointer(unsafe.StringData(s))), uintptr(unsafe.Pointer(unsafe.StringData(enc)))
	return p >= q && p+uintptr(len(s)) <= q+uintptr(len(enc))
}

func written(patch string, at sim.Time) Value { return Merge(Value{}, MustParse(patch), at) }

func TestShareAll(t *testing.T) {
	v := written(profile.String(), 77)
	s := Share(profile, v)
	if !within(s.enc, profile.enc) {
		t.Error("an equal document is not shared")
	}
	if s.Changed() != 77 || s.Path("net", "ip").Changed() != 77 || !Equal(s, v) {
		t.Errorf("shared: %s at %d", s, s.Changed())
	}
}

func TestShareParts(t *testing.T) {
	v := Merge(written(profile.String(), 50), MustParse(`{"net":{"mac":"aa:bb"},"n":2}`), 60)
	s := Share(profile, v)
	for _, path := range []string{"dm", "net.ip", "uri"} {
		x := s.Path(strings.Split(path, ".")...)
		if !within(x.enc, profile.enc) || x.Changed() != 50 {
			t.Errorf("%s is not shared, or written at %d", path, x.Changed())
		}
	}
	if len(s.ext.refs) != 3 || len(s.enc) > 120 {
		t.Errorf("%d references, %d bytes remain", len(s.ext.refs), len(s.enc))
	}
	if !Equal(s, v) || !Equal(v, s) || s.String() != v.String() || s.Path("net", "mac").Changed() != 60 || s.ChangedOf("net") != 60 {
		t.Errorf("shared: %s\nwant    %s", s, v)
	}
	// It is a document as any other.
	m := Merge(s, MustParse(`{"dm":{"FirmwareVersion":"3.0"},"new":{"a":1}}`), 70)
	if m.String() != Merge(v, MustParse(`{"dm":{"FirmwareVersion":"3.0"},"new":{"a":1}}`), 70).String() || len(m.ext.refs) != 2 {
		t.Errorf("merged: %s", m)
	}
	if ip := m.Path("net", "ip"); !within(ip.enc, profile.enc) || ip.Changed() != 50 {
		t.Error("a merge elsewhere ended the sharing")
	}
	if d := m.With("net", Null(), 1).With("uri", Null(), 1); d.ext != nil {
		t.Errorf("%d references to nothing", len(d.ext.refs))
	}
	w := written("{}", 1).With("twin", s, 90)
	if w.Path("twin", "dm").Changed() != 90 || !within(w.Path("twin", "dm").enc, profile.enc) {
		t.Error("a shared document inside another")
	}
	if again := Share(profile, s); !Equal(again, v) || len(again.ext.refs) != 3 {
		t.Errorf("shared twice: %d references", len(again.ext.refs))
	}
	if of := Share(s, v); !Equal(of, v) || of.Path("net", "mac").Changed() != 60 {
		t.Errorf("shared with a shared one: %s", of)
	}
}

func TestShareNothing(t *testing.T) {
	v := written(`{"dm":{"Manufacturer":"Fabrikam"},"n":1}`, 5)
	for _, base := range []Value{{}, Null(), Array(v), profile} {
		if s := Share(base, v); s != v {
			t.Errorf("Share(%s, ...) made something of it", base)
		}
	}
	if s := Share(profile, Value{}); !s.IsAbsent() {
		t.Error("Share made a document of nothing")
	}
}

// The same content has the same bytes, in whatever order it was written.
func TestCanonical(t *testing.T) {
	a := MustParse(`{"b":{"y":[1,{"q":1,"p":2}],"x":"1"},"a":1,"c":null,"a":2}`)
	b := Object(Member{"c", Null()}, Member{"a", Int(2)}, Member{"b", MustParse(`{"x":"1","y":[1,{"p":2,"q":1}]}`)})
	if a.enc != b.enc {
		t.Errorf("%q\n%q", a.enc, b.enc)
	}
	c := Merge(Merge(Value{}, MustParse(`{"c":5,"b":{"y":0},"z":1}`), 3), a, 9).Without("z", 9).With("c", Null(), 9)
	if c.enc != b.enc {
		t.Errorf("merged: %q\n%q", c.enc, b.enc)
	}
}
