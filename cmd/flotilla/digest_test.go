package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
)

// committedDigest is the digest of six-devices with its own seed. It may
// change only when a machine, a message or the scenario does: say so in the
// commit.
const committedDigest = "6d54c3c94dacc9ba56fd13707d0adb6293b43deef5b7c96dcb27dff30de0b21b"

func digest(t *testing.T, args ...string) string {
	t.Helper()
	r := flotilla(t, append([]string{"run", "six-devices", "--virtual", "--quiet"}, args...)...)
	if r.code != exitPassed && r.code != exitMissed {
		t.Fatalf("exit code %d\n%s", r.code, r.stderr)
	}
	return r.summary(t).Digest
}

// TestDigest: one seed, one digest, on every machine; another seed, another
// flash time or another body, another digest.
func TestDigest(t *testing.T) {
	t.Parallel()
	if got := digest(t); got != committedDigest {
		t.Errorf("digest is %s; committed is %s", got, committedDigest)
	}
	seen := map[string]string{committedDigest: "as it is"}
	for _, other := range [][]string{
		{"--seed", "2"},
		{"--set", "groups.six.flash=1s..1501ms"},
		{"--set", "packages.fw-3.version=3.1"}, // a message's body
		{"--set", "groups.six.devices.0.labels=[milk]"},
	} {
		d := digest(t, other...)
		if d != digest(t, other...) {
			t.Errorf("%v: two runs, two digests", other)
		}
		if was, ok := seen[d]; ok {
			t.Errorf("%v has the digest of %s", other, was)
		}
		seen[d] = other[1]
	}
}

// TestDigestFromTrace: the trace holds what the digest covers.
func TestDigestFromTrace(t *testing.T) {
	t.Parallel()
	trace := filepath.Join(t.TempDir(), "trace")
	want := digest(t, "--trace", trace)
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != want {
		t.Errorf("the trace's hash is %x; the digest is %s", sum, want)
	}
}
