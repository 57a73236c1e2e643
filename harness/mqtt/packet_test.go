package mqtt

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// update rewrites testdata/fuzz/FuzzPacket from the table.
var update = flag.Bool("update", false, "rewrite the fuzz corpus from the packet table")

// wireBytes turns a packetCase's notation into bytes.
func wireBytes(t testing.TB, s string) []byte {
	t.Helper()
	var out []byte
	for s = strings.Trim(s, " -"); s != ""; s = strings.TrimLeft(s, " ") {
		if s[0] == '\'' {
			end := strings.IndexByte(s[1:], '\'')
			out = append(out, s[1:end+1]...)
			s = s[end+2:]
			continue
		}
		n, err := strconv.ParseUint(s[:2], 16, 8)
		if err != nil {
			t.Fatalf("bytes %q: %v", s, err)
		}
		out = append(out, byte(n))
		s = s[2:]
	}
	return out
}

func TestPacket(t *testing.T) {
	for _, c := range packetCases {
		t.Run(c.name, func(t *testing.T) {
			b := wireBytes(t, c.bytes)
			if c.bytes != "" {
				testDecode(t, c, b)
				testRead(t, c, b)
			}
			if c.packet.Kind != 0 {
				testEncode(t, c, b)
			}
		})
	}
}

func testDecode(t *testing.T, c packetCase, b []byte) {
	t.Helper()
	got, n, err := Decode(b)
	if c.err != "" {
		if err == nil || !strings.Contains(err.Error(), c.err) {
			t.Fatalf("Decode: error %v; want one with %q", err, c.err)
		}
		return
	}
	if err != nil || n != len(b) {
		t.Fatalf("Decode: %d of %d bytes, error %v", n, len(b), err)
	}
	if !reflect.DeepEqual(got, c.packet) && !(len(got.Password) == 0 && len(c.packet.Password) == 0 && samePacket(got, c.packet)) {
		t.Fatalf("Decode:\n got %+v\nwant %+v", got, c.packet)
	}
}

// samePacket is DeepEqual but for empty and absent slices.
func samePacket(a, b Packet) bool { return fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b) }

// testRead has a Reader find the packet between two others, in pieces of one
// byte, and at once.
func testRead(t *testing.T, c packetCase, b []byte) {
	t.Helper()
	if c.err != "" {
		_, err := NewReader(bytes.NewReader(b), 0).Read()
		if c.bytes == "-" {
			c.err = "EOF"
		}
		if err == nil || !strings.Contains(err.Error(), c.err) {
			t.Fatalf("Read: error %v; want one with %q", err, c.err)
		}
		return
	}
	stream := append(append([]byte{0xc0, 0}, b...), 0xd0, 0)
	for name, src := range map[string]io.Reader{"whole": bytes.NewReader(stream), "bytewise": oneByte{bytes.NewReader(stream)}} {
		r := NewReader(src, 0)
		for i, want := range []Packet{{Kind: Pingreq}, c.packet, {Kind: Pingresp}} {
			got, err := r.Read()
			if err != nil || !samePacket(got, want) {
				t.Fatalf("Read %s, packet %d:\n got %+v, %v\nwant %+v", name, i, got, err, want)
			}
		}
		if _, err := r.Read(); err != io.EOF {
			t.Fatalf("Read %s at the end: %v; want EOF", name, err)
		}
	}
}

type oneByte struct{ r io.Reader }

func (o oneByte) Read(b []byte) (int, error) { return o.r.Read(b[:min(1, len(b))]) }

func testEncode(t *testing.T, c packetCase, b []byte) {
	t.Helper()
	got, err := c.packet.AppendTo([]byte("before"))
	if c.err != "" {
		if err == nil || !strings.Contains(err.Error(), c.err) {
			t.Fatalf("AppendTo: error %v; want one with %q", err, c.err)
		}
		if string(got) != "before" {
			t.Fatalf("AppendTo: error, and dst is %q", got)
		}
		return
	}
	if err != nil || !bytes.Equal(got[len("before"):], b) {
		t.Fatalf("AppendTo:\n got % x, %v\nwant % x", got[len("before"):], err, b)
	}
}

// TestPacketPaho has paho's codec read what this one writes, and write what this
// one reads.
func TestPacketPaho(t *testing.T) {
	for _, c := range packetCases {
		if c.err != "" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			b := wireBytes(t, c.bytes)
			theirs, err := packets.ReadPacket(bytes.NewReader(b))
			if err != nil {
				t.Fatalf("paho reads % x: %v", b, err)
			}
			var out bytes.Buffer
			if err := theirs.Write(&out); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(out.Bytes(), b) {
				t.Fatalf("paho writes % x; want % x", out.Bytes(), b)
			}
			if p, ok := theirs.(*packets.PublishPacket); ok && (p.TopicName != c.packet.Topic || !bytes.Equal(p.Payload, c.packet.Payload) || p.Qos != c.packet.QoS) {
				t.Fatalf("paho reads %v; want %+v", p, c.packet)
			}
			if p, ok := theirs.(*packets.ConnectPacket); ok && (p.ClientIdentifier != c.packet.ClientID || p.Username != c.packet.Username || p.WillTopic != c.packet.WillTopic || p.Keepalive != c.packet.KeepAlive) {
				t.Fatalf("paho reads %v; want %+v", p, c.packet)
			}
		})
	}
}

// TestPacketSharesNothing: a decoded packet survives its source.
func TestPacketSharesNothing(t *testing.T) {
	for _, c := range packetCases {
		if c.err != "" {
			continue
		}
		b := wireBytes(t, c.bytes)
		p, _, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		for i := range b {
			b[i] = 0xee
		}
		if !samePacket(p, c.packet) {
			t.Errorf("%s: packet changed with its bytes: %+v", c.name, p)
		}
	}
}

