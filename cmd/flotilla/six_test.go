package main

import (
	"context"
	"encoding/csv"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

// stages are the two ways of playing a scenario, and in-memory links, whose
// time may be a bubble's, beside TCP, where it is what it is.
var stages = []struct {
	name string
	args []string
	real bool
}{
	{"virtual", []string{"--virtual"}, false},
	{"live", nil, false},
	{"live over tcp", []string{"--transport", "tcp"}, true},
	{"live with the lean client", []string{"--client", "lean"}, false},
}

// onStages runs a test on every stage, each beside the others.
func onStages(t *testing.T, f func(t *testing.T, args ...string)) {
	for _, s := range stages {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			if s.real {
				f(t, s.args...)
				return
			}
			bubble(t, func(t *testing.T) { f(t, s.args...) })
		})
	}
}

// TestSixDevices: six devices, seven jobs, all at the new version, and the
// counters of hub and package server agree.
func TestSixDevices(t *testing.T) {
	t.Parallel()
	onStages(t, func(t *testing.T, args ...string) {
		if slices.Contains(args, "tcp") { // its own expectations have a time among them
			args = append(args, "--set", "expect=[job.fw.succeeded == 6]")
		}
		r := flotilla(t, append([]string{"run", "six-devices", "--transcript", "Device11-7ce4a850"}, args...)...).ends(t, exitPassed)
		s := r.summary(t)
		if len(s.Jobs) != 7 || s.Verdict != "passed" {
			t.Fatalf("%d jobs, verdict %s; want 7, passed", len(s.Jobs), s.Verdict)
		}
		for i, j := range s.Jobs {
			if j.Status != "completed" || (j.ParentID == "") != (i == 0) {
				t.Errorf("job %s of %q is %s (%s)", j.ID, j.ParentID, j.Status, j.FailureReason)
			}
		}
		if got, want := s.Jobs[0].StatusMessage, "Devices: 6; Succeeded: 6; Failed: 0;"; got != want {
			t.Errorf("statusMessage is %q; want %q", got, want)
		}
		src, err := scenarios.Open("six-devices")
		if err != nil {
			t.Fatal(err)
		}
		plan, err := scenarios.Load(src, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := s.Packages.BytesServed, 6*pack.New(plan.Packages[0]).Len(); got != want {
			t.Errorf("%d bytes served; want six packages, %d", got, want)
		}
		if s.Hub["accepted"] != 12 || s.Devices.FirmwareVersions["3.0"] != 6 {
			t.Errorf("%d CONNECTs accepted, versions %v; want 12 and six at 3.0", s.Hub["accepted"], s.Devices.FirmwareVersions)
		}
		rows, err := csv.NewReader(strings.NewReader(r.read(t, "devices.csv"))).ReadAll()
		if err != nil || len(rows) != 7 {
			t.Errorf("devices.csv has %d rows, %v; want a header and six", len(rows), err)
		}
		for _, row := range rows[1:] {
			if row[3] != "2" || row[4] != "3.0" {
				t.Errorf("devices.csv: %v; want 2 connects and version 3.0", row)
			}
		}
		inOrder(t, r.stdout, "child     fw running", "FirmwarePackageUri=http://", "FirmwareUpdateState=2", "bytes", "complete",
			"FirmwareUpdateState=3", "execute   UpdateFirmware", "link      closed by the device", "connect   accepted",
			"FirmwareVersion=3.0", "FirmwareUpdateResult=1", "FirmwareUpdateState=1", "child     fw completed",
			"six-devices succeeded.", "Start time (UTC): ", "End time (UTC): ")
	})
}

// TestOneBadPackage: one device gets a wrong byte, fails with result 5 and
// keeps its version; the job completes, the run has missed its expectations.
func TestOneBadPackage(t *testing.T) {
	t.Parallel()
	onStages(t, func(t *testing.T, args ...string) {
		r := flotilla(t, append([]string{"run", "six-devices",
			"--set", "groups.six.faults=[{fault: wrong-bytes, devices: [Device31-7ce4a850]}]"}, args...)...).ends(t, exitMissed)
		s := r.summary(t)
		if j := s.Jobs[0]; j.Status != "completed" || j.StatusMessage != "Devices: 6; Succeeded: 5; Failed: 1;" {
			t.Errorf("parent is %s, %q", j.Status, j.StatusMessage)
		}
		for _, j := range s.Jobs[1:] {
			want := "completed"
			if j.DeviceID == "Device31-7ce4a850" {
				want = "failed"
				if !strings.Contains(j.FailureReason, "firmware update result 5") {
					t.Errorf("failureReason is %q", j.FailureReason)
				}
			}
			if j.Status != want {
				t.Errorf("%s is %s; want %s", j.DeviceID, j.Status, want)
			}
		}
		if s.Devices.UpdateResults["5"] != 1 || s.Devices.FirmwareVersions["1.0"] != 1 {
			t.Errorf("results %v, versions %v", s.Devices.UpdateResults, s.Devices.FirmwareVersions)
		}
	})
}

// TestFaults plays the other recipes: a download that is cut resumes, one cut
// for good ends with result 4, a package that is not there with 7, a device
// that never reconnects keeps its child running until the timeout.
func TestFaults(t *testing.T) {
	t.Parallel()
	const device = "Device31-7ce4a850"
	tests := []struct {
		name, set, reason, result, timeout string
	}{
		{"cut once", "groups.six.faults=[{fault: truncated-download, devices: [" + device + "]}]", "", "1", "1m"},
		{"cut for good", "groups.six.faults=[{fault: cut-for-good=30%, devices: [" + device + "]}]", "firmware update result 4: connection lost", "4", "1m"},
		{"never back", "groups.six.faults=[{fault: never-reconnects, devices: [" + device + "]}]",
			"timed out after 00:00:10 waiting for the device to come back", "0", "10s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			onStages(t, func(t *testing.T, args ...string) {
				want := exitMissed
				if tt.reason == "" {
					want = exitPassed
				}
				sets := []string{"run", "six-devices", "--set", tt.set, "--set", "jobs.fw.timeout=" + tt.timeout, "--set", "groups.six.backoff=50ms..200ms",
					"--set", "groups.six.boot=100ms", "--set", "groups.six.flash=100ms"}
				if tt.reason == "" { // one request more
					sets = append(sets, "--set", "expect=[job.fw.succeeded == 6]")
				}
				s := flotilla(t, append(sets, args...)...).ends(t, want).summary(t)
				for _, j := range s.Jobs[1:] {
					if j.DeviceID == device && !strings.Contains(j.FailureReason, tt.reason) || j.DeviceID != device && j.Status != "completed" {
						t.Errorf("%s is %s: %q", j.DeviceID, j.Status, j.FailureReason)
					}
				}
				if s.Devices.UpdateResults[tt.result] == 0 {
					t.Errorf("update results are %v; want one %s", s.Devices.UpdateResults, tt.result)
				}
				if length := int64(262_295); tt.reason == "" && (s.Packages.BytesServed > 6*length+length/10 || s.Packages.Downloads != 7) {
					t.Errorf("%d bytes in %d downloads; want under a tenth of the package sent twice", s.Packages.BytesServed, s.Packages.Downloads)
				}
			})
		})
	}
}

