package job

import (
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// Spec is a job as it is submitted: one operation over a frozen, ordered list
// of devices.
type Spec struct {
	ID      string // chosen by the caller; "" lets the hub choose a UUID
	Kind    string // a Name of Kinds
	Targets []sim.DeviceID

	// What the kinds need; each uses its own (see Kinds).

	PackageURI    string       // firmwareUpdate: at most 255 bytes
	Configuration string       // updateDeviceConfiguration: at most 255 bytes, may be empty
	Names         []string     // readDeviceProperties: service names of table D.1, any letter case
	Properties    []doc.Member // writeDeviceProperties: service name and JSON scalar

	Timeout     time.Duration // of the whole job, from its start; 0: DefaultTimeout
	StepTimeout time.Duration // of each step of one device; 0: only Timeout counts
	InFlight    int           // devices worked on at the same time, 0: no bound but the targets
	Grace       time.Duration // how long an offline device is waited for; below 0: not at all; 0: DefaultGrace
}

// The defaults and bounds of a job. [2016 preview C# SDK: ScheduleFirmwareUpdateAsync, timeout]
const (
	DefaultTimeout = 30 * time.Minute
	DefaultGrace   = 30 * time.Second
	MinTimeout     = time.Second // the preview's REST asks for a minute, its front end checks that
	MaxTimeout     = 24 * time.Hour
	MaxURI         = 255 // bytes
	MaxTargets     = 1_000_000
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
