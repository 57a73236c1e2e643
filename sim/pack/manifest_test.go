package pack_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/sim/pack"
)

const digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestParseManifest(t *testing.T) {
	line := func(members string) string { return "{" + members + "}\n" }
	full := `"name":"fw","version":"3.0","model":"M1","size":12,"sha256":"` + digest + `"`
	without := func(name string) string {
		var kept []string
		for m := range strings.SplitSeq(full, ",") {
			if !strings.HasPrefix(m, `"`+name+`"`) {
				kept = append(kept, m)
			}
		}
		return line(strings.Join(kept, ","))
	}
	for _, c := range []struct {
		name, head, err string
	}{
		{"full", line(full), ""},
		{"payload behind it", line(full) + "\x00\x01\n", ""},
		{"another member", line(full + `,"notes":[1]`), ""},
		{"spaces", "  " + line(full), ""},
		{"upper-case hash", line(strings.Replace(full, digest, strings.ToUpper(digest), 1)), ""},
		{"no name", without("name"), "name is missing"},
		{"no version", without("version"), "version is missing"},
		{"no model", without("model"), "model is missing"},
		{"no size", without("size"), "size is missing"},
		{"no hash", without("sha256"), "sha256 is missing"},
		{"other spelling", line(strings.Replace(full, "name", "Name", 1)), "name is missing"},
		{"null", line(strings.Replace(full, `"3.0"`, "null", 1)), "version is missing"},
		{"empty version", line(strings.Replace(full, "3.0", "", 1)), "version is empty"},
		{"empty name", line(strings.Replace(full, "fw", "", 1)), "name is empty"},
		{"number for text", line(strings.Replace(full, `"3.0"`, "3", 1)), "version: "},
		{"size below 0", line(strings.Replace(full, "12", "-12", 1)), "below 0"},
		{"size with a fraction", line(strings.Replace(full, ":12", ":1.5", 1)), "size: "},
		{"size beyond 64 bits", line(strings.Replace(full, ":12", ":9223372036854775808", 1)), "size: "},
		{"short hash", line(strings.Replace(full, digest, digest[2:], 1)), "64 hexadecimal digits"},
		{"no hash at all", line(strings.Replace(full, digest, "", 1)), "64 hexadecimal digits"},
		{"not hexadecimal", line(strings.Replace(full, digest, "g"+digest[1:], 1)), "64 hexadecimal digits"},
		{"no JSON", "<html>\n", "package manifest: "},
		{"array", "[]\n", "package manifest: "},
		{"empty line", "\n", "package manifest: "},
		{"line end beyond the bound", line(full + `,"x":"` + strings.Repeat("x", 400) + `"`), "no line end in the first 512 bytes"},
	} {
		m, n, err := pack.ParseManifest([]byte(c.head))
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) || n != 0 || m != (pack.Manifest{}) || errors.Is(err, pack.ErrIncomplete) {
				t.Errorf("%s: %+v, %d, %v; want error %q", c.name, m, n, err, c.err)
			}
			continue
		}
		want := pack.Manifest{Name: "fw", Version: "3.0", Model: "M1", Size: 12, SHA256: digest}
		if m != want || n != strings.IndexByte(c.head, '\n')+1 || err != nil {
			t.Errorf("%s: %+v, %d, %v; want %+v", c.name, m, n, err, want)
		}
	}
	for n := range len(full) {
		if _, line, err := pack.ParseManifest([]byte("{" + full)[:n]); !errors.Is(err, pack.ErrIncomplete) || line != 0 {
			t.Fatalf("the first %d bytes: %d, %v; want ErrIncomplete", n, line, err)
		}
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"name":"fw","version":"3.0","model":"M1","size":12,"sha256":"` + digest + `"}` + "\nrest"))
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, head []byte) {
		m, line, err := pack.ParseManifest(head)
		if err != nil {
			if line != 0 || m != (pack.Manifest{}) {
				t.Fatalf("%q: %+v, %d with error %v", head, m, line, err)
			}
			return
		}
		if line < 1 || line > min(len(head), pack.MaxManifest) || head[line-1] != '\n' || m.Size < 0 || m.Version == "" || len(m.SHA256) != 64 {
			t.Fatalf("%q: %+v, %d", head, m, line)
		}
		text, _ := json.Marshal(m)
		if again, _, err := pack.ParseManifest(append(text, '\n')); err != nil && len(text) < pack.MaxManifest || err == nil && again != m {
			t.Fatalf("%q: %+v read again is %+v, %v", head, m, again, err)
		}
	})
}
