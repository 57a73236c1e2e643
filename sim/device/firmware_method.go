package device

import (
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// installFirmwareMethod is the direct method `firmwareUpdate`
//
//	{"fwPackageUri":"http://...","fwPackageVersion":"3.0","fwPackageCheckValue":"<sha256>"}
//
// of which only the first member is needed. It plays the hub's part on the
// device's own object table, whatever firmware behaviour is behind it: writes
// the URI, waits for the package, executes the update. The answer is 202, 409
// while an update runs, 400 for what cannot be one. How it goes is the
// reported property `firmware`:
//
//	{"version":"1.0","pendingVersion":"3.0","status":"downloading","error":null}
//
// with the statuses downloading, downloaded, applying, rebooting, and at the
// end current or error. [Azure IoT Hub: "Get started with device management":
// firmware update]
func installFirmwareMethod(m *Model) {
	m.OnMethod("firmwareUpdate", firmwareUpdate)
	m.OnChange(FirmwareUpdateState, firmwareMoved)
	m.OnConnect(firmwareReturned)
	m.OnReboot(func(d *Device) {
		if d.Recall(methodJob) != "" && d.Int(FirmwareUpdateState) == StateDownloaded {
			reportFirmware(d, "rebooting", "")
		}
	})
}

// What is remembered of an update by method while it runs.
const (
	methodJob     = "firmwareUpdate"         // the version it began at
	methodVersion = "firmwareUpdate version" // the version wanted, if one was named
)

func firmwareUpdate(d *Device, payload doc.Value) (int32, doc.Value) {
	uri, err := packageURI(payload)
	if err != nil {
		return refuse("", err)
	}
	if !d.Model().Writes(FirmwarePackageURI) || !d.Model().Executes(UpdateFirmware) {
		return refuse("", Errorf(NotImplemented, "the device has no firmware update"))
	}
	if d.Recall(methodJob) != "" || d.Int(FirmwareUpdateState) != StateIdle || d.Activity() != "" {
		return refuse("", Errorf(Conflict, "an update is under way, state %d", d.Int(FirmwareUpdateState)))
	}
	d.Remember(methodJob, "from "+d.Text(FirmwareVersion))
	d.Remember(methodVersion, payload.Get("fwPackageVersion").Text())
	if err := d.Write(FirmwarePackageURI, Text(uri)); err != nil {
		forgetFirmware(d)
		return refuse("", err)
	}
	return Accepted, doc.Value{}
}

// packageURI reads the method's payload; a check value becomes the URI's hash.
func packageURI(payload doc.Value) (string, error) {
	uri := payload.Get("fwPackageUri").Text()
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", Errorf(BadRequest, "fwPackageUri: %.80q is not an http or https URI", uri)
	}
	check := payload.Get("fwPackageCheckValue").Text()
	if check != "" {
		sum := strings.TrimPrefix(strings.ToLower(check), "sha256:")
		if b, err := hex.DecodeString(sum); err != nil || len(b) != 32 {
			return "", Errorf(BadRequest, "fwPackageCheckValue: %.80q is not a SHA-256 in hexadecimal digits", check)
		}
		uri, _, _ = strings.Cut(uri, "#")
		uri += "#sha256=" + sum
	}
	if most := FirmwarePackageURI.Info().Max; len(uri) > most {
		return "", Errorf(BadRequest, "fwPackageUri: %d bytes with its hash; at most %d", len(uri), most)
	}
	return uri, nil
}

// firmwareMoved follows the update from state to state.
func firmwareMoved(d *Device) {
	if d.Recall(methodJob) == "" {
		return
	}
	switch d.Int(FirmwareUpdateState) {
	case StateDownloading:
		reportFirmware(d, "downloading", "")
	case StateDownloaded:
		if wanted, got := d.Recall(methodVersion), pending(d); wanted != "" && got != "" && got != wanted {
			endFirmware(d, "the package is version "+got+", not "+wanted)
			d.Write(FirmwarePackageURI, Text("")) // an empty URI is never refused
			return
		}
		reportFirmware(d, "downloaded", "")
		applyFirmware(d)
	case StateIdle:
		version, before := d.Text(FirmwareVersion), strings.TrimPrefix(d.Recall(methodJob), "from ")
		switch result := d.Int(FirmwareUpdateResult); {
		case result == ResultSuccess, result == ResultNone && version != before:
			endFirmware(d, "")
		case result == ResultNone:
			endFirmware(d, "given up")
		default:
			endFirmware(d, ResultName(result))
		}
	}
}

// firmwareReturned goes on with an update whose flash a reboot has cut off.
func firmwareReturned(d *Device) {
	if d.Recall(methodJob) != "" && d.Int(FirmwareUpdateState) == StateDownloaded && d.Activity() == "" {
		applyFirmware(d)
	}
}

func applyFirmware(d *Device) {
	if err := d.Execute(UpdateFirmware, ""); err != nil {
		endFirmware(d, err.Error())
		return
	}
	reportFirmware(d, "applying", "")
}

func endFirmware(d *Device, problem string) {
	forgetFirmware(d)
	if problem == "" {
		reportFirmware(d, "current", "")
		return
	}
	reportFirmware(d, "error", problem)
}

func forgetFirmware(d *Device) {
	d.Remember(methodJob, "")
	d.Remember(methodVersion, "")
}

// pending is the version of the package the device holds, "" if its behaviour
// does not say.
func pending(d *Device) string {
	if v := d.Text(FirmwarePackageVersion); v != FirmwarePackageVersion.Info().Initial {
		return v
	}
	return ""
}

func reportFirmware(d *Device, status, problem string) {
	text := func(s string) doc.Value {
		if s == "" {
			return doc.Null()
		}
		return doc.String(s)
	}
	next := ""
	switch status {
	case "downloading":
		next = d.Recall(methodVersion)
	case "downloaded", "applying", "rebooting":
		next = pending(d)
	}
	d.Report("firmware", doc.Object(
		doc.Member{Name: "version", Value: doc.String(d.Text(FirmwareVersion))},
		doc.Member{Name: "pendingVersion", Value: text(next)},
		doc.Member{Name: "status", Value: doc.String(status)},
		doc.Member{Name: "error", Value: text(problem)},
	))
}
