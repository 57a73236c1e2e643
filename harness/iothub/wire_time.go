package iothub

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Time is an instant as the preview's documents write it: ISO 8601 in UTC with
// up to seven fraction digits. The zero Time is one that never was:
// 0001-01-01T00:00:00.
type Time struct{ time.Time }

const timeNever = "0001-01-01T00:00:00"

// String writes it as JSON has it, without quotes.
func (t Time) String() string { return string(t.append(nil)) }

func (t Time) append(b []byte) []byte {
	if t.IsZero() {
		return append(b, timeNever...)
	}
	return t.UTC().AppendFormat(b, "2006-01-02T15:04:05.9999999Z")
}

// MarshalJSON writes it as a string.
func (t Time) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 30), '"')
	return append(t.append(b), '"'), nil
}

// UnmarshalJSON reads what String writes, and any offset from UTC. A time
// without offset is UTC; null is the zero Time.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s == "" { // null
		*t = Time{}
		return nil
	}
	for _, layout := range [...]string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05"} {
		if at, err := time.ParseInLocation(layout, s, time.UTC); err == nil {
			*t = Time{at.UTC()}
			return nil
		}
	}
	return fmt.Errorf("%.40q is not a time such as 2016-05-01T10:00:00.123Z", s)
}

// Timeout is a job's time limit as the preview writes it, a .NET TimeSpan:
// [d.]hh:mm:ss[.fffffff].
type Timeout time.Duration

// The bounds of a firmware update's timeout, both within. [2016 preview C#
// SDK: ScheduleFirmwareUpdateAsync, timeout]
const (
	MinJobTimeout = time.Minute
	MaxJobTimeout = 24 * time.Hour
)

// String writes it as a TimeSpan.
func (t Timeout) String() string {
	d := time.Duration(t)
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	days, d := d/(24*time.Hour), d%(24*time.Hour)
	s := fmt.Sprintf("%02d:%02d:%02d", d/time.Hour, d/time.Minute%60, d/time.Second%60)
	if days > 0 {
		s = fmt.Sprintf("%d.%s", days, s)
	}
	if ticks := d % time.Second / 100; ticks > 0 {
		s = fmt.Sprintf("%s.%07d", s, ticks)
	}
	return sign + s
}

// MarshalJSON writes it as a string.
func (t Timeout) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, t.String()), nil }

// UnmarshalJSON is ParseTimeout of a string; null is no timeout.
func (t *Timeout) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("a time span is a string such as \"00:25:00\"")
	}
	d, err := ParseTimeout(s)
	*t = Timeout(d)
	return err
}

// ParseTimeout reads a TimeSpan. Hours, minutes and seconds may be of any
// size: the Node SDK glues "00:" and minutes and ":00" together, so that an
// hour comes as 00:60:00. [2016 preview Node SDK: jobClient.js]
func ParseTimeout(s string) (time.Duration, error) {
	bad := fmt.Errorf("%.40q is not a time span such as 00:25:00 (hours, minutes, seconds; days and a dot before them)", s)
	parts := strings.Split(s, ":")
	if len(parts) != 3 {
		return 0, bad
	}
	days := "0"
	if d, h, ok := strings.Cut(parts[0], "."); ok {
		days, parts[0] = d, h
	}
	seconds, fraction, ok := strings.Cut(parts[2], ".")
	if ok && (fraction == "" || len(fraction) > 7) {
		return 0, bad
	}
	var total time.Duration
	for _, p := range []struct {
		text string
		unit time.Duration
	}{
		{days, 24 * time.Hour}, {parts[0], time.Hour}, {parts[1], time.Minute}, {seconds, time.Second},
		{(fraction + "0000000")[:7], 100 * time.Nanosecond},
	} {
		if p.text == "" || len(p.text) > 7 || strings.Trim(p.text, "0123456789") != "" {
			return 0, bad
		}
		n, _ := strconv.Atoi(p.text) // at most 7 digits
		if time.Duration(n) > 10_000*24*time.Hour/p.unit {
			return 0, bad
		}
		total += time.Duration(n) * p.unit
	}
	return total, nil
}
