package reports

import (
	"fmt"
	"time"

	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/sim"
)

// summaries are the runs over which every format is tested.
var summaries = []struct {
	name string
	make func() *record.Summary
}{
	{"six-ok", filled(sixOK)},
	{"six-one-failed", filled(sixOneFailed)},
	{"six-interrupted", filled(sixInterrupted)},
	{"fleet-virtual", filled(fleetVirtual)},
	{"fleet-live", filled(fleetLive)},
	{"all-kinds", filled(allKinds)},
	{"batches-and-schedules", filled(planned)},
	{"void", void},
	{"hostile", filled(hostile)},
}

// filled adds what a recorder fills in by itself: curves, the campaign, the
// slowest devices and the failures.
func filled(make func() *record.Summary) func() *record.Summary {
	return func() *record.Summary {
		s := make()
		for name, m := range s.Metrics {
			m.Percentiles = []record.Percentile{{P: 0, Value: m.Min}, {P: 50, Value: m.P50}, {P: 90, Value: m.P90}, {P: 99, Value: m.P99}, {P: 99.90234375, Value: m.P999}, {P: 100, Value: m.Max}}
			s.Metrics[name] = m
		}
		s.Failures = record.Failures(s.Jobs)
		n := s.Devices.Total
		const parts = 40
		d, _ := between(s.Epoch, s.End)
		c := &record.Campaign{BucketNs: int64(d)/parts + 1, EndNs: int64(d)}
		counts := func(f func(i int) int) []int {
			list := []int{}
			for i := range parts {
				list = append(list, f(i))
			}
			return list
		}
		away := func(i int) int { return n * max(0, 10-i) / 10 }
		busy := func(i int) int { return n * max(0, min(i-12, 26-i, 5)) / 5 }
		c.Devices = []record.States{{State: "offline", Counts: counts(away)}, {State: "connected", Counts: counts(func(i int) int { return n - away(i) - busy(i) })},
			{State: "downloading", Counts: counts(busy)}}
		c.Children = []record.States{{State: "running", Counts: counts(func(i int) int { return n * max(0, min(1, i-12)*(1-min(1, i/26))) })},
			{State: "completed", Counts: counts(func(i int) int { return n * min(1, i/26) })}, {State: "not of this build", Counts: counts(func(i int) int { return i / 39 })}}
		s.Campaign = c
		for i, row := range s.Rows {
			s.Slowest = append(s.Slowest, record.SlowDevice{Device: string(row.ID), Parts: 1, Took: 6e9 - int64(i)*3e8, Download: 2301e6, Apply: 1500e6, Reboot: 1002e6})
		}
		s.Source = record.Source{Name: s.Scenario + ".yaml", Text: "description: " + s.About + "\n\ngroups:\n\tsix: {}   # <b>not markup</b>\r\n", Settings: []string{"groups.six.count=6", "seed=7"}}
		s.Machine = record.Machine{CPU: "AMD EPYC 7713 64-Core Processor", Cores: 2, Kernel: "Linux 6.1.0", MemoryBytes: 8 << 30, OpenFiles: 20_000}
		return s
	}
}

var sixIDs = []string{"Device11-7ce4a850", "Device21-7ce4a850", "Device31-7ce4a850", "Device41-7ce4a850", "Device51-7ce4a850", "Device61-7ce4a850"}

const runEpoch = sim.Epoch(1791021600e9) // 2026-10-03T10:00:00Z

func at(d time.Duration) string { return runEpoch.Text(sim.Time(d)) }

func childID(n int) string {
	return fmt.Sprintf("8f14e45f-ceea-467f-a5d5-%012x", int64(0x91f0c3b20000)+int64(n)*7)
}

