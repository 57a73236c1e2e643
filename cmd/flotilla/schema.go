package main

import (
	"github.com/spf13/cobra"

	"github.com/flotilla-sim/flotilla/scenarios"
)

func schemaCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "print the JSON Schema of scenario files",
		Long: `Schema prints the JSON Schema (draft 2020-12) of scenario files, made from the
table that also reads them. Editors that know YAML schemas complete and check
scenarios with it.`,
		Example: "  flotilla schema > scenario.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := e.stdout.Write(scenarios.Schema())
			return err
		},
	}
}
