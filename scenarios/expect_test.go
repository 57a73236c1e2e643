package scenarios_test

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

func TestEval(t *testing.T) {
	data := map[string]scenarios.Value{
		"job.fw.status":                  scenarios.Word("completed"),
		"job.fw.total":                   scenarios.Count(1000),
		"job.fw.succeeded":               scenarios.Count(989),
		"job.fw.failed":                  scenarios.Count(11),
		"job.fw.duration":                scenarios.Span(90*time.Second + 1),
		"job.fw.statusMessage":           scenarios.Word("Devices: 6; Succeeded: 6; Failed: 0;"),
		"metric.connect.p99":             scenarios.Span(249_999_999),
		"metric.connect.count":           scenarios.Count(0),
		"device.D1.firmwareVersion":      scenarios.Word("3.0"),
		"device.D1.firmwareUpdateResult": scenarios.Count(5),
		"devices.total":                  scenarios.Count(0),
		"devices.connected":              scenarios.Count(0),
		"devices.firmwareVersion.3.0":    scenarios.Count(6),
		"hub.calls":                      scenarios.Word("what"),
		"packages.bytesServed":           scenarios.Count(1572864),
		"device.D1.connected":            scenarios.Word("true"),
	}
	look := func(path string) (scenarios.Value, bool) { v, ok := data[path]; return v, ok }
	for _, tt := range []struct {
		expect string
		passed bool
		value  string
		reason string // a part of it
	}{
		{"job.fw.status == completed", true, `"completed"`, ""},
		{"job.fw.status != completed", false, `"completed"`, `job.fw.status is "completed", expected != completed`},
		{"job.fw.succeeded == 989", true, "989", ""},
		{"job.fw.succeeded == 989.0", true, "989", ""},
		{"job.fw.succeeded != 989", false, "989", "expected != 989"},
		{"job.fw.succeeded > 988.99", true, "989", ""},
		{"job.fw.succeeded < 989", false, "989", "expected < 989"},
		{"job.fw.succeeded <= 989", true, "989", ""},
		{"job.fw.succeeded >= 98.9%", true, "989 (98.90% of 1000)", ""},
		{"job.fw.succeeded >= 98.91%", false, "989 (98.90% of 1000)", "expected >= 98.91%"},
		{"job.fw.failed < 1.1%", false, "11 (1.10% of 1000)", "expected < 1.1%"}, // 1.1/100 is no float
		{"job.fw.failed <= 1.1%", true, "11 (1.10% of 1000)", ""},
		{"job.fw.duration <= 90s", false, "1m30s", "expected <= 90s"},
		{"job.fw.duration > 90s", true, "1m30s", ""},
		{"metric.connect.p99 < 250ms", true, "250ms", ""},
		{"metric.connect.p99 < 0.25s", true, "250ms", ""},
		{"metric.connect.p99 >= 250ms", false, "250ms", "expected >= 250ms"},
		{"metric.connect.count == 0", true, "0", ""},
		{"metric.connect.max < 1h", false, "", "no data for metric.connect.max"},
		{`job.fw.statusMessage == "Devices: 6; Succeeded: 6; Failed: 0;"`, true, `"Devices: 6; Succeeded: 6; Failed: 0;"`, ""},
		{`job.fw.failureReason == ""`, false, "", "no data"},
		{`device.D1.firmwareVersion == 3.0`, true, `"3.0"`, ""},
		{`device.D1.firmwareVersion == 3`, false, `"3.0"`, "expected == 3"},
		{`device.D1.firmwareVersion != "2.0"`, true, `"3.0"`, ""},
		{`device.D1.firmwareUpdateResult==5`, true, `5`, ""},
		{`devices.connected == 100%`, false, "0", "no data for devices.total"},
		{`devices.firmwareVersion.3.0 == 6`, true, "6", ""},
		{`devices.firmwareVersion."3.0"  ==  6`, true, "6", ""},
		{`devices.firmwareVersion.4.0 == 0`, false, "", "no data"},
		{`packages.bytesServed == 1.5MiB`, true, "1572864", ""},
		{`packages.bytesServed > 1MB`, true, "1572864", ""},
		{`packages.bytesServed < 1572864`, false, "1572864", "expected < 1572864"},
		{`device.D1.connected == true`, true, `"true"`, ""},
		{`hub.calls > 3`, false, `"what"`, "cannot be compared"},
	} {
		p := plan(t, "jobs: [{id: fw, kind: rebootDevice, group: six}]\nexpect:\n  - '"+tt.expect+"'\n")
		e := p.Expect[0]
		got := e.Eval(look)
		if got.Passed != tt.passed || got.Value != tt.value || !strings.Contains(got.Reason, tt.reason) || got.Passed != (got.Reason == "") {
			t.Errorf("%s: %+v; want passed %v, value %s, reason with %q", tt.expect, got, tt.passed, tt.value, tt.reason)
		}
		if e.Text != tt.expect || e.Where != "x.yaml:3" {
			t.Errorf("%s stands at %s as %q", tt.expect, e.Where, e.Text)
		}
	}
}

// The expectations on the hub are its counters, all of them; those of live runs
// alone are counted in front of it.
func TestHubCounters(t *testing.T) {
	var want []string
	for f := range reflect.TypeFor[hub.Counters]().Fields() {
		name := []rune(f.Name)
		name[0] = unicode.ToLower(name[0])
		want = append(want, string(name))
	}
	for _, f := range scenarios.Families {
		if f.Name != "hub" {
			continue
		}
		for _, p := range f.Properties {
			found := strings.HasPrefix(p.Help, "live runs: ") || strings.HasPrefix(p.Help, "connections ") // those the stages count
			for i := range want {
				if want[i] == p.Name {
					want = append(want[:i], want[i+1:]...)
					found = true
					break
				}
			}
			if !found {
				t.Errorf("hub.%s is no counter", p.Name)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("counters that cannot be expected: %v", want)
	}
}

// Every path of the table can be written and is looked up as the table says.
func TestEveryPath(t *testing.T) {
	for _, f := range scenarios.Families {
		for _, p := range f.Properties {
			path := f.Path(p)
			path = strings.NewReplacer("<job>", "fw", "<metric>", sim.Metrics[sim.MetricConnect].Name, "<device>", "D1", "<version>", "3.0", "<result>", "5").Replace(path)
			value := map[scenarios.Class]string{scenarios.IsCount: "1", scenarios.IsDuration: "1s", scenarios.IsStatus: "failed", scenarios.IsText: "x", scenarios.IsTruth: "true", scenarios.IsSize: "1KiB"}[p.Class]
			job := "jobs: [{id: fw, kind: rebootDevice, group: six}]"
			if f.Name == "schedule" {
				job = "duration: 1h\ndeviceGroups: {vans: label=van}\njobs: [{id: fw, kind: rebootDevice, deviceGroup: vans, schedule: {at: 3s}}]"
			}
			pl := plan(t, job+"\nexpect: ['"+path+" == "+value+"']\n")
			asked := ""
			pl.Expect[0].Eval(func(path string) (scenarios.Value, bool) { asked = path; return scenarios.Value{}, false })
			if asked != path {
				t.Errorf("%s is looked up as %s", path, asked)
			}
			if p.Help == "" {
				t.Errorf("%s has no help", path)
			}
		}
	}
}
