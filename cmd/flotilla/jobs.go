package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/reports"
)

func jobsCommand(e *env) *cobra.Command {
	return groupCommand(&cobra.Command{
		Use:   "jobs",
		Short: "schedule and follow jobs on a hub, as the 2016 preview's SDKs do",
		Long: `Jobs schedules device jobs on a hub and tells how they stand. A job over six
devices is seven jobs: the one that was scheduled, their parent, and one for
each device.` + "\n" + hubHelp,
		Example: `  flotilla jobs schedule-firmware-update Device11 Device21 --package-uri http://127.0.0.1:8080/fw-3 --wait
  flotilla jobs schedule-reboot --devices-file sampledevices.json --wait
  flotilla jobs get 9f4c1c86-3a50-4c1f-8f8e-0f5f8a7f5c11
  flotilla jobs query`,
	}, scheduleFirmwareUpdate(e), scheduleReboot(e), scheduleFactoryReset(e), scheduleConfigurationUpdate(e),
		schedulePropertyRead(e), schedulePropertyWrite(e), getJob(e), listJobs(e), queryJobs(e), cancelJob(e))
}

// scheduleFlags are the flags of every command that schedules a job.
type scheduleFlags struct {
	hubFlags
	jobID string
	file  string
	waitFlags
}

// waitFlags are the flags of waiting for a job's end.
type waitFlags struct {
	wait  bool
	poll  time.Duration
	quiet bool
}

func (w *waitFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.BoolVar(&w.wait, "wait", false, "wait until the job has ended; exit code 1 if a device failed")
	flags.DurationVar(&w.poll, "poll", 2*time.Second, "how often the hub is asked while waiting, 50ms to 1h")
	flags.BoolVarP(&w.quiet, "quiet", "q", false, "print no progress while waiting")
}

func (w *waitFlags) check() error {
	if w.poll < 50*time.Millisecond || w.poll > time.Hour {
		return fmt.Errorf("--poll must be 50ms to 1h, is %s", w.poll)
	}
	return nil
}

// scheduleCommand makes a command that schedules a job over the devices it is
// given.
func scheduleCommand(e *env, f *scheduleFlags, c *cobra.Command, schedule func(ctx context.Context, jobs *iothub.JobClient, id string, devices []string) (*iothub.JobResponse, error)) *cobra.Command {
	c.Use += " DEVICE..."
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := f.check(); err != nil {
			return err
		}
		devices, err := f.devices(args)
		if err != nil {
			return err
		}
		id := f.jobID
		if id == "" {
			id = newUUID()
		}
		return f.jobs(e, func(jobs *iothub.JobClient) error {
			job, err := schedule(c.Context(), jobs, id, devices)
			if err != nil {
				return err
			}
			if !f.wait {
				return f.listJobs(e, []iothub.JobResponse{*job}, true)
			}
			return f.follow(c.Context(), e, jobs, job)
		})
	}
	f.hubFlags.register(c)
	f.waitFlags.add(c)
	c.Flags().StringVar(&f.jobID, "job-id", "", "`ID` of the job, 1 to 128 bytes (default a new UUID)")
	c.Flags().StringVarP(&f.file, "devices-file", "f", "", "`FILE` of devices, shaped as sampledevices.json; - is the standard input")
	return c
}

// devices are the ids that are named, one by one, with commas, or in a file.
func (f *scheduleFlags) devices(args []string) ([]string, error) {
	var ids []string
	for _, a := range args {
		ids = append(ids, strings.Split(a, ",")...)
	}
	if f.file != "" {
		list, err := f.devicesFile(f.file)
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			ids = append(ids, d.DeviceID)
		}
	}
	if len(ids) == 0 {
		return nil, errors.New("no device is named; give ids, or a file of devices with --devices-file")
	}
	for i, id := range ids {
		if ids[i] = strings.TrimSpace(id); ids[i] == "" {
			return nil, fmt.Errorf("an id of a device is empty in %q", strings.Join(args, " "))
		}
	}
	return ids, nil
}

// follow waits for a job's end and prints it with its parts.
func (f *scheduleFlags) follow(ctx context.Context, e *env, jobs *iothub.JobClient, job *iothub.JobResponse) error {
	return f.hubFlags.follow(ctx, e, jobs, job, f.waitFlags)
}

