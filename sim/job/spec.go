package job

import (
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// Spec is a job as it is submitted: one operation over a frozen, ordered list
// of devices.
type Spec struct {
	ID          string // chosen by the caller; "" lets the hub choose a UUID
	Kind        string // a Name of Kinds
	Name        string // for people, "" for the ID
	Description string
	Group       string // of which device group the targets are; "" for a list of devices
	Schedule    string // id of the schedule whose instance this is
	Targets     []sim.DeviceID

	// What the kinds need; each uses its own (see Kinds).

	PackageURI    string       // firmwareUpdate: at most 255 bytes
	Configuration string       // updateDeviceConfiguration: at most 255 bytes, may be empty
	Names         []string     // readDeviceProperties: service names of table D.1, any letter case
	Properties    []doc.Member // writeDeviceProperties: service name and JSON scalar; property and cloudProperty: path and value
	Command       string       // command: `name` or `component*name`
	Payload       []byte       // command: JSON, nil for null
	Durable       bool         // command: queued for a device that is offline

	// How far at a time.

	InFlight  int           // devices worked on at the same time, 0: no bound but the batch
	Batch     *Amount       // devices in a batch; nil: one batch
	Pause     time.Duration // between batches
	Gate      *Amount       // how many of a batch's devices must succeed, else the job stops
	Threshold *Threshold    // when failures cancel the job
	Rollout   *Rollout      // how fast devices are started
	Retry     *Retry        // what is tried again

	Timeout       time.Duration // of the whole job, from its start, stops not counted; 0: DefaultTimeout; below 0: none
	DeviceTimeout time.Duration // of one device's part, from its start; 0: none
	StepTimeout   time.Duration // of each step of one device; 0: none
	Grace         time.Duration // how long an offline device is waited for; below 0: not at all; 0: DefaultGrace

	Queued     bool // takes one of the engine's slots, and waits for one
	Continuous bool // goes on with devices that join later (Engine.Join); ends by its timeout or when it is cancelled
}

// Threshold cancels a job as soon as more devices have failed than it allows.
type Threshold struct {
	Amount
	PerBatch bool // counted in each batch anew, a percentage being of that batch
}

// Rollout bounds how fast devices are started. [AWS IoT Jobs: "Job rollout
// configuration"]
type Rollout struct {
	PerMinute int // devices a minute; with Factor: at most

	// With Factor above 1 the rate begins at Base and is multiplied by Factor
	// whenever another Notified devices have been started, or another Succeeded
	// have succeeded.

	Base                int
	Factor              string // decimal, above 1, at most 5
	Notified, Succeeded int    // one of them is above 0
}

// Retry tries a device again that failed.
type Retry struct {
	Attempts int           // tries beside the first, 1 to 10
	Min, Max time.Duration // waits between tries, doubling from Min to Max
	On       []Why         // what is tried again; none: everything that can be
}

// Why says what kind of failure ended a device's part.
type Why string

// The kinds of failure. A device that was deleted, and the job's own timeout,
// are never tried again.
const (
	WhyOffline Why = "offline" // the device did not connect in time
	WhyLost    Why = "lost"    // it disconnected before it answered
	WhyTimeout Why = "timeout" // it did not answer, or a step or the device's part took too long
	WhyRefused Why = "refused" // it answered with another status than was wanted, or with no JSON
	WhyResult  Why = "result"  // it reported a failure
	whyOver    Why = ""        // not to be tried again
)

// The defaults and bounds of a job. [2016 preview C# SDK: ScheduleFirmwareUpdateAsync, timeout]
const (
	DefaultTimeout = 30 * time.Minute
	DefaultGrace   = 30 * time.Second
	MinTimeout     = time.Second // the preview's REST asks for a minute, its front end checks that
	MaxTimeout     = 24 * time.Hour
	MaxURI         = 255 // bytes
	MaxTargets     = 1_000_000
	MaxBatches     = 1000 // whose times are kept
)

// Status is the state of a job or of one device's part of it, in the engine's
// words; each dialect translates them.
type Status uint8

// The states. Stopped and Scheduled are for jobs only.
const (
	Pending Status = iota
	Scheduled
	Running
	Stopped
	Completed
	Failed
	Cancelled
)

var statusNames = [...]string{"pending", "scheduled", "running", "stopped", "completed", "failed", "cancelled"}

// String returns the state's word.
func (s Status) String() string { return statusNames[s] }

// Ended says whether nothing more can happen.
func (s Status) Ended() bool { return s >= Completed }

// ParseStatus reads a state's word.
func ParseStatus(s string) (Status, bool) {
	for i, n := range statusNames {
		if n == s {
			return Status(i), true
		}
	}
	return 0, false
}

// Counts is how the devices of a job stand. Total is the sum of the others.
type Counts struct {
	Total, Succeeded, Failed, Running, Pending, Cancelled int
}

// View is a job (parent) as others see it.
type View struct {
	ID            string
	Kind          string
	Status        Status
	Created       sim.Time
	Start, End    sim.Time // sim.Never while not come
	FailureReason string
	StatusMessage string
	Timeout       time.Duration
	Counts        Counts
	Batch         int // number of the present one, from 1; 0 before the start
	BatchSize     int
	Batches       []Batch // those that have ended, up to MaxBatches
	Spec          *Spec   // as submitted; not to be changed
}

// ChildView is one device's part of a job as others see it.
type ChildView struct {
	ID            string
	Parent        string
	Kind          string
	Device        sim.DeviceID
	Number        int // place among the targets, from 0
	Status        Status
	Start, End    sim.Time // sim.Never while not come
	FailureReason string
	StatusMessage string
}

// Batch is a batch that has ended.
type Batch struct {
	From, To   int // places of its targets: From to To-1
	Failed     int
	Start, End sim.Time
}