func sixOK() *record.Summary {
	s := &record.Summary{
		Scenario: "six-devices", About: "one firmware update job over six devices", Kind: record.Live, Seed: 1,
		Epoch: at(0), Verdict: record.Passed, Start: at(0), End: at(7312450 * time.Microsecond), WallSeconds: 7.31245,
		Transport: "memory", DeviceClient: "paho",
		Expectations: []record.Expectation{
			{Expression: "job.fw.status == completed", Source: "six-devices.yaml:41", Value: "completed", Passed: true},
			{Expression: "job.fw.succeeded == 6", Source: "six-devices.yaml:42", Value: "6", Passed: true},
			{Expression: "metric.method_round_trip.p99 < 250ms", Source: "six-devices.yaml:43", Value: "1.43ms", Passed: true},
		},
		Devices: record.Devices{Total: 6, Connected: 6, FirmwareVersions: map[string]int{"3.0": 6}, UpdateResults: map[string]int{"1": 6}},
		Metrics: map[string]record.Metric{
			"connect":             {Unit: "ns", Count: 12, Min: 801_234, Mean: 1_523_411, P50: 1_310_719, P90: 2_883_583, P99: 3_014_655, P999: 3_014_655, Max: 3_014_113},
			"method_round_trip":   {Unit: "ns", Count: 12, Min: 95_100, Mean: 412_870, P50: 310_271, P90: 950_271, P99: 1_430_527, P999: 1_430_527, Max: 1_430_100},
			"download":            {Unit: "ns", Count: 6, Min: 2_001_000_000, Mean: 2_305_000_000, P50: 2_301_623_295, P90: 2_600_468_479, P99: 2_600_468_479, P999: 2_600_468_479, Max: 2_600_000_001},
			"reboot_to_reconnect": {Unit: "ns", Count: 6, Min: 1_000_100_000, Mean: 1_002_000_000, P50: 1_001_390_079, P90: 1_004_535_807, P99: 1_004_535_807, P999: 1_004_535_807, Max: 1_004_000_000},
			"device_job":          {Unit: "ns", Count: 6, Min: 4_020_000_000, Mean: 5_120_000_000, P50: 5_117_050_879, P90: 5_801_770_000, P99: 5_801_770_000, P999: 5_801_770_000, Max: 5_801_770_000},
		},
		Rates:     record.Rates{ConnectsPerSecond: 412.3, DeviceJobsPerSecond: 0.9876},
		Memory:    record.Memory{BytesPerDevice: 61_234, PeakBytes: 34_567_890},
		Generator: record.Generator{LagP50: 40_100, LagP99: 912_000, LagMax: 1_900_000, Planned: 211, Sent: 211, HubQueue: 4, DeviceQueue: 2},
		Hub:       map[string]int64{"accepted": 12, "refused": 0, "calls": 24, "answers": 24, "reports": 61, "messages": 145, "childrenEnded": 6, "jobsEnded": 1},
		Packages:  record.Packages{Downloads: 6, BytesServed: 6 * (256<<10 + 133)},
		Events:    record.EventCounts{Kept: 233},
		Versions:  record.Versions{Flotilla: "v0.1.0", Go: "go1.26.8", OS: "linux", Arch: "amd64", CPUs: 2},
		Timeline: []sim.Observation{
			{At: 1_000_000, Device: "Device11-7ce4a850", Event: sim.EventLink, Text: "opened"},
			{At: 1_000_000_000, Event: sim.EventJob, Job: "fw", Text: "running"},
			{At: 1_000_000_000, Device: "Device11-7ce4a850", Event: sim.EventChild, Job: "fw", Text: "running"},
			{At: 1_200_300_400, Device: "Device11-7ce4a850", Event: sim.EventBytes, Value: 262_295, Text: "complete"},
			{At: 1_300_000_000, Device: "Device11-7ce4a850", Event: sim.EventWrite, Text: "Timezone=a,\"b\"\x1b[31m"},
		},
	}
	s.Jobs = append(s.Jobs, record.Job{ID: "fw", Type: "firmwareUpdate", Status: "completed", Start: at(1 * time.Second), End: at(7100 * time.Millisecond),
		StatusMessage: "Devices: 6; Succeeded: 6; Failed: 0;", Devices: &record.JobDevices{Total: 6, Succeeded: 6}})
	for i, id := range sixIDs {
		start := time.Second + time.Duration((i*5)%6)*3*time.Millisecond // not in order of targets
		s.Jobs = append(s.Jobs, record.Job{ID: childID(i), ParentID: "fw", DeviceID: id, Type: "firmwareUpdate", Status: "completed",
			Start: at(start), End: at(start + 5100*time.Millisecond + time.Duration(i)*77*time.Millisecond)})
		s.Rows = append(s.Rows, record.DeviceRow{ID: sim.DeviceID(id), Group: "fleet", Connected: true, Connects: 2,
			FirmwareVersion: "3.0", FirmwareUpdateState: "1", FirmwareUpdateResult: "1",
			Metrics: []record.DeviceMetric{
				{Metric: sim.MetricConnect, Count: 2, P50: 900_607, P99: int64(1_000_000 + i), Max: int64(1_000_000 + i)},
				{Metric: sim.MetricDownload, Count: 1, P50: 2_301_623_295, P99: 2_301_623_295, Max: 2_301_000_000},
				{Metric: sim.MetricDeviceJob, Count: 1, P50: 5_100_273_663, P99: 5_100_273_663, Max: 5_100_000_000},
			},
			Jobs: []record.DeviceJob{{JobID: "fw", Status: "completed"}}})
	}
	return s
}

