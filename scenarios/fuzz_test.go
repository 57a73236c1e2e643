package scenarios_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/flotilla-sim/flotilla/scenarios"
)

// FuzzScenario feeds bytes of strangers and a setting: Load never panics, says
// where everything is that is wrong, and what it takes can be asked for its
// devices, jobs and expectations.
func FuzzScenario(f *testing.F) {
	for _, pattern := range []string{"library/*.yaml", "testdata/complaints/*.txt"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("no %s: %v", pattern, err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			if strings.HasSuffix(file, ".yaml") {
				f.Add(b, "groups.six.flash=3s")
				continue
			}
			for _, c := range strings.Split(string(b), "=== ")[1:] {
				_, rest, _ := strings.Cut(c, "\n")
				body, _, _ := strings.Cut(rest, "---\n")
				f.Add([]byte(strings.TrimPrefix(body, "!\n")+six), "seed=1")
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, set string) {
		if len(b) > 20_000 {
			return
		}
		p, err := scenarios.Load(scenarios.Source{Name: "f.yaml", Text: b}, []string{set})
		if err == nil {
			p.Due(0, make([]scenarios.JobState, len(p.Jobs)))
			for _, g := range p.Groups {
				if m := g.Member(g.Count - 1); m.ID == "" || m.Profile == nil {
					t.Errorf("a member of %s is %+v", g.Name, m)
				}
			}
			for i := range p.Jobs {
				if s := p.Spec(&p.Jobs[i], "http://x"); len(s.Targets) != p.Jobs[i].Devices || s.Kind == "" {
					t.Errorf("job %s is for %d devices, not %d", s.ID, len(s.Targets), p.Jobs[i].Devices)
				}
			}
			for i := range p.Expect {
				if p.Expect[i].Eval(func(string) (scenarios.Value, bool) { return scenarios.Value{}, false }).Passed {
					t.Errorf("%s passes without data", p.Expect[i].Text)
				}
			}
			return
		}
		e, ok := errors.AsType[*scenarios.Error](err)
		if !ok || len(e.Complaints) == 0 {
			t.Fatalf("not an *Error with complaints: %v", err)
		}
		lines := strings.Count(string(b), "\n") + 1
		for _, c := range e.Complaints {
			if c.File != "f.yaml" && c.File != "--set" || c.Line < 1 || c.File == "f.yaml" && c.Line > lines || c.Column < 1 || c.Message == "" {
				t.Errorf("no place: %+v", c)
			}
			if !utf8.ValidString(c.String()) && utf8.Valid(b) && utf8.ValidString(set) {
				t.Errorf("not UTF-8: %q", c.String())
			}
			caret := strings.Index(c.Excerpt, "^")
			if c.Excerpt != "" && caret < 0 {
				t.Errorf("no caret: %q", c.Excerpt)
			}
		}
	})
}
