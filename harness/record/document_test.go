package record

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/sim"
)

var update = flag.Bool("update", false, "rewrite golden files; read the diff before you commit it")

// full is a summary in which every member has a value of its own.
func full() *Summary {
	return &Summary{
		Schema: Schema, Scenario: "six-devices", About: "one of everything", Kind: Live, Seed: math.MaxUint64,
		Epoch: "2026-01-01T00:00:00.0000000Z", Digest: "00ff", Verdict: Failed, VoidReason: "none, this is a test",
		Start: "2026-01-01T00:00:00.0000000Z", End: "2026-01-01T00:00:07.2500000Z", WallSeconds: 7.25,
		Source:    Source{"six-devices.yaml", "groups: {} # <none>\n", []string{"seed=7"}},
		Transport: "memory", DeviceClient: "paho", Faults: []Fault{{"wrong-bytes", "all", 1}},
		Expectations: []Expectation{
			{"job.fw.succeeded == 6", "six-devices.yaml:40", "5", false, "5 is not 6"},
			{Expression: "job.fw.status == completed", Value: "completed", Passed: true},
		},
		Jobs: []Job{
			{ID: "fw", Type: "firmwareUpdate", Status: "completed", Start: "2026-01-01T00:00:01.0000000Z", End: "2026-01-01T00:00:06.5000000Z",
				FailureReason: "<none> & such", StatusMessage: "Devices: 6; Succeeded: 5; Failed: 1;", TimeoutSeconds: 1800,
				Devices: &JobDevices{Total: 21, Succeeded: 5, Failed: 1, Running: 2, Pending: 3, Cancelled: 10}, Name: "fw - 3", ScheduleID: "fw",
				Batches: &JobBatches{11, 2, 1, 9, 2, 3, 4, 5, 6, 7, []JobBatch{{11, 1, "2026-01-01T00:00:01.0000000Z", "2026-01-01T00:00:02.0000000Z", 1_000_000_000, 1}}}},
			{ID: "fw/0", ParentID: "fw", DeviceID: "Device11-7ce4a850", Type: "firmwareUpdate", Status: "failed", FailureReason: "firmware update result 5"},
		},
		Schedules:       []Schedule{{"fw", "firmwareUpdate", "vans", "daily from 2026-01-01T00:00:01Z", true, true, 3, 2, "2026-01-02T00:00:01.0000000Z", JobDevices{1, 2, 3, 4, 5, 6}}},
		ChildrenOmitted: 5,
		Devices:         Devices{Total: 6, Connected: 5, FirmwareVersions: map[string]int{"3.0": 5, "1.0": 1}, UpdateResults: map[string]int{"1": 5, "5": 1}},
		Metrics:         map[string]Metric{"connect": {"ns", 12, 1, 2, 3, 4, 5, 6, 7, 8, []Percentile{{0, 1}, {99.90234375, 7}, {100, 7}}}, "apply": {Unit: "ns", Count: 1, Max: 9}},
		Rates:           Rates{1.5, 2.25}, Memory: Memory{48000, 1 << 30},
		Generator: Generator{1, 2, 3, 11, 5, 6, 7, 8, 9, 10, 12},
		Hub:       map[string]int64{"accepted": 12, "refused": 1},
		Packages:  Packages{6, 2, 1572864}, Events: EventCounts{240, 3},
		Versions: Versions{"v0.1.0", "go1.26", "linux", "amd64", 2},
		Machine:  Machine{"Vortex86 & co", 2, "Linux 6.1", 8 << 30, 4 << 30, 1024},
		Campaign: &Campaign{1_000_000, 1_500_000, []States{{"offline", []int{6, 1}}, {"connected", []int{0, 5}}}, []States{{"running", []int{0, 6}}}},
		Slowest:  []SlowDevice{{"Device31-7ce4a850", 2, 9, 4, 3, 1, []DeviceTotal{{"download", 1, 2, 2}, {"device_job", 2, 9, 5}}}},
		Failures: []Failure{{"fw", "firmware update result 5", 1, []string{"Device11-7ce4a850"}}},
		Warnings: []string{"one", "two"},
	}
}

