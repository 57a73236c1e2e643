package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/harness/machine"
	"github.com/flotilla-sim/flotilla/harness/service"
	"github.com/flotilla-sim/flotilla/scenarios"
)

// serveFlags are the flags of `flotilla serve`.
type serveFlags struct {
	hosts              []string
	https, http        string
	mqtts, mqtt        string
	packages           string
	data, fleet, ready string
	sets               []string
	json, strict       bool
	verbose            bool
}

// defaultHTTPS are where REST is put up unless --https says where: the port
// that the SDKs of 2016 always use, and one that any user may have.
var defaultHTTPS = []service.Address{"localhost:443", "localhost:8443"}

func serveCommand(e *env) *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "put the bundled hub up for other programs",
		Long: `Serve puts the bundled hub up on the ports of this machine: the REST interface of
the 2016 preview over HTTPS, and MQTT for devices. Programs written for the
preview use it with the connection string that it prints and its certificate
authority.

REST is on localhost:443 if that can be had, else on 8443; the SDKs of 2016
always use port 443. To have it, as root once, one of
  setcap cap_net_bind_service=+ep flotilla
  sysctl net.ipv4.ip_unprivileged_port_start=443

The authority and the policies' keys are kept in --data, readable by their
owner alone; without --data they are made for this run and removed at its end.
Devices and jobs are not kept: they end with the program.

--fleet starts the devices of a scenario inside this program and publishes its
packages; its jobs are not run. Devices of your own connect by MQTT.

SIGTERM or Ctrl-C ends it: its devices say goodbye, and requests under way are
answered.

Exit codes: 0 it was ended by a signal, 2 bad usage or scenario, 3 it could not
start, or not close.`,
		Example: `  flotilla serve
  flotilla serve --fleet six-devices
  flotilla serve --data ~/.flotilla --https localhost:8443 --mqtt localhost:1883
  flotilla serve --host hub.example.test --host localhost --ready-file hub.json
  flotilla serve --fleet six-devices --ready-file hub.json &
  flotilla jobs schedule-firmware-update --hub hub.json --wait ...`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return e.serve(c.Context(), &f) },
	}
	flags := c.Flags()
	flags.StringSliceVar(&f.hosts, "host", nil, "`NAME` the hub answers to, in tokens and in its certificate; may be given several times, the first is in connection strings (default localhost)")
	flags.StringVar(&f.https, "https", "", "`ADDRESS` of REST over TLS, host:port, or none (default localhost:443 or, if that cannot be had, localhost:8443)")
	flags.StringVar(&f.http, "http", "", "`ADDRESS` of REST without TLS, too (default none)")
	flags.StringVar(&f.mqtts, "mqtts", "localhost:8883", "`ADDRESS` of MQTT over TLS, or none")
	flags.StringVar(&f.mqtt, "mqtt", "", "`ADDRESS` of MQTT without TLS, too (default none)")
	flags.StringVar(&f.packages, "packages", "", "`ADDRESS` of the package server of --fleet (default any port of 127.0.0.1)")
	flags.StringVar(&f.data, "data", "", "`DIR` that keeps the authority and the policies (default a temporary one)")
	flags.StringVar(&f.fleet, "fleet", "", "start the devices of `SCENARIO`, from the library or a file")
	flags.StringArrayVar(&f.sets, "set", nil, "override a value of --fleet's scenario, as `PATH=VALUE`; may be given several times")
	flags.BoolVar(&f.strict, "strict", false, "refuse a job id that is in use with 412")
	flags.BoolVar(&f.json, "json", false, "when ready print one line of JSON with all addresses, keys and files, and nothing else")
	flags.StringVar(&f.ready, "ready-file", "", "when ready write the same to `FILE`, for its owner alone; removed at the end")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "log requests and what the hub makes of them to standard error")
	return c
}

