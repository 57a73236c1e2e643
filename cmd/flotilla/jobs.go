package main

import (
	"context"
	"encoding/json"
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
each device.` + "\n" + hubHelp + "\n" + waitHelp,
		Example: `  flotilla jobs schedule-firmware-update Device11 Device21 --package-uri http://127.0.0.1:8080/fw-3 --wait
  flotilla jobs schedule-reboot --devices-file sampledevices.json --wait
  flotilla jobs get 9f4c1c86-3a50-4c1f-8f8e-0f5f8a7f5c11
  flotilla jobs query`,
	}, scheduleFirmwareUpdate(e), scheduleReboot(e), scheduleFactoryReset(e), scheduleConfigurationUpdate(e),
		schedulePropertyRead(e), schedulePropertyWrite(e), getJob(e), listJobs(e), queryJobs(e), cancelJob(e))
}

// waitFlags are the flags of waiting for a job's end.
type waitFlags struct {
	wait  bool
	poll  time.Duration
	quiet bool
}

func (w *waitFlags) add(c *cobra.Command) {
	c.Long += "\n" + waitHelp
	flags := c.Flags()
	flags.BoolVar(&w.wait, "wait", false, "wait until the job has ended")
	flags.DurationVar(&w.poll, "poll", 2*time.Second, "`TIME` between two looks at the job while waiting, 50ms to 1h")
	flags.BoolVarP(&w.quiet, "quiet", "q", false, "print no progress while waiting")
}

func (w *waitFlags) check() error {
	if w.poll < 50*time.Millisecond || w.poll > time.Hour {
		return fmt.Errorf("--poll must be 50ms to 1h, is %s", w.poll)
	}
	return nil
}

// follow waits for a job's end and prints it with its parts.
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
