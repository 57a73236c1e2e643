package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/flotilla-sim/flotilla/reports"
	"github.com/flotilla-sim/flotilla/scenarios"
)

func checkCommand(e *env) *cobra.Command {
	var sets []string
	c := &cobra.Command{
		Use:   "check SCENARIO...",
		Short: "check scenarios without running them",
		Long: `Check reads scenarios, from the library or from files, and says what is wrong
with each: file, line, column, the place itself and what to write instead.
It exits with 2 if anything is.`,
		Example: "  flotilla check my.yaml\n  flotilla check six-devices --set groups.six.boot=2s",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			bad := false
			for _, name := range args {
				plan, err := load(name, sets)
				if err != nil {
					fmt.Fprintln(e.stderr, err)
					bad = true
					continue
				}
				fmt.Fprintf(e.stdout, "%s: ok: %s, %s, %s\n", name,
					reports.Plural(int64(plan.Devices), "device"), reports.Plural(int64(len(plan.Jobs)), "job"), reports.Plural(int64(len(plan.Expect)), "expectation"))
			}
			if bad {
				return exit(exitUsage)
			}
			return nil
		},
	}
	c.Flags().StringArrayVar(&sets, "set", nil, "override a value, as `PATH=VALUE`; may be given several times")
	return c
}

// load finds and compiles a scenario.
func load(name string, sets []string, faults ...string) (*scenarios.Plan, error) {
	src, err := scenarios.Open(name)
	if err != nil {
		return nil, err
	}
	return scenarios.Load(src, sets, faults...)
}
