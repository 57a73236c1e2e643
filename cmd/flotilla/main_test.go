package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/flotilla-sim/flotilla/harness/record"
)

var updateScripts = flag.Bool("update", false, "rewrite testdata/script; read the difference before you commit it")

func TestMain(m *testing.M) {
	// Live runs wait much more than they work.
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){
		"flotilla": func() { os.Exit(start()) },
	})
}

// TestScripts plays what users type and holds what they read against the
// scripts; -update rewrites the expected output.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: *updateScripts,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"await": await, "until": until},
	})
}

// patience bounds a hang: nothing that a script waits for takes as long.
const patience = 3 * time.Minute

// eventually asks again and again whether something is so.
func eventually(ts *testscript.TestScript, what string, is func() bool) {
	tick, over := time.NewTicker(50*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-over:
			ts.Fatalf("%s: not within %s", what, patience)
		}
	}
}

// await is a script's `await FILE`: it waits until the file is there.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await FILE")
	}
	eventually(ts, args[0]+" appears", func() bool {
		_, err := os.Stat(ts.MkAbs(args[0]))
		return err == nil
	})
}

// until is a script's `until PATTERN COMMAND...`: it runs a command until it
// prints what matches the pattern.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN COMMAND...")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	eventually(ts, "`"+strings.Join(args[1:], " ")+"` prints "+args[0], func() bool {
		return ts.Exec(args[1], args[2:]...) == nil && pattern.MatchString(ts.ReadFile("stdout"))
	})
}

// result is a run of the program.
type result struct {
	code           int
	stdout, stderr string
	dir            string
}

// flotilla runs the program in this process; `run` writes into a folder of
// its own.
func flotilla(t *testing.T, args ...string) result {
	t.Helper()
	return flotillaWith(t, t.Context(), args...)
}

func flotillaWith(t *testing.T, ctx context.Context, args ...string) result {
	t.Helper()
	r := result{dir: t.TempDir()}
	if args[0] == "run" {
		args = append(args, "--out", r.dir)
		if !slices.Contains(args, "--max-lag") { // no test fails because a machine is slow
			args = append(args, "--max-lag", "1h")
		}
	}
	var out, err bytes.Buffer
	r.code = run(ctx, args, &out, &err)
	r.stdout, r.stderr = out.String(), err.String()
	return r
}

// passes fails the test unless the program ended as wanted.
func (r result) ends(t *testing.T, want int) result {
	t.Helper()
	if r.code != want {
		t.Fatalf("exit code %d; want %d\n%s%s", r.code, want, r.stdout, r.stderr)
	}
	return r
}

func (r result) summary(t *testing.T) *record.Summary {
	t.Helper()
	s, err := readSummary(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (r result) read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(r.dir, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// inOrder fails the test unless every text stands in s, each after the one
// before.
func inOrder(t *testing.T, s string, texts ...string) {
	t.Helper()
	rest := s
	for _, x := range texts {
		i := strings.Index(rest, x)
		if i < 0 {
			t.Fatalf("%q does not stand where it should in:\n%s", x, s)
		}
		rest = rest[i+len(x):]
	}
}
