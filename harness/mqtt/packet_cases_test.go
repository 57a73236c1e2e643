package mqtt

import (
	"bytes"
	"io"
	"strings"
)

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
