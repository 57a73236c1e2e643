package device

import (
	"strconv"
	"time"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// installConfiguration: executing ConfigApply reads ConfigurationValue as a
// JSON object and puts into effect what it knows of it: `telemetryPeriod`,
// `pmin` and `pmax` at once, `keepAlive` from the next CONNECT. A duration is
// text with a unit ("250ms") or a number of seconds. Other members, and text
// that is no such object, are stored and have no effect; a member that is known
// and wrong is refused, and then nothing is put into effect. The simulated
// device of the preview only says yes.
func installConfiguration(m *Model) {
	if m.Profile().Firmware == FirmwareSimple {
		m.OnExecute(ConfigApply, func(*Device, string) error { return nil })
		return
	}
	m.OnExecute(ConfigApply, applyConfiguration)
}

func applyConfiguration(d *Device, _ string) error {
	v, err := doc.ParseString(d.Text(ConfigurationValue))
	if err != nil || v.Kind() != doc.KindObject {
		return nil
	}
	pmin, pmax := d.Periods(Manufacturer)
	telemetry, changesTelemetry, err := duration(v, "telemetryPeriod", maxWait)
	if err != nil {
		return err
	}
	if changesTelemetry && telemetry > 0 && telemetry < time.Millisecond {
		return Errorf(BadRequest, "telemetryPeriod: must be 0 or at least 1ms, is %s", telemetry)
	}
	newMin, changesMin, err := duration(v, "pmin", maxWait)
	if err != nil {
		return err
	}
	newMax, changesMax, err := duration(v, "pmax", maxWait)
	if err != nil {
		return err
	}
	if changesMin {
		pmin = newMin
	}
	if changesMax {
		pmax = newMax
	}
	if (changesMin || changesMax) && pmax != 0 && pmax < max(pmin, time.Second) {
		return Errorf(BadRequest, "pmax: must be 0 (never) or at least 1s and pmin (%s), is %s", pmin, pmax)
	}
	keepAlive, changesKeepAlive, err := duration(v, "keepAlive", maxKeepAlive)
	if err != nil {
		return err
	}
	if changesKeepAlive && keepAlive%time.Second != 0 {
		return Errorf(BadRequest, "keepAlive: must be whole seconds, is %s", keepAlive)
	}
	if changesTelemetry {
		d.SetTelemetryPeriod(telemetry)
	}
	if changesMin || changesMax {
		d.SetPeriods(pmin, pmax)
	}
	if changesKeepAlive {
		d.SetKeepAlive(keepAlive)
	}
	return nil
}

// duration reads a member, if it is there.
func duration(v doc.Value, name string, most time.Duration) (t time.Duration, there bool, err error) {
	m := v.Get(name)
	switch m.Kind() {
	case doc.KindAbsent:
		return 0, false, nil
	case doc.KindString:
		t, err = time.ParseDuration(m.Text())
	case doc.KindNumber:
		n, ok := m.Int64()
		if !ok || n > int64(most/time.Second) {
			return 0, false, Errorf(BadRequest, "%s: %s is not a number of whole seconds up to %s", name, m.Text(), strconv.FormatInt(int64(most/time.Second), 10))
		}
		t = time.Duration(n) * time.Second
	default:
		return 0, false, Errorf(BadRequest, "%s: %s is not a duration; write \"250ms\" or seconds", name, m.Kind())
	}
	if err != nil || t < 0 || t > most {
		return 0, false, Errorf(BadRequest, "%s: %.40q is not a duration from 0 to %s", name, m.Text(), most)
	}
	return t, true, nil
}
