// Package require lets tests use programs that a machine may lack: a browser,
// a container engine, another language. Without the program a test is skipped
// and says why, so that `go test ./...` needs Go alone; where the environment
// variable FLOTILLA_REQUIRE names the tool, as in CI, it fails instead, so
// that no test is skipped unseen.
//
//	FLOTILLA_REQUIRE=node,browser go test ./...
//
// Only tests import it.
package require

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Variable is the environment variable that lists the tools whose lack fails
// a test, with commas between them.
const Variable = "FLOTILLA_REQUIRE"

// Tool returns the path of the first of the commands that is installed. If
// none is, the test ends as in Missing.
func Tool(t testing.TB, tool string, commands ...string) string {
	t.Helper()
	for _, c := range commands {
		if path, err := exec.LookPath(c); err == nil {
			return path
		}
	}
	Missing(t, tool, strings.Join(commands, " or ")+" is not installed")
	return ""
}

// Missing ends a test that cannot use a tool for the reason why: it fails
// when the tool is required and is skipped when it is not.
func Missing(t testing.TB, tool, why string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv(Variable), ","), tool) {
		t.Fatalf("%s is required (%s=%s), but %s", tool, Variable, os.Getenv(Variable), why)
	}
	t.Skipf("needs %s: %s (%s=%s makes this a failure)", tool, why, Variable, tool)
}