// TestMissingPackage: the package server answers 404; every device ends with
// result 7 and no job is lost.
func TestMissingPackage(t *testing.T) {
	t.Parallel()
	onStages(t, func(t *testing.T, args ...string) {
		r := flotilla(t, append([]string{"run", "testdata/missing-package.yaml"}, args...)...).ends(t, exitPassed)
		for _, j := range r.summary(t).Jobs[1:] {
			if !strings.Contains(j.FailureReason, "firmware update result 7: invalid URI") {
				t.Errorf("%s: %q", j.DeviceID, j.FailureReason)
			}
		}
	})
}

// TestAllSixJobs: six kinds over six devices, 42 jobs.
func TestAllSixJobs(t *testing.T) {
	t.Parallel()
	onStages(t, func(t *testing.T, args ...string) {
		if slices.Contains(args, "tcp") { // reboots take what they take
			args = append(args, "--set", "jobs.reset.delay=8s")
		}
		s := flotilla(t, append([]string{"run", "all-six-jobs"}, args...)...).ends(t, exitPassed).summary(t)
		if len(s.Jobs) != 42 {
			t.Errorf("%d jobs; want 42", len(s.Jobs))
		}
	})
}

// TestDeepWrite: a write of a read-only property fails its child; a write
// does not change the twin when the job completes, the next notification or
// deep read does.
func TestDeepWrite(t *testing.T) {
	t.Parallel()
	onStages(t, func(t *testing.T, args ...string) {
		r := flotilla(t, append([]string{"run", "testdata/deep-write.yaml"}, args...)...).ends(t, exitPassed)
		for _, j := range r.summary(t).Jobs {
			if j.ParentID == "forbidden" && (j.Status != "failed" || !strings.Contains(j.FailureReason, "4.05") || !strings.Contains(j.FailureReason, "BatteryLevel")) {
				t.Errorf("the write of a read-only property is %s: %q", j.Status, j.FailureReason)
			}
		}
	})
}

