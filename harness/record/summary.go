package record

import "github.com/flotilla-sim/flotilla/sim"

// Schema is the version of the Summary document. Members may be added under
// one version; it changes when a member is removed or means something else.
const Schema = 1

// The values of Summary.Kind.
const (
	Live    = "live"    // real connections in real time: its numbers are performance
	Virtual = "virtual" // virtual time: its numbers are policy, never performance
)

// The values of Summary.Verdict.
const (
	Passed      = "passed"      // the run ended and every expectation was met
	Failed      = "failed"      // the run ended and an expectation was missed
	Void        = "void"        // the numbers cannot be trusted or the run could not go on; VoidReason says why
	Interrupted = "interrupted" // ended from outside before its end
)

// Summary is what a run hands to its reports: one JSON document. Instants are
// ISO 8601 in UTC with seven fraction digits, as sim.Epoch.Text writes them.
// A virtual run's document holds nothing of the wall clock but WallSeconds and
// is the same, byte for byte, whenever the same build plays the same seed.
type Summary struct {
	Schema     int    `json:"schema"`                // version of this document; Write sets it
	Scenario   string `json:"scenario"`              // name of the scenario
	About      string `json:"description,omitempty"` // its one-line description
	Kind       string `json:"kind"`                  // Live or Virtual
	Seed       uint64 `json:"seed"`                  // of every random stream of the run
	Epoch      string `json:"epoch"`                 // civil instant of the run's time 0
	Digest     string `json:"digest,omitempty"`      // virtual: hash over every step of every machine, hexadecimal
	Verdict    string `json:"verdict"`               // Passed, Failed, Void or Interrupted
	VoidReason string `json:"voidReason,omitempty"`  // why the run is void

	Start       string  `json:"startTimeUtc"` // when the run began
	End         string  `json:"endTimeUtc"`   // when it ended
	WallSeconds float64 `json:"wallSeconds"`  // how long the run took on the wall clock, in seconds

	Source Source `json:"source,omitzero"` // the scenario as it was read

	Transport    string  `json:"transport,omitempty"`    // live: memory, tcp, tls, ws
	DeviceClient string  `json:"deviceClient,omitempty"` // live: paho, lean
	Faults       []Fault `json:"faults,omitempty"`       // what was made to go wrong

	Expectations    []Expectation     `json:"expectations"`              // in the scenario's order
	Jobs            []Job             `json:"jobs"`                      // parents in order of submission, each followed by its children in order of targets
	Schedules       []Schedule        `json:"schedules,omitempty"`       // in order of their making
	ChildrenOmitted int               `json:"childrenOmitted,omitempty"` // children left out of Jobs because there were more than MaxChildren
	Devices         Devices           `json:"devices"`                   // the fleet at the end
	Metrics         map[string]Metric `json:"metrics"`                   // by name of sim.Metrics; those without a value are absent
	Campaign        *Campaign         `json:"campaign,omitempty"`        // devices and children by state, over time
	Slowest         []SlowDevice      `json:"slowest,omitempty"`         // the devices that were longest at their jobs, longest first
	Failures        []Failure         `json:"failures,omitempty"`        // children that failed, by reason, most frequent first
	Rates           Rates             `json:"rates"`                     // how fast things went
	Memory          Memory            `json:"memory"`                    // what the run cost; zero for virtual runs
	Generator       Generator         `json:"generator"`                 // whether the harness itself was the limit; zero for virtual runs
	Hub             map[string]int64  `json:"hub,omitempty"`             // the hub's counters, by lowerCamel name
	Packages        Packages          `json:"packages"`                  // the package server's counters
	Events          EventCounts       `json:"events"`                    // what the timeline holds
	Versions        Versions          `json:"versions"`                  // what ran
	Machine         Machine           `json:"machine,omitzero"`          // what it ran on
	Warnings        []string          `json:"warnings,omitempty"`        // one sentence each: what puts a number in doubt

	// Rows are all devices in the order of the fleet. They are not part of
	// the document (a million of them would not be read by anyone); devices.csv
	// holds them.
	Rows []DeviceRow `json:"-"`

	// Timeline is every event that was kept, in order; not part of the
	// document either: timeline.csv holds it.
	Timeline []sim.Observation `json:"-"`
}

// Source is the scenario that a run played.
type Source struct {
	Name     string   `json:"name"`               // path, or name in the library
	Text     string   `json:"text"`               // the file, as it was read
	Settings []string `json:"settings,omitempty"` // laid over it: `path=value`
}

// Fault is one fault, of devices of a group or of the hub.
type Fault struct {
	Fault   string `json:"fault"`   // as the scenario writes it
	Group   string `json:"group"`   // name of the group; empty: it befalls the hub
	Devices int    `json:"devices"` // how many of its devices have it
}

