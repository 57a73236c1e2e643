package require_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/harness/require"
)

// ended is what a test says as it ends.
type ended string

// spy is a test that ends by panicking with what it said.
type spy struct{ testing.TB }

func (spy) Helper() {}
func (spy) Fatalf(format string, args ...any) {
	panic(ended("failed: " + fmt.Sprintf(format, args...)))
}
func (spy) Skipf(format string, args ...any) {
	panic(ended("skipped: " + fmt.Sprintf(format, args...)))
}

func TestTool(t *testing.T) {
	for _, c := range []struct {
		required, tool, command string
		want                    string // how what it says begins; "": the tool is there
	}{
		{"", "go", "go", ""},
		{"go", "go", "go", ""},
		{"", "anvil", "no-such-anvil", "skipped: needs anvil: no-such-anvil is not installed"},
		{"go,anvil", "anvil", "no-such-anvil", "failed: anvil is required (FLOTILLA_REQUIRE=go,anvil), but no-such-anvil is not installed"},
		{"anvils", "anvil", "no-such-anvil", "skipped: needs anvil"},
	} {
		t.Setenv(require.Variable, c.required)
		path, said := play(c.tool, c.command)
		if (path != "") != (c.want == "") || !strings.HasPrefix(string(said), c.want) {
			t.Errorf("required %q, tool %s: path %q, says %q; want %q", c.required, c.tool, path, said, c.want)
		}
	}
	t.Setenv(require.Variable, "")
	if path, said := play("go", "go-of-yesterday", "go"); path == "" {
		t.Errorf("the second command is not found: %s", said)
	}
}

func play(tool string, commands ...string) (path string, said ended) {
	defer func() {
		if e, ok := recover().(ended); ok {
			said = e
		}
	}()
	return require.Tool(spy{}, tool, commands...), ""
}