func sixOneFailed() *record.Summary {
	s := sixOK()
	s.Verdict = record.Failed
	s.Faults = []record.Fault{{Fault: "wrong-bytes", Group: "fleet", Devices: 1}}
	s.Jobs[0].StatusMessage, s.Jobs[0].Devices = "Devices: 6; Succeeded: 5; Failed: 1;", &record.JobDevices{Total: 6, Succeeded: 5, Failed: 1}
	s.Jobs[3].Status, s.Jobs[3].FailureReason = "failed", "firmware update result 5: CRC check failure"
	s.Devices.FirmwareVersions = map[string]int{"3.0": 5, "1.0": 1}
	s.Devices.UpdateResults = map[string]int{"1": 5, "5": 1}
	s.Rows[2].FirmwareVersion, s.Rows[2].FirmwareUpdateResult = "1.0", "5"
	s.Rows[2].Jobs[0] = record.DeviceJob{JobID: "fw", Status: "failed", Reason: "firmware update result 5: CRC check failure"}
	s.Rows[2].Metrics = s.Rows[2].Metrics[:1]
	s.Expectations[1] = record.Expectation{Expression: "job.fw.succeeded == 6", Source: "six-devices.yaml:42", Value: "5"}
	s.Expectations = append(s.Expectations, record.Expectation{Expression: "metric.twin_round_trip.p99 < 1s", Source: "six-devices.yaml:44", Reason: "nothing was measured"})
	return s
}

func sixInterrupted() *record.Summary {
	s := sixOK()
	s.Verdict, s.End, s.WallSeconds = record.Interrupted, at(3*time.Second), 3.004
	s.Jobs[0].Status, s.Jobs[0].End = "running", ""
	s.Jobs[0].StatusMessage, s.Jobs[0].Devices = "Devices: 6; Succeeded: 1; Failed: 0;", &record.JobDevices{Total: 6, Succeeded: 1, Running: 3, Pending: 2}
	for i := range s.Jobs[1:] {
		j := &s.Jobs[1+i]
		switch {
		case i == 0:
			j.End = at(2900 * time.Millisecond)
		case i < 4:
			j.Status, j.End, j.StatusMessage = "running", "", "downloading"
		default:
			j.Status, j.Start, j.End = "pending", "", ""
		}
	}
	s.Expectations = nil
	s.Devices.FirmwareVersions = map[string]int{"3.0": 1, "1.0": 2, "2.0": 3}
	s.Devices.UpdateResults = nil
	delete(s.Metrics, "device_job")
	s.Rates.DeviceJobsPerSecond = 0
	return s
}

func fleetVirtual() *record.Summary {
	epoch := sim.DefaultEpoch
	day := sim.Time(24 * time.Hour)
	s := &record.Summary{
		Scenario: "fleet-100k", About: "a firmware campaign over a fleet", Kind: record.Virtual, Seed: 42, Epoch: epoch.Text(0),
		Digest:  "9b1f0c6e5d4a3b2c9b1f0c6e5d4a3b2c9b1f0c6e5d4a3b2c9b1f0c6e5d4a3b2c",
		Verdict: record.Passed, Start: epoch.Text(0), End: epoch.Text(2*day + sim.Time(5*time.Hour)), WallSeconds: 4.218,
		Expectations: []record.Expectation{{Expression: "job.campaign.failed <= 0.1%", Value: "0.03%", Passed: true}},
		Devices: record.Devices{Total: 100_000, Connected: 99_970, FirmwareVersions: map[string]int{"3.0": 99_970, "2.0": 30},
			UpdateResults: map[string]int{"1": 99_970, "4": 25, "5": 5}},
		Metrics: map[string]record.Metric{
			"connect":    {Unit: "ns", Count: 199_970, P50: 40_009_727, P90: 80_019_455, P99: 90_046_463, P999: 3_600_000_000_000, Max: 3_600_000_000_000, Mean: 41_000_000},
			"device_job": {Unit: "ns", Count: 100_000, Min: 65_000_000_000, Mean: 301_000_000_000, P50: 295_000_000_000, P90: 500_000_000_000, P99: 601_000_000_000, P999: 86_400_000_000_000, Max: 86_400_000_000_000, Clamped: 3},
		},
		Rates:           record.Rates{ConnectsPerSecond: 1666.4, DeviceJobsPerSecond: 0.524},
		ChildrenOmitted: 90_000,
		Packages:        record.Packages{Downloads: 100_025, BytesServed: 26_214_400_000, Refused: 1},
		Events:          record.EventCounts{Kept: 200_000, Dropped: 1_234_567},
		Warnings:        []string{"events: 1234567 of 1434567 were dropped (at most 200000 in all and 2000 of one device are kept); timelines have gaps, metrics and jobs do not"},
	}
	s.Jobs = []record.Job{{ID: "campaign", Type: "firmwareUpdate", Status: "completed", Start: epoch.Text(sim.Time(time.Minute)), End: epoch.Text(2*day + sim.Time(4*time.Hour)),
		StatusMessage: "Devices: 100000; Succeeded: 99970; Failed: 30;", Devices: &record.JobDevices{Total: 100_000, Succeeded: 99_970, Failed: 30}}}
	for i := range 10_000 {
		j := record.Job{ID: childID(i), ParentID: "campaign", DeviceID: fmt.Sprintf("dev-%05d", i), Type: "firmwareUpdate", Status: "completed",
			Start: epoch.Text(sim.Time(time.Minute)), End: epoch.Text(sim.Time(5 * time.Minute))}
		if i%300 == 7 && i < 9000 {
			j.Status, j.FailureReason = "failed", "firmware update result 4: connection lost"
			j.End = epoch.Text(day)
		}
		s.Jobs = append(s.Jobs, j)
	}
	return s
}

