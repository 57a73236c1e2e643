package iothub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// JobClient schedules and follows jobs of the 2016 preview. Its calls take
// their arguments in the order of the preview's Node SDK; the id of a job is
// the caller's to choose, a UUID say. It may be used from any goroutine.
//
// Errors are *RESTError when the hub refused, *Unreachable when there was no
// answer, or the context's. [Azure IoT Hub device management preview: "Use
// device jobs to update device firmware"]
type JobClient struct{ *caller }

// NewJobClient makes a client. Close drops its idle connections.
func NewJobClient(s Service) (*JobClient, error) {
	c, err := newCaller(s)
	if err != nil {
		return nil, err
	}
	return &JobClient{c}, nil
}

// Close drops idle connections.
func (c *JobClient) Close() { c.close() }

// The bounds of following a job.
const (
	defaultWaitInterval = 2 * time.Second // the Node sample and iothub-explorer poll every 2 to 5 s
	maxUnanswered       = 5               // polls in a row
)

// ScheduleFirmwareUpdate has devices download a package and flash it. timeout
// is for the whole job, a minute to a day.
func (c *JobClient) ScheduleFirmwareUpdate(ctx context.Context, jobID string, deviceIDs []string, packageURI string, timeout time.Duration) (*JobResponse, error) {
	if timeout < MinJobTimeout || timeout > MaxJobTimeout {
		return nil, fmt.Errorf("job %s: the timeout of a firmware update is 1 minute to 1 day, not %s", jobID, timeout)
	}
	limit := Timeout(timeout)
	return c.schedule(ctx, jobID, JobParameters{DeviceIDs: deviceIDs, PackageURI: packageURI, Timeout: &limit, JobType: JobFirmwareUpdate})
}

// ScheduleReboot reboots devices.
func (c *JobClient) ScheduleReboot(ctx context.Context, jobID string, deviceIDs []string) (*JobResponse, error) {
	return c.schedule(ctx, jobID, JobParameters{DeviceIDs: deviceIDs, JobType: JobReboot})
}

// ScheduleFactoryReset sets devices back to their factory image.
func (c *JobClient) ScheduleFactoryReset(ctx context.Context, jobID string, deviceIDs []string) (*JobResponse, error) {
	return c.schedule(ctx, jobID, JobParameters{DeviceIDs: deviceIDs, JobType: JobFactoryReset})
}

// ScheduleDeviceConfigurationUpdate writes a configuration, which may be
// empty, and applies it.
func (c *JobClient) ScheduleDeviceConfigurationUpdate(ctx context.Context, jobID string, deviceIDs []string, value string) (*JobResponse, error) {
	return c.schedule(ctx, jobID, JobParameters{DeviceIDs: deviceIDs, Value: &value, JobType: JobConfigurationUpdate})
}

// ScheduleDevicePropertyRead asks devices for properties now (a deep read) and
// so brings their twins up to date.
func (c *JobClient) ScheduleDevicePropertyRead(ctx context.Context, jobID string, deviceIDs, propertyNames []string) (*JobResponse, error) {
	return c.schedule(ctx, jobID, JobParameters{DeviceIDs: deviceIDs, DevicePropertyNames: propertyNames, JobType: JobReadDeviceProperties})
}

// ScheduleDevicePropertyWrite writes properties to devices (a deep write).
// Twins change only when the device says so, or by a deep read.
func (c *JobClient) ScheduleDevicePropertyWrite(ctx context.Context, jobID string, deviceIDs []string, properties map[string]any) (*JobResponse, error) {
	b, err := json.Marshal(properties)
	if err != nil {
		return nil, fmt.Errorf("job %s: properties: %w", jobID, err)
	}
	values, err := doc.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("job %s: properties: %w", jobID, err)
	}
	return c.schedule(ctx, jobID, JobParameters{DeviceIDs: deviceIDs, DeviceProperties: values, JobType: JobWriteDeviceProperties})
}

