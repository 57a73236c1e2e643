package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/reports"
)

func reportCommand(e *env) *cobra.Command {
	var format, output string
	c := &cobra.Command{
		Use:   "report DIR|summary.json",
		Short: "render the report of a run again",
		Long: `Report reads the summary.json of a run, from its output folder or by its own
name, and renders it in another format.`,
		Example: "  flotilla report flotilla-out/six-devices-20260101T000000Z\n  flotilla report summary.json --format json",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := reports.Named(format)
			if err != nil {
				return err
			}
			s, err := readSummary(args[0])
			if err != nil {
				return err
			}
			if output == "" {
				return f.Render(e.stdout, s, reports.Options{Color: isTerminal(e.stdout)})
			}
			return writeFile(output, func(w *os.File) error { return f.Render(w, s, reports.Options{}) })
		},
	}
	c.Flags().StringVarP(&format, "format", "f", "text", "`FORMAT` of the report: text, json")
	c.Flags().StringVarP(&output, "output", "o", "", "write to `FILE` instead of standard output")
	return c
}

// readSummary reads a summary from a file or from the folder it is in.
func readSummary(path string) (*record.Summary, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "summary.json")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("no summary: %w", err)
	}
	defer file.Close()
	s, err := record.Read(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// writeFile writes a file as a whole: another of that name is replaced only
// when everything was written.
func writeFile(path string, write func(*os.File) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // gone after the rename
	if err := write(file); err != nil {
		file.Close()
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := file.Chmod(0o644); err != nil {
		file.Close()
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
