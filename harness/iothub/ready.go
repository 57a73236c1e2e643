package iothub

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Ready is what a served hub says when it can be used: `flotilla serve --json`
// prints it on one line and --ready-file writes it. It holds the hub's keys;
// whoever reads it can do all that they allow.
type Ready struct {
	ConnectionString string            `json:"connectionString"`   // of the policy that may do everything
	Policies         map[string]string `json:"policies,omitempty"` // connection strings by policy
	HTTPS            string            `json:"https"`              // addresses, host:port; "" where nothing listens
	HTTP             string            `json:"http"`
	MQTTS            string            `json:"mqtts"`
	MQTT             string            `json:"mqtt"`
	Hosts            []string          `json:"hosts"`              // the names the hub answers to
	CAFile           string            `json:"caFile"`             // PEM, of the authority that signed its certificate
	Data             string            `json:"data"`               // its folder
	Devices          map[string]string `json:"devices,omitempty"`  // connection strings by device, of those it plays itself
	Packages         map[string]string `json:"packages,omitempty"` // URIs by package, of those it serves
}

// maxReady bounds a ready file: 10,000 devices have 2 MB.
const maxReady = 64 << 20

// WriteReady writes the file whole or not at all, for its owner alone: who
// waits for it to appear never reads half of it.
func WriteReady(file string, r Ready) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("ready file %s: %w", file, err)
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".ready-*") // mode 0600
	if err != nil {
		return fmt.Errorf("ready file %s: %w", file, err)
	}
	_, err = f.Write(append(b, '\n'))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("ready file %s: %w", file, err)
	}
	return nil
}

// ReadReady reads what WriteReady wrote. Members it does not know are
// ignored: a newer hub may say more.
func ReadReady(file string) (Ready, error) {
	var r Ready
	f, err := os.Open(file)
	if err != nil {
		return r, fmt.Errorf("ready file: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxReady+1))
	switch {
	case err != nil:
		return r, fmt.Errorf("ready file %s: %w", file, err)
	case len(b) > maxReady:
		return r, fmt.Errorf("ready file %s: more than %d bytes; is it the file of `flotilla serve --ready-file`?", file, maxReady)
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("ready file %s is not what `flotilla serve --ready-file` writes: %w", file, err)
	}
	if r.ConnectionString == "" {
		return r, fmt.Errorf("ready file %s has no connectionString; is it the file of `flotilla serve --ready-file`?", file)
	}
	return r, nil
}
