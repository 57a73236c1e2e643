package record

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/flotilla-sim/flotilla/sim"
)

func lines(all []sim.Observation) string {
	var b strings.Builder
	for _, o := range all {
		fmt.Fprintf(&b, "%d %s %s %s\n", o.At, sim.Events[o.Event].Name, o.Job, o.Text)
	}
	return b.String()
}

// The device's own events and the hub's about it come from two machines, so
// they arrive out of order; the transcript is in order of time.
func TestEventsTranscript(t *testing.T) {
	r := New(Options{})
	r.Observe([]sim.Observation{ // the device
		{At: 10, Device: "d", Event: sim.EventDevice, Text: "running"},
		{At: 30, Device: "d", Event: sim.EventWrite, Text: "FirmwarePackageURI=http://p"},
		{At: 40, Device: "d", Event: sim.EventResource, Text: "FirmwareUpdateState=3"},
		{At: 90, Device: "d", Event: sim.EventResource, Text: "BatteryLevel=3"},
	})
	r.Observe([]sim.Observation{ // the hub
		{At: 5, Event: sim.EventJob, Job: "fw", Text: "running"},
		{At: 20, Device: "d", Event: sim.EventChild, Job: "fw", Text: "running"},
		{At: 25, Device: "other", Event: sim.EventChild, Job: "fw", Text: "running"},
		{At: 40, Device: "d", Event: sim.EventTwin, Text: "{}"},
		{At: 50, Device: "d", Event: sim.EventChild, Job: "reboot", Text: "running"},
		{At: 60, Device: "d", Event: sim.EventChild, Job: "fw", Text: "completed"},
		{At: 70, Device: "d", Event: sim.EventChild, Job: "reboot", Text: "completed"},
	})
	for _, c := range []struct {
		id   sim.DeviceID
		job  string
		want string
	}{
		{"d", "", `10 device  running
20 child fw running
30 write  FirmwarePackageURI=http://p
40 resource  FirmwareUpdateState=3
40 twin  {}
50 child reboot running
60 child fw completed
70 child reboot completed
90 resource  BatteryLevel=3
`},
		{"d", "fw", `20 child fw running
30 write  FirmwarePackageURI=http://p
40 resource  FirmwareUpdateState=3
40 twin  {}
60 child fw completed
`},
		{"d", "no such job", ""},
		{"other", "fw", "25 child fw running\n"},
		{"", "", "5 job fw running\n"},
	} {
		if got := lines(r.Events(c.id, c.job)); got != c.want {
			t.Errorf("Events(%q, %q) =\n%swant\n%s", c.id, c.job, got, c.want)
		}
	}
}

func TestEventsBounds(t *testing.T) {
	r := New(Options{MaxEvents: 10, MaxEventsPerDevice: 4})
	note := func(id sim.DeviceID, n int) {
		for i := range n {
			r.Observe([]sim.Observation{{At: sim.Time(i), Device: id, Event: sim.EventLink, Text: fmt.Sprint(i)}})
		}
	}
	note("a", 6) // 4 kept: a device's bound; the oldest stay
	note("", 5)  // 5 kept: the hub has no bound of its own
	note("b", 3) // 1 kept: the bound of all
	if got, want := r.EventCounts(), (EventCounts{Kept: 10, Dropped: 4}); got != want {
		t.Errorf("counts %+v; want %+v", got, want)
	}
	for id, want := range map[sim.DeviceID]int{"a": 4, "": 5, "b": 1} { // any order: each alone
		if got := r.Events(id, ""); len(got) != want || got[0].Text != "0" {
			t.Errorf("device %q: %d events; want the first %d", id, len(got), want)
		}
	}
	none := New(Options{MaxEvents: -1})
	none.Observe([]sim.Observation{{Device: "a", Event: sim.EventLink}})
	if got, want := none.EventCounts(), (EventCounts{Dropped: 1}); got != want {
		t.Errorf("with no room: %+v; want %+v", got, want)
	}
}

// The tap sees job and child events in their order, also dropped ones, and
// nothing else.
func TestOnEvent(t *testing.T) {
	var seen []string
	r := New(Options{MaxEvents: 1, OnEvent: func(o sim.Observation) { seen = append(seen, o.Text) }})
	r.Observe([]sim.Observation{
		{Event: sim.EventJob, Text: "1"}, {Device: "a", Event: sim.EventLink, Text: "no"},
		{Device: "a", Metric: sim.MetricApply, Text: "no"}, {Device: "a", Event: sim.EventChild, Text: "2"},
	})
	if want := []string{"1", "2"}; !slices.Equal(seen, want) {
		t.Errorf("tap saw %q; want %q", seen, want)
	}
}

func TestShorten(t *testing.T) {
	r := New(Options{})
	for _, text := range []string{"", strings.Repeat("x", MaxText), strings.Repeat("x", MaxText+1), strings.Repeat("ä", MaxText), "\x80" + strings.Repeat("\x80", MaxText)} {
		r.Observe([]sim.Observation{{Device: sim.DeviceID(text), Event: sim.EventTwin, Text: text}})
		got := r.Events(sim.DeviceID(text), "")[0].Text
		if len(text) <= MaxText && got != text {
			t.Errorf("text of %d bytes was changed to %q", len(text), got)
		}
		if len(got) > MaxText || utf8.ValidString(text) != utf8.ValidString(got) && got != "..." {
			t.Errorf("text of %d bytes became %d bytes: %q", len(text), len(got), got)
		}
	}
}
