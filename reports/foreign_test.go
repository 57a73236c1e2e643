package reports

import (
	"bytes"
	"testing"
)

// TestHubUntold: a run against a hub that does not tell its counters says
// nothing of its queue either; all else stays.
func TestHubUntold(t *testing.T) {
	for name, queue := range map[string]string{"text": "(hub)", "html": "hub queue"} {
		s := sixOK()
		told := render(t, format(t, name), s, Options{})
		s.Hub = nil
		untold := render(t, format(t, name), s, Options{})
		if !bytes.Contains(told, []byte(queue)) || bytes.Contains(untold, []byte(queue)) {
			t.Errorf("%s: %q is to be there when the hub tells, and only then", name, queue)
		}
		if !bytes.Contains(untold, []byte("late")) {
			t.Errorf("%s: nothing is said of the harness any more", name)
		}
	}
}
