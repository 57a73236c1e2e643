package iothub_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// plane is the house as the control plane of a run.
func (h *house) plane(change func(*iothub.PlaneConfig)) *iothub.Plane {
	h.t.Helper()
	cfg := iothub.PlaneConfig{Service: h.service(), Epoch: restEpoch, Every: time.Hour, Now: func() sim.Time {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.w.Now()
	}}
	if change != nil {
		change(&cfg)
	}
	p, err := iothub.NewPlane(cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

// TestPlaneIsTheHub: whatever is asked over client and handler is answered as
// by the hub itself, and leaves the hub in the same state.
func TestPlaneIsTheHub(test *testing.T) {
	rapid.Check(test, func(t *rapid.T) {
		over, direct := openHouse(within{test, t}, nil), openHouse(within{test, t}, nil)
		p := over.plane(nil)
		defer p.Close()
		ids := []sim.DeviceID{"Device11", "Device21", "a#b;c", "d"}
		registered, played := map[sim.DeviceID]bool{}, map[sim.DeviceID]bool{}
		n := byte(0)
		for range rapid.IntRange(1, 25).Draw(t, "commands") {
			id := rapid.SampledFrom(ids).Draw(t, "device")
			jobID := rapid.SampledFrom([]string{"j1", "j2", "ä ö/ü"}).Draw(t, "job")
			var c hub.Command
			switch rapid.IntRange(0, 14).Draw(t, "command") {
			case 0, 1:
				n++
				key := slices.Repeat([]byte{n}, 32)
				r := hub.Register{ID: id, PrimaryKey: key, SecondaryKey: key, Disabled: rapid.Bool().Draw(t, "disabled")}
				if rapid.Bool().Draw(t, "labels") {
					r.Labels = []string{"milk", "bacon"}
					r.Service = doc.Object(doc.Member{Name: "Weight", Value: doc.Int(rapid.Int64().Draw(t, "weight"))})
				}
				if rapid.IntRange(0, 5).Draw(t, "bad") == 0 {
					r.ID = "not/valid"
				}
				c = r
			case 2:
				c = hub.Unregister{ID: id}
			case 3:
				c = hub.SetStatus{ID: id, Disabled: rapid.Bool().Draw(t, "disabled")}
			case 4:
				c = hub.GetDevice{ID: id}
			case 5:
				c = hub.ListDevices{From: rapid.IntRange(0, 3).Draw(t, "from"), Limit: rapid.IntRange(0, 3).Draw(t, "limit")}
			case 6, 7:
				c = hub.SubmitJob{Spec: drawSpec(t, jobID, ids), Forget: true}
			case 8:
				c = hub.CancelJob{ID: jobID}
			case 9:
				c = hub.GetJob{ID: jobID}
			case 10:
				n++
				u := hub.UpdateIdentity{ID: id, Disabled: rapid.Bool().Draw(t, "disabled"), StatusReason: "why", Etag: drawEtag(t)}
				if rapid.Bool().Draw(t, "keys") {
					u.PrimaryKey, u.SecondaryKey = slices.Repeat([]byte{n}, 16), slices.Repeat([]byte{n + 128}, 64)
				}
				c = u
			case 11:
				r := hub.ReplaceService{ID: id, Etag: drawEtag(t), Properties: doc.Object()}
				if rapid.Bool().Draw(t, "some") {
					r.Labels, r.Properties = []string{"a"}, doc.Object(doc.Member{Name: "QoS", Value: doc.Int(int64(n))})
				}
				c = r
			case 14:
				c = hub.SetLabels{ID: id, Labels: [][]string{nil, {"a"}, {"b", "milk"}}[rapid.IntRange(0, 2).Draw(t, "labels")]}
			case 12:
				c = hub.ListJobs{}
			case 13:
				c = hub.ListChildren{Job: jobID, From: rapid.IntRange(0, 2).Draw(t, "from"), Limit: rapid.IntRange(0, 2).Draw(t, "limit")}
			}
			if r, ok := c.(hub.Register); ok && registered[r.ID] {
				continue // a device that is there is taken over: see TestPlaneTakesOver
			}
			if s, ok := c.(hub.SubmitJob); ok && direct.runs(s.Spec.ID) {
				if _, err := p.Do(t.Context(), c); hubCode(err) != hub.CodePrecondition {
					t.Fatalf("a job that is under way is submitted again: %v", err)
				}
				continue
			}
			got, err := p.Do(t.Context(), c)
			want, wantErr := direct.Do(t.Context(), c)
			if _, ok := c.(hub.Unregister); ok {
				want.Device = nil // 204 No Content
			}
			if _, ok := c.(hub.ListJobs); ok { // as they were last heard of: see TestPlaneFollows
				got, want = idsOnly(got), idsOnly(want)
			}
			if hubCode(err) != hubCode(wantErr) {
				t.Fatalf("%T: %v over REST, %v directly", c, err, wantErr)
			}
			if diff := cmp.Diff(told(want), told(got), comparing...); diff != "" {
				t.Fatalf("%T: directly (-), over REST (+)\n%s", c, diff)
			}
			switch c := c.(type) {
			case hub.Register:
				if err == nil && !played[c.ID] && rapid.Bool().Draw(t, "plays") {
					played[c.ID] = true
					for _, h := range []*house{over, direct} {
						h.start(c.ID, base64.StdEncoding.EncodeToString(c.PrimaryKey), "1.0")
					}
				}
				registered[c.ID] = err == nil
			case hub.Unregister:
				if err == nil {
					registered[c.ID] = false
				}
			}
			if rapid.Bool().Draw(t, "later") {
				d := time.Duration(rapid.IntRange(1, 60_000).Draw(t, "ms")) * time.Millisecond
				over.advance(d)
				direct.advance(d)
			}
			if diff := cmp.Diff(direct.state(t), over.state(t), comparing...); diff != "" {
				t.Fatalf("after %T the hub asked directly (-) is not as the one over REST (+)\n%s", c, diff)
			}
		}
	})
}

// within is a test whose failures are those of a case of it.
type within struct {
	testing.TB
	t *rapid.T
}

func (w within) Errorf(format string, args ...any) { w.t.Errorf(format, args...) }
func (w within) Fatalf(format string, args ...any) { w.t.Fatalf(format, args...) }
func (w within) Fatal(args ...any)                 { w.t.Fatal(args...) }

// drawEtag draws a version that may be the present one.
func drawEtag(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "*", "1", "2", "3", "none"}).Draw(t, "etag")
}