// TestInterrupted: Ctrl-C ends a run cleanly, with its report.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--virtual", "--set", "duration=100000h", "--set", "timeout=200000h"}} {
		ctx, cancel := context.WithCancel(t.Context())
		reader, writer := io.Pipe()
		var code int
		dir := t.TempDir()
		done := make(chan struct{})
		go func() {
			code = run(ctx, append([]string{"run", "six-devices", "--out", dir}, args...), writer, writer)
			writer.Close()
			close(done)
		}()
		var seen strings.Builder
		buf := make([]byte, 4096)
		for {
			n, err := reader.Read(buf)
			seen.Write(buf[:n])
			if strings.Contains(seen.String(), "running") {
				cancel()
			}
			if err != nil {
				break
			}
		}
		<-done
		cancel()
		s, err := readSummary(dir)
		if err != nil {
			t.Fatal(err)
		}
		if code != exitInterrupted || s.Verdict != "interrupted" {
			t.Errorf("%v: exit code %d, verdict %s; want %d, interrupted\n%s", args, code, s.Verdict, exitInterrupted, seen.String())
		}
	}
}

// smaller makes large scenarios of the library small; what they expect is of
// the new size.
var smaller = map[string][]string{
	"batches-10k": {"groups.fleet.count=1000", "expect=[job.waves.failed == 2%, job.waves.succeeded == 98%, job.waves.batches == 10, " +
		"job.strict.status == cancelled, job.strict.failed == 2, job.strict.succeeded == 98, job.strict.pending == 900]"},
	"month-of-schedules": {"groups.paris.count=12", "groups.sydney.count=8",
		"expect=[schedule.paris-nightly.instances == 29, schedule.paris-nightly.succeeded == 100%, schedule.sydney-nightly.instances == 28, " +
			"schedule.paris-weekly.instances == 3, schedule.paris-weekly.enabled == false, schedule.moved-weekly.total == 14, 'job.\"sydney-nightly - 28\".total == 4']"},
}

// TestLibrary plays every scenario of the library in virtual time, large ones
// smaller; each meets what it expects. Those that virtual time does not have
// are TestFaultsOfClients'.
func TestLibrary(t *testing.T) {
	t.Parallel()
	for _, e := range scenarios.Library() {
		plan, err := load(e.Name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if playable(plan, true) != nil {
			continue
		}
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			args := []string{"run", e.Name, "--quiet", "--virtual"}
			if less, ok := smaller[e.Name]; ok {
				for _, set := range less {
					args = append(args, "--set", set)
				}
				flotilla(t, args...).ends(t, exitPassed)
				return
			}
			if plan.Devices > 2000 { // what it expects is of its own size
				args = append(args, "--set", "groups."+plan.Groups[0].Name+".count=1000", "--set", "expect=[devices.total == 1000]")
			}
			s := flotilla(t, args...).ends(t, exitPassed).summary(t)
			for _, j := range s.Jobs {
				if plan.Devices > 2000 && j.Status != "completed" {
					t.Errorf("job %s of %q is %s: %s", j.ID, j.DeviceID, j.Status, j.FailureReason)
				}
			}
		})
	}
}

// TestOwnURI: a package is found at the URI it says of itself, live and in
// virtual time, with the hub of the run and with one that was served.
func TestOwnURI(t *testing.T) {
	t.Parallel()
	flotilla(t, "run", "testdata/own-uri.yaml", "--virtual").ends(t, exitPassed)
	flotilla(t, "run", "testdata/own-uri.yaml").ends(t, exitPassed)
	hub := serve(t, 0)
	flotilla(t, "run", "testdata/own-uri.yaml", "--hub", hub.file).ends(t, exitPassed)
}