// Expectation is one line of the scenario's expect, judged.
type Expectation struct {
	Expression string `json:"expression"`       // as the scenario writes it
	Source     string `json:"source,omitempty"` // file:line
	Value      string `json:"value,omitempty"`  // what was found, with its unit; empty without data
	Passed     bool   `json:"passed"`           // an expectation without data has not passed
	Reason     string `json:"reason,omitempty"` // why it has not passed
}

// Job is a job (a parent: ParentID is empty) or one device's part of it.
// States are the engine's words: pending, scheduled, running, stopped,
// completed, failed, cancelled.
type Job struct {
	ID             string      `json:"jobId"`
	ParentID       string      `json:"parentJobId,omitempty"`
	DeviceID       string      `json:"deviceId,omitempty"`       // children: whose part it is
	Type           string      `json:"type"`                     // kind of job
	Status         string      `json:"status"`                   // state at the end of the run
	Start          string      `json:"startTimeUtc,omitempty"`   // absent: not begun
	End            string      `json:"endTimeUtc,omitempty"`     // absent: not ended
	FailureReason  string      `json:"failureReason,omitempty"`  // children: why it failed
	StatusMessage  string      `json:"statusMessage,omitempty"`  // parents: the counts in words
	TimeoutSeconds float64     `json:"timeoutSeconds,omitempty"` // parents: from start to the forced end, in seconds
	Devices        *JobDevices `json:"devices,omitempty"`        // parents: how their devices stand
	Name           string      `json:"name,omitempty"`           // parents: for people, where it is not the id
	ScheduleID     string      `json:"scheduleId,omitempty"`     // parents: of which schedule it is an instance
	Batches        *JobBatches `json:"batches,omitempty"`        // parents of jobs in batches: how these followed each other
}

// Label is what people call the job: an instance of a schedule has the name
// its schedule gave it, every other job its id.
func (j *Job) Label() string {
	if j.ScheduleID != "" && j.Name != "" {
		return j.Name
	}
	return j.ID
}

// Add adds the counts of another job.
func (d *JobDevices) Add(o JobDevices) {
	d.Total += o.Total
	d.Succeeded += o.Succeeded
	d.Failed += o.Failed
	d.Running += o.Running
	d.Pending += o.Pending
	d.Cancelled += o.Cancelled
}

// JobBatches is how the batches of a job followed each other. A batch begins
// when its first device may be begun, and a gap is from the end of one batch to
// the beginning of the next. Makespan is from the beginning of the first batch
// to the end of the last that ended.
type JobBatches struct {
	Size       int        `json:"size"`           // devices of every batch but the last
	Number     int        `json:"number"`         // batches the job has, begun or not
	Ended      int        `json:"ended"`          // batches all of whose devices came to an end
	MakespanNs int64      `json:"makespanNs"`     // in nanoseconds, as what follows
	ShortestNs int64      `json:"shortestNs"`     // of the batches that ended
	LongestNs  int64      `json:"longestNs"`      // of the batches that ended
	MeanNs     int64      `json:"meanNs"`         // of the batches that ended
	GapMinNs   int64      `json:"gapMinNs"`       // between them
	GapMeanNs  int64      `json:"gapMeanNs"`      // between them
	GapMaxNs   int64      `json:"gapMaxNs"`       // between them
	List       []JobBatch `json:"list,omitempty"` // those that ended, in order, at most MaxBatches
}

// MaxBatches is how many batches of one job a document lists.
const MaxBatches = 1_000

// JobBatch is one batch that ended.
type JobBatch struct {
	Devices int    `json:"devices"`
	Failed  int    `json:"failed"`
	Start   string `json:"startTimeUtc"`
	End     string `json:"endTimeUtc"`
	TookNs  int64  `json:"tookNs"`
	GapNs   int64  `json:"gapNs"` // from the end of the batch before it; 0 for the first
}

// Schedule is a schedule at the end of a run.
type Schedule struct {
	ID        string     `json:"scheduleId"`
	Type      string     `json:"type"`                  // kind of its jobs
	Group     string     `json:"group"`                 // device group
	Rule      string     `json:"rule"`                  // when it fires, in words
	Enabled   bool       `json:"enabled"`               // false: it was unscheduled
	Completed bool       `json:"completed"`             // it will never fire again
	Instances int        `json:"instances"`             // made in all
	Skipped   int        `json:"skipped,omitempty"`     // firings that were missed and left out
	Next      string     `json:"nextTimeUtc,omitempty"` // when it fires next; absent: it does not
	Devices   JobDevices `json:"devices"`               // of all its instances that are known
}