func idsOnly(r hub.Reply) hub.Reply {
	var ids hub.Reply
	for _, j := range r.Jobs {
		ids.Jobs = append(ids.Jobs, job.View{ID: j.ID})
	}
	return ids
}

// drawSpec draws a job, sound or not, that the preview can say.
func drawSpec(t *rapid.T, id string, ids []sim.DeviceID) job.Spec {
	s := job.Spec{ID: id}
	for range rapid.IntRange(1, 3).Draw(t, "targets") {
		s.Targets = append(s.Targets, rapid.SampledFrom(ids).Draw(t, "target"))
	}
	switch s.Kind = rapid.SampledFrom([]string{"firmwareUpdate", "rebootDevice", "factoryResetDevice", "updateDeviceConfiguration",
		"readDeviceProperties", "writeDeviceProperties"}).Draw(t, "kind"); s.Kind {
	case "firmwareUpdate":
		s.PackageURI = rapid.SampledFrom([]string{"http://nowhere.test/x", strings.Repeat("x", 256)}).Draw(t, "uri")
		s.Timeout = rapid.SampledFrom([]time.Duration{0, time.Minute, 90 * time.Second, 24 * time.Hour}).Draw(t, "timeout")
	case "updateDeviceConfiguration":
		s.Configuration = rapid.SampledFrom([]string{"", `{"a":"ü\n"}`}).Draw(t, "configuration")
	case "readDeviceProperties":
		s.Names = rapid.SampledFrom([][]string{{"timezone"}, {"BatteryLevel", "Timezone"}, {"nothing"}}).Draw(t, "names")
	case "writeDeviceProperties":
		s.Properties = rapid.SampledFrom([][]doc.Member{
			{{Name: "Timezone", Value: doc.String("PST")}}, {{Name: "BatteryLevel", Value: doc.Int(7)}}, {{Name: "nothing", Value: doc.Int(7)}},
		}).Draw(t, "properties")
	}
	return s
}

// runs says whether the hub has a job of that id that has not ended.
func (h *house) runs(id string) bool {
	r, err := h.Do(h.t.Context(), hub.GetJob{ID: id})
	return err == nil && r.Job != nil && !r.Job.Status.Ended()
}

