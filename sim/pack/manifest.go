package pack

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// HeadSize is how many of a package's first bytes are kept with a download:
// the manifest ends within them.
const HeadSize = 512

// MaxManifest is how long the manifest's line may be, its line end included.
const MaxManifest = HeadSize

// Manifest is what a package says of itself.
type Manifest struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Model   string `json:"model"`
	Size    int64  `json:"size"`   // of the payload in bytes
	SHA256  string `json:"sha256"` // of the payload: 64 lower-case hexadecimal digits
}

// ErrIncomplete says that more bytes are needed to read the manifest.
var ErrIncomplete = errors.New("package manifest: its line has not ended yet")

// ParseManifest reads the manifest from a package's first bytes, of which it
// looks at no more than MaxManifest, and returns the length of its line, line
// end included. If the line does not end in head and may still end, the error
// is ErrIncomplete; any other error is final. All members must be there, in
// this spelling; further ones are ignored.
func ParseManifest(head []byte) (m Manifest, line int, err error) {
	head = head[:min(len(head), MaxManifest)]
	line = bytes.IndexByte(head, '\n') + 1
	if line == 0 {
		if len(head) < MaxManifest {
			return m, 0, ErrIncomplete
		}
		return m, 0, fmt.Errorf("package manifest: no line end in the first %d bytes", MaxManifest)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(head[:line], &members); err != nil {
		return m, 0, fmt.Errorf("package manifest: %w", err)
	}
	for _, f := range []struct {
		name string
		to   any
	}{{"name", &m.Name}, {"version", &m.Version}, {"model", &m.Model}, {"size", &m.Size}, {"sha256", &m.SHA256}} {
		raw, ok := members[f.name]
		if !ok || string(raw) == "null" {
			return Manifest{}, 0, fmt.Errorf("package manifest: %s is missing", f.name)
		}
		if err := json.Unmarshal(raw, f.to); err != nil {
			return Manifest{}, 0, fmt.Errorf("package manifest: %s: %w", f.name, err)
		}
	}
	sum, err := hex.DecodeString(m.SHA256)
	switch {
	case m.Name == "":
		err = errors.New("package manifest: name is empty")
	case m.Version == "":
		err = errors.New("package manifest: version is empty")
	case m.Size < 0:
		err = fmt.Errorf("package manifest: size is %d, below 0", m.Size)
	case err != nil || len(sum) != 32:
		err = fmt.Errorf("package manifest: sha256 is %.80q, want 64 hexadecimal digits", m.SHA256)
	}
	if err != nil {
		return Manifest{}, 0, err
	}
	m.SHA256 = strings.ToLower(m.SHA256)
	return m, line, nil
}