// JobDevices is how the devices of a job stand; Total is the sum of the
// others.
type JobDevices struct {
	Total     int `json:"total"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Running   int `json:"running"`
	Pending   int `json:"pending"`
	Cancelled int `json:"cancelled"`
}

// Devices is the fleet at the end of the run.
type Devices struct {
	Total            int            `json:"total"`
	Connected        int            `json:"connected"`                  // connected at the end
	FirmwareVersions map[string]int `json:"firmwareVersions,omitempty"` // version -> devices running it
	UpdateResults    map[string]int `json:"updateResults,omitempty"`    // firmware update result (0 to 7) -> devices
}

// Metric is the values of one metric over the whole fleet. Count, Min, Mean
// and Max are exact (Mean rounded down); percentiles are the upper end of an
// HDR bucket of three significant digits. All but the counts are in Unit.
type Metric struct {
	Unit    string `json:"unit"` // "ns": nanoseconds
	Count   int64  `json:"count"`
	Min     int64  `json:"min"`
	Mean    int64  `json:"mean"`
	P50     int64  `json:"p50"`
	P90     int64  `json:"p90"`
	P99     int64  `json:"p99"`
	P999    int64  `json:"p999"`
	Max     int64  `json:"max"`
	Clamped int64  `json:"clamped,omitempty"` // values beyond the range, put to its bound

	Percentiles []Percentile `json:"percentiles,omitempty"` // the whole distribution, from 0 to 100 %
}

// Rates are mean rates per second of the run's own time; 0 when there was
// nothing, or everything happened at one instant.
type Rates struct {
	ConnectsPerSecond   float64 `json:"connectsPerSecond"`   // devices connected for the first time, from the first that wanted to until the last that was
	DeviceJobsPerSecond float64 `json:"deviceJobsPerSecond"` // devices' parts of jobs ended, from the first begun until the last ended
}

// Memory is what a live run cost.
type Memory struct {
	BytesPerDevice int64 `json:"bytesPerDevice"` // both ends of its connection and the hub's state, by growth of the process
	PeakBytes      int64 `json:"peakBytes"`      // of the whole process
}

// Generator is how well a live harness kept to its plan. Lag is from the
// instant something was due to the instant it was done, in nanoseconds.
type Generator struct {
	LagP50       int64 `json:"lagP50Ns"`
	LagP99       int64 `json:"lagP99Ns"`
	LagMax       int64 `json:"lagMaxNs"`
	Planned      int64 `json:"planned"`        // messages that devices wanted to say: sent and dropped together
	Sent         int64 `json:"sent"`           // of these, those that were sent
	Dropped      int64 `json:"dropped"`        // of these, those that were not: a queue was full, there was no connection, or it ended
	HubQueue     int64 `json:"hubQueue"`       // deepest the hub's mailbox was, in messages
	DeviceQueue  int64 `json:"deviceQueue"`    // deepest any device's mailbox was, in messages
	DownloadWait int64 `json:"downloadWaitNs"` // longest a download waited for its turn
	GCCycles     int64 `json:"gcCycles"`       // garbage collections since all devices were connected
	GCPause      int64 `json:"gcPauseNs"`      // for how long these stopped everything, in all
}

// Packages is what the package server did.
type Packages struct {
	Downloads   int64 `json:"downloads"`   // requests answered with bytes
	Refused     int64 `json:"refused"`     // requests answered with an error
	BytesServed int64 `json:"bytesServed"` // bytes of packages sent
}

// EventCounts is how many events were kept and how many were dropped because
// there were too many; times of dropped ones are missing from timelines.
type EventCounts struct {
	Kept    int64 `json:"kept"`
	Dropped int64 `json:"dropped"`
}

// Versions is what ran, and on what.
type Versions struct {
	Flotilla string `json:"flotilla"`
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	CPUs     int    `json:"cpus"`
}

// Machine is what a run had at its disposal. What is not known is 0 or empty.
type Machine struct {
	CPU         string `json:"cpu,omitempty"`         // model, as the system names it
	Cores       int    `json:"cores,omitempty"`       // processors the process may use
	Kernel      string `json:"kernel,omitempty"`      // of the system, with its version
	MemoryBytes int64  `json:"memoryBytes,omitempty"` // of the machine
	MemoryLimit int64  `json:"memoryLimit,omitempty"` // of the process, in bytes, where something limits it
	OpenFiles   int64  `json:"openFiles,omitempty"`   // descriptors the process may have open
}

// DeviceRow is one device at the end of a run.
type DeviceRow struct {
	ID                   sim.DeviceID
	Group                string
	Connected            bool
	Connects             int64 // accepted CONNECTs
	FirmwareVersion      string
	FirmwareUpdateState  string // 1 to 3 as the device reported it, "" if it never did
	FirmwareUpdateResult string // 0 to 7, "" if it never did
	Metrics              []DeviceMetric
	Jobs                 []DeviceJob
}

// DeviceMetric is a metric of one device, in the metric's unit.
type DeviceMetric struct {
	Metric               sim.Metric
	Count, P50, P99, Max int64
}

// DeviceJob is the state of a device's part of a job.
type DeviceJob struct {
	JobID  string // of the parent
	Status string
	Reason string // why it failed
}
