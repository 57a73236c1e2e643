package device_test

import (
	"fmt"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
)

// A firmware behaviour of one's own: it downloads, takes every package, flashes
// for a minute while the device stays up, and restarts.
func ExampleModel() {
	p := device.NewProfile()
	p.Firmware, p.Answer, p.FirmwarePMin, p.Battery = device.FirmwareNone, sim.Always(0), 0, false
	m := p.Model()
	m.OnWrite(device.FirmwarePackageURI, func(d *device.Device, uri device.Value) error {
		if d.Activity() != "" || d.Downloading() {
			return device.Errorf(device.BadRequest, "busy")
		}
		d.SetFirmwareUpdateState(device.StateDownloading)
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
		d.Begin("flashing", time.Minute, func(d *device.Device) {
			d.Remember("new version", "mine")
			d.Reboot()
		})
		return nil
	})
	m.OnConnect(func(d *device.Device) {
		if v := d.Recall("new version"); v != "" {
			d.Remember("new version", "")
			d.SetFirmwareVersion(v)
			d.SetFirmwareUpdateResult(device.ResultSuccess)
			d.SetFirmwareUpdateState(device.StateIdle)
		}
	})

	// One device of it, driven by hand.
	d := device.New(device.Config{ID: "dev", Host: "hub.test", Key: make([]byte, 32), Profile: p})
	now, out := sim.Time(0), sim.Outbox{}
	step := func(in sim.Input) {
		out.Reset()
		if now++; in.Kind == sim.Wake {
			now = max(now, d.Deadline())
		}
		d.Step(now, in, &out)
		for _, m := range out.Send {
			if m.Kind == sim.Answer || m.Kind == sim.Close || m.Kind == sim.Report && len(m.Body) < 100 {
				m.Name = "" // a request id
				fmt.Println(m)
			}
		}
	}
	hear := func(m sim.Message) { step(sim.Input{Kind: sim.Received, Msg: m}) }
	connect := func(conn uint32) {
		hear(sim.Message{Kind: sim.Opened, Conn: conn})
		hear(sim.Message{Kind: sim.Accept, Conn: conn})
		hear(sim.Message{Kind: sim.Subscribed, Conn: conn})
	}
	step(sim.Input{})
	connect(1)
	hear(sim.Message{Kind: sim.Call, Conn: 1, ID: 1, Name: "dm.write", Body: []byte(`{"/5/0/1":"http://packages.test/mine"}`)})
	step(sim.Input{Kind: sim.Downloaded, Fetched: &sim.Fetched{ID: 1, Have: 9, Total: 9, Done: true}})
	hear(sim.Message{Kind: sim.Call, Conn: 1, ID: 2, Name: "dm.execute", Body: []byte(`{"resource":"/5/0/2"}`)})
	step(sim.Input{}) // flashed, down
	step(sim.Input{}) // booted
	connect(2)
	// Output:
	// answer dev#1 id=1 status=200 {}
	// report dev#1 {"dm":{"FirmwareUpdateState":2}}
	// report dev#1 {"dm":{"FirmwareUpdateState":3}}
	// answer dev#1 id=2 status=200 {}
	// close dev#1 reboot
	// report dev#2 {"dm":{"FirmwareVersion":"mine"}}
	// report dev#2 {"dm":{"FirmwareUpdateResult":1}}
	// report dev#2 {"dm":{"FirmwareUpdateState":1}}
}