// serve puts the hub up, says how to use it and waits for the end.
func (e *env) serve(ctx context.Context, f *serveFlags) error {
	var plan *scenarios.Plan
	if len(f.sets) > 0 && f.fleet == "" {
		return fmt.Errorf("--set goes with --fleet: it overrides a scenario's values")
	}
	for _, x := range []struct{ flag, value string }{
		{"https", f.https}, {"http", f.http}, {"mqtts", f.mqtts}, {"mqtt", f.mqtt}, {"packages", f.packages},
	} {
		if a := address(x.value); a != "" {
			if err := a.Check(); err != nil {
				return fmt.Errorf("--%s: %w", x.flag, err)
			}
		}
	}
	if f.fleet != "" {
		var err error
		if plan, err = load(f.fleet, f.sets); err != nil {
			return err
		}
		if _, err := machine.Look().Admit("mem", "lean", plan.Devices); err != nil {
			return void{err}
		}
	}
	level := slog.LevelWarn
	if f.verbose {
		level = slog.LevelDebug
	}
	cfg := service.Config{
		Hosts: f.hosts, HTTPS: defaultHTTPS, HTTP: address(f.http), MQTTS: address(f.mqtts), MQTT: address(f.mqtt),
		Packages: address(f.packages), Data: f.data, Strict: f.strict,
		Log: slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: level})),
	}
	if f.https == "none" {
		cfg.HTTPS = nil
	} else if f.https != "" {
		cfg.HTTPS = []service.Address{service.Address(f.https)}
	}
	s, err := service.Start(ctx, cfg)
	if err != nil {
		return void{fmt.Errorf("serve: %w", err)}
	}
	defer s.Close(context.WithoutCancel(ctx))
	if plan != nil {
		if err := s.Play(ctx, plan); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return void{fmt.Errorf("serve: %w", err)}
		}
	}
	for _, a := range s.Exposed() {
		fmt.Fprintf(e.stderr, "flotilla: warning: %s can be reached from other machines; this hub is for tests, its keys are all that guards it\n", a)
	}
	if f.ready != "" {
		if err := iothub.WriteReady(f.ready, s.Ready); err != nil {
			return void{fmt.Errorf("serve: %w", err)}
		}
		defer os.Remove(f.ready)
	}
	if f.json {
		line, err := json.Marshal(s.Ready)
		if err != nil {
			return void{err}
		}
		if why := elsewhere(s); why != "" && f.https == "" {
			fmt.Fprintf(e.stderr, "flotilla: warning: %s\n", why)
		}
		fmt.Fprintf(e.stdout, "%s\n", line)
	} else {
		tellServed(e.stdout, s, f, plan)
	}
	<-ctx.Done()
	if !f.json {
		fmt.Fprintln(e.stdout, "\nflotilla serve: closing")
	}
	began := time.Now()
	err = s.Close(context.WithoutCancel(ctx))
	if err != nil {
		return void{fmt.Errorf("serve: closing: %w", err)}
	}
	if !f.json {
		fmt.Fprintf(e.stdout, "flotilla serve: closed in %s\n", time.Since(began).Round(time.Millisecond))
	}
	return nil
}

// address reads an address of a flag; "none" is none.
func address(s string) service.Address {
	if s == "none" {
		return ""
	}
	return service.Address(s)
}

// shownDevices is how many connection strings of devices are printed.
const shownDevices = 10

// tellServed prints how to use the hub.
func tellServed(w io.Writer, s *service.Service, f *serveFlags, plan *scenarios.Plan) {
	r := s.Ready
	say := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
	say("flotilla serve: hub %s is up", strings.Join(r.Hosts, ", "))
	row := func(what, scheme, addr string) {
		if addr != "" {
			say("  %-14s %s%s", what, scheme, addr)
		}
	}
	row("REST", "https://", r.HTTPS)
	row("REST, no TLS", "http://", r.HTTP)
	row("MQTT over TLS", "", r.MQTTS)
	row("MQTT, no TLS", "", r.MQTT)
	row("CA", "", r.CAFile)
	if f.data == "" {
		row("data", "", r.Data+" (temporary, removed at the end)")
	} else {
		row("data", "", r.Data+" (keeps the CA and the policies)")
	}
	say("Devices and jobs are in memory only: they end with this program.")
	if why := elsewhere(s); why != "" {
		say("\n%s", why)
	}
	say("\nService connection string, policy iothubowner:\n  %s", r.ConnectionString)
	if f.ready != "" {
		say("All policies and devices: %s", f.ready)
	} else {
		say("Those of the other policies: --ready-file FILE or --json.")
	}
	say("\nHow to use it:")
	say("  export NODE_EXTRA_CA_CERTS=%s   # for scripts in Node", r.CAFile)
	if f.ready != "" {
		say("  export FLOTILLA_HUB=%s   # for flotilla jobs, devices, run, healthcheck", f.ready)
	} else {
		say("  flotilla devices list --ca %s --hub '%s'", r.CAFile, r.ConnectionString)
	}
	if plan == nil {
		return
	}
	say("\nFleet %s: %d devices", plan.Name, plan.Devices)
	shown := 0
	for _, id := range deviceOrder(plan) {
		if shown++; shown > shownDevices {
			say("  ... and %d more, in --ready-file or --json", plan.Devices-shownDevices)
			break
		}
		say("  %s", r.Devices[id])
	}
	for _, p := range plan.Packages {
		say("Package %s, firmware %s:\n  %s", p.Name, p.Version, r.Packages[p.Name])
		if p.URI != "" {
			say("  %s   (these devices find it there, too)", p.URI)
		}
	}
	for _, fault := range plan.Faults {
		say("Fault in group %s: %s", fault.Group, fault.Fault)
	}
}

// elsewhere is a line about a port of REST that is not 443: what will not work,
// and what to do; "" where it is.
func elsewhere(s *service.Service) string {
	_, port, _ := net.SplitHostPort(s.Ready.HTTPS)
	if port == "" || port == "443" {
		return ""
	}
	why := ""
	for _, passed := range s.Passed {
		why += passed + "; "
	}
	return fmt.Sprintf("%sREST is on port %s, where the SDKs of 2016, which always use 443, do not find it: "+
		"give another address with --https, or let this user have port 443, as root, by `setcap cap_net_bind_service=+ep %s` or `sysctl net.ipv4.ip_unprivileged_port_start=443`.",
		why, port, program())
}

// deviceOrder lists the first devices of a plan.
func deviceOrder(plan *scenarios.Plan) (ids []string) {
	for _, g := range plan.Groups {
		for i := range g.Count {
			if len(ids) > shownDevices {
				return ids
			}
			ids = append(ids, string(g.Member(i).ID))
		}
	}
	return slices.Clip(ids)
}

// program is what this program is called, for a command to copy.
func program() string {
	if path, err := os.Executable(); err == nil {
		return path
	}
	return os.Args[0]
}
