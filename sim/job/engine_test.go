package job_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/job"
)

var update = flag.Bool("update", false, "rewrite testdata; read the difference before you commit it")

const second = sim.Time(time.Second)

// kinds has a valid spec of each kind, for the sweeps.
var kinds = map[string]job.Spec{
	"firmwareUpdate":            {PackageURI: "http://h/p"},
	"rebootDevice":              {},
	"factoryResetDevice":        {},
	"updateDeviceConfiguration": {Configuration: "fast"},
	"readDeviceProperties":      {Names: []string{"timezone", "BatteryLevel"}},
	"property":                  {Properties: []doc.Member{{Name: "LightThreshold", Value: doc.Int(120)}, {Name: "thermostat.TempThreshold", Value: doc.MustParse("21.5")}}},
	"cloudProperty":             {Properties: []doc.Member{{Name: "Site", Value: doc.String("north")}}},
	"command":                   {Command: "blink", Payload: []byte(`{"times":3}`)},
	"writeDeviceProperties":     {Properties: []doc.Member{{Name: "Timezone", Value: doc.String("PST")}}},
}

// play answers calls the way a healthy device does until nothing is open.
func play(f *fleet, dev uint32) {
	for len(f.calls) > 0 {
		switch c := f.calls[0]; {
		case c.method == "dm.read":
			f.answer(dev, 200, `{"/5/0/3":1,"/5/0/5":1,"/3/0/3":"3.0"}`)
		case c.method == "dm.write" && strings.Contains(c.body, "http"):
			f.answer(dev, 200, "")
			f.now += second
			f.report(dev, `{"FirmwareUpdateState":2,"FirmwareUpdateResult":0}`)
			f.now += second
			f.report(dev, `{"FirmwareUpdateState":3}`)
		case c.method == "dm.execute" && strings.Contains(c.body, "/5/0/2"):
			f.answer(dev, 200, "")
			f.goOffline(dev)
			f.now += second
			f.goOnline(dev)
			f.report(dev, `{"FirmwareVersion":"3.0"}`)
			f.report(dev, `{"FirmwareUpdateResult":1}`)
			f.report(dev, `{"FirmwareUpdateState":1}`)
		default:
			f.answer(dev, 200, "")
		}
	}
}

