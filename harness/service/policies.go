package service

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/flotilla-sim/flotilla/harness/hubd"
	"github.com/flotilla-sim/flotilla/harness/iothub"
)

// ownerPolicy is the policy that may do everything.
const ownerPolicy = "iothubowner"

// policiesFile is where a folder keeps the keys of the policies.
const policiesFile = "policies.json"

// keptPolicies is what stands in it.
type keptPolicies struct {
	Version  int          `json:"version"` // 1
	Policies []keptPolicy `json:"policies"`
}

// keptPolicy is a policy's keys; what it allows goes with its name.
type keptPolicy struct {
	Name         string `json:"name"`
	PrimaryKey   []byte `json:"primaryKey"` // base64
	SecondaryKey []byte `json:"secondaryKey"`
}

// randomKey makes a key as the service does: 32 bytes. [spec of the preview:
// "Transport, headers, auth"]
func randomKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}

// openPolicies returns the default policies with the keys kept in dir; keys
// that are not there are made and kept.
func openPolicies(dir string) ([]iothub.Policy, error) {
	path := filepath.Join(dir, policiesFile)
	kept, err := readPolicies(path)
	if err != nil {
		return nil, fmt.Errorf("policies: %w; delete %s to have new keys made", err, path)
	}
	policies := iothub.DefaultPolicies(randomKey)
	all := keptPolicies{Version: 1}
	added := false
	for i := range policies {
		p := &policies[i]
		if k, ok := kept[p.Name]; ok {
			p.Primary, p.Secondary = k.PrimaryKey, k.SecondaryKey
		} else {
			added = true
		}
		all.Policies = append(all.Policies, keptPolicy{p.Name, p.Primary, p.Secondary})
	}
	if !added {
		return policies, nil
	}
	b, err := json.MarshalIndent(all, "", "  ")
	if err == nil {
		err = hubd.WriteSecret(path, append(b, '\n'))
	}
	if err != nil {
		return nil, fmt.Errorf("policies: %w", err)
	}
	return policies, nil
}

// readPolicies reads the keys kept, none if the file is not there.
func readPolicies(path string) (map[string]keptPolicy, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all keptPolicies
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("%s is not what was written there: %w", path, err)
	}
	if all.Version != 1 {
		return nil, fmt.Errorf("%s has version %d; this program reads version 1", path, all.Version)
	}
	byName := map[string]keptPolicy{}
	for _, p := range all.Policies {
		for _, k := range [][]byte{p.PrimaryKey, p.SecondaryKey} {
			if len(k) < 16 || len(k) > 64 {
				return nil, fmt.Errorf("%s: policy %q: a key has %d bytes; it must have 16 to 64", path, p.Name, len(k))
			}
		}
		byName[p.Name] = p
	}
	return byName, nil
}
