package record

import (
	"fmt"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// Fill writes what was recorded into a summary: Metrics, Rates, Campaign,
// Slowest, Failures and Events, and a warning for each of them that is in
// doubt. The campaign and the failures are of the summary's Devices and Jobs,
// which must be there.
func (r *Recorder) Fill(s *Summary) {
	s.Metrics = make(map[string]Metric)
	for m := sim.NoMetric + 1; int(m) < len(sim.Metrics); m++ {
		d, info := r.Fleet(m), sim.Metrics[m]
		if d.Count() == 0 {
			continue
		}
		s.Metrics[info.Name] = Metric{
			Unit: info.Unit, Count: d.Count(), Min: d.Min(), Mean: d.Mean(),
			P50: d.Percentile(50), P90: d.Percentile(90), P99: d.Percentile(99), P999: d.Percentile(99.9),
			Max: d.Max(), Clamped: d.Clamped(), Percentiles: d.Curve(),
		}
		if n := d.Clamped(); n > 0 {
			s.Warnings = append(s.Warnings, fmt.Sprintf("metric %s: %d of %d values were outside of 0 to %d %s and count as the bound",
				info.Name, n, d.Count(), Highest, info.Unit))
		}
	}
	_, connects := r.spans(sim.MetricConnect)
	jobs, _ := r.spans(sim.MetricDeviceJob)
	s.Rates.ConnectsPerSecond = connects.perSecond()
	s.Rates.DeviceJobsPerSecond = jobs.perSecond()
	s.Campaign = r.campaign(s.length(), s.Devices.Total, s.Jobs)
	s.Slowest = r.slowest()
	s.Failures = Failures(s.Jobs)
	s.Events = r.EventCounts()
	if n := s.Events.Dropped; n > 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("events: %d of %d were dropped (at most %d in all and %d of one device are kept); timelines have gaps, metrics and jobs do not",
			n, n+s.Events.Kept, r.options.MaxEvents, r.options.MaxEventsPerDevice))
	}
}

// length is from the run's time 0 to its end; 0 if the summary does not say.
func (s *Summary) length() sim.Time {
	from, err1 := time.Parse(time.RFC3339Nano, s.Epoch)
	to, err2 := time.Parse(time.RFC3339Nano, s.End)
	if err1 != nil || err2 != nil {
		return 0
	}
	return sim.Time(max(0, to.Sub(from)))
}

// Row returns the metrics of one device, in the order of sim.Metrics, those
// without a value left out: DeviceRow.Metrics.
func (r *Recorder) Row(id sim.DeviceID) []DeviceMetric {
	s := r.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.devices[id]
	if known == nil {
		return nil
	}
	n := 0
	for i := range known.series {
		if known.series[i].count() > 0 {
			n++
		}
	}
	out := make([]DeviceMetric, 0, n)
	var room [RawSamples]int64
	for i := range known.series {
		if known.series[i].count() == 0 {
			continue
		}
		d := known.series[i].distribution(&room)
		out = append(out, DeviceMetric{Metric: sim.Metric(i + 1), Count: d.Count(),
			P50: d.Percentile(50), P99: d.Percentile(99), Max: d.Max()})
	}
	return out
}
