package main

import (
	"encoding/json"
	"fmt"
	"io"
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
	columns    []string // of a table with a head; nil: name and help, without one
	rows       func() [][]string
	values     func() any // for -o json; nil: the rows
}{
	{"scenarios", "the scenarios that come with the program", nil, func() (rows [][]string) {
		for _, s := range scenarios.Library() {
			rows = append(rows, []string{s.Name, s.Description})
		}
		return rows
	}, nil},
	{"kinds", "the kinds of jobs", nil, func() (rows [][]string) {
		for _, k := range job.Kinds {
			rows = append(rows, []string{k.Name, k.Help})
		}
		return rows
	}, nil},
	{"faults", "what can be made to go wrong", faultColumns, faultRows, faultValues},
	{"steps", "the steps of a scenario", nil, func() (rows [][]string) {
		for _, a := range scenarios.Actions {
			rows = append(rows, []string{a.Name, a.Help})
		}
		return rows
	}, nil},
	{"expectations", "what a scenario can expect", nil, func() (rows [][]string) {
		for _, f := range scenarios.Families {
			for _, p := range f.Properties {
				rows = append(rows, []string{f.Path(p), p.Help})
			}
		}
		return rows
	}, nil},
	{"metrics", "what is measured", nil, func() (rows [][]string) {
		for _, m := range sim.Metrics[sim.NoMetric+1:] {
			rows = append(rows, []string{m.Name, m.Help + " (" + m.Unit + ")"})
		}
		return rows
	}, nil},
	{"events", "what timelines hold", nil, func() (rows [][]string) {
		for _, m := range sim.Events[sim.NoEvent+1:] {
			rows = append(rows, []string{m.Name, m.Help})
		}
		return rows
	}, nil},
}

// faultColumns are the head of faultRows.
var faultColumns = []string{"NAME", "UNIT", "RANGE", "DEFAULT", "BEFALLS", "WHAT IS WRONG", "WHAT ONE SEES OF IT"}

// faultRows are the faults for people.
func faultRows() (rows [][]string) {
	for _, r := range fault.Recipes {
		unit, span, usual, help := "-", "-", "-", r.Help
		if a := r.Argument; a.Unit != "" {
			unit, span, usual = a.Unit, a.Least+" to "+a.Most, a.Default
			help += " (argument: " + a.Help + ")"
		}
		rows = append(rows, []string{r.Name, unit, span, usual, befalls(r), help, r.Observable})
	}
	return rows
}

// befalls says whom a fault befalls, where and how.
func befalls(r fault.Recipe) string {
	s := "devices"
	if r.Scope == fault.OnHub {
		s = "the hub"
	}
	if r.Instant {
		s += ", at an instant"
	}
	if r.LiveOnly {
		s += ", live"
	}
	return s
}

// faultValue is a fault for programs.
type faultValue struct {
	Name       string         `json:"name"`
	Help       string         `json:"help"`
	Observable string         `json:"observable"`
	Befalls    string         `json:"befalls"`            // devices or hub
	Instant    bool           `json:"instant,omitempty"`  // it has no duration but its argument
	LiveOnly   bool           `json:"liveOnly,omitempty"` // not in virtual time
	Argument   *faultArgument `json:"argument,omitempty"`
}

type faultArgument struct {
	Help    string `json:"help"`
	Unit    string `json:"unit"`
	Least   string `json:"least"`
	Most    string `json:"most"`
	Default string `json:"default"`
}

func faultValues() any {
	list := make([]faultValue, len(fault.Recipes))
	for i, r := range fault.Recipes {
		v := faultValue{Name: r.Name, Help: r.Help, Observable: r.Observable, Befalls: "devices", Instant: r.Instant, LiveOnly: r.LiveOnly}
		if r.Scope == fault.OnHub {
			v.Befalls = "hub"
		}
		if r.Argument.Unit != "" {
			a := faultArgument(r.Argument)
			v.Argument = &a
		}
		list[i] = v
	}
	return list
}

func listCommand(e *env) *cobra.Command {
	var names []string
	output := "text"
	help := "List prints what there is:\n\n"
	for _, l := range lists {
		names = append(names, l.name)
		help += fmt.Sprintf("  %-13s %s\n", l.name, l.help)
	}
	c := &cobra.Command{
		Use:       "list [" + strings.Join(names, "|") + "]",
		Short:     "list scenarios, job kinds, faults, steps, expectations, metrics, events",
		Long:      help,
		Example:   "  flotilla list\n  flotilla list faults\n  flotilla list faults -o json",
		ValidArgs: names,
		Args:      cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			what := "scenarios"
			if len(args) == 1 {
				what = args[0]
			}
			if output != "text" && output != "json" {
				return fmt.Errorf("--output %q: there is text and json", output)
			}
			for _, l := range lists {
				switch {
				case l.name != what:
				case output == "json":
					return listJSON(e.stdout, l.rows, l.values)
				default:
					return listText(e.stdout, l.columns, l.rows())
				}
			}
			return fmt.Errorf("there is no list of %q; there are %s", what, strings.Join(names, ", "))
		},
	}
	c.Flags().StringVarP(&output, "output", "o", output, "`FORMAT`: text or json")
	return c
}

// listText prints a table.
func listText(out io.Writer, columns []string, rows [][]string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if columns != nil {
		fmt.Fprintln(w, strings.Join(columns, "\t"))
	}
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

// listJSON prints a list of objects: name and help, or what the list has of its
// own.
func listJSON(out io.Writer, rows func() [][]string, values func() any) error {
	type value struct {
		Name string `json:"name"`
		Help string `json:"help"`
	}
	list := []value{}
	var all any
	if values != nil {
		all = values()
	} else {
		for _, row := range rows() {
			list = append(list, value{row[0], row[1]})
		}
		all = list
	}
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(all)
}
