package zone_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/sim/zone"
)

var pin = flag.Bool("pin", false, "replace the folder data by the zone files of the Go distribution in use")

const pinned = "testdata/pinned.txt"

// TestPinned: the folder data is, byte for byte, the one that was pinned, and
// Version is its version.
func TestPinned(t *testing.T) {
	if *pin {
		version := unpack(t)
		count, sum := digest(t)
		if err := os.WriteFile(pinned, fmt.Appendf(nil, "%s %d %s\n", version, count, sum), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("pinned %s: set zone.Version to it", version)
	}
	text, err := os.ReadFile(pinned)
	if err != nil {
		t.Fatal(err)
	}
	count, sum := digest(t)
	if got := fmt.Sprintf("%s %d %s\n", zone.Version, count, sum); got != string(text) {
		t.Errorf("version, files and their digest are\n\t%s; want, from %s,\n\t%s; restore the folder data, or set zone.Version if it was pinned anew", got, pinned, text)
	}
	if n := len(zone.Names()); n != count {
		t.Errorf("%d of the %d files are embedded", n, count)
	}
}

// digest returns how many files the folder data has and a hash of their names
// and contents.
func digest(t *testing.T) (count int, sum string) {
	h := sha256.New()
	err := fs.WalkDir(os.DirFS("data"), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join("data", path))
		count++
		fmt.Fprintf(h, "%s %d\n%s", path, len(b), b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return count, fmt.Sprintf("%x", h.Sum(nil))
}

// unpack replaces the folder data and returns the version of what is in it.
func unpack(t *testing.T) string {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	from := filepath.Join(strings.TrimSpace(string(root)), "lib", "time")
	script, err := os.ReadFile(filepath.Join(from, "update.bash"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^DATA=(\S+)$`).FindSubmatch(script)
	if version == nil {
		t.Fatalf("%s/update.bash does not say which DATA it is made from", from)
	}
	archive, err := zip.OpenReader(filepath.Join(from, "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if err := os.RemoveAll("data"); err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.File {
		if strings.HasSuffix(f.Name, "/") || f.Name == "Factory" { // Factory stands for a zone not yet set
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(b, []byte("TZif")) {
			t.Fatalf("%s is not a compiled zone file", f.Name)
		}
		name := filepath.Join("data", filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return string(version[1])
}
