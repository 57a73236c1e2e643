package hub

import (
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/zone"
)

// Command is what an operator asks of the hub: one of the types below. They
// are values: they can be recorded, replayed and sent over REST.
type Command interface{ command() }

// Register creates a device identity. Keys come with the command, never from
// the hub: at least one, 16 to 64 bytes each; or else thumbprints of
// certificates, which are kept and not used yet: such a device cannot connect.
type Register struct {
	ID                       sim.DeviceID
	PrimaryKey, SecondaryKey []byte
	Thumbprints              Thumbprints
	Disabled                 bool
	StatusReason             string    // for people, at most 128 characters
	Labels                   []string  // the preview's tags: a list of words
	Tags                     doc.Value // GA's tags: an object, or absent
	Service                  doc.Value // the preview's serviceProperties: an object, or absent
}

// Thumbprints are the SHA-1 hashes of the certificates a device may show, 40
// hexadecimal digits each; "" for none.
type Thumbprints struct{ Primary, Secondary string }

// Unregister deletes a device: its connection is closed, its calls fail.
type Unregister struct {
	ID   sim.DeviceID
	Etag string // of the identity; "" or "*": whatever it is
}

// UpdateIdentity replaces what can be changed of a device's identity.
// Reply.Device is the new state. Disabling closes its connection; keys count
// from the next connection on.
type UpdateIdentity struct {
	ID   sim.DeviceID
	Etag string // of the identity; "" or "*": whatever it is

	// Keys or thumbprints, as for Register; neither: they stay.

	PrimaryKey, SecondaryKey []byte
	Thumbprints              Thumbprints

	Disabled     bool
	StatusReason string
}

// ReplaceService replaces the preview's service properties and the labels of
// a device. Reply.Device is the new state.
type ReplaceService struct {
	ID         sim.DeviceID
	Etag       string // of the service properties; "" or "*": whatever it is
	Properties doc.Value
	Labels     []string
}

// SetLabels replaces the labels of a device; its service properties stay, and
// get another etag. Reply.Device is the new state.
type SetLabels struct {
	ID     sim.DeviceID
	Labels []string
}

// SetStatus enables or disables a device; disabling closes its connection.
type SetStatus struct {
	ID       sim.DeviceID
	Disabled bool
}

// GetDevice answers with Reply.Device.
type GetDevice struct{ ID sim.DeviceID }

// PatchTwin merges into a twin's tags and desired properties; absent values
// leave their section alone, null clears it. Reply.Device is the new state.
type PatchTwin struct {
	ID            sim.DeviceID
	Tags, Desired doc.Value
	Etag          string // "" or "*": whatever it is
}

// Invoke calls a direct method. Its ticket settles with Reply.Status and
// Reply.Payload, or with an error of CodeOffline, CodeTimeout, CodeTakeover.
type Invoke struct {
	ID              sim.DeviceID
	Method          string
	Payload         []byte        // JSON; nil is sent as null
	ConnectTimeout  time.Duration // how long to wait for the device to be online
	ResponseTimeout time.Duration // 0: 30 s
	Due             sim.Time      // the planned instant the latency counts from; 0: when it is asked
}

// SubmitJob starts a job; Reply.Job is the parent as accepted and
// Reply.Ticket settles when the job has ended, with Reply.Job as it ended.
type SubmitJob struct {
	Spec   job.Spec
	Unique bool // an id in use is refused with CodePrecondition, whatever the hub's setting
	Forget bool // nobody waits for the job's end: there is no ticket
}

// CancelJob cancels a job: devices not begun are cancelled, those being
// worked on stop at their next step.
type CancelJob struct{ ID string }

// StopJob stops a running or pending job; what is in flight ends by itself.
type StopJob struct{ ID string }

// ResumeJob lets a stopped job go on.
type ResumeJob struct{ ID string }

// RerunJob submits a new job over the devices that failed in another; its
// ticket settles as SubmitJob's. An empty NewID lets the hub choose, an empty
// Name keeps the other's.
type RerunJob struct{ ID, NewID, Name string }

// CopyJob submits a job like another one, its name with " Copy" behind it,
// over the present members of its group. Its ticket settles as SubmitJob's.
type CopyJob struct{ ID, NewID string }

// PutGroup creates or changes a device group: a saved query, evaluated
// whenever it is used.
type PutGroup struct{ ID, Filter string }

// DeleteGroup deletes a device group. Jobs over it go on.
type DeleteGroup struct{ ID string }

// ListGroups answers with Reply.Groups, by id.
type ListGroups struct{}

// PutSchedule creates a schedule, or changes one that has no pending or
// running instance. Its job must be over a group.
type PutSchedule struct {
	ID       string
	Spec     job.Spec // of each instance; ID and Targets are not looked at
	Rule     zone.Rule
	Misfire  Misfire
	Disabled bool
}

// Misfire is what becomes of a firing that nobody was there for: one that
// comes more than zone.Tolerance late. However many were missed, at most one
// is made up for.
type Misfire uint8

// The policies. [decision A-28]
const (
	MisfireDefault Misfire = iota // a recurring schedule skips it, a one-time one fires late
	MisfireSkip                   // it is left out and counted
	MisfireOnce                   // it fires late
)

// EnableSchedule lets a schedule fire, or not: always possible.
type EnableSchedule struct {
	ID      string
	Enabled bool
}

// DeleteSchedule deletes a schedule; its instances go on.
type DeleteSchedule struct{ ID string }

// GetSchedule answers with one Reply.Schedules.
type GetSchedule struct{ ID string }

// ListSchedules answers with Reply.Schedules in order of their creation.
type ListSchedules struct{}

