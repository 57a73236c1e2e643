package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/flotilla-sim/flotilla/harness/soak"
)

func soakCommand(e *env) *cobra.Command {
	var o soak.Options
	var limits string
	c := &cobra.Command{
		Use:   "soak",
		Short: "play thousands of random cases in virtual time and judge them",
		Long: `Soak draws a case from each seed of a range: a fleet, faults, jobs with every
policy, operators who stop, resume, cancel, rerun and copy. It plays each case
twice in virtual time, holds it against the rules (no device twice, batches in
order, thresholds exact, counts that add up, every job settled, one seed one
digest ...) and makes a failing case smaller until what is left is needed.

It exits with 1 if a rule was broken, after printing the command that repeats
the smallest case.`,
		Example: "  flotilla soak --seeds 5000\n  flotilla soak --first 124 --seeds 1 --limits d10.j2.a0.f0",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if limits != "" {
				l, err := soak.ParseLimits(limits)
				if err != nil {
					return err
				}
				return e.soakOne(o.First, l)
			}
			return e.soak(c, o)
		},
	}
	flags := c.Flags()
	flags.Uint64Var(&o.First, "first", 1, "first `SEED`")
	flags.IntVar(&o.Seeds, "seeds", 1000, "how many seeds")
	flags.IntVar(&o.Workers, "workers", runtime.NumCPU(), "how many cases are played at the same time")
	flags.StringVar(&limits, "limits", "", "play only the first seed, cut down to these `LIMITS`, and show its jobs")
	return c
}

func (e *env) soak(c *cobra.Command, o soak.Options) error {
	began := time.Now()
	o.Progress = func(done int) {}
	out, err := soak.Run(c.Context(), o)
	took := time.Since(began).Seconds()
	fmt.Fprintf(e.stdout, "%d seeds from %d, each played twice: %d steps in %.1f s, %.1f seeds/s\n", out.Played, o.First, out.Steps, took, float64(out.Played)/took)
	for _, f := range out.Failures {
		fmt.Fprintf(e.stdout, "\nseed %d broke a rule: %s\nrepeat it: flotilla soak --first %d --limits %s\n", f.Seed, f.Broken, f.Seed, f.Limits)
	}
	switch {
	case len(out.Failures) > 0:
		return exit(exitMissed)
	case err != nil:
		return exit(exitInterrupted)
	}
	fmt.Fprintln(e.stdout, "no rule was broken.")
	return nil
}

// soakOne plays one case and shows what happens to its jobs.
func (e *env) soakOne(seed uint64, l soak.Limits) error {
	c := soak.New(seed, l)
	fmt.Fprint(e.stdout, c)
	if r := soak.Play(c, e.stdout); r.Broken.Rule != "" {
		fmt.Fprintf(e.stdout, "\nbroken: %s\n", r.Broken)
		return exit(exitMissed)
	}
	fmt.Fprintln(e.stdout, "no rule was broken.")
	return nil
}
