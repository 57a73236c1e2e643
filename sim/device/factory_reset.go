package device

import "github.com/flotilla-sim/flotilla/sim/doc"

// resetting is the activity of a factory reset.
const resetting = "resetting"

// installFactoryReset: executing FactoryResetDevice, and the direct method
// `factoryReset`, flash the image kept on the device, which needs no package
// server, and reboot. Afterwards version, configuration and properties are the
// factory's; identity and keys stay. A download is given up for it; while an
// update or a reset is being flashed it is refused. The simulated device of
// the preview says yes and does nothing; its board refuses also during a
// download, with 500.
func installFactoryReset(m *Model) {
	switch m.Profile().Firmware {
	case FirmwareSimple:
		m.OnExecute(FactoryResetDevice, func(*Device, string) error { return nil })
	case FirmwareEdison:
		m.OnExecute(FactoryResetDevice, func(d *Device, _ string) error {
			if d.Activity() != "" || d.Downloading() {
				return Errorf(DeviceFailure, "busy; a factory reset must wait for it")
			}
			flashFactory(d)
			return nil
		})
	default:
		m.OnExecute(FactoryResetDevice, func(d *Device, _ string) error {
			if d.Activity() != "" {
				return Errorf(BadRequest, "%s; a factory reset must wait for it", d.Activity())
			}
			flashFactory(d)
			return nil
		})
	}
	m.OnMethod("factoryReset", func(d *Device, payload doc.Value) (int32, doc.Value) {
		return later(d, FactoryResetDevice, payload)
	})
}

func flashFactory(d *Device) {
	d.CancelDownload()
	d.Begin(resetting, d.Draw(d.Profile().Flash), func(d *Device) {
		d.RestoreFactory()
		d.Reboot()
	})
}
