package sim

import (
	"math"
	"time"
)

// Time is nanoseconds since the run's epoch. It never goes back, not even
// over a restart of the hub. 0 is the epoch itself.
type Time int64

// Never is the deadline of a machine that wants no wake-up.
const Never Time = math.MaxInt64

// Add returns t plus d, saturating at Never; d below zero counts as zero.
func (t Time) Add(d time.Duration) Time {
	if d <= 0 {
		return t
	}
	if s := t + Time(d); s >= t {
		return s
	}
	return Never
}

// Sub returns t minus u.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// String prints t as a duration since the epoch, "never" for Never.
func (t Time) String() string {
	if t == Never {
		return "never"
	}
	return time.Duration(t).String()
}

// Date is UTC seconds since 1970: what people and wires write (years 0001,
// 3022 and 9999 included).
type Date int64

// Epoch is the civil instant of Time 0 in Unix nanoseconds (years 1678 to
// 2262). Live runs take it from the clock once, virtual runs from the
// scenario.
type Epoch int64

// DefaultEpoch is 2026-01-01T00:00:00Z, the epoch of a virtual run whose
// scenario names none.
const DefaultEpoch = Epoch(1767225600 * int64(time.Second))

// split returns e as whole seconds, rounded down, and the nanoseconds above.
func (e Epoch) split() (sec, nsec int64) {
	sec, nsec = int64(e)/second, int64(e)%second
	if nsec < 0 {
		sec, nsec = sec-1, nsec+second
	}
	return sec, nsec
}

const second = int64(time.Second)

// Date returns the civil second of t, rounded down.
func (e Epoch) Date(t Time) Date {
	sec, nsec := e.split()
	after, rest := Epoch(t).split()
	return Date(sec + after + (nsec+rest)/second)
}

// TimeOf returns the first Time at which d has begun: 0 for the past, Never
// for what lies beyond the clock's 292 years.
func (e Epoch) TimeOf(d Date) Time {
	sec, nsec := e.split()
	if int64(d) <= sec {
		return 0
	}
	whole := uint64(d) - uint64(sec) - 1 // cannot overflow: d is above sec
	if whole > math.MaxInt64/uint64(second) {
		return Never
	}
	return Time(int64(whole) * second).Add(time.Duration(second - nsec))
}

// UTC returns the civil instant of t.
func (e Epoch) UTC(t Time) time.Time {
	sec, nsec := int64(e)/int64(time.Second), int64(e)%int64(time.Second)
	sec, nsec = sec+int64(t/Time(time.Second)), nsec+int64(t%Time(time.Second))
	return time.Unix(sec, nsec).UTC()
}

// Text writes the instant of t as the hub's documents do: ISO 8601, UTC,
// seven fraction digits. [IoT Hub REST: "Common type: dateTime"]
func (e Epoch) Text(t Time) string {
	return e.UTC(t).Format("2006-01-02T15:04:05.0000000Z")
}