// fleetLive has more children than are listed, some of which have not ended.
func fleetLive() *record.Summary {
	s := sixOK()
	s.Scenario, s.About, s.Verdict = "fleet-25", "", record.Failed
	s.Expectations = []record.Expectation{{Expression: "job.fw.status == completed", Value: "running"}}
	s.Warnings = []string{"the generator was late by more than 2ms for 3 % of what was due: latencies are an upper bound"}
	s.Jobs = []record.Job{{ID: "fw", Type: "firmwareUpdate", Status: "running", Start: at(time.Second),
		StatusMessage: "Devices: 25; Succeeded: 21; Failed: 1;", Devices: &record.JobDevices{Total: 25, Succeeded: 21, Failed: 1, Running: 2, Cancelled: 1}}}
	for i := range 25 {
		j := record.Job{ID: childID(i), ParentID: "fw", DeviceID: fmt.Sprintf("dev-%05d", i), Type: "firmwareUpdate", Status: "completed", Start: at(time.Second), End: at(3 * time.Second)}
		switch i {
		case 3:
			j.Status, j.FailureReason = "failed", "timed out after 00:00:20 waiting for the device to answer"
		case 9, 10:
			j.Status, j.End = "running", ""
		case 11:
			j.Status, j.Start, j.End = "cancelled", "", ""
		}
		s.Jobs = append(s.Jobs, j)
	}
	s.Devices = record.Devices{Total: 25, Connected: 25, FirmwareVersions: map[string]int{}}
	for i := range 25 {
		s.Devices.FirmwareVersions[fmt.Sprintf("1.%02d", i)] = 1
	}
	s.Rows = nil
	return s
}

// allKinds has several parents, submitted in another order than begun.
func allKinds() *record.Summary {
	s := sixOK()
	s.Scenario, s.Jobs, s.Transport, s.DeviceClient = "all-six-jobs", nil, "tcp", "lean"
	for k, kind := range []string{"writeDeviceProperties", "firmwareUpdate", "rebootDevice"} {
		id := fmt.Sprintf("job-%d", k)
		start := time.Duration(3-k) * time.Second
		s.Jobs = append(s.Jobs, record.Job{ID: id, Type: kind, Status: "completed", Start: at(start), End: at(start + 900*time.Millisecond),
			StatusMessage: "Devices: 2; Succeeded: 2; Failed: 0;", Devices: &record.JobDevices{Total: 2, Succeeded: 2}})
		for i := range 2 {
			s.Jobs = append(s.Jobs, record.Job{ID: childID(10*k + i), ParentID: id, DeviceID: sixIDs[i], Type: kind, Status: "completed",
				Start: at(start), End: at(start + 800*time.Millisecond)})
		}
	}
	for i := range s.Rows {
		s.Rows[i].Jobs = nil
	}
	s.Rows[0].Jobs = []record.DeviceJob{{JobID: "job-2", Status: "completed"}, {JobID: "job-0", Status: "completed"}, {JobID: "not in the summary", Status: "failed"}}
	return s
}

