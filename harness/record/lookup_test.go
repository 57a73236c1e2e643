package record

import (
	"math/big"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/sim"
)

// found is what each row of Paths gives on full(); a new row needs a line.
var found = map[string]struct{ name, value string }{
	"job.<job>.status":                      {"fw", "completed"},
	"job.<job>.duration":                    {"fw", "5500000000"},
	"job.<job>.statusMessage":               {"fw", "Devices: 6; Succeeded: 5; Failed: 1;"},
	"job.<job>.failureReason":               {"fw", "<none> & such"},
	"job.<job>.total":                       {"fw", "21"},
	"job.<job>.succeeded":                   {"fw", "5"},
	"job.<job>.failed":                      {"fw", "1"},
	"job.<job>.running":                     {"fw", "2"},
	"job.<job>.pending":                     {"fw", "3"},
	"job.<job>.cancelled":                   {"fw", "10"},
	"job.<job>.batches":                     {"fw - 3", "1"}, // an instance by its name
	"job.<job>.longestGap":                  {"fw", "7"},
	"schedule.<job>.instances":              {"fw", "3"},
	"schedule.<job>.skipped":                {"fw", "2"},
	"schedule.<job>.enabled":                {"fw", "true"},
	"schedule.<job>.completed":              {"fw", "true"},
	"schedule.<job>.total":                  {"fw", "1"},
	"schedule.<job>.succeeded":              {"fw", "2"},
	"schedule.<job>.failed":                 {"fw", "3"},
	"metric.<metric>.count":                 {"connect", "12"},
	"metric.<metric>.min":                   {"connect", "1"},
	"metric.<metric>.mean":                  {"connect", "2"},
	"metric.<metric>.p50":                   {"connect", "3"},
	"metric.<metric>.p90":                   {"connect", "4"},
	"metric.<metric>.p99":                   {"connect", "5"},
	"metric.<metric>.p999":                  {"connect", "6"},
	"metric.<metric>.max":                   {"connect", "7"},
	"metric.<metric>.clamped":               {"connect", "8"},
	"devices.total":                         {"", "6"},
	"devices.connected":                     {"", "5"},
	"devices.firmwareVersion.<version>":     {"3.0", "5"},
	"devices.firmwareUpdateResult.<result>": {"5", "1"},
	"device.<device>.firmwareVersion":       {"dev.1", "3.0"},
	"device.<device>.firmwareUpdateState":   {"dev.1", "1"},
	"device.<device>.firmwareUpdateResult":  {"dev.1", "5"},
	"device.<device>.connected":             {"dev.1", "true"},
	"device.<device>.connects":              {"dev.1", "2"},
	"hub.<counter>":                         {"accepted", "12"},
	"packages.bytesServed":                  {"", "1572864"},
	"packages.downloads":                    {"", "6"},
	"packages.refused":                      {"", "2"},
	"rates.connectsPerSecond":               {"", "1.5"},
	"rates.deviceJobsPerSecond":             {"", "2.25"},
	"memory.bytesPerDevice":                 {"", "48000"},
	"generator.lagP99":                      {"", "2"},
	"generator.planned":                     {"", "11"},
	"generator.sent":                        {"", "5"},
	"generator.dropped":                     {"", "6"},
	"events.dropped":                        {"", "3"},
}

func withRows() *Summary {
	s := full()
	s.Rows = []DeviceRow{
		{ID: "dev.0"},
		{ID: "dev.1", Connected: true, Connects: 2, FirmwareVersion: "3.0", FirmwareUpdateState: "1", FirmwareUpdateResult: "5"},
	}
	return s
}

func fill(pattern, name string) string {
	before, rest, named := strings.Cut(pattern, "<")
	if !named {
		return pattern
	}
	_, after, _ := strings.Cut(rest, ">")
	return before + name + after
}

func TestLookupSweep(t *testing.T) {
	units := map[string]bool{"": true, "word": true, "ns": true, "bytes": true, "1/s": true}
	for i := range Paths {
		p := &Paths[i]
		want, ok := found[p.Pattern]
		if !ok {
			t.Errorf("%s: no line in this test", p.Pattern)
			continue
		}
		path := fill(p.Pattern, want.name)
		if row, name := PathOf(path); row != p || name != want.name {
			t.Errorf("PathOf(%q) = %v, %q; want its own row and %q", path, row, name, want.name)
		}
		v, unit, ok := withRows().Lookup(path)
		if !ok || v.Text != want.value || unit != p.Unit {
			t.Errorf("Lookup(%q) = %+v, %q, %t; want %q, %q", path, v, unit, ok, want.value, p.Unit)
		}
		if v.Word != (p.Unit == "word") {
			t.Errorf("%s: word is %t, unit %q", path, v.Word, unit)
		}
		if r := v.Rat(); (r == nil) != v.Word {
			t.Errorf("%s: number %v of word %t", path, r, v.Word)
		}
		if p.Help == "" || !units[p.Unit] {
			t.Errorf("%s: help %q, unit %q", p.Pattern, p.Help, p.Unit)
		}
	}
	if len(found) != len(Paths) {
		t.Errorf("this test has %d lines for %d paths", len(found), len(Paths))
	}
}

func TestLookupWithoutData(t *testing.T) {
	s := withRows()
	s.Kind = Virtual
	for _, path := range []string{
		"", "job", "job.fw", "job..status", "job.other.status", "job.fw/0.status", "job.fw/0.duration",
		"metric.reboot_to_reconnect.p99", "metric.connect.p98", "hub.nothing", "hub.",
		"device.dev.0.firmwareVersion", "device.dev.0.firmwareUpdateResult", "device.nobody.connected",
		"memory.bytesPerDevice", "generator.lagP99", "devices.firmwareVersion.",
	} {
		if v, _, ok := s.Lookup(path); ok {
			t.Errorf("Lookup(%q) = %+v; want no data", path, v)
		}
	}
	// A version that no device runs is a count of 0, unless nobody counted.
	if v, _, ok := s.Lookup("devices.firmwareVersion.9.9"); !ok || v.Text != "0" {
		t.Errorf("devices at version 9.9 = %+v, %t; want 0", v, ok)
	}
	if _, _, ok := new(Summary).Lookup("devices.firmwareVersion.9.9"); ok {
		t.Error("devices at a version are known although nobody counted")
	}
	s.Metrics[sim.Metrics[sim.MetricApply].Name] = Metric{}
	if _, _, ok := s.Lookup("metric.apply.p50"); ok {
		t.Error("a metric without a value has a percentile")
	}
}

func TestValueIsExact(t *testing.T) {
	s := &Summary{Hub: map[string]int64{"calls": 9007199254740993}} // not a float64
	v, _, _ := s.Lookup("hub.calls")
	if want := big.NewRat(9007199254740993, 1); v.Rat().Cmp(want) != 0 {
		t.Errorf("%s; want %s", v.Rat(), want)
	}
}
