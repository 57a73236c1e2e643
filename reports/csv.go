package reports

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/sim"
)

// CSV writes one row a device [RFC 4180: "Common Format and MIME Type for CSV
// Files"]. First come the columns that every run has, in this order: identity
// and firmware, then four columns for every metric of sim.Metrics, empty where
// nothing was measured. One column a job follows, `job:<id>`, with the state
// of the device's part of it, empty for a device that had none.
func CSV(w io.Writer, s *record.Summary, _ Options) error {
	if s.Rows == nil && s.Devices.Total > 0 {
		return errors.New("devices.csv: a summary read from a file holds no rows of devices; take the devices.csv that the run wrote, or run the scenario again")
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true // RFC 4180, section 2, rule 1
	header := []string{"device", "group", "connected", "connects", "firmware_version", "firmware_update_state", "firmware_update_result"}
	for _, m := range sim.Metrics[sim.NoMetric+1:] {
		header = append(header, m.Name+"_count", m.Name+"_p50_"+m.Unit, m.Name+"_p99_"+m.Unit, m.Name+"_max_"+m.Unit)
	}
	fixed := len(header)
	column := make(map[string]int) // of a job
	for i := range s.Jobs {
		if j := &s.Jobs[i]; j.ParentID == "" {
			if _, twice := column[j.ID]; !twice {
				column[j.ID] = len(header)
				header = append(header, "job:"+j.Label())
			}
		}
	}
	if err := out.Write(header); err != nil {
		return fmt.Errorf("devices.csv: %w", err)
	}
	row := make([]string, len(header))
	for i := range s.Rows {
		d := &s.Rows[i]
		clear(row)
		copy(row, []string{string(d.ID), d.Group, strconv.FormatBool(d.Connected), strconv.FormatInt(d.Connects, 10),
			d.FirmwareVersion, d.FirmwareUpdateState, d.FirmwareUpdateResult})
		const first = 7 // column of the first metric
		for _, m := range d.Metrics {
			if m.Metric == sim.NoMetric || int(m.Metric) >= len(sim.Metrics) {
				return fmt.Errorf("devices.csv: device %s: metric %d is not in the table of metrics", d.ID, m.Metric)
			}
			at := first + 4*(int(m.Metric)-1)
			for k, v := range [...]int64{m.Count, m.P50, m.P99, m.Max} {
				row[at+k] = strconv.FormatInt(v, 10)
			}
		}
		for _, j := range d.Jobs {
			if at, ok := column[j.JobID]; ok && at >= fixed {
				row[at] = j.Status
			}
		}
		if err := out.Write(row); err != nil {
			return fmt.Errorf("devices.csv: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("devices.csv: %w", err)
	}
	return nil
}
