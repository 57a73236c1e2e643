package hub_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
)

const cloudFeatures = sim.AllFeatures | sim.FeatureC2D | sim.FeatureC2DAck

// durable submits a job of a durable command and returns it as it ended.
func (d *desk) durable(id, command string, devices ...sim.DeviceID) *job.View {
	d.t.Helper()
	d.must(hub.SubmitJob{Spec: job.Spec{ID: id, Kind: "command", Command: command, Payload: []byte(`{"n":1}`), Durable: true, Targets: devices, Timeout: -1}})
	return d.must(hub.GetJob{ID: id}).Job
}

// heard returns the cloud-to-device messages sent since it was last called.
func (d *desk) heard() string {
	var list []string
	for line := range strings.Lines(d.log.String()) {
		if _, m, ok := strings.Cut(line, " < cloud "); ok {
			list = append(list, strings.TrimSpace(m))
		}
	}
	d.log.Reset()
	return strings.Join(list, "; ")
}

func (d *desk) ack(id sim.DeviceID, conn uint32, number uint64) {
	d.say(sim.Message{Kind: sim.CloudAck, Device: id, Conn: conn, ID: number})
}

// counted compares the counters, and the rest that waits with what devices
// say of it.
func (d *desk) counted(queued, delivered, expired uint64) {
	d.t.Helper()
	waiting, view := 0, d.hub.View()
	for n := range view.Len() {
		if w := view.Device(n); w != nil {
			waiting += w.Waiting
			if got := d.must(hub.GetDevice{ID: w.ID}).Device.Waiting; got != w.Waiting {
				d.t.Errorf("%s: %d commands wait, its snapshot says %d", w.ID, got, w.Waiting)
			}
		}
	}
	if uint64(waiting) != queued-delivered-expired {
		d.t.Errorf("%d commands wait; want %d", waiting, queued-delivered-expired)
	}
	if c := d.must(hub.GetCounters{}).Counters; c.CommandsQueued != queued || c.CommandsDelivered != delivered || c.CommandsExpired != expired {
		d.t.Errorf("%d queued, %d delivered, %d expired; want %d, %d, %d", c.CommandsQueued, c.CommandsDelivered, c.CommandsExpired, queued, delivered, expired)
	}
}

// TestDurable: a durable command is done when the hub has queued it, whether
// its device is there or not; the device gets it when it comes. [4.5, 4.5a]
func TestDurable(t *testing.T) {
	d := newDesk(t, "on", "off")
	c := d.connect("on", 1, cloudFeatures)
	if j := d.durable("a", "blink", "on", "off"); j.Status != job.Completed || j.Counts.Succeeded != 2 {
		t.Fatalf("the job is %s %+v", j.Status, j.Counts)
	}
	if got := d.heard(); got != `on#1 id=1 blink {"n":1}` {
		t.Errorf("the device that is there is told %q", got)
	}
	d.durable("b", "chirp", "off")
	d.counted(3, 0, 0)
	d.ack("on", c, 1)
	d.ack("on", c, 1) // nobody knows it any more
	d.ack("off", c, 1)
	d.counted(3, 1, 0)
	c = d.connect("off", 1, 0)
	if got := d.heard(); got != "" {
		t.Errorf("told before it asked: %q", got)
	}
	d.say(sim.Message{Kind: sim.Subscribe, Device: "off", Conn: c, ID: uint64(cloudFeatures)})
	if got := d.heard(); got != `off#2 id=1 blink {"n":1}; off#2 id=2 chirp {"n":1}` {
		t.Errorf("when it comes it is told %q; want both, in order", got)
	}
	d.ack("off", c, 2)
	d.say(sim.Message{Kind: sim.Close, Device: "off", Conn: c, Status: int32(sim.ReasonLost)})
	d.connect("off", 1, cloudFeatures)
	if got := d.heard(); got != `off#3 id=1 blink {"n":1}` {
		t.Errorf("after its link was lost it is told %q; want what it had not taken", got)
	}
	d.counted(3, 2, 0)
	d.must(hub.Unregister{ID: "off"})
	if d.to(100 * day); d.hub.Deadline() != sim.Never {
		t.Errorf("something is armed for a device that is gone: %s", d.hub.Deadline())
	}
}

// A queued command lives 24 hours, is sent at most ten times, and is done with
// when it is sent to a device that does not acknowledge.
func TestDurableEnds(t *testing.T) {
	d := newDesk(t, "a")
	d.durable("1", "blink", "a")
	d.to(3600 * second)
	d.durable("2", "chirp", "a")
	d.to(day - 1)
	d.counted(2, 0, 0)
	d.to(day)
	d.counted(2, 0, 1)
	d.connect("a", 1, sim.AllFeatures|sim.FeatureC2D)
	if got := d.heard(); got != `a#1 chirp {"n":1}` {
		t.Errorf("after a day it is told %q; want the younger one, without a number", got)
	}
	d.counted(2, 1, 1)
	d.to(2 * day)
	d.counted(2, 1, 1)

	d = newDesk(t, "a")
	d.durable("1", "blink", "a")
	for range 10 {
		d.connect("a", 1, cloudFeatures) // takes over
	}
	if got := strings.Count(d.heard(), "blink"); got != 10 {
		t.Errorf("sent %d times", got)
	}
	d.connect("a", 1, cloudFeatures)
	if got := d.heard(); got != "" {
		t.Errorf("and then %q", got)
	}
	d.counted(1, 0, 1)
}

// A persistent session is told as soon as it is there again.
func TestDurablePersistent(t *testing.T) {
	d := newDesk(t, "a")
	c := d.connect("a", 0, cloudFeatures)
	d.say(sim.Message{Kind: sim.Close, Device: "a", Conn: c})
	d.durable("1", "blink", "a")
	d.connect("a", 0, 0)
	if got := d.heard(); got != `a#2 id=1 blink {"n":1}` {
		t.Errorf("it is told %q", got)
	}
}

// TestDurableBounds: what the hub does not keep fails the device, with the
// reason.
func TestDurableBounds(t *testing.T) {
	d := newDesk(t, "a")
	for i := range 50 {
		if j := d.durable(fmt.Sprint(i), "blink", "a"); j.Counts.Succeeded != 1 {
			t.Fatalf("command %d: %+v", i, j.Counts)
		}
	}
	why := func(id string) string {
		return d.must(hub.ListChildren{Job: id}).Children[0].FailureReason
	}
	if j := d.durable("50", "blink", "a"); j.Counts.Failed != 1 || why("50") != "50 commands wait for the device already; that is the limit" {
		t.Errorf("one more: %+v, %q", j.Counts, why("50"))
	}
	d.to(day + 1)
	if j := d.durable("51", "blink", "a"); j.Counts.Succeeded != 1 {
		t.Errorf("a day later: %+v, %q", j.Counts, why("51"))
	}
	d.must(hub.SubmitJob{Spec: job.Spec{ID: "big", Kind: "command", Command: "blink", Payload: []byte(`"` + strings.Repeat("x", 64<<10) + `"`), Durable: true,
		Targets: []sim.DeviceID{"a"}, Timeout: time.Hour}})
	if got := why("big"); got != "the command has 65538 bytes; a queued one may have 65536" {
		t.Errorf("a large one: %q", got)
	}
	// Not durable, it fails at once.
	d.must(hub.SubmitJob{Spec: job.Spec{ID: "now", Kind: "command", Command: "blink", Targets: []sim.DeviceID{"a"}, Timeout: time.Hour}})
	if got := why("now"); got != "device not connected" {
		t.Errorf("not durable: %q", got)
	}
}
