package main_test

import (
	"os"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/reports"
	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// TestReadme: what README shows and lists is there.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(text)

	shown := 0
	for _, block := range strings.Split(readme, "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		shown++
		if _, err := scenarios.Load(scenarios.Source{Name: "README.md", Text: []byte(block)}, nil); err != nil {
			t.Errorf("a scenario in README.md: %v", err)
		}
	}
	if shown == 0 {
		t.Error("README.md shows no scenario")
	}

	_, jobs, _ := strings.Cut(readme, "The kinds of job are")
	jobs, _, _ = strings.Cut(jobs, ". Durations")
	for _, k := range job.Kinds {
		if !strings.Contains(jobs, "`"+k.Name+"`") {
			t.Errorf("README.md does not list the job kind %s", k.Name)
		}
	}
	if got := strings.Count(jobs, "`") / 2; got != len(job.Kinds) {
		t.Errorf("README.md lists %d job kinds; want %d", got, len(job.Kinds))
	}
	for _, f := range reports.Formats {
		if !strings.Contains(readme, "`"+f.File+"`") {
			t.Errorf("README.md does not name the output file %s", f.File)
		}
	}
}
