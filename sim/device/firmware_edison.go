package device

import (
	"strconv"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

// The clockwork of the board. [Azure IoT Hub device management preview, sample
// for Intel Edison]
const (
	edisonTick   = time.Second
	edisonAnswer = 1500 * time.Millisecond // waited so that the answer gets out
)

// What the board's files tell its software when it starts.
const (
	edisonImage     = "image version"     // downloaded
	edisonInstalled = "installed version" // flashed; its software has not started yet
	edisonSince     = "update accepted"
)

// installFirmwareEdison is the preview's sample for a real board. It downloads
// and flashes by processes of which it sees the end at its 1 s tick, checks
// nothing, and comes back from the flash with state 1, result 0 and the
// package's version.
//
//	URI, idle                state 2, result 0; not idle: 400
//	download ended           file there: state 3; else result 7, state 1
//	UpdateFirmware, state 3  1.5 s and the flash later result 1, then the reboot
//	start                    the version of its files, result 0, state 1
//	empty URI                state 1, result 0, from anywhere
func installFirmwareEdison(m *Model) {
	m.OnStart(edisonStart)
	m.OnWrite(FirmwarePackageURI, edisonURI)
	m.OnExecute(UpdateFirmware, edisonUpdate)
	m.OnConnect(func(d *Device) {
		if since := d.Recall(edisonSince); since != "" && d.Activity() == "" {
			d.Remember(edisonSince, "")
			measureApply(d, since)
		}
	})
}

func edisonStart(d *Device) {
	if version := d.Recall(edisonInstalled); version != "" {
		d.Remember(edisonInstalled, "")
		d.SetFirmwareVersion(version)
	}
	d.SetFirmwareUpdateResult(ResultNone)
	d.SetFirmwareUpdateState(StateIdle)
}

func edisonURI(d *Device, v Value) error {
	if v.Text() == "" {
		d.CancelDownload()
		if d.Activity() != resetting {
			d.Abandon()
		}
		d.SetFirmwareUpdateState(StateIdle)
		d.SetFirmwareUpdateResult(ResultNone)
		return nil
	}
	if state := d.Int(FirmwareUpdateState); state != StateIdle || d.Activity() != "" || d.Downloading() {
		return Errorf(BadRequest, "update state %d, %s; write an empty URI first", state, doing(d))
	}
	since := d.Now()
	d.Download(v.Text(), func(d *Device, f sim.Fetched) {
		if !f.Done {
			return
		}
		there := f.Fail == sim.FetchOK
		m, _, err := pack.ParseManifest(f.Head)
		if there && err == nil {
			d.Remember(edisonImage, m.Version)
			d.SetFirmwarePackageName(m.Name)
			d.SetFirmwarePackageVersion(m.Version)
		}
		d.Begin("looking for the file", d.UntilTick(edisonTick), func(d *Device) {
			if !there {
				d.SetFirmwareUpdateResult(ResultBadURI)
				d.SetFirmwareUpdateState(StateIdle)
				return
			}
			d.Measure(sim.MetricDownload, since)
			d.SetFirmwareUpdateState(StateDownloaded)
		})
	})
	d.SetFirmwareUpdateState(StateDownloading)
	d.SetFirmwareUpdateResult(ResultNone)
	return nil
}

func edisonUpdate(d *Device, _ string) error {
	if state := d.Int(FirmwareUpdateState); state != StateDownloaded || d.Activity() != "" {
		return Errorf(BadRequest, "update state %d, %s; nothing to flash now", state, doing(d))
	}
	since := d.Now()
	d.Begin(flashing, edisonAnswer+d.Draw(d.Profile().Flash), func(d *Device) {
		d.SetFirmwareUpdateResult(ResultSuccess)
		d.Remember(edisonInstalled, d.Recall(edisonImage))
		d.Remember(edisonSince, strconv.FormatInt(int64(since), 10))
		d.Reboot()
	})
	return nil
}
