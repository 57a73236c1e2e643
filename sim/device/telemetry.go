package device

import (
	"strconv"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// The sizes of a telemetry message's body, in bytes.
const (
	minTelemetry = 16
	maxTelemetry = 256 << 10 // [Azure IoT Hub: "IoT Hub quotas and throttling"]
)

// telemetryBag is the property bag of telemetry.
const telemetryBag = "%24.ct=application%2Fjson&%24.ce=utf-8"

func (d *Device) telemetryPeriod() time.Duration {
	if n := d.condition.Flood; n > 0 {
		return time.Second / time.Duration(n)
	}
	if d.kept != nil && d.kept.settings.telemetry >= 0 {
		return d.kept.settings.telemetry
	}
	return d.model.profile.TelemetryPeriod
}

// SetTelemetryPeriod changes the interval between telemetry messages, 0 for
// none, from now on; it is kept over reboots. It must not be below 0.
func (d *Device) SetTelemetryPeriod(period time.Duration) {
	d.keep().settings.telemetry = period
	d.telemetry = 0
	if period > 0 && d.link == linkOnline {
		d.telemetry = d.at.Add(period)
	}
}

// SetPeriods changes the notification periods of all but the firmware job's
// resources; it is kept over reboots. A pmax of 0 is never; neither must be
// below 0.
func (d *Device) SetPeriods(pmin, pmax time.Duration) {
	s := &d.keep().settings
	s.pmin, s.pmax = pmin, pmax
}

// SetKeepAlive changes the MQTT keep-alive from the next CONNECT on; it is
// kept over reboots. Whole seconds, 0 to 65535.
func (d *Device) SetKeepAlive(period time.Duration) { d.keep().settings.keepAlive = period }

func (d *Device) keepAlive() time.Duration {
	if d.kept != nil && d.kept.settings.keepAlive >= 0 {
		return d.kept.settings.keepAlive
	}
	return d.model.profile.KeepAlive
}

// planTelemetry plans the first telemetry of a session. The first of all comes
// at random within a period, so that a fleet is spread; a later session goes
// on with the same plan, and what came due without one is counted as dropped.
func (d *Device) planTelemetry() {
	period := d.telemetryPeriod()
	switch {
	case period <= 0:
		d.telemetry = 0
	case d.telemetry == 0:
		d.telemetry = d.at.Add(1 + time.Duration(d.rand.N(int64(period))))
	case d.telemetry < d.at:
		missed := (d.at.Sub(d.telemetry)-1)/period + 1
		d.telemetry = d.telemetry.Add(missed * period)
		d.Note(sim.EventDrop, "telemetry: offline")
		d.out.Observe[len(d.out.Observe)-1].Value = int64(missed)
	}
}

// sendTelemetry sends one message. It is numbered with its own planned
// instant, so that its acknowledgement needs no memory.
func (d *Device) sendTelemetry() {
	period := d.telemetryPeriod()
	if period <= 0 {
		d.telemetry = 0
		return
	}
	d.sequence++
	size := d.model.profile.TelemetrySize
	b := append(make([]byte, 0, size), `{"seq":`...)
	b = strconv.AppendUint(b, uint64(d.sequence)%100_000_000, 10)
	if pad := size - len(b) - len(`,"pad":""}`); pad >= 0 {
		b = append(b, `,"pad":"`...)
		for range pad {
			b = append(b, 'x')
		}
		b = append(b, '"')
	}
	for len(b) < size-1 {
		b = append(b, ' ')
	}
	b = append(b, '}')
	d.send(sim.Message{Kind: sim.Telemetry, Name: telemetryBag, Body: b, ID: uint64(d.at)})
	d.telemetry = d.at.Add(period)
}

// acknowledged takes the hub's acknowledgement of telemetry.
func (d *Device) acknowledged(m *sim.Message) {
	if d.link == linkOnline && m.ID > 0 && m.ID <= uint64(d.now) {
		d.Measure(sim.MetricTelemetryAck, sim.Time(m.ID))
	}
}
