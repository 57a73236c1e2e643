// Command flotilla simulates a fleet of IoT devices against a bundled hub and
// measures it: see README.md, or run `flotilla help`.
//
// One file a command; this package wires rooms together and holds no logic of
// its own.
//
// Dependencies: github.com/spf13/cobra, commands, flags, help and completion
// in the habits of kubectl; golang.org/x/term, to know a terminal.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/flotilla-sim/flotilla/scenarios"
)

// The exit codes.
const (
	exitPassed      = 0   // the run passed, the command did what it should
	exitMissed      = 1   // an expectation was missed
	exitUsage       = 2   // bad usage or a bad scenario
	exitVoid        = 3   // could not run, or the run is void
	exitInterrupted = 130 // interrupted by Ctrl-C or SIGTERM
)

// commands is the table of commands, in the order of the help.
var commands = []func(*env) *cobra.Command{
	runCommand, serveCommand, jobsCommand, devicesCommand, checkCommand, listCommand, schemaCommand, reportCommand, soakCommand,
	doctorCommand, healthcheckCommand, versionCommand,
}

// env is what a command has of the world outside.
type env struct {
	stdout, stderr io.Writer
}

// exit is an error that has been said already and carries an exit code.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// void is an error of a run that could not take place.
type void struct{ error }

func main() { os.Exit(start()) }

// start is the program as the system starts it, with its arguments and
// signals.
func start() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second Ctrl-C ends the program at once
	}()
	return run(ctx, os.Args[1:], os.Stdout, os.Stderr)
}

// run is the program as a function.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	e := &env{stdout, stderr}
	root := &cobra.Command{
		Use:   "flotilla",
		Short: "IoT fleet simulator and load-test harness",
		Long: `Flotilla simulates a fleet of IoT devices: each runs the whole device side of
device management over MQTT against a bundled hub with a job engine. Scenarios
say which devices there are, which jobs run and what is expected of them.`,
		Example: `  flotilla run six-devices             six devices, one firmware job, live over MQTT
  flotilla run six-devices --virtual   the same in virtual time
  flotilla list                        the scenarios that come with the program`,
		SilenceErrors: true, SilenceUsage: true,
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetArgs(args)
	root.CompletionOptions.HiddenDefaultCmd = true
	for _, c := range commands {
		root.AddCommand(c(e))
	}
	cmd, err := root.ExecuteContextC(ctx)
	var code exit
	var bad *scenarios.Error
	var vain void
	switch {
	case err == nil:
		return exitPassed
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &bad):
		fmt.Fprintln(stderr, bad)
		return exitUsage
	case errors.As(err, &vain):
		fmt.Fprintf(stderr, "flotilla: %v\n", withRemedy(vain.error))
		return exitVoid
	}
	fmt.Fprintf(stderr, "flotilla: %v\n", err)
	if !cmd.HasSubCommands() && cmd.ValidateArgs(cmd.Flags().Args()) != nil {
		fmt.Fprintf(stderr, "Usage: %s\n", cmd.UseLine())
	}
	fmt.Fprintf(stderr, "Run '%s --help' for usage.\n", cmd.CommandPath())
	return exitUsage
}
