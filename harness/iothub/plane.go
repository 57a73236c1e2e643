package iothub

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
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
	view     job.View // as the hub last told it
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

// register makes a device, or takes one over that is there and not connected.
func (p *Plane) register(ctx context.Context, c hub.Register) (hub.Reply, error) {
	if c.Tags.Len() > 0 {
		return hub.Reply{}, unsaid(fmt.Sprintf("device %s: tags of a twin (labels are the tags of 2016)", c.ID))
	}
	w := identity(c.ID, c.Disabled, c.StatusReason, c.PrimaryKey, c.SecondaryKey, c.Thumbprints)
	if len(c.Labels) > 0 || c.Service.Len() > 0 {
		w.ServiceProperties = &ServiceProperties{Properties: c.Service, Tags: c.Labels}
		if c.Service.IsAbsent() {
			w.ServiceProperties.Properties = doc.Object()
		}
	}
	d, err := p.registry.Create(ctx, w)
	made := err == nil
	if e, ok := errors.AsType[*RESTError](err); ok && e.Status == http.StatusConflict {
		if d, err = p.registry.Get(ctx, w.DeviceID); err == nil {
			err = usable(d)
		}
	}
	if err != nil {
		return hub.Reply{}, err
	}
	p.mu.Lock()
	if n, known := p.numbers[c.ID]; known && !made && !p.devices[n].gone { // asked for twice
		p.mu.Unlock()
		return hub.Reply{}, &hub.Error{Code: hub.CodeExists, Message: fmt.Sprintf("device %q is registered already", c.ID)}
	}
	p.numbers[c.ID] = uint32(len(p.devices))
	p.devices = append(p.devices, &enrolled{id: c.ID, made: made})
	p.mu.Unlock()
	return p.device(d, nil)
}

// identity writes what is said of a device's identity.
func identity(id sim.DeviceID, disabled bool, reason string, primary, secondary []byte, t hub.Thumbprints) Device {
	w := Device{DeviceID: string(id), Status: StatusEnabled, StatusReason: reason}
	if disabled {
		w.Status = StatusDisabled
	}
	if secondary == nil {
		secondary = primary
	}
	if primary != nil || t != (hub.Thumbprints{}) {
		w.Authentication = &Authentication{}
	}
	if primary != nil {
		w.Authentication.SymmetricKey = &SymmetricKey{encodeKey(primary), encodeKey(secondary)}
	}
	if t != (hub.Thumbprints{}) {
		w.Authentication.X509Thumbprint = &X509Thumbprint{t.Primary, t.Secondary}
	}
	return w
}

// replaceService replaces service properties and labels, and gets the device:
// the answer tells them alone.
func (p *Plane) replaceService(ctx context.Context, c hub.ReplaceService) (hub.Reply, error) {
	w := ServiceProperties{ETag: cmp.Or(planeEtag(c.Etag), "*"), Properties: c.Properties, Tags: c.Labels}
	if w.Properties.IsAbsent() {
		w.Properties = doc.Object()
	}
	if w.Tags == nil {
		w.Tags = []string{}
	}
	if _, err := p.registry.SetServiceProperties(ctx, string(c.ID), w); err != nil {
		return hub.Reply{}, err
	}
	d, err := p.registry.Get(ctx, string(c.ID))
	return p.device(d, err)
}

// usable says why a device that was there before cannot be played.
func usable(d *Device) error {
	switch {
	case d.ConnectionState == Connected:
		return fmt.Errorf("device %s is connected to the hub already; two devices of one id take the connection from each other. End the other, or use other ids", d.DeviceID)
	case d.Status == StatusDisabled:
		return fmt.Errorf("device %s is disabled on the hub; enable it or delete it", d.DeviceID)
	case d.Authentication == nil || d.Authentication.SymmetricKey == nil:
		return fmt.Errorf("device %s on the hub has no symmetric key; delete it, or use another id", d.DeviceID)
	}
	return nil
}

