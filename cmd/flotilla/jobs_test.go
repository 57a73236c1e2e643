package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/harness/flotillatest"
)

// trigger is a writer that calls f once when what was written contains text.
type trigger struct {
	bytes.Buffer
	text string
	f    func()
}

func (t *trigger) Write(b []byte) (int, error) {
	n, err := t.Buffer.Write(b)
	if t.f != nil && strings.Contains(t.String(), t.text) {
		t.f()
		t.f = nil
	}
	return n, err
}

// TestWaitInterrupted: Ctrl-C ends the waiting with 130 and leaves the job as
// it is.
func TestWaitInterrupted(t *testing.T) {
	t.Parallel()
	hub := flotillatest.Start(t)
	flotilla(t, "devices", "create", "absent", "--hub", hub.File).ends(t, exitPassed)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out bytes.Buffer
	progress := &trigger{text: "J is running", f: cancel}
	code := run(ctx, []string{"jobs", "schedule-reboot", "absent", "--job-id", "J", "--wait", "--poll", "50ms", "--hub", hub.File}, &out, progress)
	if code != exitInterrupted || out.Len() > 0 || !strings.HasSuffix(progress.String(), "flotilla: interrupted\n") {
		t.Errorf("exit code %d, %q, %q; want %d", code, out.String(), progress.String(), exitInterrupted)
	}
	if r := flotilla(t, "jobs", "get", "J", "--hub", hub.File).ends(t, exitPassed); !strings.Contains(r.stdout, " running ") {
		t.Errorf("the job is %s", r.stdout)
	}
}

// TestHubOfEnvironment: FLOTILLA_HUB names the hub of jobs and devices, --hub
// goes before it, and a run is not turned against it.
func TestHubOfEnvironment(t *testing.T) {
	one, two := flotillatest.Start(t), flotillatest.Start(t)
	t.Setenv(hubVariable, one.File)
	flotilla(t, "devices", "create", "a").ends(t, exitPassed)
	flotilla(t, "devices", "create", "b", "--hub", two.ConnectionString, "--ca", two.CAFile).ends(t, exitPassed)
	for _, c := range []struct {
		args []string
		want string
	}{{nil, "a"}, {[]string{"--hub", two.File}, "b"}} {
		r := flotilla(t, append([]string{"devices", "list", "-o", "csv"}, c.args...)...).ends(t, exitPassed)
		if got := strings.Count(r.stdout, "\n"); got != 2 || !strings.Contains(r.stdout, "\n"+c.want+",") {
			t.Errorf("%v: %q; want device %s alone", c.args, r.stdout, c.want)
		}
	}
	flotilla(t, "run", "six-devices", "--virtual", "--quiet").ends(t, exitPassed)
}
