package mqtt

import (
	"strings"
	"unicode/utf8"
)

// checkText holds a string against section 1.5.3: at most 65,535 bytes,
// well-formed UTF-8 without surrogates [MQTT-1.5.3-1], no U+0000 [MQTT-1.5.3-2].
// A byte order mark is a character like any other [MQTT-1.5.3-3].
func checkText(k Kind, s string) error {
	if len(s) > maxString {
		return malformed(k, "string above 65,535 bytes", "section 1.5.3")
	}
	plain := true
	for i := range len(s) {
		if c := s[i]; c == 0 || c >= utf8.RuneSelf {
			plain = false
			break
		}
	}
	if plain {
		return nil
	}
	if !utf8.ValidString(s) {
		return malformed(k, "string is not UTF-8", "MQTT-1.5.3-1")
	}
	if strings.IndexByte(s, 0) >= 0 {
		return malformed(k, "string holds U+0000", "MQTT-1.5.3-2")
	}
	return nil
}

// checkTopic holds a topic name against section 4.7.
func checkTopic(k Kind, s string) error {
	if s == "" {
		return malformed(k, "topic is empty", "MQTT-4.7.3-1")
	}
	if strings.ContainsAny(s, "+#") {
		return malformed(k, "topic holds a wildcard", "MQTT-3.3.2-2")
	}
	return checkText(k, s)
}

// checkFilter holds a topic filter against section 4.7.
func checkFilter(k Kind, s string) error {
	if s == "" {
		return malformed(k, "filter is empty", "MQTT-4.7.3-1")
	}
	if err := checkText(k, s); err != nil {
		return err
	}
	for i := range len(s) {
		switch s[i] {
		case '#':
			if i != len(s)-1 || i > 0 && s[i-1] != '/' {
				return malformed(k, "# is not the whole last level of the filter", "MQTT-4.7.1-2")
			}
		case '+':
			if i > 0 && s[i-1] != '/' || i < len(s)-1 && s[i+1] != '/' {
				return malformed(k, "+ is not a whole level of the filter", "MQTT-4.7.1-3")
			}
		}
	}
	return nil
}