func TestDocumentGolden(t *testing.T) {
	var b bytes.Buffer
	if err := full().Write(&b); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join("testdata", "summary.json")
	if *update {
		if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// full has no zero member but Rows and Timeline, so the round trip of it proves every one.
func TestDocumentRoundTrip(t *testing.T) {
	v := reflect.ValueOf(*full())
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.Name != "Rows" && f.Name != "Timeline" && v.Field(i).IsZero() {
			t.Errorf("full() leaves %s zero", f.Name)
		}
	}
	var first bytes.Buffer
	if err := full().Write(&first); err != nil {
		t.Fatal(err)
	}
	got, err := Read(bytes.NewReader(first.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(full(), got); d != "" {
		t.Errorf("round trip (-want +got):\n%s", d)
	}
	var second bytes.Buffer
	if err := got.Write(&second); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("written twice, the bytes differ")
	}
}

// The members that a reader may count on are there even when there is
// nothing to say.
func TestDocumentOfNothing(t *testing.T) {
	var b bytes.Buffer
	if err := (&Summary{Kind: Virtual, Verdict: Void}).Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{`"schema": 1`, `"scenario"`, `"kind"`, `"seed"`, `"epoch"`, `"verdict"`, `"expectations": []`, `"jobs": []`,
		`"metrics": {}`, `"rates": {`, `"memory": {`, `"generator": {`, `"events": {`} {
		if !strings.Contains(b.String(), member) {
			t.Errorf("no %s in\n%s", member, b.String())
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "", "not a summary: it is empty"},
		{"half", `{"schema":1`, "not a summary: unexpected EOF"},
		{"text", "devices: 6", "not a summary: invalid character 'd' looking for beginning of value"},
		{"list", "[]", "not a summary: json: cannot unmarshal array into Go value of type struct { Schema *int \"json:\\\"schema\\\"\" }"},
		{"no schema", `{"scenario":"x"}`, "not a summary: there is no member `schema`; pass the summary.json of a run"},
		{"newer", `{"schema":2}`, "summary of schema 2, this build reads 1: use the flotilla that wrote it, or run the scenario again"},
		{"two", `{"schema":1,"kind":"live","verdict":"passed"}{}`, "not a summary: something follows the document; pass one summary.json at a time"},
		{"kind", `{"schema":1,"verdict":"passed"}`, `summary: kind: "" is neither live nor virtual`},
		{"verdict", `{"schema":1,"kind":"live","verdict":"ok"}`, `summary: verdict: "ok" is none of passed, failed, void, interrupted`},
		{"job", `{"schema":1,"kind":"live","verdict":"passed","jobs":[{}]}`, "summary: jobs[0]: has no jobId"},
	} {
		_, err := Read(strings.NewReader(c.in))
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v; want %s", c.name, err, c.want)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	for _, s := range []*Summary{
		{},
		{Kind: Live, Verdict: "ok"},
		{Kind: Live, Verdict: Passed, WallSeconds: math.NaN()},
	} {
		if err := s.Write(new(bytes.Buffer)); err == nil {
			t.Errorf("%+v was written", s)
		}
	}
}

// Of too many children those that did not complete stay, parents always do,
// and nothing changes its place.
func TestCapChildren(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		states := rapid.SliceOfN(rapid.SampledFrom([]string{"parent", "completed", "failed", "running"}), 0, 40).Draw(rt, "jobs")
		limit := rapid.IntRange(0, 20).Draw(rt, "limit")
		var jobs []Job
		count := map[string]int{}
		for i, s := range states {
			count[s]++
			j := Job{ID: fmt.Sprint(i), Status: s, ParentID: "p"}
			if s == "parent" {
				j.ParentID, j.Status = "", "completed"
			}
			jobs = append(jobs, j)
		}
		kept, omitted := capChildren(jobs, limit)
		if len(kept)+omitted != len(jobs) {
			rt.Fatalf("%d kept, %d omitted of %d", len(kept), omitted, len(jobs))
		}
		got, last := map[string]int{}, -1
		for _, j := range kept {
			at := slices.IndexFunc(jobs, func(k Job) bool { return k.ID == j.ID })
			if at <= last {
				rt.Fatalf("order changed: %v", kept)
			}
			last = at
			got[states[at]]++
		}
		bad := count["failed"] + count["running"]
		wantBad := min(bad, limit)
		wantGood := min(count["completed"], limit-wantBad)
		if got["parent"] != count["parent"] || got["failed"]+got["running"] != wantBad || got["completed"] != wantGood {
			rt.Fatalf("kept %v of %v with limit %d", got, count, limit)
		}
	})
}

func TestWriteCapsChildren(t *testing.T) {
	s := &Summary{Kind: Virtual, Verdict: Passed, Jobs: []Job{{ID: "fw"}}}
	for i := range MaxChildren + 7 {
		s.Jobs = append(s.Jobs, Job{ID: fmt.Sprint("fw/", i), ParentID: "fw", Status: "completed"})
	}
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Jobs) != MaxChildren+1 || got.ChildrenOmitted != 7 {
		t.Errorf("%d jobs, %d omitted; want %d, 7", len(got.Jobs), got.ChildrenOmitted, MaxChildren+1)
	}
	if len(s.Jobs) != MaxChildren+8 || s.ChildrenOmitted != 0 {
		t.Error("writing changed the summary")
	}
}

// What was recorded fills a summary the same way whatever the shards.
func TestFillIsDeterministic(t *testing.T) {
	var want []byte
	for _, shards := range []int{1, 3, 64} {
		r := New(Options{Shards: shards})
		for i := range 20_000 {
			r.Observe([]sim.Observation{{At: sim.Time(i * 1000), Device: sim.DeviceID(fmt.Sprint("d", i%97)),
				Metric: sim.Metric(1 + i%(len(sim.Metrics)-1)), Value: int64(i) * int64(i) * 7919}})
		}
		s := &Summary{Kind: Virtual, Verdict: Passed}
		r.Fill(s)
		var b bytes.Buffer
		if err := s.Write(&b); err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = b.Bytes()
		} else if !bytes.Equal(want, b.Bytes()) {
			t.Errorf("%d shards: another document than with 1", shards)
		}
	}
}

// Read never panics, and what it takes it can write and read again.
func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if err := full().Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := Read(bytes.NewReader(in))
		if err != nil {
			return
		}
		for i := range Paths {
			s.Lookup(Paths[i].Pattern)
		}
		var first, second bytes.Buffer
		if err := s.Write(&first); err != nil {
			t.Fatalf("read but cannot be written: %v", err)
		}
		again, err := Read(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatalf("written but cannot be read: %v", err)
		}
		if err := again.Write(&second); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Fatalf("the second writing differs (%v)", err)
		}
	})
}
