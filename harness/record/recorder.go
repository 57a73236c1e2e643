package record

import (
	"hash/maphash"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/flotilla-sim/flotilla/sim"
)

// Options are the bounds of a Recorder. The zero value is the default.
type Options struct {
	// Shards is how many parts the devices are spread over, rounded up to a
	// power of two; each has a lock of its own. 0: four a processor. A virtual
	// run, which has one goroutine, says 1.
	Shards int

	// MaxEvents is how many events are kept in all; default 200,000. When it
	// is reached newer ones are dropped and counted. Below 0: none are kept.
	MaxEvents int

	// MaxEventsPerDevice is how many events of one device are kept; default
	// 2,000. When it is reached newer ones are dropped and counted.
	MaxEventsPerDevice int

	// OnEvent, if set, is told every event of jobs and children as it comes,
	// also those that are then dropped: what a progress display needs. It is
	// called by whoever calls Observe, from several goroutines at once in a
	// live run, with no lock held; it must not block.
	OnEvent func(sim.Observation)
}

// The defaults of Options.
const (
	DefaultMaxEvents          = 200_000
	DefaultMaxEventsPerDevice = 2_000
)

// MaxText is how many bytes of an event's words are kept; what is longer is
// cut and ends in "...".
const MaxText = 512

// Recorder keeps the observations of one run. Its methods may be called from
// many goroutines at once.
type Recorder struct {
	options Options
	seed    maphash.Seed // only spreads devices over shards: no result depends on it
	shards  []shard
	mask    uint64
	arrived atomic.Uint64 // events so far: the order of arrival
	kept    atomic.Int64  // events kept
}

type shard struct {
	mu      sync.Mutex // guards what is below
	devices map[sim.DeviceID]*device
	totals  [len(sim.Metrics)]total
	dropped int64
	stopped bool                // no measurement counts any more
	track   track               // devices and children by state, over time
	began   map[string]sim.Time // job -> its first event
	_       [64]byte            // no two shards' locks on one cache line
}

// device is what is known of one device. The hub's own events are those of
// the device "".
type device struct {
	series [len(sim.Metrics) - 1]series // of metric m at m-1: there is no metric 0
	events []event
	activity
	effort
}

// New returns an empty Recorder.
func New(o Options) *Recorder {
	if o.Shards <= 0 {
		o.Shards = 4 * runtime.GOMAXPROCS(0)
	}
	o.Shards = 1 << bits.Len(uint(min(o.Shards, 1024)-1))
	if o.MaxEvents == 0 {
		o.MaxEvents = DefaultMaxEvents
	}
	if o.MaxEventsPerDevice == 0 {
		o.MaxEventsPerDevice = DefaultMaxEventsPerDevice
	}
	r := &Recorder{options: o, seed: maphash.MakeSeed(), shards: make([]shard, o.Shards), mask: uint64(o.Shards - 1)}
	for i := range r.shards {
		r.shards[i].devices = make(map[sim.DeviceID]*device)
	}
	return r
}

func (r *Recorder) shard(id sim.DeviceID) *shard {
	if r.mask == 0 {
		return &r.shards[0]
	}
	return &r.shards[maphash.String(r.seed, string(id))&r.mask]
}

// Observe takes observations in their order. It keeps nothing of the slice.
func (r *Recorder) Observe(all []sim.Observation) {
	var s *shard
	var d *device
	for i := range all {
		o := &all[i]
		if d == nil || o.Device != all[i-1].Device {
			if next := r.shard(o.Device); next != s {
				if s != nil {
					s.mu.Unlock()
				}
				s = next
				s.mu.Lock()
			}
			if d = s.devices[o.Device]; d == nil {
				d = new(device)
				s.devices[o.Device] = d
			}
		}
		if o.Metric != sim.NoMetric && !s.stopped {
			s.measure(d, o)
		}
		if o.Event != sim.NoEvent {
			s.follow(d, o)
			r.note(s, d, o)
		}
	}
	if s != nil {
		s.mu.Unlock()
	}
	if tap := r.options.OnEvent; tap != nil {
		for i := range all {
			if e := all[i].Event; e == sim.EventJob || e == sim.EventChild {
				tap(all[i])
			}
		}
	}
}

// Stop ends measuring: what is measured after it does not count, events still
// do. A run stops when it has ended, for its devices live on until they have
// said goodbye, and every report must have the same values.
func (r *Recorder) Stop() {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		s.stopped = true
		s.mu.Unlock()
	}
}

func (s *shard) measure(d *device, o *sim.Observation) {
	v, clamped := clamp(o.Value)
	t := &s.totals[o.Metric]
	if clamped {
		t.clamped++
	}
	due := o.At - sim.Time(v)
	v1 := &d.series[o.Metric-1]
	if v1.count() == 0 {
		t.ramp.add(due, o.At)
	}
	t.span.add(due, o.At)
	t.add(v)
	v1.add(v)
	d.spend(o.Metric, o.At, v)
}

// Devices returns the ids of all devices observed, sorted.
func (r *Recorder) Devices() []sim.DeviceID {
	var ids []sim.DeviceID
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for id := range s.devices {
			if id != "" {
				ids = append(ids, id)
			}
		}
		s.mu.Unlock()
	}
	slices.Sort(ids)
	return ids
}

// Fleet returns the values of one metric over all devices.
func (r *Recorder) Fleet(m sim.Metric) *Distribution {
	d := &Distribution{}
	h := newDense()
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		t := &s.totals[m]
		d.exact.merge(t.exact)
		d.clamped += t.clamped
		t.into(h)
		s.mu.Unlock()
	}
	d.hist = h
	return d
}

// Device returns the values of one device and metric; none (a Count of 0) if
// the device is not known.
func (r *Recorder) Device(id sim.DeviceID, m sim.Metric) *Distribution {
	s := r.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.devices[id]
	if known == nil || m == sim.NoMetric {
		return &Distribution{}
	}
	d := known.series[m-1].distribution(new([RawSamples]int64))
	if p := known.series[m-1].packed; p != nil {
		d.hist = p.hist.Clone()
	}
	return &d
}

// spans returns when a metric's values, and each device's first one, came.
func (r *Recorder) spans(m sim.Metric) (all, ramp span) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		all.merge(s.totals[m].span)
		ramp.merge(s.totals[m].ramp)
		s.mu.Unlock()
	}
	return all, ramp
}
