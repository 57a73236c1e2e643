package scenarios_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/scenarios"
)

var update = flag.Bool("update", false, "rewrite the golden files; look at the difference before you keep it")

// TestComplaints runs the transcripts in testdata/complaints: what is written
// behind `===` and a name is a scenario, what is behind `---` is what Load
// says of it. Lines `set: path=value` and then `fault: FAULT` before the
// scenario are settings and faults laid over it.
//
// A scenario without the key groups gets six devices, so that a case can be
// one line.
func TestComplaints(t *testing.T) {
	files, err := filepath.Glob("testdata/complaints/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for _, c := range strings.Split(string(b), "=== ")[1:] {
			name, rest, _ := strings.Cut(c, "\n")
			body, want, _ := strings.Cut(rest, "---\n")
			got := said(body)
			if !*update && strings.TrimSpace(want) != strings.TrimSpace(got) {
				t.Errorf("%s: %s\n%s\nsays:\n%s\nwant:\n%s", file, name, body, got, want)
			}
			out.WriteString("=== " + name + "\n" + body + "---\n" + got + "\n")
		}
		if *update {
			if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

const six = "groups: {six: {devices: [D1, D2, D3, D4, D5, D6]}}\n"

func said(body string) string {
	var sets, faults []string
	for strings.HasPrefix(body, "set: ") {
		line, rest, _ := strings.Cut(body, "\n")
		sets = append(sets, strings.TrimPrefix(line, "set: "))
		body = rest
	}
	for strings.HasPrefix(body, "fault: ") {
		line, rest, _ := strings.Cut(body, "\n")
		faults = append(faults, strings.TrimPrefix(line, "fault: "))
		body = rest
	}
	if !strings.Contains(body, "groups") && !strings.HasPrefix(body, "!") {
		body += six
	}
	body = strings.TrimPrefix(body, "!\n")
	plan, err := scenarios.Load(scenarios.Source{Name: "x.yaml", Text: []byte(body)}, sets, faults...)
	if err == nil {
		return "fine, " + plan.Name + "\n"
	}
	if e, ok := errors.AsType[*scenarios.Error](err); !ok || len(e.Complaints) == 0 {
		return "NOT A *scenarios.Error: " + err.Error() + "\n"
	}
	return err.Error() + "\n"
}
