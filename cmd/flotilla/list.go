package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// lists is what can be listed.
var lists = []struct {
	name, help string
	rows       func() [][]string
}{
	{"scenarios", "the scenarios that come with the program", func() (rows [][]string) {
		for _, s := range scenarios.Library() {
			rows = append(rows, []string{s.Name, s.Description})
		}
		return rows
	}},
	{"kinds", "the kinds of jobs", func() (rows [][]string) {
		for _, k := range job.Kinds {
			rows = append(rows, []string{k.Name, k.Help})
		}
		return rows
	}},
	{"faults", "what can be made to go wrong", func() (rows [][]string) {
		for _, r := range fault.Recipes {
			name, help := r.Name, r.Help+"; "+r.Observable
			if a := r.Argument; a.Unit != "" {
				name += "=" + a.Default
				help += fmt.Sprintf(" (%s: %s to %s, default %s)", a.Help, a.Least, a.Most, a.Default)
			}
			rows = append(rows, []string{name, help})
		}
		return rows
	}},
	{"steps", "the steps of a scenario", func() (rows [][]string) {
		for _, a := range scenarios.Actions {
			rows = append(rows, []string{a.Name, a.Help})
		}
		return rows
	}},
	{"expectations", "what a scenario can expect", func() (rows [][]string) {
		for _, f := range scenarios.Families {
			for _, p := range f.Properties {
				rows = append(rows, []string{f.Path(p), p.Help})
			}
		}
		return rows
	}},
	{"metrics", "what is measured", func() (rows [][]string) {
		for _, m := range sim.Metrics[sim.NoMetric+1:] {
			rows = append(rows, []string{m.Name, m.Help + " (" + m.Unit + ")"})
		}
		return rows
	}},
	{"events", "what timelines hold", func() (rows [][]string) {
		for _, m := range sim.Events[sim.NoEvent+1:] {
			rows = append(rows, []string{m.Name, m.Help})
		}
		return rows
	}},
}

func listCommand(e *env) *cobra.Command {
	var names []string
	help := "List prints what there is:\n\n"
	for _, l := range lists {
		names = append(names, l.name)
		help += fmt.Sprintf("  %-13s %s\n", l.name, l.help)
	}
	return &cobra.Command{
		Use:       "list [" + strings.Join(names, "|") + "]",
		Short:     "list scenarios, job kinds, faults, steps, expectations, metrics, events",
		Long:      help,
		Example:   "  flotilla list\n  flotilla list faults",
		ValidArgs: names,
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		RunE: func(_ *cobra.Command, args []string) error {
			what := "scenarios"
			if len(args) == 1 {
				what = args[0]
			}
			w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
			for _, l := range lists {
				if l.name != what {
					continue
				}
				for _, row := range l.rows() {
					fmt.Fprintln(w, strings.Join(row, "\t"))
				}
			}
			return w.Flush()
		},
	}
}