// TestKinds sweeps the table of kinds: a happy device, a refusing one, a
// silent one and one that is cut off in the middle. Each is a transcript.
func TestKinds(t *testing.T) {
	ways := map[string]func(*fleet){
		"happy": func(f *fleet) { play(f, 0) },
		"refusing": func(f *fleet) {
			if len(f.calls) == 0 {
				return // the hub alone is asked
			}
			f.answer(0, 400, `{"resource":"/5/0/1","message":"not idle"}`)
		},
		"silent": func(f *fleet) { f.to(f.now + 60*second) },
		"cut-off": func(f *fleet) {
			f.goOffline(0)
			if len(f.calls) == 0 {
				return
			}
			f.ack(0, job.Ack{Lost: "the device disconnected", Why: job.WhyLost})
			f.to(f.now + 60*second)
		},
	}
	for i := range job.Kinds {
		k := &job.Kinds[i]
		spec, ok := kinds[k.Name]
		if !ok {
			t.Errorf("kind %s is not in the sweep: give it a valid spec in kinds", k.Name)
			continue
		}
		spec.ID, spec.Kind, spec.Targets, spec.Timeout = "j", k.Name, ids(1), 20*time.Second
		for name, way := range ways { // any order: each is a test of its own
			t.Run(k.Name+"/"+name, func(t *testing.T) {
				f := newFleet(t, 1, false)
				f.submit(spec)
				way(f)
				golden(t, "kind-"+k.Name+"-"+name, f.log.String())
				if v := f.engine.View(0); !v.Status.Ended() {
					t.Errorf("job is %s after it should have ended:\n%s", v.Status, f.log.String())
				}
			})
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

func TestCheck(t *testing.T) {
	long := strings.Repeat("x", 256)
	tests := []struct {
		spec job.Spec
		want string
	}{
		{job.Spec{Kind: "reboot", Targets: ids(1)}, `unknown job kind "reboot"`},
		{job.Spec{Kind: "rebootDevice"}, "names no device"},
		{job.Spec{Kind: "rebootDevice", Targets: ids(1), Timeout: 25 * time.Hour}, "timeout 25h0m0s is outside 1s to 24h0m0s"},
		{job.Spec{Kind: "rebootDevice", Targets: ids(1), InFlight: -1}, "must not be below 0"},
		{job.Spec{Kind: "rebootDevice", Targets: ids(1), ID: long + "y"}, "job id has 257 bytes"},
		{job.Spec{Kind: "firmwareUpdate", Targets: ids(1)}, "packageUri is empty"},
		{job.Spec{Kind: "firmwareUpdate", Targets: ids(1), PackageURI: long}, "packageUri has 256 bytes; the limit is 255"},
		{job.Spec{Kind: "updateDeviceConfiguration", Targets: ids(1), Configuration: long}, "the configuration has 256 bytes"},
		{job.Spec{Kind: "readDeviceProperties", Targets: ids(1)}, "no property is named"},
		{job.Spec{Kind: "readDeviceProperties", Targets: ids(1), Names: []string{"Colour"}}, `unknown device property "Colour"`},
		{job.Spec{Kind: "readDeviceProperties", Targets: ids(1), Names: []string{"RebootDevice"}}, `unknown device property "RebootDevice"`},
		{job.Spec{Kind: "writeDeviceProperties", Targets: ids(1), Properties: []doc.Member{{Name: "Timezone", Value: doc.Null()}}}, "must be a string, a number or a boolean"},
		{job.Spec{Kind: "writeDeviceProperties", Targets: ids(1), Properties: []doc.Member{{Name: "timeZone", Value: doc.String("PST")}}}, ""},
		{job.Spec{Kind: "updateDeviceConfiguration", Targets: ids(1)}, ""},
		{job.Spec{Kind: "property", Targets: ids(1)}, "no property is named"},
		{job.Spec{Kind: "property", Targets: ids(1), Properties: []doc.Member{{Name: "a.b.c", Value: doc.Int(1)}}}, "write `name` or `component.name`"},
		{job.Spec{Kind: "property", Targets: ids(1), Properties: []doc.Member{{Name: "a", Value: doc.Int(1)}, {Name: "a", Value: doc.Int(2)}}}, "named twice"},
		{job.Spec{Kind: "command", Targets: ids(1)}, "the command's name has 0 bytes"},
		{job.Spec{Kind: "command", Targets: ids(1), Command: "x", Payload: []byte("{")}, "payload is not JSON"},
		{job.Spec{Kind: "rebootDevice", Targets: ids(1), Batch: &job.Amount{Value: "0"}}, "batch: 0 is no integer from 1"},
		{job.Spec{Kind: "rebootDevice", Targets: ids(1), Batch: &job.Amount{Value: "0", Percent: true}}, "batch: 0% is outside"},
		{job.Spec{Kind: "rebootDevice", Targets: ids(1), Batch: &job.Amount{Value: "1.5"}}, "batch: 1.5 is no integer"},
		{job.Spec{Kind: "rebootDevice", Targets: ids(1), Batch: &job.Amount{Value: "1/3", Percent: true}}, "no decimal number"},
		{job.Spec{Kind: "rebootDevice", Targets: ids(1), Threshold: &job.Threshold{Amount: job.Amount{Value: "101", Percent: true}}}, "outside of 0% to 100%"},
		{job.Spec{Kind: "rebootDevice", Targets: ids(1), Threshold: &job.Threshold{Amount: job.Amount{Value: "0"}}}, ""},
		{job.Spec{Kind: "rebootDevice", Targets: ids(1), Retry: &job.Retry{Attempts: 1, On: []job.Why{"rain"}}}, "no kind of failure"},
		{job.Spec{Kind: "rebootDevice", Targets: ids(1), Rollout: &job.Rollout{PerMinute: 10, Base: 1, Factor: "1"}}, "notified or succeeded"},
		{job.Spec{Kind: "rebootDevice", Targets: ids(1), Rollout: &job.Rollout{PerMinute: 10, Base: 1, Factor: "6", Notified: 1}}, "at most 5"},
	}
	for _, tt := range tests {
		got := ""
		if err := job.Check(&tt.spec); err != nil {
			got = err.Error()
		}
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("Check(%s %v) = %q; want %q in it", tt.spec.Kind, tt.spec, got, tt.want)
		}
	}
}

// TestOffline: an offline device is waited for as long as the grace lasts.
func TestOffline(t *testing.T) {
	tests := []struct {
		grace time.Duration
		back  sim.Time // when the device comes
		want  string
		end   sim.Time
	}{
		{0, 29 * second, "completed ", 29 * second},
		{0, 31 * second, "failed device not connected", 30 * second},
		{-1, second, "failed device not connected", 0},
		{5 * time.Second, 6 * second, "failed device not connected", 5 * second},
		{time.Hour, 3 * 60 * second, "failed timed out after 00:01:00 waiting for the device to connect", 60 * second},
	}
	for _, tt := range tests {
		f := newFleet(t, 1, false)
		f.online[0] = false
		f.submit(job.Spec{ID: "j", Kind: "rebootDevice", Targets: ids(1), Grace: tt.grace, Timeout: time.Minute})
		f.to(tt.back)
		f.goOnline(0)
		for len(f.calls) > 0 {
			f.answer(0, 200, "")
		}
		c := f.engine.Children(0, 0, 1)[0]
		if got := c.Status.String() + " " + c.FailureReason; got != tt.want || c.End != tt.end {
			t.Errorf("grace %s, back at %s: %q at %s; want %q at %s", tt.grace, tt.back, got, c.End, tt.want, tt.end)
		}
	}
}

// TestExclusive: firmware and factory-reset jobs of one device run one after
// the other, others interleave.
func TestExclusive(t *testing.T) {
	f := newFleet(t, 1, false)
	f.submit(job.Spec{ID: "fw", Kind: "firmwareUpdate", Targets: ids(1), PackageURI: "http://h/p"})
	f.submit(job.Spec{ID: "reset", Kind: "factoryResetDevice", Targets: ids(1)})
	f.submit(job.Spec{ID: "reboot", Kind: "rebootDevice", Targets: ids(1)})
	if got := f.engine.Children(1, 0, 1)[0]; got.Status != job.Pending || got.StatusMessage != "waiting for another job on this device" {
		t.Errorf("factory reset beside a firmware update is %s (%s)", got.Status, got.StatusMessage)
	}
	if got := f.engine.Children(2, 0, 1)[0].Status; got != job.Running {
		t.Errorf("reboot beside a firmware update is %s; want running", got)
	}
	play(f, 0)
	for n := range uint32(3) {
		if v := f.engine.View(n); v.Status != job.Completed || v.Counts.Succeeded != 1 {
			t.Errorf("job %s is %s %s\n%s", v.ID, v.Status, v.StatusMessage, f.log.String())
		}
	}
}

// TestSameID: a finished job is replaced, a running one answered as it is;
// strict refuses both.
func TestSameID(t *testing.T) {
	f := newFleet(t, 1, false)
	spec := job.Spec{ID: "j", Kind: "rebootDevice", Targets: ids(1)}
	f.submit(spec)
	if n, err := f.engine.Submit(f.now, spec, &f.out); n != 0 || err != nil {
		t.Errorf("Submit of a running job's id = %d, %v; want 0, nil", n, err)
	}
	f.answer(0, 200, "")
	if n, err := f.engine.Submit(f.now, spec, &f.out); n != 1 || err != nil || !f.engine.Purged(0) {
		t.Errorf("Submit of an ended job's id = %d, %v; want 1, nil and job 0 forgotten", n, err)
	}
	f = newFleet(t, 1, true)
	f.submit(spec)
	if _, err := f.engine.Submit(f.now, spec, &f.out); err == nil {
		t.Error("a strict engine took a job id twice")
	}
}

// TestBadTargets: a long list with a device that is not there, or twice,
// fails as a whole; no device hears of it.
func TestBadTargets(t *testing.T) {
	for _, bad := range []sim.DeviceID{"dev-99999", "dev-3"} {
		f := newFleet(t, 5000, false)
		list := ids(5000)
		list[4000] = bad
		f.submit(job.Spec{ID: "j", Kind: "rebootDevice", Targets: list})
		v := f.engine.View(0)
		if v.Status != job.Failed || !strings.Contains(v.FailureReason, string(bad)) || len(f.calls) != 0 || v.Counts.Pending != 5000 {
			t.Errorf("%s: job is %s (%s), %d calls, %+v", bad, v.Status, v.FailureReason, len(f.calls), v.Counts)
		}
	}
}

func TestHistory(t *testing.T) {
	f := newFleet(t, 1, false)
	f.submit(job.Spec{ID: "j", Kind: "rebootDevice", Targets: ids(1)})
	child := f.engine.Children(0, 0, 1)[0].ID
	f.answer(0, 200, "")
	f.to(30*24*3600*second - 1)
	if _, is, ok := f.engine.Find(child); !is || !ok {
		t.Errorf("child %s is not found within 30 days", child)
	}
	f.to(30 * 24 * 3600 * second)
	if _, _, ok := f.engine.Find("j"); ok {
		t.Error("the job is still found after 30 days")
	}
	if _, _, ok := f.engine.Find(child); ok {
		t.Error("its child is still found after 30 days")
	}
}

// TestChildIDs: ids are version 4 UUIDs, all different, and lead back.
func TestChildIDs(t *testing.T) {
	f := newFleet(t, 3000, false)
	f.submit(job.Spec{ID: "j", Kind: "rebootDevice", Targets: ids(3000)})
	seen := map[string]bool{}
	for i, c := range f.engine.Children(0, 0, 3000) {
		ref, is, ok := f.engine.Find(c.ID)
		if seen[c.ID] || !is || !ok || ref != (job.Ref{Job: 0, Child: uint32(i)}) || c.ID[14] != '4' || !strings.ContainsRune("89ab", rune(c.ID[19])) {
			t.Fatalf("child %d has id %s, found as %v %t", i, c.ID, ref, ok)
		}
		seen[c.ID] = true
	}
	if _, _, ok := f.engine.Find("00000000-0000-4000-8000-000000000000"); ok {
		t.Error("an id that was never given out is found")
	}
}

// TestRandomLives lets random jobs meet random devices and holds the
// invariants after every event.
func TestRandomLives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const devices = 5
		f := newFleet(t, devices, false)
		inFlight := map[uint32]int{}
		check := func() {
			for n := range uint32(f.engine.Number()) {
				if f.engine.Purged(n) {
					continue
				}
				v := f.engine.View(n)
				c, sum := v.Counts, job.Counts{Total: v.Counts.Total}
				for _, ch := range f.engine.Children(n, 0, 100) {
					switch ch.Status {
					case job.Completed:
						sum.Succeeded++
					case job.Failed:
						sum.Failed++
					case job.Running:
						sum.Running++
					case job.Pending:
						sum.Pending++
					case job.Cancelled:
						sum.Cancelled++
					}
					if ch.Status.Ended() != (ch.End != sim.Never) {
						rt.Fatalf("child %d of %s is %s with end %s", ch.Number, v.ID, ch.Status, ch.End)
					}
				}
				if c != sum || c.Succeeded+c.Failed+c.Running+c.Pending+c.Cancelled != c.Total {
					rt.Fatalf("job %s counts %+v; its children say %+v\n%s", v.ID, c, sum, f.log.String())
				}
				if limit := inFlight[n]; limit > 0 && c.Running > limit {
					rt.Fatalf("job %s has %d in flight; the limit is %d", v.ID, c.Running, limit)
				}
				if (v.End != sim.Never) != v.Status.Ended() {
					rt.Fatalf("job %s is %s, end %s, %+v", v.ID, v.Status, v.End, c)
				}
			}
		}
		names := []string{"firmwareUpdate", "rebootDevice", "factoryResetDevice", "updateDeviceConfiguration", "readDeviceProperties"}
		for range rapid.IntRange(1, 60).Draw(rt, "events") {
			dev := uint32(rapid.IntRange(0, devices-1).Draw(rt, "dev"))
			switch rapid.IntRange(0, 8).Draw(rt, "event") {
			case 0:
				n := f.engine.Number()
				if n >= 6 {
					break
				}
				kind := rapid.SampledFrom(names).Draw(rt, "kind")
				s := kinds[kind]
				s.ID, s.Kind = fmt.Sprint("j", n), kind
				s.Targets = ids(rapid.IntRange(1, devices).Draw(rt, "targets"))
				s.InFlight = rapid.IntRange(0, 3).Draw(rt, "inFlight")
				s.Timeout = time.Duration(rapid.IntRange(1, 100).Draw(rt, "timeout")) * time.Second
				s.StepTimeout = time.Duration(rapid.IntRange(0, 20).Draw(rt, "step")) * time.Second
				inFlight[uint32(n)] = s.InFlight
				f.submit(s)
			case 1, 2:
				for _, c := range f.calls {
					if c.dev == dev {
						f.answer(dev, rapid.SampledFrom([]int32{200, 200, 200, 400, 500}).Draw(rt, "status"), `{"/5/0/3":1}`)
						break
					}
				}
			case 3:
				f.report(dev, fmt.Sprintf(`{"FirmwareUpdateState":%d,"FirmwareUpdateResult":%d}`,
					rapid.IntRange(1, 3).Draw(rt, "state"), rapid.IntRange(0, 7).Draw(rt, "result")))
			case 4:
				if f.online[dev] {
					f.goOffline(dev)
					for {
						i := 0
						for i < len(f.calls) && f.calls[i].dev != dev {
							i++
						}
						if i == len(f.calls) {
							break
						}
						f.ack(dev, job.Ack{Lost: "the device disconnected", Why: job.WhyLost})
					}
				}
			case 5:
				if !f.online[dev] {
					f.goOnline(dev)
				}
			case 6:
				f.to(f.now + sim.Time(rapid.IntRange(0, 40).Draw(rt, "seconds"))*second)
			case 7:
				name := fmt.Sprint("j", rapid.IntRange(0, 5).Draw(rt, "job"))
				if f.engine.Cancel(f.now, name, &f.out) {
					f.settle()
				}
			case 8:
				f.engine.Deleted(f.now, dev, &f.out)
				f.settle()
			}
			check()
		}
		f.to(f.now + 200*second) // every timeout has passed
		for n := range uint32(f.engine.Number()) {
			if v := f.engine.View(n); v.End == sim.Never {
				rt.Fatalf("job %s never ended: %+v\n%s", v.ID, v, f.log.String())
			}
		}
		check()
	})
}

// TestCancelStartsNothing: after a cancel no device is called that was not
// called before; what runs stops at its next step.
func TestCancelStartsNothing(t *testing.T) {
	f := newFleet(t, 10, false)
	f.submit(job.Spec{ID: "j", Kind: "updateDeviceConfiguration", Targets: ids(10), InFlight: 3, Configuration: "x"})
	f.answer(0, 200, "") // in its second step
	f.answer(0, 200, "")
	f.engine.Cancel(f.now, "j", &f.out)
	f.settle()
	before := len(f.calls)
	for len(f.calls) > 0 {
		f.answer(f.calls[0].dev, 200, "")
	}
	want := job.Counts{Total: 10, Succeeded: 1, Cancelled: 9}
	if v := f.engine.View(0); v.Status != job.Cancelled || v.Counts != want || v.End == sim.Never || before != 3 {
		t.Errorf("job is %s %+v, end %s, %d calls were open; want cancelled %+v and 3\n%s", v.Status, v.Counts, v.End, before, want, f.log.String())
	}
}
