package reports

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/sim"
)

// recorded is what a run of sixOK may have recorded.
var recorded = func() *record.Recorder {
	r := record.New(record.Options{})
	for i, id := range sixIDs {
		d := sim.DeviceID(id)
		for k := range 2 {
			r.Observe([]sim.Observation{{Device: d, Metric: sim.MetricConnect, Value: int64(900_000 + 1000*i + 100_000*k)}})
		}
		for k := range 100 {
			r.Observe([]sim.Observation{{Device: d, Metric: sim.MetricMethodRoundTrip, Value: int64(95_100 + 13_000*k + i)}})
		}
		r.Observe([]sim.Observation{{Device: d, Metric: sim.MetricDeviceJob, Value: int64(5*time.Second) + int64(i)}})
	}
	return r
}()

// hlog is the log of recorded.
func hlog(t *testing.T, s *record.Summary, perDevice bool) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := HLog(&b, s, Options{Histograms: recorded, PerDevice: perDevice}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestHLog(t *testing.T) {
	s := sixOK()
	log := string(hlog(t, s, true))
	for _, want := range []string{
		"# flotilla v0.1.0: six-devices, live, seed 1\n", "#[BaseTime: 1791021600.000 ",
		"Tag=device_job,0.000,7.312,5000.000005,", "Tag=device_job/Device11-7ce4a850,0.000,7.312,5000.000000,",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	if got, want := strings.Count(log, "Tag="), 3+3*6; got != want {
		t.Errorf("%d lines with a tag; want %d", got, want)
	}
	if log := string(hlog(t, s, false)); strings.Contains(log, "Tag=connect/") || strings.Count(log, "Tag=") != 3 {
		t.Errorf("a log without devices:\n%s", log)
	}
	err := HLog(new(bytes.Buffer), s, Options{})
	if err == nil || !strings.Contains(err.Error(), "take the histograms.hlog that the run wrote") {
		t.Errorf("%v; want an error that says where the histograms are", err)
	}
	if err := HLog(new(bytes.Buffer), &record.Summary{}, Options{Histograms: recorded}); err == nil {
		t.Error("a summary without times has a log")
	}
}

func TestDeviceGolden(t *testing.T) {
	for _, c := range []struct {
		name    string
		summary *record.Summary
		o       Options
	}{{"six-ok.device.txt", sixOK(), Options{}}, {"fleet-virtual.device.ascii.txt", fleetVirtual(), Options{ASCII: true}}} {
		id := sixIDs[2]
		metrics, err := record.LogDevice(bytes.NewReader(hlog(t, sixOK(), true)), sim.DeviceID(id))
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := Device(&b, c.summary, id, metrics, c.o); err != nil {
			t.Fatal(err)
		}
		golden(t, c.name, b.Bytes())
	}
}

// TestReadTimeline: a transcript out of the file is the one of the run.
func TestReadTimeline(t *testing.T) {
	s := sixOK()
	file := render(t, format(t, "timeline"), s, Options{})
	device := sixIDs[0]
	if all, err := ReadEvents(bytes.NewReader(file)); err != nil || len(all) != bytes.Count(file, []byte("\n"))-1 {
		t.Errorf("%d events of all devices, %v; the file has %d lines", len(all), err, bytes.Count(file, []byte("\n")))
	}
	events, err := ReadTimeline(bytes.NewReader(file), device)
	if err != nil || len(events) != 4 {
		t.Fatalf("%d events, %v; want 4", len(events), err)
	}
	var want, got bytes.Buffer
	if err := Transcript(&want, s, device); err != nil {
		t.Fatal(err)
	}
	if err := Transcript(&got, &record.Summary{Timeline: events}, device); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want.String(), got.String()); d != "" {
		t.Errorf("transcript (-run +file):\n%s", d)
	}
	head := "seconds,device,event,job,value,text\r\n"
	for _, c := range []struct{ file, want string }{
		{"", "not a timeline: its first line must be seconds,device,event,job,value,text"},
		{"device,group\r\n", "not a timeline"},
		{head + "1.5,d,link,,,opened\r\n", `timeline: line 2: seconds "1.5": want seconds with six decimals`},
		{head + "99999999999.000000,d,link,,,opened\r\n", `want seconds with six decimals`},
		{head + "1.500000,e,dance,,,\r\n1.500000,d,dance,,,\r\n", `timeline: line 3: event "dance": this build knows no such event`},
		{head + "1.500000,d,link,,many,\r\n", `timeline: line 2: value "many"`},
		{head + "1.500000,d,link\r\n", "timeline: "},
	} {
		if _, err := ReadTimeline(strings.NewReader(c.file), "d"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v; want %s", c.file, err, c.want)
		}
	}
}
