package world_test

import (
	"fmt"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/pack"
	"github.com/flotilla-sim/flotilla/sim/world"
)

// mine is a firmware behaviour of one's own: it downloads, takes every
// package, and changes its version while it stays up.
func mine() *device.Profile {
	p := device.NewProfile()
	p.Firmware, p.FirmwarePMin = device.FirmwareNone, 0
	m := p.Model()
	m.OnWrite(device.FirmwarePackageURI, func(d *device.Device, uri device.Value) error {
		d.SetFirmwareUpdateState(device.StateDownloading)
		d.SetFirmwareUpdateResult(device.ResultNone)
		d.Download(uri.Text(), func(d *device.Device, f sim.Fetched) {
			switch {
			case f.Done && f.Fail == sim.FetchOK:
				d.SetFirmwareUpdateState(device.StateDownloaded)
			case f.Done:
				d.SetFirmwareUpdateResult(device.ResultConnectionLost)
				d.SetFirmwareUpdateState(device.StateIdle)
			}
		})
		return nil
	})
	m.OnExecute(device.UpdateFirmware, func(d *device.Device, _ string) error {
		d.Begin("hot patching", time.Minute, func(d *device.Device) {
			d.SetFirmwareVersion("patched")
			d.SetFirmwareUpdateResult(device.ResultSuccess)
			d.SetFirmwareUpdateState(device.StateIdle)
		})
		return nil
	})
	return p
}

// A device with a firmware behaviour of one's own completes a job of the hub.
func Example() {
	w := world.New(world.Config{Seed: 1})
	key := make([]byte, 32)
	w.Do(hub.Register{ID: "dev", PrimaryKey: key})
	if err := w.Add(device.Config{ID: "dev", Key: key, Profile: mine()}, fault.Conditions{}); err != nil {
		fmt.Println(err)
	}
	uri := w.Publish(pack.New(pack.Spec{Name: "patch", Version: "2", Size: 1 << 20}))
	w.Do(hub.SubmitJob{Spec: job.Spec{ID: "fw", Kind: "firmwareUpdate", Targets: []sim.DeviceID{"dev"}, PackageURI: uri}})
	for _, s := range w.Advance(sim.Time(time.Hour)) {
		fmt.Println(s.Reply.Job.Status, s.Reply.Job.StatusMessage)
	}
	r, _ := w.Do(hub.GetDevice{ID: "dev"})
	fmt.Println(r.Device.Properties().Get("FirmwareVersion"))
	// Output:
	// completed Devices: 1; Succeeded: 1; Failed: 0;
	// "patched"
}