// planned has a job in batches, one in too many of them to list, and the
// instances of schedules, one of which failed on a device.
func planned() *record.Summary {
	s := sixOK()
	s.Scenario, s.Jobs, s.Rows = "nightly", nil, nil
	batch := func(n int, took, gap time.Duration) *record.JobBatches {
		b := &record.JobBatches{Size: 2, Number: n, Ended: n - 1, ShortestNs: int64(took), LongestNs: 3 * int64(took), MeanNs: 2 * int64(took), MakespanNs: int64(n) * int64(took),
			GapMaxNs: int64(gap), GapMeanNs: int64(gap / 2)}
		for i := range b.Ended {
			b.List = append(b.List, record.JobBatch{Devices: 2, Failed: i % 2, Start: at(time.Duration(i) * time.Second), End: at(time.Duration(i)*time.Second + took), TookNs: int64(took), GapNs: int64(gap)})
		}
		return b
	}
	for _, j := range []record.Job{
		{ID: "waves", Status: "cancelled", Devices: &record.JobDevices{Total: 8, Succeeded: 3, Failed: 3, Pending: 2}, Batches: batch(4, 100*time.Millisecond, time.Millisecond)},
		{ID: "many", Status: "completed", Devices: &record.JobDevices{Total: 60, Succeeded: 60}, Batches: batch(30, time.Second, time.Millisecond)},
		{ID: childID(101), Status: "completed", Devices: &record.JobDevices{Total: 2, Succeeded: 2}, Name: "nightly - 1", ScheduleID: "nightly", Batches: batch(2, time.Second, 0)},
		{ID: childID(102), Status: "completed", Devices: &record.JobDevices{Total: 2, Succeeded: 1, Failed: 1}, Name: "nightly - 2", ScheduleID: "nightly", Batches: batch(3, time.Second, 0)},
		{ID: childID(103), Status: "completed", Devices: &record.JobDevices{}, Name: "nightly - 3", ScheduleID: "nightly"},
	} {
		j.Type, j.Start, j.End = "command", at(time.Second), at(2*time.Second)
		d := j.Devices
		j.StatusMessage = fmt.Sprintf("Devices: %d; Succeeded: %d; Failed: %d;", d.Total, d.Succeeded, d.Failed)
		s.Jobs = append(s.Jobs, j)
		if j.Name == "nightly - 2" {
			s.Jobs = append(s.Jobs,
				record.Job{ID: childID(1), ParentID: j.ID, DeviceID: sixIDs[0], Type: "command", Status: "failed", FailureReason: "device not connected", Start: at(time.Second), End: at(time.Second)},
				record.Job{ID: childID(2), ParentID: j.ID, DeviceID: sixIDs[1], Type: "command", Status: "completed", Start: at(time.Second), End: at(2 * time.Second)})
		}
	}
	s.Schedules = []record.Schedule{
		{ID: "nightly", Type: "command", Group: "vans", Rule: "daily from 2026-01-01T02:30:00 in Europe/Paris", Enabled: true, Instances: 3, Skipped: 1,
			Next: at(9 * time.Second), Devices: record.JobDevices{Total: 4, Succeeded: 3, Failed: 1}},
		{ID: "weekly", Type: "property", Group: "vans", Rule: "weekly from 2026-01-01T02:30:00Z"},
		{ID: "once", Type: "rebootDevice", Group: "vans", Rule: "once from 2026-01-01T00:00:03Z", Enabled: true, Completed: true, Instances: 1},
	}
	return s
}

func void() *record.Summary {
	return &record.Summary{Scenario: "six-devices", Kind: record.Live, Verdict: record.Void, VoidReason: "listen 127.0.0.1:8883: address already in use",
		Start: at(0), End: at(0)}
}

// hostile has text that would take a terminal over, and quotes, commas and
// line ends that would break rows.
func hostile() *record.Summary {
	s := sixOneFailed()
	s.Scenario, s.About = "six\x1b[2Jdevices", "two\nlines"
	s.Jobs[3].FailureReason = "\x1b]0;title\a device said \"no, 50 %!\"\r\n\xff\u202eend"
	s.Rows = s.Rows[:2]
	s.Rows[0].ID, s.Rows[0].Group = "Device\"11\"", "a, b"
	s.Rows[1].FirmwareVersion = "3\r\n0"
	s.Expectations[1].Expression = "job.fw.statusMessage == \"größer 100%s\""
	return s
}