// GetJob answers with Reply.Job, or Reply.Children of one element when the id
// is a child's.
type GetJob struct{ ID string }

// ListJobs answers with Reply.Jobs in order of submission, after job After
// ("" from the start), at most Limit (0: 1,000). Reply.More says that there
// are more.
type ListJobs struct {
	After string
	Limit int
}

// ListChildren answers with Reply.Children of one job in order of its
// targets, from number From, at most Limit (0: 1,000).
type ListChildren struct {
	Job   string
	From  int
	Limit int
}

// ListDevices answers with Reply.Devices in order of registration, from
// number From, at most Limit (0: 1,000).
type ListDevices struct {
	From  int
	Limit int
}

// GetCounters answers with Reply.Counters.
type GetCounters struct{}

func (Register) command()       {}
func (Unregister) command()     {}
func (SetStatus) command()      {}
func (UpdateIdentity) command() {}
func (ReplaceService) command() {}
func (SetLabels) command()      {}
func (GetDevice) command()      {}
func (PatchTwin) command()      {}
func (Invoke) command()         {}
func (SubmitJob) command()      {}
func (CancelJob) command()      {}
func (GetJob) command()         {}
func (StopJob) command()        {}
func (ResumeJob) command()      {}
func (RerunJob) command()       {}
func (CopyJob) command()        {}
func (PutGroup) command()       {}
func (DeleteGroup) command()    {}
func (ListGroups) command()     {}
func (PutSchedule) command()    {}
func (EnableSchedule) command() {}
func (DeleteSchedule) command() {}
func (GetSchedule) command()    {}
func (ListSchedules) command()  {}
func (ListJobs) command()       {}
func (ListChildren) command()   {}
func (ListDevices) command()    {}
func (GetCounters) command()    {}

// Reply is the answer to a command; which fields are set is said there.
type Reply struct {
	Ticket    uint64 // not 0: the answer comes later; Take it when it has settled
	Device    *Device
	Devices   []*Device
	Job       *job.View
	Jobs      []job.View
	Children  []job.ChildView
	Groups    []Group
	Schedules []Schedule
	More      bool
	Status    int32
	Payload   []byte
	Counters  *Counters
}

// Group is a device group: a saved query.
type Group struct{ ID, Filter string }

// Schedule is a schedule as others see it.
type Schedule struct {
	ID        string
	Spec      job.Spec
	Rule      zone.Rule
	Enabled   bool
	Completed bool // it will never fire again
	Created   int  // instances since its rule was last set
	Number    int  // of the last instance, from 1; edits do not set it back
	Skipped   int  // firings that were missed and left out; of one absence at most sim.MaxSlice and one are counted
	Misfire   Misfire
	Next      sim.Time // when it fires next, sim.Never if it does not
	Etag      uint64
	Instances []string // ids of its instances that are still known, oldest first
}

// Device is a device as the hub knows it. It is never changed after it was
// handed out.
type Device struct {
	ID                       sim.DeviceID
	Number                   uint32 // in order of registration
	Generation               uint64
	Etag                     uint64 // of identity
	PrimaryKey, SecondaryKey []byte
	Thumbprints              Thumbprints
	Disabled                 bool
	StatusReason             string
	Connected                bool
	Managed                  bool     // has reported under `dm` at least once
	ConnectionChanged        sim.Time // sim.Never: not yet
	StatusChanged            sim.Time
	LastActivity             sim.Time // in a View: see View.LastActivity
	Waiting                  int      // queued commands that the hub keeps for it
	Labels                   []string
	Service                  doc.Value
	ServiceEtag              uint64
	Tags, Desired, Reported  doc.Value // with the time of change in every member
	Cloud                    doc.Value // cloud properties: Central's own, never sent to the device
	TwinVersion              uint64
	TwinEtag                 uint64
	DesiredVersion           uint64
	ReportedVersion          uint64
	Configuration            string    // the last configuration a job sent, "" before
	Configured               bool      // whether there was one
	Read                     doc.Value // what deep reads returned, by service name; see Properties

	gen uint32 // generation it may be changed in; 0: handed out
}

// Counters count what the hub has seen since it was made.
type Counters struct {
	Devices, Connected              int
	Accepted, Refused, Closed       uint64
	Messages                        uint64 // inputs from devices
	Telemetry, Reports, TwinReads   uint64
	Calls, Answers, LateAnswers     uint64
	CallsTimedOut, CallsOffline     uint64
	Throttled                       uint64 // of Refused: too many new connections
	CommandsQueued                  uint64 // commands kept for a device until it takes them
	CommandsDelivered               uint64 // of them, those that devices have taken
	CommandsExpired                 uint64 // of them, those given up: after 24 h, or sent 10 times in vain
	Wills                           uint64 // of Telemetry: published for devices that ended without DISCONNECT
	JobsEnded, ChildrenEnded, Stale uint64 // Stale: dropped as of a connection that is not the present one
}

// Code says what kind of error a command met; dialects map it to their own.
type Code uint8

// The codes.
const (
	_ Code = iota
	CodeInvalid
	CodeNotFound    // device
	CodeJobNotFound // job
	CodeExists
	CodePrecondition // etag mismatch, or a job id in use
	CodeOffline      // device not connected, or not listening for methods
	CodeTimeout      // no answer in time
	CodeTakeover     // replaced by a new connection while waiting
	CodeTooLarge
	CodeTooMany // over a quota or too many open tickets
	CodeState   // not possible in the present state
	CodeGroupNotFound
	CodeScheduleNotFound
	CodeShutdown // the hub ends
	CodeAnswer   // the device's answer is not JSON
)

// Error is what Do and Take return.
type Error struct {
	Code    Code
	Message string
}

func (e *Error) Error() string { return e.Message }