func (f *hubFlags) follow(ctx context.Context, e *env, jobs *iothub.JobClient, job *iothub.JobResponse, w waitFlags) error {
	show := &jobProgress{w: e.stderr, quiet: w.quiet, began: time.Now()}
	show.parent(job)
	end, err := jobs.Wait(ctx, job.JobID, w.poll, func(j *iothub.JobResponse) {
		show.parent(j)
		if n, _, _, ok := j.Counts(); !ok || n > fewDevices || w.quiet || j.ParentJobID != "" {
			return
		}
		if parts, err := jobs.Children(ctx, j.JobID); err == nil { // else the next time
			show.parts(parts)
		}
	})
	if err != nil {
		return err
	}
	all := []iothub.JobResponse{*end}
	if end.ParentJobID == "" {
		parts, err := jobs.Children(ctx, end.JobID)
		if err != nil {
			return err
		}
		all = append(all, parts...)
		iothub.SortJobs(all)
	}
	if err := f.listJobs(e, all, false); err != nil {
		return err
	}
	return e.verdict(end)
}

// verdict says how a job has ended, if not well.
func (e *env) verdict(j *iothub.JobResponse) error {
	total, _, failed, counted := j.Counts()
	switch {
	case j.Status != iothub.StatusCompleted:
		fmt.Fprintf(e.stderr, "flotilla: job %s is %s%s\n", j.JobID, j.Status, because(j.FailureReason))
	case counted && failed > 0:
		fmt.Fprintf(e.stderr, "flotilla: job %s: %d of %d devices failed\n", j.JobID, failed, total)
	default:
		return nil
	}
	return exit(exitMissed)
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// jobProgress prints what has changed while a job is waited for.
type jobProgress struct {
	w     io.Writer
	quiet bool
	began time.Time
	last  string
	was   map[string]string
}

func (p *jobProgress) line(format string, args ...any) {
	if !p.quiet {
		fmt.Fprintf(p.w, "%8.1fs  "+format+"\n", append([]any{time.Since(p.began).Seconds()}, args...)...)
	}
}

func (p *jobProgress) parent(j *iothub.JobResponse) {
	text := fmt.Sprintf("%s is %s  %s", j.JobID, j.Status, j.StatusMessage)
	if text = strings.TrimSpace(text); text != p.last {
		p.last = text
		p.line("%s", text)
	}
}

func (p *jobProgress) parts(list []iothub.JobResponse) {
	if p.was == nil {
		p.was = map[string]string{}
	}
	for i := range list {
		j := &list[i]
		text := j.Status
		switch {
		case j.FailureReason != "":
			text += ": " + j.FailureReason
		case j.StatusMessage != "":
			text += ", " + j.StatusMessage
		}
		if p.was[j.JobID] != text {
			p.was[j.JobID] = text
			p.line("  %-24s %s", j.DeviceID, text)
		}
	}
}

// newUUID makes a version 4 UUID. [RFC 9562, section 5.4]
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func scheduleFirmwareUpdate(e *env) *cobra.Command {
	var f scheduleFlags
	var uri, timeout string
	c := scheduleCommand(e, &f, &cobra.Command{
		Use:   "schedule-firmware-update",
		Short: "have devices download a package and flash it",
		Long:  `Schedule-firmware-update has devices download a firmware package and flash it.`,
		Example: `  flotilla jobs schedule-firmware-update Device11-7ce4a850 --package-uri http://url.to.firmware.update --timeout 25
  flotilla jobs schedule-firmware-update -f sampledevices.json --package-uri http://127.0.0.1:8080/fw-3 --timeout 90s --wait`,
	}, func(ctx context.Context, jobs *iothub.JobClient, id string, devices []string) (*iothub.JobResponse, error) {
		limit, err := iothub.ParseMinutes(timeout)
		if err != nil {
			return nil, fmt.Errorf("--timeout: %w", err)
		}
		return jobs.ScheduleFirmwareUpdate(ctx, id, devices, uri, limit)
	})
	c.Flags().StringVar(&uri, "package-uri", "", "`URI` of the package, 1 to 255 bytes; devices download it themselves")
	c.Flags().StringVar(&timeout, "timeout", "30", "`TIME` the whole job may take: minutes, or with a unit (25, 25m, 1h30m); 1 minute to 1 day")
	c.MarkFlagRequired("package-uri")
	return c
}

func scheduleReboot(e *env) *cobra.Command {
	var f scheduleFlags
	return scheduleCommand(e, &f, &cobra.Command{
		Use:     "schedule-reboot",
		Short:   "reboot devices",
		Long:    `Schedule-reboot reboots devices. A device's part is done when it has said that it will.`,
		Example: `  flotilla jobs schedule-reboot Device11-7ce4a850,Device21-7ce4a850 --wait`,
	}, func(ctx context.Context, jobs *iothub.JobClient, id string, devices []string) (*iothub.JobResponse, error) {
		return jobs.ScheduleReboot(ctx, id, devices)
	})
}

func scheduleFactoryReset(e *env) *cobra.Command {
	var f scheduleFlags
	return scheduleCommand(e, &f, &cobra.Command{
		Use:     "schedule-factory-reset",
		Short:   "set devices back to their factory image",
		Long:    `Schedule-factory-reset sets devices back to their factory image.`,
		Example: `  flotilla jobs schedule-factory-reset Device11-7ce4a850 --wait`,
	}, func(ctx context.Context, jobs *iothub.JobClient, id string, devices []string) (*iothub.JobResponse, error) {
		return jobs.ScheduleFactoryReset(ctx, id, devices)
	})
}

func scheduleConfigurationUpdate(e *env) *cobra.Command {
	var f scheduleFlags
	var value string
	c := scheduleCommand(e, &f, &cobra.Command{
		Use:     "schedule-configuration-update",
		Short:   "write a configuration to devices and have them apply it",
		Long:    `Schedule-configuration-update writes a configuration to devices and has them apply it.`,
		Example: `  flotilla jobs schedule-configuration-update Device11-7ce4a850 --value '{"telemetryPeriod":"2s"}' --wait`,
	}, func(ctx context.Context, jobs *iothub.JobClient, id string, devices []string) (*iothub.JobResponse, error) {
		return jobs.ScheduleDeviceConfigurationUpdate(ctx, id, devices, value)
	})
	c.Flags().StringVar(&value, "value", "", "the configuration, a `TEXT` of 0 to 255 bytes")
	c.MarkFlagRequired("value")
	return c
}

func schedulePropertyRead(e *env) *cobra.Command {
	var f scheduleFlags
	var names []string
	c := scheduleCommand(e, &f, &cobra.Command{
		Use:   "schedule-property-read",
		Short: "read properties from devices into their twins (a deep read)",
		Long: `Schedule-property-read asks devices for properties now, which brings their twins
up to date: see them with ` + "`flotilla devices show`" + `.`,
		Example: `  flotilla jobs schedule-property-read Device11-7ce4a850 --name timezone --name BatteryLevel --wait`,
	}, func(ctx context.Context, jobs *iothub.JobClient, id string, devices []string) (*iothub.JobResponse, error) {
		return jobs.ScheduleDevicePropertyRead(ctx, id, devices, names)
	})
	c.Flags().StringSliceVar(&names, "name", nil, "`PROPERTY` to read, in any letter case; several with commas or flags")
	c.MarkFlagRequired("name")
	return c
}

func schedulePropertyWrite(e *env) *cobra.Command {
	var f scheduleFlags
	var sets []string
	c := scheduleCommand(e, &f, &cobra.Command{
		Use:   "schedule-property-write",
		Short: "write properties to devices (a deep write)",
		Long: `Schedule-property-write writes properties to devices. Their twins change when the
devices say so, or by a deep read: not by the end of this job.`,
		Example: `  flotilla jobs schedule-property-write Device11-7ce4a850 --set timezone=PST --wait
  flotilla jobs schedule-property-write Device11-7ce4a850 --set RegistrationLifetime=600 --set 'Timezone="1"'`,
	}, func(ctx context.Context, jobs *iothub.JobClient, id string, devices []string) (*iothub.JobResponse, error) {
		values := map[string]any{}
		for _, s := range sets {
			name, value, err := iothub.ParseSetting(s)
			if err != nil {
				return nil, fmt.Errorf("--set: %w", err)
			}
			if _, twice := values[name]; twice {
				return nil, fmt.Errorf("--set: %s is set twice", name)
			}
			values[name] = value
		}
		return jobs.ScheduleDevicePropertyWrite(ctx, id, devices, values)
	})
	c.Flags().StringArrayVar(&sets, "set", nil, "`NAME=VALUE` to write: a number, true, false or a text; a text in quotes is one whatever it looks like; may be given several times")
	c.MarkFlagRequired("set")
	return c
}

func getJob(e *env) *cobra.Command {
	var f hubFlags
	var w waitFlags
	c := f.register(&cobra.Command{
		Use:   "get JOB",
		Short: "show a job, or one device's part of it",
		Long:  `Get shows a job, or one device's part of it: their ids are of one sort.`,
		Example: `  flotilla jobs get fw-1
  flotilla jobs get fw-1 --wait -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := w.check(); err != nil {
				return err
			}
			return f.jobs(e, func(jobs *iothub.JobClient) error {
				job, err := jobs.GetJob(c.Context(), args[0])
				if err != nil {
					return err
				}
				if !w.wait {
					return f.listJobs(e, []iothub.JobResponse{*job}, true)
				}
				return f.follow(c.Context(), e, jobs, job, w)
			})
		},
	})
	w.add(c)
	return c
}

func listJobs(e *env) *cobra.Command {
	var f hubFlags
	var parent string
	c := f.register(&cobra.Command{
		Use:   "list",
		Short: "list jobs and their parts, newest first",
		Long: `List lists jobs, newest first, each followed by its parts: 1,000 rows at most, as
many as the hub tells. --parent lists all parts of one job, however many.`,
		Example: `  flotilla jobs list
  flotilla jobs list --parent fw-1 -o csv`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return f.jobs(e, func(jobs *iothub.JobClient) error {
				var list []iothub.JobResponse
				var err error
				if parent == "" {
					list, err = jobs.GetJobs(c.Context())
				} else {
					list, err = jobs.Children(c.Context(), parent)
				}
				if err != nil {
					return err
				}
				iothub.SortJobs(list)
				return f.listJobs(e, list, false)
			})
		},
	})
	c.Flags().StringVar(&parent, "parent", "", "the parts of `JOB` alone")
	return c
}

func queryJobs(e *env) *cobra.Command {
	var f hubFlags
	return f.register(&cobra.Command{
		Use:   "query [QUERY]",
		Short: "query the history of jobs; without a query, count jobs per type",
		Long: `Query runs a query of the 2016 preview over jobs and their parts: 100 rows at
most. QUERY is a JSON object, a file's name, or - for the standard input.
Without one it counts the jobs of every type.`,
		Example: `  flotilla jobs query
  flotilla jobs query '{"filter":{"type":"comparison","property":{"name":"Status","type":"default"},"value":"Running","comparisonOperator":"eq"}}'
  flotilla jobs query history.json -o json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			q, raw, err := f.query(args, iothub.CountsPerType)
			if err != nil {
				return err
			}
			return f.jobs(e, func(jobs *iothub.JobClient) error {
				answer, err := jobs.QueryJobHistoryJSON(c.Context(), raw)
				if err != nil {
					return err
				}
				return f.rows(e, answer, q, "jobId", func() error {
					list, err := answer.Jobs()
					if err != nil {
						return err
					}
					return f.listJobs(e, list, false)
				})
			})
		},
	})
}

