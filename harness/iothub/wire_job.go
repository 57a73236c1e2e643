package iothub

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// The words of the preview's jobs. [Azure IoT Hub device management preview:
// JobResponse, jobType and status]
const (
	JobFirmwareUpdate        = "firmwareUpdate"
	JobReboot                = "rebootDevice"
	JobFactoryReset          = "factoryResetDevice"
	JobConfigurationUpdate   = "updateDeviceConfiguration"
	JobReadDeviceProperties  = "readDeviceProperties"
	JobWriteDeviceProperties = "writeDeviceProperties"

	StatusUnknown   = "unknown"
	StatusEnqueued  = "enqueued"
	StatusRunning   = "running"
	StatusCompleted = "completed"
	StatusFailed    = "failed"
	StatusCancelled = "cancelled"
)

// jobTypes are the kinds of job the preview's REST surface can say: the names
// are those of the job engine's kinds.
var jobTypes = [...]string{
	JobFirmwareUpdate, JobReboot, JobFactoryReset, JobConfigurationUpdate, JobReadDeviceProperties, JobWriteDeviceProperties,
}

// jobType finds a job type by its word in any letter case; false if there is
// none.
func jobType(word string) (string, bool) {
	for _, t := range jobTypes {
		if strings.EqualFold(t, word) {
			return t, true
		}
	}
	return "", false
}

// JobRequest is the body of PUT /jobs/v2/{jobId}.
type JobRequest struct {
	JobID         string         `json:"jobId,omitempty"`
	JobParameters *JobParameters `json:"jobParameters"`
}

// JobParameters says what a job does. Members that the job's type has no use
// for are left out; the order is that of the Node SDK.
type JobParameters struct {
	Value               *string   `json:"Value,omitempty"`               // updateDeviceConfiguration: may be empty
	DevicePropertyNames []string  `json:"DevicePropertyNames,omitempty"` // readDeviceProperties
	DeviceProperties    doc.Value `json:"DeviceProperties,omitzero"`     // writeDeviceProperties: an object of names and scalars
	DeviceIDs           DeviceIDs `json:"DeviceIds"`
	PackageURI          string    `json:"PackageUri,omitempty"` // firmwareUpdate: at most 255 bytes
	Timeout             *Timeout  `json:"Timeout,omitempty"`    // firmwareUpdate: 1 minute to 1 day; nil: 30 minutes
	JobType             string    `json:"jobType"`

	SystemPropertyNames []string `json:"SystemPropertyNames,omitempty"` // what DevicePropertyNames was called before April 25
}

// DeviceIDs are the devices a job is for. One id may be written as a string.
type DeviceIDs []string

// UnmarshalJSON reads an array of strings, or a string.
func (d *DeviceIDs) UnmarshalJSON(b []byte) error {
	var one string
	switch b[0] {
	case '"':
		if err := json.Unmarshal(b, &one); err != nil {
			return err
		}
		*d = DeviceIDs{one}
		return nil
	case '[', 'n':
		return json.Unmarshal(b, (*[]string)(d))
	}
	return fmt.Errorf("DeviceIds is neither an array of device ids nor one id")
}

// JobResponse is a job, or one device's part of it.
type JobResponse struct {
	JobID         string `json:"jobId"`
	Type          string `json:"type"`
	Status        string `json:"status"`
	StartTimeUTC  *Time  `json:"startTimeUtc,omitempty"`
	EndTimeUTC    *Time  `json:"endTimeUtc,omitempty"`
	FailureReason string `json:"failureReason,omitempty"`
	StatusMessage string `json:"statusMessage,omitempty"` // of a parent: Devices: <n>; Succeeded: <n>; Failed: <n>;
	DeviceID      string `json:"deviceId,omitempty"`      // not of a parent
	ParentJobID   string `json:"parentJobId,omitempty"`   // not of a parent
}

// Finished says whether a job's status is a last one.
func (j *JobResponse) Finished() bool {
	switch j.Status {
	case StatusCompleted, StatusFailed, StatusCancelled:
		return true
	}
	return false
}
