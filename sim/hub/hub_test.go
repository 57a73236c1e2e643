package hub_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/sas"
)

var update = flag.Bool("update", false, "rewrite testdata; read the difference before you commit it")

const second = sim.Time(time.Second)

var key = []byte("0123456789abcdef0123456789abcdef")

// desk drives a hub by hand and writes down what it does.
type desk struct {
	t    *testing.T
	hub  *hub.Hub
	now  sim.Time
	out  sim.Outbox
	conn uint32
	log  strings.Builder
}

func newDesk(t *testing.T, devices ...sim.DeviceID) *desk {
	d := &desk{t: t, hub: hub.New(hub.Config{Epoch: sim.DefaultEpoch, Seed: 1})}
	for _, id := range devices {
		d.must(hub.Register{ID: id, PrimaryKey: key})
	}
	return d
}

func (d *desk) must(c hub.Command) hub.Reply {
	d.t.Helper()
	r, err := d.do(c)
	if err != nil {
		d.t.Fatalf("%T: %v", c, err)
	}
	return r
}

func (d *desk) do(c hub.Command) (hub.Reply, error) {
	fmt.Fprintf(&d.log, "%s  %s\n", d.now, hub.AppendCommand([]byte("do "), c))
	d.out.Reset()
	r, err := d.hub.Do(d.now, c, &d.out)
	if err != nil {
		fmt.Fprintf(&d.log, "%s  = error: %v\n", d.now, err)
	}
	d.drain()
	d.settle()
	return r, err
}

func (d *desk) say(m sim.Message) {
	fmt.Fprintf(&d.log, "%s  > %s\n", d.now, hide(m))
	d.out.Reset()
	d.hub.Step(d.now, sim.Input{Kind: sim.Received, Msg: m}, &d.out)
	d.drain()
	d.settle()
}

// hide leaves tokens out of transcripts.
func hide(m sim.Message) sim.Message {
	if m.Kind == sim.Connect {
		m.Body = nil
	}
	return m
}

func (d *desk) settle() {
	for range 100_000 {
		if d.hub.Deadline() > d.now {
			return
		}
		d.out.Reset()
		d.hub.Step(d.now, sim.Input{}, &d.out)
		d.drain()
	}
	d.t.Fatal("the hub never rests")
}

func (d *desk) to(t sim.Time) {
	for d.hub.Deadline() <= t {
		d.now = max(d.now, d.hub.Deadline())
		d.settle()
	}
	d.now = t
}

func (d *desk) drain() {
	for _, m := range d.out.Send {
		fmt.Fprintf(&d.log, "%s  < %s\n", d.now, m)
	}
	for _, t := range d.out.Settled {
		r, err := d.hub.Take(t)
		switch {
		case err != nil:
			var e *hub.Error
			errors.As(err, &e)
			fmt.Fprintf(&d.log, "%s  ticket %d: error %d %s\n", d.now, t, e.Code, e.Message)
		case r.Job != nil:
			fmt.Fprintf(&d.log, "%s  ticket %d: job %s %s %s\n", d.now, t, r.Job.ID, r.Job.Status, r.Job.StatusMessage)
		default:
			fmt.Fprintf(&d.log, "%s  ticket %d: %d %s\n", d.now, t, r.Status, r.Payload)
		}
	}
	for _, o := range d.out.Observe {
		if o.Event != sim.NoEvent {
			fmt.Fprintf(&d.log, "%s  . %s %s %s %s\n", d.now, sim.Events[o.Event].Name, o.Device, o.Job, o.Text)
		}
	}
}

// connect opens a connection with a good token and, if features are given,
// subscribes.
func (d *desk) connect(id sim.DeviceID, clean uint64, features sim.Feature) uint32 {
	d.conn++
	c := d.conn
	d.say(sim.Message{Kind: sim.Connect, Device: id, Conn: c, ID: clean, Body: []byte(token(id, key, d.now, time.Hour))})
	if features != 0 {
		d.say(sim.Message{Kind: sim.Subscribe, Device: id, Conn: c, ID: uint64(features), Status: 7})
	}
	return c
}

func token(id sim.DeviceID, key []byte, now sim.Time, valid time.Duration) string {
	return sas.Sign(sas.DeviceResource(hub.DefaultHost, id), key, sim.DefaultEpoch.Date(now)+sim.Date(valid/time.Second), "")
}