func (c *JobClient) schedule(ctx context.Context, id string, p JobParameters) (*JobResponse, error) {
	switch {
	case id == "":
		return nil, errors.New("the job has no id; choose one, a UUID say")
	case len(p.DeviceIDs) == 0:
		return nil, fmt.Errorf("job %s names no device", id)
	case slices.ContainsFunc(p.DeviceIDs, func(s string) bool { return strings.TrimSpace(s) == "" }):
		return nil, fmt.Errorf("job %s names a device without an id", id)
	}
	var r JobResponse
	_, err := c.do(ctx, call{method: http.MethodPut, path: "/jobs/v2/" + segment(id), body: JobRequest{id, &p}}, &r)
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// GetJob returns a job, or one device's part of it: their ids are of one
// sort.
func (c *JobClient) GetJob(ctx context.Context, jobID string) (*JobResponse, error) {
	if jobID == "" {
		return nil, errors.New("the job has no id")
	}
	var r JobResponse
	if _, err := c.do(ctx, call{method: http.MethodGet, path: "/jobs/v2/" + segment(jobID)}, &r); err != nil {
		return nil, err
	}
	return &r, nil
}

// GetJobs returns jobs and their parts, parents first, 1,000 at most.
func (c *JobClient) GetJobs(ctx context.Context) ([]JobResponse, error) {
	var list []JobResponse
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/jobs/v2"}, &list)
	return list, err
}

// Cancel cancels a job: parts not begun are cancelled, those under way stop at
// their next step.
func (c *JobClient) Cancel(ctx context.Context, jobID string) error {
	if jobID == "" {
		return errors.New("the job has no id")
	}
	_, err := c.do(ctx, call{method: http.MethodDelete, path: "/jobs/v2/" + segment(jobID)}, nil)
	return err
}

// QueryJobHistory runs a query over jobs and their parts; the answer has at
// most 100 rows.
func (c *JobClient) QueryJobHistory(ctx context.Context, q QueryExpression) (*QueryResult, error) {
	return c.query(ctx, "/jobs/v2/query", q)
}

// QueryJobHistoryJSON is QueryJobHistory with the query as it is written.
func (c *JobClient) QueryJobHistoryJSON(ctx context.Context, q json.RawMessage) (*QueryResult, error) {
	return c.query(ctx, "/jobs/v2/query", q)
}

// All returns every job and part of a job that the filter finds, nil for all,
// in order of their ids, page by page.
func (c *JobClient) All(ctx context.Context, filter *Filter) ([]JobResponse, error) {
	var list []JobResponse
	err := everything(filter, "jobId", func(q QueryExpression) (int, string, error) {
		r, err := c.QueryJobHistory(ctx, q)
		if err != nil {
			return 0, "", err
		}
		page, err := r.Jobs()
		if list = append(list, page...); err != nil || len(page) == 0 {
			return 0, "", err
		}
		return len(page), page[len(page)-1].JobID, nil
	})
	return list, err
}

// Children returns every device's part of a job, in order of their ids.
func (c *JobClient) Children(ctx context.Context, jobID string) ([]JobResponse, error) {
	of := Compare(InDefault, "parentJobId", "eq", doc.String(jobID))
	return c.All(ctx, &of)
}

// Counts reads a parent's statusMessage, `Devices: 6; Succeeded: 5; Failed: 1;`.
func (r *JobResponse) Counts() (devices, succeeded, failed int, ok bool) {
	found := 0
	for part := range strings.SplitSeq(r.StatusMessage, ";") {
		name, value, _ := strings.Cut(part, ":")
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || n < 0 {
			continue
		}
		switch strings.TrimSpace(name) {
		case "Devices":
			devices = n
		case "Succeeded":
			succeeded = n
		case "Failed":
			failed = n
		default:
			continue
		}
		found++
	}
	return devices, succeeded, failed, found == 3
}

// Wait polls a job until it has ended; every (0: 2 s) is how often. seen, if
// not nil, gets every answer. A hub that does not answer is asked again, five
// times in a row.
func (c *JobClient) Wait(ctx context.Context, jobID string, every time.Duration, seen func(*JobResponse)) (*JobResponse, error) {
	if every <= 0 {
		every = defaultWaitInterval
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for missed := 0; ; {
		r, err := c.GetJob(ctx, jobID)
		switch {
		case err == nil:
			missed = 0
			if seen != nil {
				seen(r)
			}
			if r.Finished() {
				return r, nil
			}
		case ctx.Err() != nil:
			return nil, fmt.Errorf("job %s has not ended: %w", jobID, ctx.Err())
		case !passing(err) || missed == maxUnanswered:
			return nil, err
		default:
			missed++
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("job %s has not ended: %w", jobID, ctx.Err())
		}
	}
}

// passing says whether an error may be over by the next request.
func passing(err error) bool {
	if e, ok := errors.AsType[*RESTError](err); ok {
		return e.Status == http.StatusTooManyRequests || e.Status >= 500
	}
	_, lost := errors.AsType[*Unreachable](err)
	return lost
}
