package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/flotilla-sim/flotilla/harness/iothub"
)

func healthcheckCommand(e *env) *cobra.Command {
	var f hubFlags
	var patience time.Duration
	c := &cobra.Command{
		Use:   "healthcheck",
		Short: "say whether a hub is up, for container engines and scripts",
		Long: `Healthcheck asks a hub's REST interface how many devices it has, which the hub
itself has to answer, and opens a link to its MQTT port. The hub is named by
--hub or the environment variable FLOTILLA_HUB: a connection string, or the
file that flotilla serve --ready-file writes.

Exit codes: 0 the hub is up, 1 it is not, or it cannot be found, 2 bad usage.`,
		Example: `  flotilla healthcheck --hub hub.json
  until flotilla healthcheck --hub hub.json; do sleep 1; done`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.named(); err != nil {
				return err
			}
			if patience <= 0 {
				return fmt.Errorf("--timeout must be above 0s, is %s", patience)
			}
			ctx, cancel := context.WithTimeout(c.Context(), patience)
			defer cancel()
			said, err := health(ctx, &f)
			if err != nil {
				fmt.Fprintf(e.stderr, "flotilla: not healthy: %v\n", withRemedy(err))
				return exit(exitMissed)
			}
			_, err = fmt.Fprintln(e.stdout, said)
			return err
		},
	}
	f.where(c)
	c.Flags().DurationVar(&patience, "timeout", 3*time.Second, "`TIME` the hub may take")
	return c
}

// health asks a hub how it is.
func health(ctx context.Context, f *hubFlags) (string, error) {
	hub, err := f.address()
	if err != nil {
		return "", err
	}
	s, err := hub.Service("flotilla/" + version())
	if err != nil {
		return "", err
	}
	registry, err := iothub.NewRegistry(s)
	if err != nil {
		return "", err
	}
	defer registry.Close()
	devices, err := registry.Statistics(ctx)
	if err != nil {
		return "", err
	}
	if hub.MQTTS == "" && hub.MQTT == "" {
		return fmt.Sprintf("healthy: %d devices", devices.TotalDeviceCount), nil
	}
	dial, err := hub.Link()
	if err != nil {
		return "", err
	}
	link, err := dial(ctx)
	if err != nil {
		return "", fmt.Errorf("MQTT: %w", err)
	}
	link.Close()
	return fmt.Sprintf("healthy: %d devices", devices.TotalDeviceCount), nil
}
