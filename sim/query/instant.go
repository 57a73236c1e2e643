package query

import (
	"cmp"
	"time"
)

// instant is a moment: Unix seconds and nanoseconds within.
type instant struct {
	seconds int64
	nanos   int32
}

func (t instant) compare(u instant) int {
	if c := cmp.Compare(t.seconds, u.seconds); c != 0 {
		return c
	}
	return cmp.Compare(t.nanos, u.nanos)
}

// parseInstant reads YYYY-MM-DDThh:mm:ss with up to nine digits of a fraction
// and Z, an offset (+hh:mm) or none, which is UTC. [ISO 8601-1, extended
// format; the preview's documents leave the Z out of 0001-01-01T00:00:00]
func parseInstant(s string) (instant, bool) {
	const layout = "0000-00-00T00:00:00"
	if len(s) < len(layout) {
		return instant{}, false
	}
	var n [6]int // year, month, day, hour, minute, second
	for i, field := 0, 0; i < len(layout); i++ {
		switch c := s[i]; {
		case layout[i] != '0':
			if c != layout[i] {
				return instant{}, false
			}
			field++
		case c < '0' || c > '9':
			return instant{}, false
		default:
			n[field] = n[field]*10 + int(c-'0')
		}
	}
	if n[0] < 1 || n[1] < 1 || n[1] > 12 || n[2] < 1 || n[2] > days(n[0], n[1]) || n[3] > 23 || n[4] > 59 || n[5] > 59 {
		return instant{}, false
	}
	s = s[len(layout):]
	var nanos int32
	if s != "" && s[0] == '.' {
		unit, i := int32(1e8), 1
		for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			nanos += int32(s[i]-'0') * unit
			unit /= 10
		}
		if i == 1 || i > 10 {
			return instant{}, false
		}
		s = s[i:]
	}
	offset, ok := parseOffset(s)
	if !ok {
		return instant{}, false
	}
	t := time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, time.UTC)
	return instant{t.Unix() - offset, nanos}, true
}

// parseOffset reads what follows a time: how many seconds it is ahead of UTC.
func parseOffset(s string) (int64, bool) {
	if s == "" || s == "Z" {
		return 0, true
	}
	if len(s) != len("+00:00") || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	for _, i := range [...]int{1, 2, 4, 5} {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	hours, minutes := int64(s[1]-'0')*10+int64(s[2]-'0'), int64(s[4]-'0')*10+int64(s[5]-'0')
	if hours > 23 || minutes > 59 {
		return 0, false
	}
	offset := hours*3600 + minutes*60
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// days is how long a month is.
func days(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