func encodeKey(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func (p *Plane) unregister(ctx context.Context, c hub.Unregister) (hub.Reply, error) {
	if err := p.registry.Delete(ctx, string(c.ID), planeEtag(c.Etag)); err != nil {
		return hub.Reply{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n, ok := p.numbers[c.ID]; ok {
		p.devices[n].gone = true
	}
	return hub.Reply{}, nil
}

// planeEtag writes a command's etag as the hub does.
func planeEtag(s string) string {
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return etag(n)
	}
	return s
}

// setStatus changes the status alone: the reason beside it stays.
func (p *Plane) setStatus(ctx context.Context, c hub.SetStatus) (hub.Reply, error) {
	d, err := p.registry.Get(ctx, string(c.ID))
	if err != nil {
		return hub.Reply{}, err
	}
	d, err = p.registry.Update(ctx, identity(c.ID, c.Disabled, d.StatusReason, nil, nil, hub.Thumbprints{}), "*")
	return p.device(d, err)
}

// device makes a device on the wire a reply.
func (p *Plane) device(d *Device, err error) (hub.Reply, error) {
	if err != nil {
		return hub.Reply{}, err
	}
	read, err := p.asCore(d)
	return hub.Reply{Device: read}, err
}

// listDevices answers with the devices that were registered here.
func (p *Plane) listDevices(ctx context.Context, c hub.ListDevices) (hub.Reply, error) {
	limit := c.Limit
	if limit <= 0 || limit > sim.MaxSlice {
		limit = sim.MaxSlice
	}
	var list []*enrolled
	p.mu.Lock()
	n := max(0, c.From)
	for ; n < len(p.devices) && len(list) < limit; n++ {
		if d := p.devices[n]; !d.gone {
			list = append(list, d)
		}
	}
	r := hub.Reply{More: n < len(p.devices)}
	p.mu.Unlock()
	for part := range slices.Chunk(list, maxQueryPage) {
		ids := make([]doc.Value, 0, len(part))
		for _, d := range part {
			ids = append(ids, doc.String(string(d.id)))
		}
		in := Compare(InDefault, "deviceId", "in", doc.Array(ids...))
		answer, err := p.registry.QueryDevices(ctx, QueryExpression{Filter: &in})
		if err != nil {
			return hub.Reply{}, err
		}
		rows, err := answer.Devices()
		if err != nil {
			return hub.Reply{}, err
		}
		for i := range rows {
			d, err := p.asCore(&rows[i])
			if err != nil {
				return hub.Reply{}, err
			}
			r.Devices = append(r.Devices, d)
		}
	}
	slices.SortFunc(r.Devices, func(a, b *hub.Device) int { return cmp.Compare(a.Number, b.Number) })
	return r, nil
}

// asCore reads a device as the hub machine has it. Its numbers of versions are
// the wire's where it has them, else 0.
func (p *Plane) asCore(w *Device) (*hub.Device, error) {
	d := &hub.Device{
		ID: sim.DeviceID(w.DeviceID), StatusReason: w.StatusReason,
		Disabled: w.Status == StatusDisabled, Connected: w.ConnectionState == Connected,
		ConnectionChanged: p.time(w.ConnectionStateUpdatedTime), StatusChanged: p.time(w.StatusUpdatedTime),
		LastActivity: p.time(w.LastActivityTime), Etag: etagVersion(w.ETag),
	}
	d.Generation, _ = strconv.ParseUint(w.GenerationID, 10, 64)
	p.mu.Lock()
	d.Number = p.numbers[d.ID]
	p.mu.Unlock()
	if w.IsManaged != nil {
		d.Managed = *w.IsManaged
	}
	if w.Configuration != nil {
		d.Configuration, d.Configured = *w.Configuration, true
	}
	if a := w.Authentication; a != nil {
		if a.SymmetricKey != nil {
			var err, err2 error
			d.PrimaryKey, err = base64.StdEncoding.DecodeString(a.SymmetricKey.PrimaryKey)
			d.SecondaryKey, err2 = base64.StdEncoding.DecodeString(a.SymmetricKey.SecondaryKey)
			if err != nil || err2 != nil {
				return nil, fmt.Errorf("device %s: the hub answered a key that is not base64", w.DeviceID)
			}
		}
		if x := a.X509Thumbprint; x != nil {
			d.Thumbprints = hub.Thumbprints{Primary: x.PrimaryThumbprint, Secondary: x.SecondaryThumbprint}
		}
	}
	if s := w.ServiceProperties; s != nil {
		d.Labels, d.Service, d.ServiceEtag = s.Tags, s.Properties, etagVersion(s.ETag)
	}
	if len(w.DeviceProperties) > 0 {
		dm := doc.Object()
		for name, v := range w.DeviceProperties { // any order: the document's members are sorted
			at := p.time(v.LastUpdatedTime)
			if at == sim.Never {
				at = 0
			}
			dm = dm.With(name, coreProperty(name, v.Value), at)
		}
		d.Reported = doc.Object().With("dm", dm, 0)
	}
	return d, nil
}

// coreProperty is propertyValue backwards.
func coreProperty(name string, v doc.Value) doc.Value {
	if v.Kind() != doc.KindString {
		return v
	}
	switch name {
	case "CurrentTime":
		var t Time
		if t.UnmarshalJSON(v.JSON()) == nil {
			return doc.Int(t.Unix())
		}
	case "BatteryStatus", "FirmwareUpdateState":
		if n, err := strconv.ParseInt(v.Text(), 10, 64); err == nil {
			return doc.Int(n)
		}
	}
	return v
}

// etagVersion reads etag's text, 0 if it is another hub's.
func etagVersion(etag string) uint64 {
	b, _ := base64.StdEncoding.DecodeString(etag)
	n, _ := strconv.ParseUint(string(b), 10, 64)
	return n
}

// time reads an instant of the wire; what never was, or was before the run, is
// Never or 0.
func (p *Plane) time(t *Time) sim.Time {
	if t == nil || t.IsZero() {
		return sim.Never
	}
	return sim.Time(max(0, t.UnixNano()-int64(p.cfg.Epoch)))
}
