package reports

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/sim"
)

// timelineColumns is the first line of timeline.csv.
var timelineColumns = []string{"seconds", "device", "event", "job", "value", "text"}

// Timeline writes one row an event [RFC 4180]: time since the run's start in
// seconds, device, event, job, value and text. `flotilla list events` says
// what the events mean.
func Timeline(w io.Writer, s *record.Summary, _ Options) error {
	if len(s.Timeline) == 0 && s.Events.Kept > 0 {
		return errors.New("timeline.csv: a summary read from a file holds no events; take the timeline.csv that the run wrote, or run the scenario again")
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(timelineColumns); err != nil {
		return fmt.Errorf("timeline.csv: %w", err)
	}
	for _, o := range s.Timeline {
		value := ""
		if o.Value != 0 {
			value = strconv.FormatInt(o.Value, 10)
		}
		err := out.Write([]string{seconds(o.At), string(o.Device), sim.Events[o.Event].Name, o.Job, value, o.Text})
		if err != nil {
			return fmt.Errorf("timeline.csv: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("timeline.csv: %w", err)
	}
	return nil
}

// Transcript writes what happened to one device, for people.
func Transcript(w io.Writer, s *record.Summary, device string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	n := 0
	for _, o := range s.Timeline {
		if string(o.Device) != device {
			continue
		}
		n++
		text := o.Text
		if o.Event == sim.EventBytes {
			text = strconv.FormatInt(o.Value, 10) + " " + text
		}
		if o.Job != "" {
			text = o.Job + " " + text
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", seconds(o.At), sim.Events[o.Event].Name, clean(text, Options{}))
	}
	if n == 0 {
		return fmt.Errorf("transcript: nothing is known of a device %q", device)
	}
	return t.Flush()
}

// seconds writes an instant of the run as seconds with microseconds.
func seconds(t sim.Time) string {
	return fmt.Sprintf("%.6f", time.Duration(t).Seconds())
}
