package device

import (
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// The clockwork of the simulated device. [Azure IoT Hub device management
// preview, simple sample of July 2016]
const (
	simpleTick     = 5 * time.Second
	simpleDownload = 25 * time.Second // the first tick at which more than 20 s have passed
	simpleFlash    = 20 * time.Second // the first tick at which 20 s or more have passed
	simpleVersion  = "3.0"
)

// installFirmwareSimple is the preview's simulated device of July 2016: it
// downloads nothing, keeps its connection, succeeds always and is at version
// 3.0 then.
//
//	URI, in any state        at the next tick: state 2, result 0
//	25 s later               state 3
//	UpdateFirmware, state 3  at the next tick: flashing; 20 s later version 3.0, result 1, state 1
//	empty URI                state 1, result 0
//
// The ticks come every 5 s from the start of the device; none is taken while
// nothing waits for it.
func installFirmwareSimple(m *Model) {
	m.OnWrite(FirmwarePackageURI, func(d *Device, v Value) error {
		if v.Text() == "" {
			d.Abandon()
			d.SetFirmwareUpdateState(StateIdle)
			d.SetFirmwareUpdateResult(ResultNone)
			return nil
		}
		since := d.Now()
		d.Begin("URL received", d.UntilTick(simpleTick), func(d *Device) {
			d.Begin("downloading", simpleDownload, func(d *Device) {
				d.Measure(sim.MetricDownload, since)
				d.SetFirmwareUpdateState(StateDownloaded)
			})
			d.SetFirmwareUpdateState(StateDownloading)
			d.SetFirmwareUpdateResult(ResultNone)
		})
		return nil
	})
	m.OnExecute(UpdateFirmware, func(d *Device, _ string) error {
		if state := d.Int(FirmwareUpdateState); state != StateDownloaded || d.Activity() != "" {
			return Errorf(BadRequest, "update state %d, %s; nothing to flash now", state, doing(d))
		}
		since := d.Now()
		d.Begin("update received", d.UntilTick(simpleTick), func(d *Device) {
			d.Begin(flashing, simpleFlash, func(d *Device) {
				d.SetFirmwareVersion(simpleVersion)
				d.SetFirmwareUpdateResult(ResultSuccess)
				d.SetFirmwareUpdateState(StateIdle)
				d.Measure(sim.MetricApply, since)
			})
		})
		return nil
	})
}
