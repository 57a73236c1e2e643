package record

import (
	"cmp"
	"slices"

	"github.com/flotilla-sim/flotilla/sim"
)

// MaxSlowest is how many devices Summary.Slowest names.
const MaxSlowest = 10

// SlowDevice is a device whose parts of jobs took longest in all, and where
// the time went. Its times do not overlap: what is in none of them was spent
// waiting or with messages.
type SlowDevice struct {
	Device   string `json:"deviceId"`
	Parts    int64  `json:"parts"`      // parts of jobs that it ended
	Took     int64  `json:"tookNs"`     // all of them together, in nanoseconds
	Download int64  `json:"downloadNs"` // of it: downloading
	Apply    int64  `json:"applyNs"`    // of it: applying an update, without the reboot that belongs to it
	Reboot   int64  `json:"rebootNs"`   // of it: away for a reboot, until connected again

	Metrics []DeviceTotal `json:"metrics"` // all that was measured of the device, in the order of sim.Metrics
}

// DeviceTotal is a metric of one device, in the metric's unit, exact.
type DeviceTotal struct {
	Metric string `json:"metric"`
	Count  int64  `json:"count"`
	Total  int64  `json:"total"` // sum of all values, at most the largest number there is
	Max    int64  `json:"max"`
}

// effort is what a device did during its parts of jobs, in nanoseconds.
type effort struct {
	download, apply, reboot int64
	back                    sim.Time // when it last was back from a reboot
	away                    int64    // how long it had been away
}

// spend adds a measurement to what the device did, if it was at a job when it
// ended.
func (d *device) spend(m sim.Metric, at sim.Time, took int64) {
	if len(d.executing) == 0 {
		return
	}
	e := &d.effort
	switch m {
	case sim.MetricDownload:
		e.download += took
	case sim.MetricRebootToReconnect:
		e.reboot += took
		e.back, e.away = at, took
	case sim.MetricApply:
		if e.away > 0 && e.back > at-sim.Time(took) {
			took = max(0, took-e.away)
		}
		e.apply += took
		e.away = 0
	}
}

// slowest finds the devices of most time at jobs, longest first, and by id
// where they are equal.
func (r *Recorder) slowest() []SlowDevice {
	type rank struct {
		id   sim.DeviceID
		took int64
	}
	var top []rank
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for id, d := range s.devices { // any order: the ten are sorted, and equal ones by id
			took := d.series[sim.MetricDeviceJob-1].exact().sum.int64()
			if took == 0 || id == "" {
				continue
			}
			at, _ := slices.BinarySearchFunc(top, rank{id, took}, func(a, b rank) int {
				return cmp.Or(cmp.Compare(b.took, a.took), cmp.Compare(a.id, b.id))
			})
			if at < MaxSlowest {
				top = slices.Insert(top, at, rank{id, took})
				top = top[:min(len(top), MaxSlowest)]
			}
		}
		s.mu.Unlock()
	}
	var list []SlowDevice
	for _, t := range top {
		s := r.shard(t.id)
		s.mu.Lock()
		known := s.devices[t.id]
		d := SlowDevice{Device: string(t.id), Parts: known.series[sim.MetricDeviceJob-1].count(), Took: t.took,
			Download: known.effort.download, Apply: known.effort.apply, Reboot: known.effort.reboot}
		for i := range known.series {
			if e := known.series[i].exact(); e.count > 0 {
				d.Metrics = append(d.Metrics, DeviceTotal{sim.Metrics[i+1].Name, e.count, e.sum.int64(), e.max})
			}
		}
		s.mu.Unlock()
		list = append(list, d)
	}
	return list
}

// exact returns what is exact of the values.
func (s *series) exact() exact {
	if s.packed != nil {
		return s.packed.exact
	}
	var e exact
	s.values(e.add)
	return e
}