// state is everything that the hub has.
func (h *house) state(t *rapid.T) []hub.Reply {
	var all []hub.Reply
	for _, c := range []hub.Command{hub.ListDevices{}, hub.ListJobs{}, hub.GetCounters{}} {
		r, err := h.Do(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
		for _, j := range r.Jobs {
			children, err := h.Do(t.Context(), hub.ListChildren{Job: j.ID})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, children)
		}
	}
	return all
}

func hubCode(err error) hub.Code {
	if e, ok := errors.AsType[*hub.Error](err); ok {
		return e.Code
	}
	if err != nil {
		return 255
	}
	return 0
}

// comparing says how values of a hub are compared: a list and an object that
// are empty are as one that is not there.
var comparing = []cmp.Option{
	cmp.Comparer(func(a, b doc.Value) bool {
		return a.Len() == 0 && b.Len() == 0 && !isScalar(a) && !isScalar(b) || doc.Equal(a, b)
	}),
	cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".gen" || p.Last().String() == ".Spec" }, cmp.Ignore()),
	cmp.Comparer(func(a, b []string) bool { return len(a) == 0 && len(b) == 0 || slices.Equal(a, b) }),
	cmp.AllowUnexported(hub.Device{}),
}

func isScalar(v doc.Value) bool {
	switch v.Kind() {
	case doc.KindAbsent, doc.KindNull, doc.KindObject, doc.KindArray:
		return false
	}
	return true
}

// told is a reply with what the preview's documents tell of it.
func told(r hub.Reply) hub.Reply {
	if r.Device != nil {
		r.Device = toldDevice(r.Device)
	}
	for i, d := range r.Devices {
		r.Devices = slices.Clone(r.Devices)
		r.Devices[i] = toldDevice(d)
	}
	if r.Job != nil {
		v := toldJob(*r.Job)
		r.Job = &v
	}
	if r.Children = slices.Clone(r.Children); len(r.Children) == 0 {
		r.Children = nil
	}
	for i := range r.Children {
		c := &r.Children[i]
		c.Start, c.End = tenth(c.Start), tenth(c.End)
	}
	return r
}

// toldDevice leaves out what is of the twin of later years, and the parts that
// the device properties were put together from.
func toldDevice(d *hub.Device) *hub.Device {
	known := doc.Object()
	for name, v := range d.Properties().Members() {
		known = known.With(name, v, tenth(v.Changed()))
	}
	return &hub.Device{
		ID: d.ID, Number: d.Number, Generation: d.Generation, Etag: d.Etag, PrimaryKey: d.PrimaryKey, SecondaryKey: d.SecondaryKey,
		Thumbprints: d.Thumbprints, Disabled: d.Disabled, StatusReason: d.StatusReason, Connected: d.Connected, Managed: d.Managed,
		ConnectionChanged: tenth(d.ConnectionChanged), StatusChanged: tenth(d.StatusChanged), LastActivity: tenth(d.LastActivity),
		Labels: d.Labels, Service: d.Service, ServiceEtag: d.ServiceEtag, Configuration: d.Configuration, Configured: d.Configured, Waiting: d.Waiting,
		Reported: doc.Object(doc.Member{Name: "dm", Value: known}),
	}
}

// toldJob leaves out what a parent of the preview does not tell: when it
// began to run, what its parts are doing, batches, its timeout. A reason of
// failure is told where there was none.
func toldJob(v job.View) job.View {
	w := job.View{
		ID: v.ID, Kind: v.Kind, Status: v.Status, Created: tenth(v.Created), End: tenth(v.End), StatusMessage: v.StatusMessage,
		Counts: job.Counts{Total: v.Counts.Total, Succeeded: v.Counts.Succeeded, Failed: v.Counts.Failed},
	}
	if v.Counts.Failed == 0 {
		w.FailureReason = v.FailureReason
	}
	return w
}

// tenth is an instant as exactly as the wire has it: to 100 ns.
func tenth(t sim.Time) sim.Time {
	if t == sim.Never {
		return t
	}
	return t / 100 * 100
}

