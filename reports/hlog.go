package reports

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/flotilla-sim/flotilla/harness/record"
)

// HLog writes the histograms as an HdrHistogram log, which says itself how it
// is read; record.Recorder.WriteLog is the contract. Only the recorder of the
// run has them.
func HLog(w io.Writer, s *record.Summary, o Options) error {
	r := o.Histograms
	if r == nil {
		return fmt.Errorf("%s: a summary read from a file holds no histograms; take the %s that the run wrote, or run the scenario again", record.LogFile, record.LogFile)
	}
	base, err1 := time.Parse(time.RFC3339Nano, s.Epoch)
	start, err2 := time.Parse(time.RFC3339Nano, s.Start)
	end, err3 := time.Parse(time.RFC3339Nano, s.End)
	if err := errors.Join(err1, err2, err3); err != nil {
		return fmt.Errorf("%s: %w", record.LogFile, err)
	}
	about := fmt.Sprintf("flotilla %s: %s, %s, seed %d", s.Versions.Flotilla, s.Scenario, s.Kind, s.Seed)
	err := r.WriteLog(w, record.LogOptions{Base: base, Start: start, End: end, PerDevice: o.PerDevice, About: []string{clean(about, Options{ASCII: true})}})
	if err != nil {
		return fmt.Errorf("%s: %w", record.LogFile, err)
	}
	return nil
}

// Device writes the percentiles of one device, which are in the log of its
// run, for people.
func Device(w io.Writer, s *record.Summary, device string, metrics []record.LoggedMetric, o Options) error {
	p := page{s: s, o: o}
	p.title()
	about := "from the planned instant; counts and MAX are exact, the rest is of three digits"
	if s.Kind == record.Virtual {
		about = "virtual time: policy, not performance"
	}
	p.heading("METRICS OF "+p.clean(device), about)
	t := table{indent: "  ", right: []bool{false, true, true, true, true, true, true, true, true}}
	t.head("METRIC", "COUNT", "MIN", "MEAN", "P50", "P90", "P99", "P99.9", "MAX")
	for _, m := range metrics {
		cells := []string{p.clean(m.Metric), Count(m.Count())}
		for _, v := range []int64{m.Min(), m.Mean(), m.Percentile(50), m.Percentile(90), m.Percentile(99), m.Percentile(99.9), m.Max()} {
			cells = append(cells, quantity(v, "ns", o))
		}
		t.add(cells...)
	}
	t.append(&p.b, o)
	_, err := io.WriteString(w, p.b.String())
	return err
}
