package hubd

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestOpenAuthority: an authority that is kept stays the same, its hub's
// certificate is made anew for whatever names are wanted, and what is damaged
// is said with the file and what to do; nothing is overwritten then.
func TestOpenAuthority(t *testing.T) {
	dir := t.TempDir()
	first, err := OpenAuthority(dir, "hub.example.test", "192.0.2.7")
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenAuthority(dir, "other.example.test")
	if err != nil {
		t.Fatal(err)
	}
	if string(first.PEM()) != string(again.PEM()) {
		t.Error("the authority is another one after a restart")
	}
	if first.leaf.Leaf.SerialNumber.Cmp(again.leaf.Leaf.SerialNumber) == 0 {
		t.Error("two certificates of one serial number")
	}
	for _, x := range []struct {
		a    *Authority
		name string
		ok   bool
	}{
		{first, "hub.example.test", true}, {first, "192.0.2.7", true}, {first, "localhost", true}, {first, "127.0.0.1", true}, {first, "::1", true},
		{first, "other.example.test", false}, {again, "other.example.test", true}, {again, "hub.example.test", false},
	} {
		_, err := x.a.leaf.Leaf.Verify(x509.VerifyOptions{Roots: first.Pool(), DNSName: x.name})
		if (err == nil) != x.ok {
			t.Errorf("certificate for %s: %v; want ok %t", x.name, err, x.ok)
		}
	}
	for _, name := range []string{AuthorityFile, authorityKeyFile} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if m := info.Mode().Perm(); m != 0o600 && runtime.GOOS != "windows" {
			t.Errorf("%s has mode %o; want 600", name, m)
		}
	}
	other := t.TempDir()
	if _, err := OpenAuthority(other); err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(filepath.Join(other, authorityKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ file, content, want string }{
		{authorityKeyFile, "", "does not hold one PEM block of type PRIVATE KEY"},
		{authorityKeyFile, string(foreign), "is not the key of"},
		{authorityKeyFile, "-", "its key"}, // "-": the file is gone
		{AuthorityFile, "-", "is not; put it back"},
		{AuthorityFile, "nonsense", "does not hold one PEM block of type CERTIFICATE"},
		{AuthorityFile, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "is no authority's certificate"},
	} {
		path := filepath.Join(dir, x.file)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if x.content == "-" {
			err = os.Remove(path)
		} else {
			err = os.WriteFile(path, []byte(x.content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = OpenAuthority(dir)
		if err == nil || !strings.Contains(err.Error(), x.want) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "delete ") {
			t.Errorf("%s is %q: %v; want %q", x.file, x.content, err, x.want)
		}
		if err := WriteSecret(path, whole); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := OpenAuthority(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("an authority in a folder that is not there")
	}
	if a, err := OpenAuthority(dir); err != nil || string(a.PEM()) != string(first.PEM()) {
		t.Errorf("put back: %v", err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