// TestPlaneSaysWhatItCannot: every command is either said or refused with
// errors.ErrUnsupported and words for people.
func TestPlaneSaysWhatItCannot(t *testing.T) {
	h := openHouse(t, nil)
	p := h.plane(nil)
	defer p.Close()
	h.six()
	one := []sim.DeviceID{"Device11-7ce4a850"}
	reboot := func(change func(*job.Spec)) hub.Command {
		s := job.Spec{ID: "J", Kind: "rebootDevice", Targets: one}
		change(&s)
		return hub.SubmitJob{Spec: s}
	}
	said := map[string]bool{}
	for _, c := range []struct {
		command hub.Command
		want    string // of the refusal, "" if it is said
	}{
		{hub.Register{ID: "x", PrimaryKey: make([]byte, 32)}, ""},
		{hub.Register{ID: "y", PrimaryKey: make([]byte, 32), Tags: parsed(t, `{"a":1}`)}, "device y: tags of a twin"},
		{hub.UpdateIdentity{ID: "x"}, ""},
		{hub.ReplaceService{ID: "x"}, ""},
		{hub.SetLabels{ID: "x", Labels: []string{"a"}}, ""},
		{hub.SetStatus{ID: "x"}, ""},
		{hub.GetDevice{ID: "x"}, ""},
		{hub.Unregister{ID: "x"}, ""},
		{hub.ListDevices{}, ""},
		{hub.PatchTwin{ID: one[0]}, "PatchTwin"},
		{hub.Invoke{ID: one[0]}, "Invoke"},
		{reboot(func(*job.Spec) {}), ""},
		{reboot(func(s *job.Spec) { s.Kind = "command" }), "job J: the jobs of 2016 have no kind command"},
		{reboot(func(s *job.Spec) { s.Targets, s.Group = nil, "g" }), "job J: a group"},
		{reboot(func(s *job.Spec) { s.InFlight = 2 }), "job J: inFlight"},
		{reboot(func(s *job.Spec) { s.Batch = &job.Amount{Value: "2"} }), "job J: batches"},
		{reboot(func(s *job.Spec) { s.Pause = 1 }), "a pause"},
		{reboot(func(s *job.Spec) { s.Gate = &job.Amount{} }), "a gate"},
		{reboot(func(s *job.Spec) { s.Threshold = &job.Threshold{} }), "a cancellation threshold"},
		{reboot(func(s *job.Spec) { s.Rollout = &job.Rollout{} }), "a rollout"},
		{reboot(func(s *job.Spec) { s.Retry = &job.Retry{} }), "retries"},
		{reboot(func(s *job.Spec) { s.DeviceTimeout = 1 }), "timeout of a device's part"},
		{reboot(func(s *job.Spec) { s.StepTimeout = 1 }), "timeout of a step"},
		{reboot(func(s *job.Spec) { s.Grace = -1 }), "a grace"},
		{reboot(func(s *job.Spec) { s.Timeout = -1 }), "no timeout at all"},
		{reboot(func(s *job.Spec) { s.Queued = true }), "a queue"},
		{reboot(func(s *job.Spec) { s.Continuous = true }), "going on for ever"},
		{reboot(func(s *job.Spec) { s.Schedule = "s" }), "a schedule"},
		{reboot(func(s *job.Spec) { s.Kind, s.PackageURI, s.Timeout = "firmwareUpdate", "u", 59*time.Second }), "1 minute to 1 day"},
		{hub.GetJob{ID: "J"}, ""},
		{hub.ListJobs{}, ""},
		{hub.ListChildren{Job: "J"}, ""},
		{hub.CancelJob{ID: "J"}, ""},
		{hub.StopJob{ID: "J"}, "StopJob"},
		{hub.ResumeJob{ID: "J"}, "ResumeJob"},
		{hub.RerunJob{ID: "J"}, "RerunJob"},
		{hub.CopyJob{ID: "J"}, "CopyJob"},
		{hub.PutGroup{}, "PutGroup"},
		{hub.DeleteGroup{}, "DeleteGroup"},
		{hub.ListGroups{}, "ListGroups"},
		{hub.PutSchedule{}, "PutSchedule"},
		{hub.EnableSchedule{}, "EnableSchedule"},
		{hub.DeleteSchedule{}, "DeleteSchedule"},
		{hub.GetSchedule{}, "GetSchedule"},
		{hub.ListSchedules{}, "ListSchedules"},
		{hub.GetCounters{}, "tells no counters"},
	} {
		said[reflect.TypeOf(c.command).Name()] = true
		_, err := p.Do(t.Context(), c.command)
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%T: %v; want %q", c.command, err, c.want)
		}
	}
	source, err := os.ReadFile("../../sim/hub/command.go")
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^func \((\w+)\) command\(\)`).FindAllStringSubmatch(string(source), -1)
	if len(commands) < 20 {
		t.Fatalf("only %d commands were found", len(commands))
	}
	for _, m := range commands {
		if !said[m[1]] {
			t.Errorf("the command %s is not in this test: can the preview say it?", m[1])
		}
	}
}

// TestPlaneFollows: a job's ticket settles when the job has ended, and what
// became of it and its parts was observed, in order.
func TestPlaneFollows(t *testing.T) {
	h := openHouse(t, nil)
	uri := h.six()
	var log []string
	p := h.plane(func(cfg *iothub.PlaneConfig) {
		cfg.Every = time.Millisecond // of real time; virtual time goes on as the hub is asked
		cfg.Service.Carrier = h.ticking(500 * time.Millisecond)
		cfg.Observe = func(list []sim.Observation) {
			for _, o := range list {
				if o.Metric != sim.NoMetric {
					log = append(log, fmt.Sprintf("%s %s %v", o.Device, sim.Metrics[o.Metric].Name, o.Value > 0))
				} else {
					log = append(log, strings.TrimSpace(fmt.Sprintf("%s %s %s", o.Job, o.Device, o.Text)))
				}
			}
		}
	})
	targets := []sim.DeviceID{"Device21-7ce4a850", "Device11-7ce4a850"}
	r, err := p.Do(t.Context(), hub.SubmitJob{Spec: job.Spec{ID: "fw", Kind: "firmwareUpdate", PackageURI: uri, Targets: targets, Timeout: 10 * time.Minute}})
	if err != nil || r.Ticket == 0 || r.Job.ID != "fw" || r.Job.Status.Ended() {
		t.Fatalf("%+v, %v", r, err)
	}
	<-p.Ready()
	settled := p.Settled()
	if len(settled) != 1 || settled[0].Ticket != r.Ticket || settled[0].Err != nil {
		t.Fatalf("settled %+v", settled)
	}
	if v := settled[0].Reply.Job; v.Status != job.Completed || v.Counts != (job.Counts{Total: 2, Succeeded: 2}) || v.StatusMessage != "Devices: 2; Succeeded: 2; Failed: 0;" ||
		v.Timeout != 10*time.Minute || v.End == sim.Never || v.Start >= v.End {
		t.Errorf("the job ended as %+v", v)
	}
	children, err := p.Do(t.Context(), hub.ListChildren{Job: "fw"})
	if err != nil || len(children.Children) != 2 || children.Children[0].Device != targets[0] || children.Children[1].Number != 1 {
		t.Errorf("children %+v, %v; want them in order of the targets", children.Children, err)
	}
	page, err := p.Do(t.Context(), hub.ListChildren{Job: "fw", From: 1, Limit: 1})
	if err != nil || len(page.Children) != 1 || page.More || page.Children[0].Device != targets[1] {
		t.Errorf("the last child alone: %+v, %v", page, err)
	}
	if list, err := p.Do(t.Context(), hub.ListJobs{}); err != nil || len(list.Jobs) != 1 || list.Jobs[0].Status != job.Completed {
		t.Errorf("jobs %+v, %v", list.Jobs, err)
	}
	p.Close()
	for _, id := range targets {
		var of []string
		for _, l := range log {
			if strings.Contains(l, string(id)) {
				of = append(of, l)
			}
		}
		want := []string{"fw " + string(id) + " running", string(id) + " device_job true", "fw " + string(id) + " completed"}
		if !slices.Equal(of, want) {
			t.Errorf("observed of %s: %q; want %q", id, of, want)
		}
	}
	if log[0] != "fw  pending" || log[len(log)-1] != "fw  completed" {
		t.Errorf("observed of the job: first %q, last %q", log[0], log[len(log)-1])
	}
}

// ticking is carrier with virtual time going on before every request.
func (h *house) ticking(d time.Duration) http.RoundTripper {
	c := h.carrier()
	return carrierFunc(func(r *http.Request) (*http.Response, error) {
		h.advance(d)
		return c.RoundTrip(r)
	})
}

type carrierFunc func(*http.Request) (*http.Response, error)

func (f carrierFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestPlaneTimeout: a job of a kind that has no timeout in the preview is
// cancelled when the plan's is over.
func TestPlaneTimeout(t *testing.T) {
	h := openHouse(t, nil)
	p := h.plane(func(cfg *iothub.PlaneConfig) {
		cfg.Every = time.Millisecond
		cfg.Service.Carrier = h.ticking(time.Second)
	})
	defer p.Close()
	if _, err := p.Do(t.Context(), hub.Register{ID: "absent", PrimaryKey: make([]byte, 32)}); err != nil {
		t.Fatal(err)
	}
	r, err := p.Do(t.Context(), hub.SubmitJob{Spec: job.Spec{ID: "J", Kind: "rebootDevice", Targets: []sim.DeviceID{"absent"}, Timeout: 10 * time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Ready()
	s := p.Settled()[0]
	if s.Ticket != r.Ticket || s.Err != nil || s.Reply.Job.Status != job.Cancelled || s.Reply.Job.Counts.Cancelled != 1 {
		t.Errorf("settled %+v, %+v", s, s.Reply.Job)
	}
}

// TestPlaneLosesTheHub: a hub that does not answer any more settles the ticket
// with an error.
func TestPlaneLosesTheHub(t *testing.T) {
	h := openHouse(t, nil)
	h.six()
	gone := false
	p := h.plane(func(cfg *iothub.PlaneConfig) {
		cfg.Every = time.Millisecond
		inside := h.carrier()
		cfg.Service.Carrier = carrierFunc(func(r *http.Request) (*http.Response, error) {
			if gone {
				return nil, errors.New("connection refused")
			}
			gone = r.Method == http.MethodPut
			return inside.RoundTrip(r)
		})
	})
	defer p.Close()
	r, err := p.Do(t.Context(), hub.SubmitJob{Spec: job.Spec{ID: "J", Kind: "rebootDevice", Targets: []sim.DeviceID{"Device11-7ce4a850"}}})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Ready()
	s := p.Settled()[0]
	lost, ok := errors.AsType[*iothub.Unreachable](s.Err)
	if s.Ticket != r.Ticket || !ok || lost.Addr != "localhost:443" || !strings.Contains(s.Err.Error(), "job J: hub localhost:443: connection refused") {
		t.Errorf("settled %+v", s)
	}
}

// TestPlaneTakesOver: devices that are there are used with their keys and left
// there, unless they cannot be.
func TestPlaneTakesOver(t *testing.T) {
	h := openHouse(t, nil)
	registry, _ := h.clients()
	for _, d := range []iothub.Device{
		{DeviceID: "there"}, {DeviceID: "disabled", Status: iothub.StatusDisabled},
		{DeviceID: "certificate", Authentication: &iothub.Authentication{X509Thumbprint: &iothub.X509Thumbprint{PrimaryThumbprint: strings.Repeat("A1", 20)}}},
	} {
		if _, err := registry.Create(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	h.six()
	p := h.plane(nil)
	defer p.Close()
	key := slices.Repeat([]byte{9}, 32)
	for id, want := range map[sim.DeviceID]string{
		"new": "", "there": "", "disabled": "is disabled on the hub", "certificate": "has no symmetric key", "Device11-7ce4a850": "is connected to the hub already",
	} {
		r, err := p.Do(t.Context(), hub.Register{ID: id, PrimaryKey: key})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v; want %q", id, err, want)
		}
		if err == nil && slices.Equal(r.Device.PrimaryKey, key) != (id == "new") {
			t.Errorf("%s has the key %x", id, r.Device.PrimaryKey)
		}
	}
	if list, err := p.Do(t.Context(), hub.ListDevices{}); err != nil || len(list.Devices) != 2 {
		t.Errorf("%d devices of the run, %v; want 2", len(list.Devices), err)
	}
	if err := p.CleanUp(t.Context()); err != nil {
		t.Error(err)
	}
	left, err := registry.All(t.Context(), nil)
	if err != nil || len(left) != 9 || slices.ContainsFunc(left, func(d iothub.Device) bool { return d.DeviceID == "new" }) {
		t.Errorf("%d devices are left, %v; want 9, without the new one", len(left), err)
	}
}
