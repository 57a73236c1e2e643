package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/flotilla-sim/flotilla/harness"
	"github.com/flotilla-sim/flotilla/harness/machine"
	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/reports"
	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
)

// runFlags are the flags of `flotilla run`.
type runFlags struct {
	virtual    bool
	sets       []string
	faults     []string
	seed       uint64
	out        string
	trace      string
	transcript string
	transport  string
	client     string
	quiet      bool
	ascii      bool
	perDevice  bool // histograms

	connectRate string
	maxLag      string

	foreign hubFlags // a hub that is not the bundled one
}

func runCommand(e *env) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run SCENARIO",
		Short: "run a scenario, from the library or a file",
		Long: `Run plays a scenario: it starts the bundled hub, connects the devices, runs the
jobs and judges what the scenario expects. Live runs use real MQTT connections
in real time; --virtual plays the same machines in virtual time, where a seed
gives the same run byte for byte.

--fault makes something go wrong beside what the scenario has going wrong, and
may be given several times. It is written NAME[=ARGUMENT] [on WHOM] [at TIME]
[for TIME]. WHOM is a share (10%, exactly so many, chosen by the seed), a
number (3), a group, ids with commas between, a selector (label=bacon,
firmwareVersion=1.0), or a share or number of one of these (10% of vans);
without it all devices are meant. TIME counts from the start of the run;
without it the fault holds throughout. @ may stand for "on". Names, arguments
with their units and ranges, and what one sees of each: flotilla list faults.

--hub plays the scenario against another hub, one that flotilla serve put up
say: devices connect by MQTT over TLS, jobs go over its REST interface, and
packages are served by this program on 127.0.0.1. Devices that are not there
are registered and removed at the end. What such a hub does not tell (hub.* and
method_round_trip) is not judged, and the report says so.

The results are written to a folder: report.html, report.md, report.txt,
summary.json, junit.xml, devices.csv, timeline.csv and histograms.hlog. Ctrl-C
ends the run cleanly and still writes them.

Exit codes: 0 passed, 1 an expectation was missed, 2 bad usage or scenario,
3 could not run or the run is void, 130 interrupted.`,
		Example: `  flotilla run six-devices
  flotilla run six-devices --virtual --seed 7
  flotilla run my.yaml --set groups.fleet.count=1000 --out results
  flotilla run six-devices --transcript Device11-7ce4a850
  flotilla run fleet-10k --virtual --fault 'latency=200ms on 10%'
  flotilla run fleet-10k --virtual --fault 'partition on 5% of fleet at 30s for 1m' --fault 'hub-restart=5s at 2m'
  flotilla run six-devices --fault 'wrong-bytes on label=bacon' --fault 'loss=5%@Device11-7ce4a850'
  flotilla run six-devices --hub hub.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("seed") {
				f.sets = append(f.sets, fmt.Sprintf("seed=%d", f.seed))
			}
			if f.trace != "" && !f.virtual {
				return fmt.Errorf("--trace goes with --virtual: only a virtual run can be traced step by step")
			}
			if err := f.againstHub(c); err != nil {
				return err
			}
			if !slices.Contains(transports, f.transport) {
				return fmt.Errorf("--transport %q: there is %s", f.transport, strings.Join(transports, ", "))
			}
			if clients[f.client] == nil {
				return fmt.Errorf("--client %q: there is paho and lean", f.client)
			}
			if f.connectRate != "" {
				f.sets = append(f.sets, "connectRate="+f.connectRate)
			}
			if f.maxLag != "" {
				f.sets = append(f.sets, "maxLag="+f.maxLag)
			}
			plan, err := load(args[0], f.sets, f.faults...)
			if err != nil {
				return err
			}
			if err := playable(plan, f.virtual); err != nil {
				return err
			}
			return e.play(c.Context(), plan, &f)
		},
	}
	f.foreign.where(c)
	flags := c.Flags()
	flags.Lookup("hub").Usage = "play against `HUB`: a policy's connection string or a ready file of flotilla serve"
	flags.BoolVar(&f.virtual, "virtual", false, "play in virtual time")
	flags.StringArrayVar(&f.sets, "set", nil, "override a value, as `PATH=VALUE`; may be given several times")
	flags.StringArrayVar(&f.faults, "fault", nil, "have a `FAULT` happen, 'latency=200ms on 10% at 5s for 10s' say; may be given several times")
	flags.Uint64Var(&f.seed, "seed", 0, "`SEED` of all randomness, over the scenario's")
	flags.StringVar(&f.out, "out", "", "`DIR` for the results (default flotilla-out/<scenario>-<time>)")
	flags.StringVar(&f.trace, "trace", "", "write every step the digest covers to `FILE` (virtual runs)")
	flags.StringVar(&f.transcript, "transcript", "", "print what happened to `DEVICE`, with times")
	flags.StringVar(&f.transport, "transport", "mem", "`TRANSPORT` by which live devices reach the hub: mem (in-memory links), or tcp or tls (ports of 127.0.0.1)")
	flags.StringVar(&f.client, "client", "paho", "MQTT `CLIENT` of live devices: paho or lean")
	flags.BoolVar(&f.perDevice, "hlog-per-device", false, "write the histograms of every device to histograms.hlog, not the fleet's alone")
	flags.StringVar(&f.connectRate, "connect-rate", "", "devices begin to connect at this `RATE`, 2000/s say, over the scenario's")
	flags.StringVar(&f.maxLag, "max-lag", "", "a live run is void when 1 % of what its devices wanted to do was done later than this `TIME`, over the scenario's")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print no progress")
	flags.BoolVar(&f.ascii, "ascii", false, "print nothing but ASCII")
	return c
}

// againstHub checks the flags of a run against another hub.
func (f *runFlags) againstHub(c *cobra.Command) error {
	if f.foreign.hub == "" {
		for _, name := range []string{"ca", "https-port", "mqtts-port"} {
			if c.Flags().Changed(name) {
				return fmt.Errorf("--%s goes with --hub", name)
			}
		}
		return nil
	}
	switch {
	case f.virtual:
		return fmt.Errorf("--hub goes with live runs: another hub knows no virtual time; leave out --virtual")
	case c.Flags().Changed("transport"):
		return fmt.Errorf("--transport is for the bundled hub; with --hub devices connect as that hub listens")
	}
	return nil
}

// playable says whether everything that goes wrong in a plan can go wrong on the
// stage that was asked for.
func playable(plan *scenarios.Plan, virtual bool) error {
	for _, f := range plan.Faults {
		if virtual && f.LiveOnly {
			whose := ""
			if f.Group != "" {
				whose = " of group " + f.Group
			}
			return fmt.Errorf("fault %s%s lies in a client and its socket, which virtual time does not have; leave out --virtual", f.Fault, whose)
		}
	}
	return nil
}

// stage is a stage with what the summary wants to know of it.
type stage struct {
	scenarios.Stage
	kind   string
	epoch  sim.Epoch
	memory func() int64
	warm   func()
	tick   time.Duration
	// finish fills in what only this stage knows, after the run.
	finish func(*record.Summary) error
	judged *scenarios.Plan // without what this stage cannot tell; nil: the plan as it is
	close  func(context.Context) error
}

// play runs a plan, writes the results and says how it ended.
func (e *env) play(ctx context.Context, plan *scenarios.Plan, f *runFlags) error {
	began := time.Now()
	dir, err := outputDir(f.out, plan.Name, began)
	if err != nil {
		return void{err}
	}
	show := newProgress(e.stdout, plan, f)
	rec := record.New(record.Options{Shards: shards(f.virtual), OnEvent: show.event})
	open := openLive
	switch {
	case f.virtual:
		open = openVirtual
	case f.foreign.hub != "":
		open = openForeign
	}
	st, err := open(ctx, plan, f, rec.Observe)
	if err != nil {
		return void{err}
	}
	show.begin()
	judged := plan
	if st.judged != nil {
		judged = st.judged
	}
	sum := harness.Run(ctx, harness.Options{
		Plan: judged, Stage: st, Recorder: rec, Kind: st.kind, Epoch: st.epoch, Watch: show.watch, Tick: st.tick, Memory: st.memory, Warm: st.warm, Finish: st.finish,
	})
	show.end()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if cerr := st.close(closing); cerr != nil {
		sum.Warnings = append(sum.Warnings, "the stage did not close cleanly: "+cerr.Error())
	}
	if !f.virtual { // a virtual run is the same on every machine
		m := machine.Look()
		sum.Machine = record.Machine{Cores: m.CPUs, Kernel: m.Kernel, MemoryBytes: m.Memory, OpenFiles: m.FilesHard}
	}
	sum.WallSeconds = time.Since(began).Seconds()
	sum.Versions = record.Versions{Flotilla: version(), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU()}
	sum.Timeline = rec.Timeline()
	if f.transcript != "" {
		if err := reports.Transcript(e.stdout, sum, f.transcript); err != nil {
			fmt.Fprintf(e.stderr, "flotilla: %v\n", err)
		}
	}
	if err := writeReports(dir, sum, reports.Options{Histograms: rec, PerDevice: f.perDevice}); err != nil {
		return void{err}
	}
	if err := reports.Text(e.stdout, sum, reports.Options{Color: isTerminal(e.stdout), ASCII: f.ascii}); err != nil {
		return void{err}
	}
	fmt.Fprintf(e.stdout, "\nResults: %s\n", dir)
	switch sum.Verdict {
	case record.Passed:
		return nil
	case record.Failed:
		return exit(exitMissed)
	case record.Interrupted:
		return exit(exitInterrupted)
	}
	return exit(exitVoid)
}

// shards is how many parts the recorder has: a virtual run has one goroutine.
func shards(virtual bool) int {
	if virtual {
		return 1
	}
	return 0
}

// outputDir makes the folder of the results before the run, so that a bad
// path costs no time.
func outputDir(dir, name string, now time.Time) (string, error) {
	if dir == "" {
		dir = filepath.Join("flotilla-out", name+"-"+now.UTC().Format("20060102T150405.000Z"))
	}
	return dir, os.MkdirAll(dir, 0o755)
}

// writeReports writes every format into the folder.
func writeReports(dir string, s *record.Summary, o reports.Options) error {
	for i := range reports.Formats {
		f := &reports.Formats[i]
		err := writeFile(filepath.Join(dir, f.File), func(file *os.File) error {
			w := bufio.NewWriter(file)
			if err := f.Render(w, s, o); err != nil {
				return err
			}
			return w.Flush()
		})
		if err != nil {
			return fmt.Errorf("results: %w", err)
		}
	}
	return nil
}
