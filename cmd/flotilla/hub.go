package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/reports"
)

// hubVariable names the hub where --hub does not.
const hubVariable = "FLOTILLA_HUB"

// hubFlags are the flags of commands that talk to a hub.
type hubFlags struct {
	hub         string
	ca          string
	https       int
	mqtts       int
	output      string
	retries     int
	stdin       io.Reader
	noListening bool // the command prints no rows
}

// hubHelp is what help says of them.
const hubHelp = `
The hub is --hub or the environment variable ` + hubVariable + `: a connection string, or
the file that ` + "`flotilla serve --ready-file FILE`" + ` wrote, which also says the ports
and the certificate authority.

Exit codes: 0 done, 2 bad usage, or the hub refused, 3 the hub could not be
reached or has no time, 130 interrupted.`

// waitHelp is what help says beside it of commands that can wait for a job.
const waitHelp = `With --wait it is 1 if the job did not complete, or if devices failed.`

// where are the flags that say where the hub is.
func (f *hubFlags) where(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.hub, "hub", "", "`HUB`: a policy's connection string or a ready file (default $"+hubVariable+")")
	flags.StringVar(&f.ca, "ca", "", "`FILE` of the authority that signed the hub's certificate, PEM (default the ready file's, else the system's)")
	flags.IntVar(&f.https, "https-port", 0, "`PORT` of the hub's REST interface (default the hub's, else 443)")
	flags.IntVar(&f.mqtts, "mqtts-port", 0, "`PORT` of the hub's MQTT over TLS (default the hub's, else 8883)")
}

// register adds the flags to a command and the common part to its help.
func (f *hubFlags) register(c *cobra.Command) *cobra.Command {
	f.where(c)
	if f.stdin == nil {
		f.stdin = os.Stdin
	}
	flags := c.Flags()
	flags.MarkHidden("mqtts-port") // devices' affair, allowed so that one set of flags fits all commands
	flags.IntVar(&f.retries, "retries", 0, "try a request that the hub has no time for (429, 503) again up to this `NUMBER` of times")
	if !f.noListening {
		flags.StringVarP(&f.output, "output", "o", reports.ListingFormats[0], "`FORMAT`: "+strings.Join(reports.ListingFormats, ", "))
	}
	c.Long = strings.TrimSpace(c.Long) + "\n" + hubHelp
	run := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if !f.noListening && !slices.Contains(reports.ListingFormats, f.output) {
			return fmt.Errorf("--output %q: there is %s", f.output, strings.Join(reports.ListingFormats, ", "))
		}
		if f.retries < 0 || f.retries > 100 {
			return fmt.Errorf("--retries must be 0 to 100, is %d", f.retries)
		}
		return run(c, args)
	}
	return c
}

// named says whether a hub is named.
func (f *hubFlags) named() error {
	if f.hub = cmp.Or(f.hub, os.Getenv(hubVariable)); f.hub == "" {
		return fmt.Errorf("no hub is named; give --hub or set %s to a connection string or to the ready file of `flotilla serve`", hubVariable)
	}
	return nil
}

// address finds the hub.
func (f *hubFlags) address() (iothub.Address, error) {
	if err := f.named(); err != nil {
		return iothub.Address{}, err
	}
	a, err := iothub.FindHub(f.hub)
	if err != nil {
		return a, err
	}
	return a, a.Override(f.https, f.mqtts, f.ca)
}

// service is what clients are made of.
func (f *hubFlags) service() (iothub.Service, error) {
	a, err := f.address()
	if err != nil {
		return iothub.Service{}, err
	}
	s, err := a.Service("flotilla/" + version())
	s.Retries = f.retries
	return s, err
}

// jobs runs f with a client of jobs.
func (f *hubFlags) jobs(e *env, run func(*iothub.JobClient) error) error {
	s, err := f.service()
	if err != nil {
		return err
	}
	c, err := iothub.NewJobClient(s)
	if err != nil {
		return err
	}
	defer c.Close()
	return e.answered(run(c))
}

// registry runs f with a client of the registry.
func (f *hubFlags) registry(e *env, run func(*iothub.Registry) error) error {
	s, err := f.service()
	if err != nil {
		return err
	}
	r, err := iothub.NewRegistry(s)
	if err != nil {
		return err
	}
	defer r.Close()
	return e.answered(run(r))
}

// answered says an error of the hub, or on the way to it, with its exit code.
// What was wrong before anything was asked stays an error of usage.
func (e *env) answered(err error) error {
	refused, isRefusal := errors.AsType[*iothub.RESTError](err)
	_, lost := errors.AsType[*iothub.Unreachable](err)
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(e.stderr, "flotilla: interrupted")
		return exit(exitInterrupted)
	case isRefusal && refused.Status < 500 && refused.Status != http.StatusTooManyRequests:
		fmt.Fprintf(e.stderr, "flotilla: the hub refused: %v\n", withRemedy(err))
		return exit(exitUsage)
	case isRefusal, lost, errors.Is(err, context.DeadlineExceeded):
		return void{err}
	}
	return err
}

// list prints rows.
func (f *hubFlags) list(e *env, l reports.Listing) error {
	return l.Write(e.stdout, f.output, reports.Options{Color: isTerminal(e.stdout)})
}

// listJobs prints jobs; alone says that there is but one.
func (f *hubFlags) listJobs(e *env, list []iothub.JobResponse, alone bool) error {
	l := reports.Listing{Columns: iothub.JobColumns, Rows: [][]string{}, Value: list}
	for i := range list {
		l.Rows = append(l.Rows, iothub.JobRow(&list[i]))
	}
	switch {
	case alone:
		l.Value = list[0]
	case list == nil:
		l.Value = []iothub.JobResponse{}
	}
	return f.list(e, l)
}

// listDevices is listJobs for devices.
func (f *hubFlags) listDevices(e *env, list []iothub.Device, alone bool) error {
	l := reports.Listing{Columns: iothub.DeviceColumns, Rows: [][]string{}, Value: list}
	for i := range list {
		l.Rows = append(l.Rows, iothub.DeviceRow(&list[i]))
	}
	switch {
	case alone:
		l.Value = list[0]
	case list == nil:
		l.Value = []iothub.Device{}
	}
	return f.list(e, l)
}

// text reads an argument that is JSON itself, a file's name or, as a dash,
// the standard input.
func (f *hubFlags) text(arg string) ([]byte, error) {
	if strings.HasPrefix(strings.TrimSpace(arg), "{") {
		return []byte(arg), nil
	}
	const most = 1 << 20
	var from io.Reader = f.stdin
	if arg != "-" {
		file, err := os.Open(arg)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		from = file
	}
	b, err := io.ReadAll(io.LimitReader(from, most+1))
	if err == nil && len(b) > most {
		err = fmt.Errorf("%s: more than %d bytes", arg, most)
	}
	return b, err
}

// devicesFile reads devices from a file or, as a dash, the standard input.
func (f *hubFlags) devicesFile(name string) ([]iothub.Device, error) {
	var from io.Reader = f.stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		from = file
	}
	list, err := iothub.ReadDevices(from)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return list, nil
}

// groupCommand is a command that has nothing but others below it.
func groupCommand(c *cobra.Command, below ...*cobra.Command) *cobra.Command {
	c.Args = cobra.NoArgs
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	c.AddCommand(below...)
	return c
}
