package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/reports"
	"github.com/flotilla-sim/flotilla/sim"
)

func reportCommand(e *env) *cobra.Command {
	var format, output, device, transcript string
	c := &cobra.Command{
		Use:   "report DIR|summary.json",
		Short: "render the report of a run again",
		Long: `Report reads the summary.json of a run, from its output folder or by its own
name, and renders it in another format.

--device shows the percentiles of one device out of histograms.hlog beside it,
which has them after "flotilla run --hlog-per-device"; --transcript what
happened to one device, out of timeline.csv.`,
		Example: `  flotilla report flotilla-out/six-devices-20260101T000000Z
  flotilla report summary.json --format json
  flotilla report flotilla-out/six-devices-20260101T000000Z --device Device11-7ce4a850`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := reports.Named(format)
			if err != nil {
				return err
			}
			s, err := readSummary(args[0])
			if err != nil {
				return err
			}
			render := f.Render
			switch {
			case device != "":
				metrics, err := beside(args[0], record.LogFile, func(r io.Reader) ([]record.LoggedMetric, error) {
					return record.LogDevice(r, sim.DeviceID(device))
				})
				if err != nil {
					return err
				}
				render = func(w io.Writer, s *record.Summary, o reports.Options) error {
					return reports.Device(w, s, device, metrics, o)
				}
			case transcript != "":
				s.Timeline, err = beside(args[0], "timeline.csv", func(r io.Reader) ([]sim.Observation, error) {
					return reports.ReadTimeline(r, transcript)
				})
				if err != nil {
					return err
				}
				render = func(w io.Writer, s *record.Summary, _ reports.Options) error {
					return reports.Transcript(w, s, transcript)
				}
			}
			if output == "" {
				return render(e.stdout, s, reports.Options{Color: isTerminal(e.stdout)})
			}
			return writeFile(output, func(w *os.File) error { return render(w, s, reports.Options{}) })
		},
	}
	flags := c.Flags()
	flags.StringVarP(&format, "format", "f", "text", "`FORMAT` of the report: "+formats())
	flags.StringVarP(&output, "output", "o", "", "write to `FILE` instead of standard output")
	flags.StringVar(&device, "device", "", "show the percentiles of `DEVICE`")
	flags.StringVar(&transcript, "transcript", "", "show what happened to `DEVICE`, with times")
	c.MarkFlagsMutuallyExclusive("format", "device", "transcript")
	return c
}

// beside reads a file of the run whose folder or summary path is.
func beside[T any](path, name string, read func(io.Reader) ([]T, error)) (list []T, err error) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		path = filepath.Dir(path)
	}
	path = filepath.Join(path, name)
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the run's %s is not there: %w", name, err)
	}
	defer file.Close()
	if list, err = read(file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
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

// formats lists the formats that can be made from a summary.
func formats() string {
	var names []string
	for _, f := range reports.Formats {
		if !f.AtEnd {
			names = append(names, f.Name)
		}
	}
	return strings.Join(names, ", ")
}
