package hub_test

import (
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// TestAnswersGoWrong: an answer that comes twice, too late or over another
// connection is counted and answers no other call; one that is not JSON ends
// its call with a reason that says so.
func TestAnswersGoWrong(t *testing.T) {
	d := newDesk(t, "a")
	c := d.connect("a", 1, sim.AllFeatures)
	answer := func(conn uint32, id uint64, body string) {
		d.say(sim.Message{Kind: sim.Answer, Device: "a", Conn: conn, ID: id, Status: 200, Body: []byte(body)})
	}
	counts := func() [3]uint64 {
		n := d.must(hub.GetCounters{}).Counters
		return [3]uint64{n.Answers, n.LateAnswers, n.Stale}
	}
	expect := func(what string, answers, late, stale uint64) {
		t.Helper()
		if got := counts(); got != [3]uint64{answers, late, stale} {
			t.Errorf("%s: %d answers, %d late, %d stale; want %d, %d, %d", what, got[0], got[1], got[2], answers, late, stale)
		}
	}

	d.must(hub.Invoke{ID: "a", Method: "one"})
	d.must(hub.Invoke{ID: "a", Method: "two"})
	answer(c, 1, `{"n":1}`)
	answer(c, 1, `{"n":1}`) // again, while two waits
	expect("an answer twice", 1, 1, 0)
	answer(c, 2, `{"n":2}`)
	expect("and the other call's", 2, 1, 0)

	d.must(hub.Invoke{ID: "a", Method: "slow", ResponseTimeout: 5 * time.Second})
	d.to(6 * second)
	d.must(hub.Invoke{ID: "a", Method: "next"})
	answer(c, 3, `"late"`)
	expect("an answer after its call's timeout", 2, 2, 0)
	if d.hub.OpenTickets() != 1 {
		t.Error("a late answer was taken for the next call's")
	}
	answer(c, 4, `"in time"`)

	d.must(hub.Invoke{ID: "a", Method: "cut"})
	old := c
	c = d.connect("a", 1, sim.AllFeatures)
	d.must(hub.Invoke{ID: "a", Method: "first of its connection"})
	answer(old, 1, `"of the old connection"`)
	expect("an answer over the connection before", 3, 2, 1)
	if d.hub.OpenTickets() != 1 {
		t.Error("an answer of the old connection was taken for the first call of the new one")
	}
	answer(c, 1, `{"n":`)
	expect("broken JSON", 4, 2, 1)
	for _, want := range []string{
		`ticket 5: error 8 device "a" opened a new connection`,
		`ticket 6: error 15 device "a" answered with what is not JSON: json: offset 5: `,
	} {
		if !strings.Contains(d.log.String(), want) {
			t.Errorf("%q does not stand in\n%s", want, d.log.String())
		}
	}

	d.must(hub.SubmitJob{Spec: job.Spec{ID: "r", Kind: "rebootDevice", Targets: []sim.DeviceID{"a"}, Timeout: time.Minute}})
	answer(c, 2, `{`)
	v := d.must(hub.ListChildren{Job: "r"}).Children[0]
	if v.Status != job.Failed || !strings.HasPrefix(v.FailureReason, "the device answered with what is not JSON (json: offset 1: ") {
		t.Errorf("the device's part is %s: %q; want failed, for its answer", v.Status, v.FailureReason)
	}
	if n := d.hub.OpenTickets(); n != 0 {
		t.Errorf("%d tickets are still open", n)
	}
}