func TestPacketAllocations(t *testing.T) {
	p := Packet{Kind: Publish, QoS: 1, ID: 7, Topic: "devices/dev-1/messages/events/", Payload: []byte(`{"temperature":21.5}`)}
	dst := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { dst, _ = p.AppendTo(dst[:0]) }); n != 0 {
		t.Errorf("AppendTo of a small PUBLISH: %v allocations; want 0", n)
	}
	if n := testing.AllocsPerRun(100, func() { Decode(dst) }); n > 2 {
		t.Errorf("Decode of a small PUBLISH: %v allocations; want at most 2", n)
	}
	r := NewReader(&endless{b: dst}, 0)
	if n := testing.AllocsPerRun(100, func() { r.Read() }); n > 1 {
		t.Errorf("Read of a small PUBLISH on a known topic: %v allocations; want 1", n)
	}
}

// endless repeats b.
type endless struct {
	b []byte
	i int
}

func (e *endless) Read(b []byte) (int, error) {
	n := copy(b, e.b[e.i:])
	e.i = (e.i + n) % len(e.b)
	return n, nil
}

func TestReaderLimit(t *testing.T) {
	p := Packet{Kind: Publish, Topic: "t", Payload: make([]byte, 1000)}
	b, err := p.AppendTo(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewReader(bytes.NewReader(b), 1003).Read(); err != nil {
		t.Errorf("a packet of the limit: %v", err)
	}
	if _, err := NewReader(bytes.NewReader(b), 1002).Read(); err != ErrTooLarge {
		t.Errorf("a packet above the limit: %v; want ErrTooLarge", err)
	}
	// A length that promises much takes memory only for what comes.
	r := NewReader(bytes.NewReader([]byte{0x30, 0xff, 0xff, 0x0f, 1}), 0)
	if _, err := r.Read(); err != io.ErrUnexpectedEOF {
		t.Errorf("a packet cut short: %v; want ErrUnexpectedEOF", err)
	}
	if _, err := r.Read(); err != io.ErrUnexpectedEOF {
		t.Errorf("Read after its error: %v; want the same", err)
	}
}

func TestFormatErrorUnwraps(t *testing.T) {
	_, _, err := Decode([]byte{0x36, 5, 0, 1, 't', 0, 1})
	f, ok := errors.AsType[*FormatError](err)
	if !ok || f.Clause != "MQTT-3.3.1-4" || !errors.Is(err, ErrMalformed) {
		t.Errorf("error %v: not a FormatError with its clause", err)
	}
}

func TestConnackErrorText(t *testing.T) {
	for code, want := range map[ConnackError]string{
		5: "mqtt: connection refused: not authorised (return code 5)",
		9: "mqtt: connection refused: reserved code (return code 9)",
	} {
		if got := code.Error(); got != want {
			t.Errorf("%d: %q; want %q", byte(code), got, want)
		}
	}
}

// FuzzPacket: Decode never panics, and what it reads, written and read again, is
// the same. The corpus is the table, rewritten by -update.
func FuzzPacket(f *testing.F) {
	for _, c := range packetCases {
		f.Add(wireBytes(f, c.bytes))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, n, err := Decode(b)
		fromReader, readErr := NewReader(bytes.NewReader(b), maxRemaining).Read()
		if (err == nil) != (readErr == nil) {
			t.Fatalf("Decode: %v; Read: %v", err, readErr)
		}
		if err != nil {
			return
		}
		if n > len(b) || !samePacket(p, fromReader) {
			t.Fatalf("Decode: %+v (%d bytes); Read: %+v", p, n, fromReader)
		}
		once, err := p.AppendTo(nil)
		if err != nil {
			t.Fatalf("what was read cannot be written: %+v: %v", p, err)
		}
		again, n, err := Decode(once)
		if err != nil || n != len(once) || !samePacket(p, again) {
			t.Fatalf("read again: %+v, %v; want %+v", again, err, p)
		}
		if twice, err := again.AppendTo(nil); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("written again: % x, %v; want % x", twice, err, once)
		}
	})
}

// TestFuzzCorpus keeps the committed corpus in step with the table: the cases
// that show a rule each.
func TestFuzzCorpus(t *testing.T) {
	dir := filepath.Join("testdata", "fuzz", "FuzzPacket")
	if *update {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range packetCases {
		b := wireBytes(t, c.bytes)
		if c.bytes == "" || len(b) > 100 {
			continue
		}
		name := strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				return r
			}
			if r >= 'A' && r <= 'Z' {
				return r + 'a' - 'A'
			}
			return '-'
		}, strings.NewReplacer(", ", "-", "#", "hash", "+", "plus").Replace(c.name))
		want := fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n", b)
		path := filepath.Join(dir, name)
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s is not the table's %q; run go test -run FuzzCorpus -update: %v", path, c.name, err)
		}
	}
}

func BenchmarkEncodePublish(b *testing.B) {
	p := Packet{Kind: Publish, QoS: 1, ID: 7, Topic: "devices/dev-1/messages/events/", Payload: make([]byte, 100)}
	dst := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = p.AppendTo(dst[:0])
	}
}

func BenchmarkDecodePublish(b *testing.B) {
	p := Packet{Kind: Publish, QoS: 1, ID: 7, Topic: "devices/dev-1/messages/events/", Payload: make([]byte, 100)}
	dst, _ := p.AppendTo(nil)
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Decode(dst)
		}
	})
	b.Run("read", func(b *testing.B) {
		r := NewReader(&endless{b: dst}, 0)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.Read(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("paho", func(b *testing.B) {
		src := &endless{b: dst}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := packets.ReadPacket(src); err != nil {
				b.Fatal(err)
			}
		}
	})
}