// query reads the query that is named, or takes another one.
func (f *hubFlags) query(args []string, other iothub.QueryExpression) (iothub.QueryExpression, []byte, error) {
	if len(args) == 0 {
		raw, err := json.Marshal(other)
		return other, raw, err
	}
	text, err := f.text(args[0])
	if err != nil {
		return other, nil, err
	}
	return iothub.ReadQuery(text)
}

// rows prints the answer to a query: whole rows by whole, others as a table of
// their own.
func (f *hubFlags) rows(e *env, answer *iothub.QueryResult, q iothub.QueryExpression, id string, whole func() error) error {
	columns, rows, err := answer.Table(q, id)
	if err != nil {
		return err
	}
	if columns == nil {
		return whole()
	}
	l := reports.Listing{Columns: columns, Rows: rows, Value: answer.Result}
	if answer.AggregateResult != nil {
		l.Value = answer.AggregateResult
	}
	return f.list(e, l)
}

func cancelJob(e *env) *cobra.Command {
	var f hubFlags
	return f.register(&cobra.Command{
		Use:   "cancel JOB",
		Short: "cancel a job",
		Long: `Cancel cancels a job: parts that have not begun are cancelled, those under way
stop at their next step. It shows the job as it is then.`,
		Example: `  flotilla jobs cancel fw-1`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.jobs(e, func(jobs *iothub.JobClient) error {
				if err := jobs.Cancel(c.Context(), args[0]); err != nil {
					return err
				}
				job, err := jobs.GetJob(c.Context(), args[0])
				if err != nil {
					return err
				}
				return f.listJobs(e, []iothub.JobResponse{*job}, true)
			})
		},
	})
}
