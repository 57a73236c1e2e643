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

// packetCase is a packet in both forms. Without err, packet and bytes are read
// and written into each other. With err and bytes, reading is refused with it;
// with err and a packet, writing is.
type packetCase struct {
	name   string
	bytes  string // "10 0d 'MQTT'": hex bytes and quoted text
	packet Packet
	err    string // what the error holds; the clause, mostly
}

var packetCases = []packetCase{
	{"connect, least", "10 0c 00 04 'MQTT' 04 02 00 00 00 00",
		Packet{Kind: Connect, Level: 4, CleanSession: true}, ""},
	{"connect, IoT Hub device", "10 25 00 04 'MQTT' 04 c0 00 f0 00 05 'dev-1' 00 09 'hub/dev-1' 00 07 'SAS sig'",
		Packet{Kind: Connect, Level: 4, KeepAlive: 240, ClientID: "dev-1", HasUsername: true, Username: "hub/dev-1", HasPassword: true, Password: []byte("SAS sig")}, ""},
	{"connect, will", "10 19 00 04 'MQTT' 04 2e 00 3c 00 01 'a' 00 03 't/w' 00 05 'lost!'",
		Packet{Kind: Connect, Level: 4, CleanSession: true, KeepAlive: 60, ClientID: "a", HasWill: true, WillQoS: 1, WillRetain: true, WillTopic: "t/w", WillPayload: []byte("lost!")}, ""},
	{"connect, empty password", "10 11 00 04 'MQTT' 04 c2 00 00 00 00 00 01 'u' 00 00",
		Packet{Kind: Connect, Level: 4, CleanSession: true, HasUsername: true, Username: "u", HasPassword: true}, ""},
	{"connect, MQTT 3.1", "10 0e 00 06 'MQIsdp' 03 02 00 00 00 00", Packet{}, ErrLevel.Error()},
	{"connect, MQTT 5", "10 0d 00 04 'MQTT' 05 02 00 00 00 00 00", Packet{}, ErrLevel.Error()},
	{"connect, level 3 to write", "", Packet{Kind: Connect, Level: 3}, ErrLevel.Error()},
	{"connect, protocol name", "10 0c 00 04 'MQtt' 04 02 00 00 00 00", Packet{}, "MQTT-3.1.2-1"},
	{"connect, reserved flag", "10 0c 00 04 'MQTT' 04 03 00 00 00 00", Packet{}, "MQTT-3.1.2-3"},
	{"connect, will QoS without will", "10 0c 00 04 'MQTT' 04 0a 00 00 00 00", Packet{}, "MQTT-3.1.2-13"},
	{"connect, will QoS 3", "10 12 00 04 'MQTT' 04 1e 00 00 00 00 00 01 't' 00 01 'p'", Packet{}, "MQTT-3.1.2-14"},
	{"connect, will QoS 3 to write", "", Packet{Kind: Connect, HasWill: true, WillTopic: "t", WillQoS: 3}, "MQTT-3.1.2-14"},
	{"connect, will retain without will", "10 0c 00 04 'MQTT' 04 22 00 00 00 00", Packet{}, "MQTT-3.1.2-15"},
	{"connect, password without user", "10 0f 00 04 'MQTT' 04 42 00 00 00 00 00 01 'p'", Packet{}, "MQTT-3.1.2-22"},
	{"connect, password without user to write", "", Packet{Kind: Connect, HasPassword: true}, "MQTT-3.1.2-22"},
	{"connect, client id not UTF-8", "10 0e 00 04 'MQTT' 04 02 00 00 00 02 c3 28", Packet{}, "MQTT-1.5.3-1"},
	{"connect, fields missing", "10 0c 00 04 'MQTT' 04 82 00 00 00 00", Packet{}, "packet ends within a field"},
	{"connect, no level", "10 06 00 04 'MQTT'", Packet{}, "packet ends within a field"},
	{"connect, bytes left", "10 0d 00 04 'MQTT' 04 02 00 00 00 00 00", Packet{}, "bytes beyond the last field"},
	{"connect, first byte's flags", "11 0c 00 04 'MQTT' 04 02 00 00 00 00", Packet{}, "MQTT-2.2.2-2"},

	{"connack, accepted", "20 02 00 00", Packet{Kind: Connack}, ""},
	{"connack, session present", "20 02 01 00", Packet{Kind: Connack, SessionPresent: true}, ""},
	{"connack, refused", "20 02 00 05", Packet{Kind: Connack, Code: RefusedNotAllowed}, ""},
	{"connack, refused with session", "20 02 01 05", Packet{Kind: Connack, Code: 5, SessionPresent: true}, "MQTT-3.2.2-4"},
	{"connack, flags", "20 02 02 00", Packet{}, "section 3.2.2.1"},
	{"connack, short", "20 01 00", Packet{}, "packet ends within a field"},

	{"publish, QoS 0", "30 07 00 03 'a/b' 'hi'", Packet{Kind: Publish, Topic: "a/b", Payload: []byte("hi")}, ""},
	{"publish, QoS 1", "32 07 00 01 't' 00 0a 'hi'", Packet{Kind: Publish, QoS: 1, ID: 10, Topic: "t", Payload: []byte("hi")}, ""},
	{"publish, all flags", "3d 05 00 01 't' ff ff", Packet{Kind: Publish, Dup: true, QoS: 2, Retain: true, ID: 65535, Topic: "t"}, ""},
	{"publish, no payload", "30 03 00 01 't'", Packet{Kind: Publish, Topic: "t"}, ""},
	{"publish, byte order mark", "30 05 00 03 ef bb bf", Packet{Kind: Publish, Topic: "\ufeff"}, ""},
	{"publish, two length bytes", "30 80 01 00 01 't' " + strings.Repeat("78 ", 125), Packet{Kind: Publish, Topic: "t", Payload: bytes.Repeat([]byte("x"), 125)}, ""},
	{"publish, above a reader's buffer", "30 85 08 00 01 't' " + strings.Repeat("78 ", 1026), Packet{Kind: Publish, Topic: "t", Payload: bytes.Repeat([]byte("x"), 1026)}, ""},
	{"publish, QoS 3", "36 05 00 01 't' 00 01", Packet{Kind: Publish, QoS: 3, ID: 1, Topic: "t"}, "MQTT-3.3.1-4"},
	{"publish, duplicate QoS 0", "38 03 00 01 't'", Packet{Kind: Publish, Dup: true, Topic: "t"}, "MQTT-3.3.1-2"},
	{"publish, no topic", "30 02 00 00", Packet{Kind: Publish}, "MQTT-4.7.3-1"},
	{"publish, wildcard", "30 05 00 03 'a/#'", Packet{Kind: Publish, Topic: "a/#"}, "MQTT-3.3.2-2"},
	{"publish, surrogate", "30 05 00 03 ed a0 80", Packet{Kind: Publish, Topic: "\xed\xa0\x80"}, "MQTT-1.5.3-1"},
	{"publish, U+0000", "30 03 00 01 00", Packet{Kind: Publish, Topic: "\x00"}, "MQTT-1.5.3-2"},
	{"publish, id 0", "32 05 00 01 't' 00 00", Packet{Kind: Publish, QoS: 1, Topic: "t"}, "MQTT-2.3.1-1"},
	{"publish, topic beyond the end", "30 03 00 05 't'", Packet{}, "packet ends within a field"},
	{"publish, topic too long to write", "", Packet{Kind: Publish, Topic: strings.Repeat("t", 65536)}, "section 1.5.3"},

	{"puback", "40 02 12 34", Packet{Kind: Puback, ID: 0x1234}, ""},
	{"puback, id 0", "40 02 00 00", Packet{Kind: Puback}, "MQTT-2.3.1-1"},
	{"puback, long", "40 03 00 01 00", Packet{}, "bytes beyond the last field"},
	{"puback, flags", "42 02 00 01", Packet{}, "MQTT-2.2.2-2"},
	{"pubrec", "50 02 00 01", Packet{Kind: Pubrec, ID: 1}, ""},
	{"pubrel", "62 02 00 01", Packet{Kind: Pubrel, ID: 1}, ""},
	{"pubrel, flags", "60 02 00 01", Packet{}, "MQTT-2.2.2-2"},
	{"pubcomp", "70 02 00 01", Packet{Kind: Pubcomp, ID: 1}, ""},

	{"subscribe, filter cut", "82 08 00 01 00 01 'a' 00 00 04", Packet{}, "packet ends within a field"},
	{"subscribe, QoS cut", "82 05 00 01 00 01 'a'", Packet{}, "packet ends within a field"},
	{"subscribe, two filters", "82 0e 00 01 00 01 'a' 00 00 05 'b/+/#' 01",
		Packet{Kind: Subscribe, ID: 1, Filters: []Filter{{"a", 0}, {"b/+/#", 1}}}, ""},
	{"subscribe, bare wildcards", "82 0a 00 01 00 01 '#' 00 00 01 '+' 02",
		Packet{Kind: Subscribe, ID: 1, Filters: []Filter{{"#", 0}, {"+", 2}}}, ""},
	{"subscribe, none", "82 02 00 01", Packet{Kind: Subscribe, ID: 1}, "MQTT-3.8.3-3"},
	{"subscribe, QoS 3", "82 06 00 01 00 01 'a' 03", Packet{Kind: Subscribe, ID: 1, Filters: []Filter{{"a", 3}}}, "MQTT-3-8.3-4"},
	{"subscribe, id 0", "82 06 00 00 00 01 'a' 00", Packet{Kind: Subscribe, Filters: []Filter{{"a", 0}}}, "MQTT-2.3.1-1"},
	{"subscribe, empty filter", "82 05 00 01 00 00 00", Packet{Kind: Subscribe, ID: 1, Filters: []Filter{{"", 0}}}, "MQTT-4.7.3-1"},
	{"subscribe, # in the middle", "82 08 00 01 00 03 '#/a' 00", Packet{Kind: Subscribe, ID: 1, Filters: []Filter{{"#/a", 0}}}, "MQTT-4.7.1-2"},
	{"subscribe, # in a level", "82 07 00 01 00 02 'a#' 00", Packet{Kind: Subscribe, ID: 1, Filters: []Filter{{"a#", 0}}}, "MQTT-4.7.1-2"},
	{"subscribe, + in a level", "82 07 00 01 00 02 '+a' 00", Packet{Kind: Subscribe, ID: 1, Filters: []Filter{{"+a", 0}}}, "MQTT-4.7.1-3"},
	{"subscribe, flags", "80 06 00 01 00 01 'a' 00", Packet{}, "MQTT-2.2.2-2"},
	{"suback", "90 05 00 01 00 01 80", Packet{Kind: Suback, ID: 1, Codes: []byte{0, 1, 0x80}}, ""},
	{"suback, none", "90 02 00 01", Packet{Kind: Suback, ID: 1}, "MQTT-3.8.4-5"},
	{"suback, code 3", "90 03 00 01 03", Packet{Kind: Suback, ID: 1, Codes: []byte{3}}, "MQTT-3.9.3-2"},
	{"unsubscribe", "a2 08 00 07 00 01 'a' 00 01 'b'", Packet{Kind: Unsubscribe, ID: 7, Filters: []Filter{{Topic: "a"}, {Topic: "b"}}}, ""},
	{"unsubscribe, none", "a2 02 00 01", Packet{Kind: Unsubscribe, ID: 1}, "MQTT-3.10.3-2"},
	{"unsuback", "b0 02 00 07", Packet{Kind: Unsuback, ID: 7}, ""},

	{"pingreq", "c0 00", Packet{Kind: Pingreq}, ""},
	{"pingreq, long", "c0 01 00", Packet{}, "bytes beyond the last field"},
	{"pingresp", "d0 00", Packet{Kind: Pingresp}, ""},
	{"disconnect", "e0 00", Packet{Kind: Disconnect}, ""},
	{"disconnect, flags", "e1 00", Packet{}, "MQTT-2.2.2-2"},

	{"reserved 0", "00 00", Packet{}, "section 2.2.1"},
	{"reserved 15", "f0 00", Packet{Kind: 15}, "section 2.2.1"},
	{"length of five bytes", "30 80 80 80 80 01", Packet{}, "section 2.2.3"},
	{"end within the length", "30 80", Packet{}, io.ErrUnexpectedEOF.Error()},
	{"end within the body", "30 07 00 03 'a/b'", Packet{}, io.ErrUnexpectedEOF.Error()},
	{"nothing", "-", Packet{}, io.ErrUnexpectedEOF.Error()},
}

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
