package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/flotilla-sim/flotilla/harness/soak"
	"github.com/flotilla-sim/flotilla/reports"
	"github.com/flotilla-sim/flotilla/sim/planted"
)

func soakCommand(e *env) *cobra.Command {
	var o soak.Options
	var limits, bug string
	c := &cobra.Command{
		Use:   "soak",
		Short: "play thousands of random cases in virtual time and judge them",
		Long: `Soak draws a case from each seed of a range: a fleet with faults of every
recipe, jobs with every policy over lists, groups and changing memberships,
schedules, and operators who stop, resume, cancel, rerun, copy, call, move and
delete. It plays each case twice in virtual time and holds every Step of every
machine against the rules below. A failing case is made smaller, until every
device, job, schedule, act and fault that is left is needed, and shorter.

Rules:
` + rules() + `
Exit codes: 0 no rule was broken, 1 a rule was broken; the command that repeats
the smallest case is printed, 2 bad usage, 130 interrupted; what was played is
summed up.`,
		Example: "  flotilla soak --seeds 5000\n  flotilla soak --first 124 --limits d3.j2.s0.a0.f0.t60",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case o.Seeds < 1:
				return fmt.Errorf("--seeds %d: play at least 1", o.Seeds)
			case o.Workers < 1:
				return fmt.Errorf("--workers %d: play at least 1 case at a time", o.Workers)
			case o.Failures < 1:
				return fmt.Errorf("--failures %d: give up after at least 1", o.Failures)
			case o.First > math.MaxUint64-uint64(o.Seeds-1):
				return fmt.Errorf("--first %d: there are no %d seeds from there; the last is %d", o.First, o.Seeds, uint64(math.MaxUint64))
			}
			if bug == "list" {
				for _, b := range planted.Bugs[1:] {
					fmt.Fprintln(e.stdout, b.Name)
				}
				return nil
			}
			if bug != "" {
				var err error
				if o.Planted, err = planted.Find(bug); err != nil {
					return fmt.Errorf("--planted: %w", err)
				}
			}
			if limits != "" {
				l, err := soak.ParseLimits(limits)
				if err != nil {
					return fmt.Errorf("--limits: %w", err)
				}
				return e.soakOne(o.First, l, o.Planted)
			}
			return e.soak(c.Context(), o)
		},
	}
	flags := c.Flags()
	flags.Uint64Var(&o.First, "first", 1, "first `SEED`")
	flags.IntVar(&o.Seeds, "seeds", 1000, "`NUMBER` of seeds")
	flags.IntVar(&o.Workers, "workers", runtime.NumCPU(), "`NUMBER` of cases that are played at the same time")
	flags.IntVar(&o.Failures, "failures", 3, "give up after this `NUMBER` of failing seeds")
	flags.StringVar(&limits, "limits", "", "play only the first seed, cut down to these `LIMITS`, and show it")
	if planted.Built {
		flags.StringVar(&bug, "planted", "", "have the planted `BUG` at work; list names them")
	}
	return c
}

// rules are the rules of the judge, a line or two each.
func rules() string {
	var b strings.Builder
	for _, r := range soak.Rules {
		line := fmt.Sprintf("  %-12s", r.Name)
		for _, word := range strings.Fields(r.Text) {
			if len(line)+1+len(word) > 80 {
				b.WriteString(line + "\n")
				line = strings.Repeat(" ", 14)
			}
			line += " " + word
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// soakEvery is how often it is said how far the seeds are.
const soakEvery = 2 * time.Second

func (e *env) soak(ctx context.Context, o soak.Options) error {
	began, last := time.Now(), time.Now()
	terminal := isTerminal(e.stdout)
	rate := func(played int) float64 { return float64(played) / max(time.Since(began).Seconds(), 1e-3) }
	o.Progress = func(done int) {
		if time.Since(last) < soakEvery || done == o.Seeds {
			return
		}
		last = time.Now()
		text := fmt.Sprintf("%d of %d seeds, %.0f seeds/s", done, o.Seeds, rate(done))
		if terminal {
			fmt.Fprintf(e.stdout, "\r\033[K%s", text)
			return
		}
		fmt.Fprintln(e.stdout, text)
	}
	out, err := soak.Run(ctx, o)
	if terminal {
		fmt.Fprint(e.stdout, "\r\033[K")
	}
	fmt.Fprintf(e.stdout, "%s from %d, each played twice: %d steps in %.1f s, %.1f seeds/s\n",
		reports.Plural(int64(out.Played), "seed"), o.First, out.Steps, time.Since(began).Seconds(), rate(out.Played))
	for _, f := range out.Failures {
		fmt.Fprintf(e.stdout, "\nseed %d broke a rule: %s\nmade smaller from %s to %s\n%srepeat it: flotilla soak --first %d --limits %s%s\n",
			f.Seed, f.Broken, f.Whole, f.Limits, indent(f.Case.String()), f.Seed, f.Limits, plant(o.Planted))
	}
	switch {
	case len(out.Failures) > 0:
		return exit(exitMissed)
	case err != nil:
		fmt.Fprintf(e.stdout, "interrupted; no rule was broken so far.\n")
		return exit(exitInterrupted)
	}
	fmt.Fprintln(e.stdout, "no rule was broken.")
	return nil
}

// plant is the flag that has a planted bug at work.
func plant(bug planted.Bug) string {
	if bug == planted.None {
		return ""
	}
	return " --planted " + planted.Bugs[bug].Name
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\n  ") + "\n"
}

// soakOne plays one case and shows it and what happens to its jobs.
func (e *env) soakOne(seed uint64, l soak.Limits, bug planted.Bug) error {
	c := soak.New(seed, l)
	c.Planted = bug
	fmt.Fprint(e.stdout, c)
	broken := soak.Play(c, e.stdout).Broken
	if broken.Rule == "" {
		broken, _ = soak.Judge(seed, l, bug) // which also plays it a second time
	}
	if broken.Rule != "" {
		fmt.Fprintf(e.stdout, "\nbroken: %s\n", broken)
		return exit(exitMissed)
	}
	fmt.Fprintln(e.stdout, "no rule was broken.")
	return nil
}
