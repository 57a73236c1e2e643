package iothub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// PlaneConfig sets a Plane up. Service and Now are needed.
type PlaneConfig struct {
	Service Service
	Now     func() sim.Time // the run's clock
	Epoch   sim.Epoch       // civil instant of its Time 0
	Every   time.Duration   // how often a job is asked how it stands; 0: DefaultPoll

	// Observe gets what the hub tells of jobs and their parts, as they change.
	// It must be quick and must not keep the slice.
	Observe func([]sim.Observation)
}

// DefaultPoll is how often a job is asked how it stands.
const DefaultPoll = 500 * time.Millisecond

// Plane is a hub behind its REST interface as the control plane of a run: it
// takes the commands of package hub that the preview can say, and answers the
// others with errors.ErrUnsupported.
//
// It speaks of what went through it, and of nothing else the hub has: its
// devices are numbered in the order they were registered here, its jobs are
// those submitted here. A job is followed until it has ended, which settles its
// ticket. What the hub does not tell, its counters above all, is not made up.
type Plane struct {
	cfg      PlaneConfig
	jobs     *JobClient
	registry *Registry

	ctx       context.Context // ends with Close
	stop      context.CancelFunc
	followers sync.WaitGroup
	ready     chan struct{}

	mu      sync.Mutex
	numbers map[sim.DeviceID]uint32
	devices []*enrolled
	course  []*followed // jobs in order of submission
	last    uint64      // ticket
	settled []Settled
}

// Settled is the late answer to a command whose reply had a ticket: the number
// of a job, from 1.
type Settled struct {
	Ticket uint64
	Reply  hub.Reply
	Err    error
}

// enrolled is a device that was registered here.
type enrolled struct {
	id   sim.DeviceID
	made bool // here: it was not there before
	gone bool
}

// followed is a job that was submitted here.
type followed struct {
	ticket   uint64
	spec     job.Spec
	number   map[sim.DeviceID]int // among its targets
	began    sim.Time
	looking  sync.Mutex // held while the hub is asked, so that a change is noted once
	view     job.View   // as the hub last told it
	children []job.ChildView
}

// NewPlane makes a control plane. Close ends it.
func NewPlane(cfg PlaneConfig) (*Plane, error) {
	if cfg.Now == nil {
		return nil, errors.New("control plane: Now is needed")
	}
	if cfg.Every <= 0 {
		cfg.Every = DefaultPoll
	}
	if cfg.Observe == nil {
		cfg.Observe = func([]sim.Observation) {}
	}
	c, err := newCaller(cfg.Service)
	if err != nil {
		return nil, err
	}
	p := &Plane{
		cfg: cfg, jobs: &JobClient{c}, registry: &Registry{c},
		ready: make(chan struct{}, 1), numbers: map[sim.DeviceID]uint32{},
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p, nil
}

// Close stops following jobs. It leaves the hub as it is.
func (p *Plane) Close() {
	p.stop()
	p.followers.Wait()
	p.jobs.Close()
}

// CleanUp deletes the devices that were made here and returns when none is
// left; those that were there before stay.
func (p *Plane) CleanUp(ctx context.Context) error {
	p.mu.Lock()
	var made []sim.DeviceID
	for _, d := range p.devices {
		if d.made && !d.gone {
			made = append(made, d.id)
		}
	}
	p.mu.Unlock()
	var first error
	for _, id := range made {
		if _, err := p.Do(ctx, hub.Unregister{ID: id}); err != nil {
			if ctx.Err() != nil {
				return err
			}
			if first == nil {
				first = err
			}
		}
	}
	return first
}

// Settled gives the answers that have come since it was last called, in order.
// Ready receives after some have.
func (p *Plane) Settled() []Settled {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.settled
	p.settled = nil
	return list
}

// Ready receives when Settled has something to give.
func (p *Plane) Ready() <-chan struct{} { return p.ready }

// Do runs a command. Errors are *hub.Error where the hub's words are a
// command's, errors.ErrUnsupported for what the preview cannot say, and else
// what JobClient and Registry return.
func (p *Plane) Do(ctx context.Context, c hub.Command) (hub.Reply, error) {
	r, err := p.do(ctx, c)
	if e, ok := errors.AsType[*RESTError](err); ok {
		if code, ok := commandCode(e); ok {
			return r, &hub.Error{Code: code, Message: e.Text}
		}
	}
	return r, err
}

// commandCode is codes backwards.
func commandCode(e *RESTError) (hub.Code, bool) {
	for code := hub.CodeInvalid; code <= hub.CodeShutdown; code++ {
		if c, ok := codes[code]; ok && c.status == e.Status && c.name == e.Code {
			return code, true
		}
	}
	return 0, false
}

func (p *Plane) do(ctx context.Context, c hub.Command) (hub.Reply, error) {
	switch c := c.(type) {
	case hub.Register:
		return p.register(ctx, c)
	case hub.Unregister:
		return p.unregister(ctx, c)
	case hub.SetStatus:
		return p.setStatus(ctx, c)
	case hub.UpdateIdentity:
		w := identity(c.ID, c.Disabled, c.StatusReason, c.PrimaryKey, c.SecondaryKey, c.Thumbprints)
		d, err := p.registry.Update(ctx, w, planeEtag(c.Etag)) // an empty reason leaves the present one
		return p.device(d, err)
	case hub.ReplaceService:
		return p.replaceService(ctx, c)
	case hub.SetLabels:
		return p.setLabels(ctx, c)
	case hub.GetDevice:
		d, err := p.registry.Get(ctx, string(c.ID))
		return p.device(d, err)
	case hub.ListDevices:
		return p.listDevices(ctx, c)
	case hub.SubmitJob:
		return p.submit(ctx, c)
	case hub.CancelJob:
		return p.cancel(ctx, c)
	case hub.GetJob:
		return p.getJob(ctx, c.ID)
	case hub.ListJobs:
		return p.listJobs(c), nil
	case hub.ListChildren:
		return p.listChildren(ctx, c)
	case hub.GetCounters:
		return hub.Reply{}, unsaid("the REST interface of 2016 tells no counters")
	}
	name := strings.TrimPrefix(fmt.Sprintf("%T", c), "hub.")
	return hub.Reply{}, unsaid(name + ": the REST interface of 2016 has no word for it")
}

// unsaid is the error of what the dialect cannot say.
func unsaid(what string) error { return fmt.Errorf("%s: %w", what, errors.ErrUnsupported) }
