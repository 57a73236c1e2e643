package device

import (
	"strconv"

	"github.com/flotilla-sim/flotilla/sim"
)

// installFirmwareStandard is the firmware update of a device that really does
// it, the default.
//
//	idle (1) -- URI --> downloading (2) --> downloaded (3) -- UpdateFirmware -->
//	flashing (3) --> reboot (3) --> connected: version, result 1, idle (1)
//
// A URI is taken only when idle, an update only when downloaded and not
// flashing; else 400. An empty URI brings it back to idle from anywhere. What
// goes wrong sets the result, then state 1, and nothing is flashed. The new
// version, the result and the state are set when the device is connected
// again, in this order. A reboot in the middle loses a download (result 4) and
// an unfinished flash; a downloaded package is still there.
func installFirmwareStandard(m *Model) {
	m.OnWrite(FirmwarePackageURI, standardURI)
	m.OnExecute(UpdateFirmware, standardUpdate)
	m.OnConnect(standardConnected)
}

// flashed is remembered from the flash to the next session: the instant at
// which the update was accepted.
const flashed = "flashed"

func standardURI(d *Device, v Value) error {
	uri := v.Text()
	if uri == "" {
		d.CancelDownload()
		if d.Activity() == flashing {
			d.Abandon()
		}
		d.Remember(flashed, "")
		d.SetFirmwareUpdateState(StateIdle)
		d.SetFirmwareUpdateResult(ResultNone)
		return nil
	}
	if state := d.Int(FirmwareUpdateState); state != StateIdle || d.Activity() != "" {
		return Errorf(BadRequest, "update state %d, %s; write an empty URI first", state, doing(d))
	}
	d.SetFirmwareUpdateState(StateDownloading)
	d.SetFirmwareUpdateResult(ResultNone)
	if _, _, ok := fragment(uri); !ok {
		standardFailed(d, ResultBadURI)
		return nil
	}
	l := &standardDownload{uri: uri, since: d.Now()}
	d.Download(uri, l.fetched)
	return nil
}

// standardDownload is a download in progress.
type standardDownload struct {
	Inspection
	uri   string
	since sim.Time
}

func (l *standardDownload) fetched(d *Device, f sim.Fetched) {
	switch {
	case f.Fail == sim.FetchBadURI, f.Fail == sim.FetchStatus && f.Status < 500:
		standardFailed(d, ResultBadURI)
		return
	case f.Fail != sim.FetchOK:
		standardFailed(d, ResultConnectionLost)
		return
	}
	switch result := l.Look(d, l.uri, f); {
	case result != ResultNone:
		d.CancelDownload()
		standardFailed(d, result)
	case f.Done:
		d.Measure(sim.MetricDownload, l.since)
		d.SetFirmwarePackageName(l.Manifest.Name)
		d.SetFirmwarePackageVersion(l.Manifest.Version)
		d.SetFirmwareUpdateState(StateDownloaded)
	}
}

func standardFailed(d *Device, result int) {
	d.SetFirmwareUpdateResult(result)
	d.SetFirmwareUpdateState(StateIdle)
}

func standardUpdate(d *Device, _ string) error {
	if state := d.Int(FirmwareUpdateState); state != StateDownloaded || d.Activity() != "" {
		return Errorf(BadRequest, "update state %d, %s; nothing to flash now", state, doing(d))
	}
	since := d.Now()
	d.Begin(flashing, d.Draw(d.Profile().Flash), func(d *Device) {
		d.Remember(flashed, strconv.FormatInt(int64(since), 10))
		d.Reboot()
	})
	return nil
}

func standardConnected(d *Device) {
	if since := d.Recall(flashed); since != "" {
		d.Remember(flashed, "")
		d.SetFirmwareVersion(d.Text(FirmwarePackageVersion))
		d.SetFirmwareUpdateResult(ResultSuccess)
		d.SetFirmwareUpdateState(StateIdle)
		measureApply(d, since)
		return
	}
	if d.Int(FirmwareUpdateState) == StateDownloading && !d.Downloading() {
		standardFailed(d, ResultConnectionLost)
	}
}

// measureApply ends an update that was accepted at the instant in text.
func measureApply(d *Device, since string) {
	if n, err := strconv.ParseInt(since, 10, 64); err == nil {
		d.Measure(sim.MetricApply, sim.Time(n))
	}
}

// doing says in words what a device is busy with.
func doing(d *Device) string {
	if a := d.Activity(); a != "" {
		return a
	}
	return "nothing under way"
}