func (d *desk) golden(name string) {
	d.t.Helper()
	got, file := d.log.String(), filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			d.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		d.t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		d.t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestConnect(t *testing.T) {
	d := newDesk(t, "a", "b")
	connect := func(c uint32, id sim.DeviceID, token string) {
		d.say(sim.Message{Kind: sim.Connect, Device: id, Conn: c, ID: 1, Body: []byte(token)})
	}
	connect(1, "a", "garbage")
	connect(2, "a", token("a", []byte("another key, 16+"), 0, time.Hour))
	connect(3, "a", token("b", key, 0, time.Hour))
	connect(4, "nobody", token("nobody", key, 0, time.Hour))
	d.to(10 * 60 * second)
	connect(5, "a", token("a", key, 0, 4*time.Minute)) // over, and the skew with it
	connect(6, "a", token("a", key, 0, 6*time.Minute)) // within the skew
	d.to(12 * 60 * second)                             // closed at the token's end and the skew
	d.conn = 6
	d.connect("a", 1, 0)
	d.connect("a", 1, 0) // takes over
	d.say(sim.Message{Kind: sim.GetTwin, Device: "a", Conn: 7, Name: "old"})
	d.must(hub.SetStatus{ID: "a", Disabled: true})
	connect(9, "a", token("a", key, d.now, time.Hour))
	d.must(hub.SetStatus{ID: "a"})
	connect(10, "a", token("a", key, d.now, time.Hour))
	d.must(hub.Unregister{ID: "a"})
	connect(11, "a", token("a", key, d.now, time.Hour))
	d.golden("connect")
	c := *d.must(hub.GetCounters{}).Counters
	want := hub.Counters{Devices: 1, Accepted: 4, Refused: 7, Closed: 4, Messages: 11, Stale: 1}
	if c != want {
		t.Errorf("counters are %+v; want %+v", c, want)
	}
}

func TestTwin(t *testing.T) {
	d := newDesk(t, "a")
	c := d.connect("a", 1, sim.AllFeatures)
	d.say(sim.Message{Kind: sim.GetTwin, Device: "a", Conn: c, Name: "r1"})
	report := func(rid, body string, version uint64) {
		d.say(sim.Message{Kind: sim.Report, Device: "a", Conn: c, Name: rid, Body: []byte(body), ID: version})
	}
	report("r2", `{"a":{"b":1},"c":"x"}`, 0)
	report("r3", `{"a":{"b":null},"c":null}`, 2)
	report("r4", `{"late":1}`, 2)
	report("r5", `{"$version":1}`, 0)
	report("r6", `{"a":`, 0)
	report("r7", `[1]`, 0)
	report("r8", `{"big":"`+strings.Repeat("x", 5000)+`"}`, 0)
	many := doc.Object()
	for i := range 10 {
		many = many.With(fmt.Sprint("k", i), doc.String(strings.Repeat("y", 4000)), 0)
	}
	report("r9", many.String(), 0)
	patch := func(tags, desired string) {
		p := hub.PatchTwin{ID: "a"}
		if tags != "" {
			p.Tags = doc.MustParse(tags)
		}
		if desired != "" {
			p.Desired = doc.MustParse(desired)
		}
		if _, err := d.do(p); err != nil && !errors.As(err, new(*hub.Error)) {
			t.Errorf("%v is no *hub.Error", err)
		}
	}
	d.to(second)
	patch(`{"site":{"floor":3}}`, "")
	patch("", `{"fan":{"rpm":900},"led":true}`)
	patch("", `{"led":null,"gone":null}`)
	patch("", `{"gone":null}`) // nothing to tell
	patch("", `null`)
	patch(`null`, "")
	patch(`3`, "")
	patch("", `{"$x":1}`)
	d.say(sim.Message{Kind: sim.GetTwin, Device: "a", Conn: c, Name: "r10"})
	d.golden("twin")
	v := d.must(hub.GetDevice{ID: "a"}).Device
	if v.ReportedVersion != 3 || v.DesiredVersion != 5 || v.TwinEtag != 7 || v.TwinVersion != 10 {
		t.Errorf("versions: reported %d, desired %d, etag %d, twin %d; want 3, 5, 7, 10", v.ReportedVersion, v.DesiredVersion, v.TwinEtag, v.TwinVersion)
	}
}

func TestInvoke(t *testing.T) {
	d := newDesk(t, "a")
	d.must(hub.Invoke{ID: "a", Method: "blink"})                                  // offline
	d.must(hub.Invoke{ID: "a", Method: "late", ConnectTimeout: 10 * time.Second}) // waits
	d.must(hub.Invoke{ID: "a", Method: "never", ConnectTimeout: time.Second, Payload: []byte(`{"n":1}`)})
	d.to(2 * second)
	c := d.connect("a", 1, sim.AllFeatures)
	d.say(sim.Message{Kind: sim.Answer, Device: "a", Conn: c, ID: 1, Status: 201, Body: []byte(`"on"`)})
	d.say(sim.Message{Kind: sim.Answer, Device: "a", Conn: c, ID: 1, Status: 500}) // twice
	d.must(hub.Invoke{ID: "a", Method: "slow", ResponseTimeout: 5 * time.Second})
	d.to(8 * second)
	d.say(sim.Message{Kind: sim.Answer, Device: "a", Conn: c, ID: 2, Status: 200}) // late
	d.must(hub.Invoke{ID: "a", Method: "cut"})
	d.say(sim.Message{Kind: sim.Close, Device: "a", Conn: c, Status: int32(sim.ReasonLost)})
	c = d.connect("a", 1, sim.AllFeatures)
	d.must(hub.Invoke{ID: "a", Method: "taken"})
	d.connect("a", 1, sim.AllFeatures)
	d.say(sim.Message{Kind: sim.Answer, Device: "a", Conn: c, ID: 1, Status: 200}) // of the old connection
	for _, bad := range []hub.Invoke{
		{ID: "x", Method: "m"}, {ID: "a"}, {ID: "a", Method: "m", Payload: []byte("{")},
		{ID: "a", Method: "m", ResponseTimeout: time.Hour},
	} {
		if _, err := d.do(bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
	d.golden("invoke")
	if n := d.hub.OpenTickets(); n != 0 {
		t.Errorf("%d tickets are still open", n)
	}
}

// TestSession: a persistent session keeps its subscriptions, a clean one does
// not; a call goes out as soon as the old subscription stands again.
func TestSession(t *testing.T) {
	d := newDesk(t, "a")
	c := d.connect("a", 0, sim.FeatureMethods)
	d.say(sim.Message{Kind: sim.Close, Device: "a", Conn: c})
	d.must(hub.Invoke{ID: "a", Method: "m", ConnectTimeout: time.Minute})
	d.connect("a", 0, 0) // session present, the call goes out
	c = d.connect("a", 1, 0)
	d.say(sim.Message{Kind: sim.Close, Device: "a", Conn: c})
	d.connect("a", 0, 0) // the clean session has forgotten
	d.golden("session")
}

// TestJob plays one firmware update by hand: the hub's side of the
// transcript.
func TestJob(t *testing.T) {
	d := newDesk(t, "a")
	c := d.connect("a", 1, sim.AllFeatures)
	d.must(hub.SubmitJob{Spec: job.Spec{ID: "fw", Kind: "firmwareUpdate", Targets: []sim.DeviceID{"a"}, PackageURI: "http://h/p", Timeout: time.Minute}})
	answer := func(id uint64, status int32, body string) {
		d.now += second
		d.say(sim.Message{Kind: sim.Answer, Device: "a", Conn: c, ID: id, Status: status, Body: []byte(body)})
	}
	report := func(dm string) {
		d.now += second
		d.say(sim.Message{Kind: sim.Report, Device: "a", Conn: c, Name: "r", Body: []byte(`{"dm":` + dm + `}`)})
	}
	answer(1, 200, "{}")
	report(`{"FirmwareUpdateState":2}`)
	report(`{"FirmwareUpdateState":3}`)
	answer(2, 200, "{}")
	d.say(sim.Message{Kind: sim.Close, Device: "a", Conn: c, Status: int32(sim.ReasonReboot)})
	d.now += second
	c = d.connect("a", 1, sim.AllFeatures)
	report(`{"FirmwareVersion":"3.0"}`)
	report(`{"FirmwareUpdateResult":1}`)
	report(`{"FirmwareUpdateState":1}`)
	d.golden("job")
	v := d.must(hub.GetDevice{ID: "a"}).Device
	if got := v.Properties().Get("FirmwareVersion"); got.Text() != "3.0" || !v.Managed {
		t.Errorf("FirmwareVersion is %s, managed %t", got, v.Managed)
	}
}

// TestPropertiesNewest: of a reported and a read value the newer one counts.
func TestPropertiesNewest(t *testing.T) {
	d := newDesk(t, "a")
	c := d.connect("a", 1, sim.AllFeatures)
	read := func(value string) {
		n := d.must(hub.SubmitJob{Spec: job.Spec{Kind: "readDeviceProperties", Targets: []sim.DeviceID{"a"}, Names: []string{"timezone"}}}).Job
		d.say(sim.Message{Kind: sim.Answer, Device: "a", Conn: c, ID: 0, Status: 200}) // no such call
		calls := d.must(hub.GetCounters{}).Counters.Calls
		d.say(sim.Message{Kind: sim.Answer, Device: "a", Conn: c, ID: calls, Status: 200, Body: []byte(`{"/3/0/15":"` + value + `"}`)})
		if j := d.must(hub.GetJob{ID: n.ID}).Job; j.Status != job.Completed {
			t.Fatalf("read job is %s", j.Status)
		}
	}
	check := func(want string) {
		t.Helper()
		if got := d.must(hub.GetDevice{ID: "a"}).Device.Properties().Get("Timezone").Text(); got != want {
			t.Errorf("at %s Timezone is %q; want %q", d.now, got, want)
		}
	}
	d.say(sim.Message{Kind: sim.Report, Device: "a", Conn: c, Body: []byte(`{"dm":{"Timezone":"CET"}}`)})
	check("CET")
	d.now += second
	read("PST")
	check("PST")
	d.now += second
	d.say(sim.Message{Kind: sim.Report, Device: "a", Conn: c, Body: []byte(`{"dm":{"Timezone":"EST"}}`)})
	check("EST")
}

// TestViewHolds: what was handed out never changes, while the hub goes on.
func TestViewHolds(t *testing.T) {
	d := newDesk(t)
	for i := range 600 {
		d.must(hub.Register{ID: sim.DeviceID(fmt.Sprint("d", i)), PrimaryKey: key})
	}
	c := d.connect("d300", 1, sim.AllFeatures)
	report := func(n int) {
		d.say(sim.Message{Kind: sim.Report, Device: "d300", Conn: c, Body: fmt.Appendf(nil, `{"n":%d}`, n)})
	}
	report(1)
	view := d.hub.View()
	handed := d.must(hub.GetDevice{ID: "d300"}).Device
	report(2)
	d.must(hub.Unregister{ID: "d301"})
	d.must(hub.Register{ID: "new", PrimaryKey: key})
	for name, v := range map[string]*hub.Device{"view": view.Device(300), "reply": handed} { // any order: both are looked at
		if got := v.Reported.String(); got != `{"n":1}` {
			t.Errorf("%s shows reported %s; want what it was", name, got)
		}
	}
	if view.Len() != 600 || view.Device(301) == nil {
		t.Errorf("the view has %d devices, d301 %v; want what it was", view.Len(), view.Device(301))
	}
	if got := d.hub.View().Device(300).Reported.String(); got != `{"n":2}` {
		t.Errorf("a new view shows %s", got)
	}
}

func TestRegisterRefuses(t *testing.T) {
	d := newDesk(t, "a")
	for _, c := range []struct {
		reg  hub.Register
		want hub.Code
	}{
		{hub.Register{ID: "a", PrimaryKey: key}, hub.CodeExists},
		{hub.Register{ID: "", PrimaryKey: key}, hub.CodeInvalid},
		{hub.Register{ID: "with space", PrimaryKey: key}, hub.CodeInvalid},
		{hub.Register{ID: "in/valid", PrimaryKey: key}, hub.CodeInvalid},
		{hub.Register{ID: sim.DeviceID(strings.Repeat("x", 129)), PrimaryKey: key}, hub.CodeInvalid},
		{hub.Register{ID: "short", PrimaryKey: key[:15]}, hub.CodeInvalid},
		{hub.Register{ID: "list", PrimaryKey: key, Tags: doc.MustParse(`[]`)}, hub.CodeInvalid},
	} {
		_, err := d.do(c.reg)
		var e *hub.Error
		if !errors.As(err, &e) || e.Code != c.want {
			t.Errorf("Register(%.20q) = %v; want code %d", c.reg.ID, err, c.want)
		}
	}
	if n := d.must(hub.GetCounters{}).Counters.Devices; n != 1 {
		t.Errorf("%d devices are registered; want 1", n)
	}
}

// A snapshot says when the hub last heard of a device, whatever that said, and
// stays as it is.
func TestLastActivity(t *testing.T) {
	d := newDesk(t, "a", "b")
	heard := func(v hub.View) sim.Time { return v.LastActivity(v.Find("a")) }
	if got := heard(d.hub.View()); got != sim.Never {
		t.Errorf("heard of at %s before it came", got)
	}
	c := d.connect("a", 1, sim.AllFeatures)
	d.to(sim.Time(time.Minute))
	before := d.hub.View()
	d.say(sim.Message{Kind: sim.Telemetry, Device: "a", Conn: c})
	d.say(sim.Message{Kind: sim.Telemetry, Device: "b", Conn: c}) // nobody
	after := d.hub.View()
	d.to(sim.Time(2 * time.Minute))
	d.say(sim.Message{Kind: sim.GetTwin, Device: "a", Conn: c, ID: 1})
	if got := heard(before); got != 0 {
		t.Errorf("a snapshot from before says %s; want 0s", got)
	}
	if got := heard(after); got != sim.Time(time.Minute) {
		t.Errorf("after telemetry a snapshot says %s; want 1m", got)
	}
	now := heard(d.hub.View())
	if got := d.must(hub.GetDevice{ID: "a"}).Device.LastActivity; got != now || now != sim.Time(2*time.Minute) {
		t.Errorf("a snapshot says %s, the device %s; want 2m", now, got)
	}
	if v := d.hub.View(); v.LastActivity(v.Find("b")) != sim.Never {
		t.Error("a device was heard of that never came")
	}
}
