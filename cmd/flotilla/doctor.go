package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flotilla-sim/flotilla/harness/machine"
)

// doctorFlags are the flags of `flotilla doctor`.
type doctorFlags struct {
	devices           int
	transport, client string
	json              bool
}

func doctorCommand(e *env) *cobra.Command {
	var f doctorFlags
	c := &cobra.Command{
		Use:   "doctor",
		Short: "say how many live devices this machine carries, and what to raise",
		Long: `Doctor looks at this machine: processors, memory, open files, ports. It says how
many devices a live run can have, with the hub in the same process, and by which
command to raise what a fleet of --devices lacks. It changes nothing.

Exit codes: 0 the fleet fits, over each transport and with each client that is
asked about, 1 it does not, 2 bad usage.`,
		Example: `  flotilla doctor
  flotilla doctor --devices 50000 --transport tcp --client lean
  flotilla doctor --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			switch {
			case f.devices < 1:
				return fmt.Errorf("--devices %d: at least 1", f.devices)
			case f.transport != "" && !slices.Contains(machine.Transports, f.transport):
				return fmt.Errorf("--transport %q: there is %s", f.transport, strings.Join(machine.Transports, ", "))
			case f.client != "" && !slices.Contains(machine.Clients, f.client):
				return fmt.Errorf("--client %q: there is %s", f.client, strings.Join(machine.Clients, ", "))
			}
			d := machine.Look().Examine(f.transport, f.client, f.devices)
			write := d.Text
			if f.json {
				write = d.JSON
			}
			if err := write(e.stdout); err != nil {
				return void{err}
			}
			if !d.OK {
				return exit(exitMissed)
			}
			return nil
		},
	}
	flags := c.Flags()
	flags.IntVar(&f.devices, "devices", 10_000, "`NUMBER` of devices that are to fit")
	flags.StringVar(&f.transport, "transport", "", "ask about one `TRANSPORT`: mem, tcp or tls (default each)")
	flags.StringVar(&f.client, "client", "", "ask about one MQTT `CLIENT`: paho or lean (default each)")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	return c
}
