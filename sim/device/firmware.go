package device

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

// The values of FirmwareUpdateState. [LwM2M 1.0 candidate, object 5, as the
// preview's client numbers them]
const (
	StateIdle        = 1
	StateDownloading = 2
	StateDownloaded  = 3
)

// The values of FirmwareUpdateResult.
const (
	ResultNone           = 0
	ResultSuccess        = 1
	ResultNoStorage      = 2 // the package is larger than the free storage
	ResultNoMemory       = 3 // larger than the free memory
	ResultConnectionLost = 4 // while downloading
	ResultWrongHash      = 5
	ResultUnsupported    = 6 // not a package, or one for another model
	ResultBadURI         = 7
)

var resultNames = [...]string{"none", "success", "not enough storage", "out of memory", "connection lost",
	"wrong hash", "unsupported package", "bad URI"}

// ResultName says in words what a FirmwareUpdateResult means.
func ResultName(n int64) string {
	if n >= 0 && n < int64(len(resultNames)) {
		return resultNames[n]
	}
	return "unknown"
}

// flashing is the activity of writing an image.
const flashing = "flashing"

// Inspection judges a package while it comes in. The zero value is the start
// of a download.
type Inspection struct {
	Manifest pack.Manifest // once its line is there
	line     int           // its length; 0: not there yet
}

// Look takes how the download goes and returns ResultNone while nothing speaks
// against the package, else why the device does not take it. The package is
// whole and right when f is Done and the result ResultNone. Storage is checked
// before memory, memory before what the package is; a package that names no
// model fits all. The URI may carry the payload's hash as `#sha256=<64
// hexadecimal digits>`.
func (i *Inspection) Look(d *Device, uri string, f sim.Fetched) (result int) {
	var err error
	if i.line == 0 {
		var m pack.Manifest
		var line int
		if m, line, err = pack.ParseManifest(f.Head); err == nil {
			i.Manifest, i.line = m, line
		}
	}
	total, whole := f.Total, uint64(i.line)+uint64(i.Manifest.Size)
	if total == 0 {
		total = whole
	}
	storage, memory, wrong := d.Profile().StorageFree, d.Int(MemoryFree), d.Condition().Updating
	if wrong.NoStorage {
		storage = 0
	}
	if wrong.NoMemory {
		memory = 0
	}
	switch {
	case total > uint64(storage):
		return ResultNoStorage
	case memory >= 0 && total > uint64(memory)<<10:
		return ResultNoMemory
	case errors.Is(err, pack.ErrIncomplete) && !f.Done:
		return ResultNone
	case err != nil, wrong.OtherModel, i.Manifest.Model != "" && i.Manifest.Model != d.Text(ModelNumber):
		return ResultUnsupported
	case !f.Done:
		return ResultNone
	}
	sum := hex.EncodeToString(f.Sum[:])
	wanted, named, _ := fragment(uri)
	if f.Have != whole || sum != i.Manifest.SHA256 || named && sum != wanted || !agrees(f.Digest, f.Sum) {
		return ResultWrongHash
	}
	return ResultNone
}

// fragment reads a URI's `#sha256=`; ok is false for one that is no hash.
func fragment(uri string) (sum string, named, ok bool) {
	_, text, found := strings.Cut(uri, "#")
	sum, named = strings.CutPrefix(text, "sha256=")
	if !found || !named {
		return "", false, true
	}
	b, err := hex.DecodeString(sum)
	return strings.ToLower(sum), true, err == nil && len(b) == 32
}

// agrees says whether an answer's digest header, if it has a SHA-256, names
// the payload's sum. The header of a real server is of all its bytes, manifest
// included: whoever downloads holds them against it and passes it on only if
// it does not agree. [RFC 9530, section 3]
func agrees(header string, sum [32]byte) bool {
	for field := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		if name != "sha-256" {
			continue
		}
		value, _, _ = strings.Cut(value, ";")
		inner, ok := strings.CutPrefix(strings.TrimSpace(value), ":")
		inner, closed := strings.CutSuffix(inner, ":")
		b, err := base64.StdEncoding.DecodeString(inner)
		return ok && closed && err == nil && bytes.Equal(b, sum[:])
	}
	return true
}
