package iothub

import (
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/query"
)

// deviceRow is a device as the preview's queries see it.
type deviceRow struct {
	*Handler
	*hub.Device
	view *hub.View
}

// whole is the row with everything that is known of the device.
func (r deviceRow) whole() *Device { return r.asDevice(r.Device, r.view.LastActivity(r.Device)) }

// Field returns a field: see query.Row.
func (r deviceRow) Field(space query.Space, name string) doc.Value {
	d := r.Device
	switch space {
	case query.Default:
		return r.field(name)
	case query.Labels:
		words := make([]doc.Value, len(d.Labels))
		for i, l := range d.Labels {
			words[i] = doc.String(l)
		}
		return doc.Array(words...)
	case query.Device:
		if name != "" {
			v, _ := d.Property(name)
			return propertyValue(name, v)
		}
		all := d.Properties()
		for n, v := range all.Members() {
			all = all.With(n, propertyValue(n, v), 0)
		}
		return all
	case query.Service:
		if name == "" {
			return d.Service
		}
		return d.Service.Get(name)
	}
	return doc.Value{}
}

func (r deviceRow) field(name string) doc.Value {
	d := r.Device
	switch name {
	case "deviceId":
		return doc.String(string(d.ID))
	case "generationId":
		return doc.String(generationID(d))
	case "etag":
		return doc.String(etag(d.Etag))
	case "connectionState":
		if d.Connected {
			return doc.String(Connected)
		}
		return doc.String(Disconnected)
	case "status":
		if d.Disabled {
			return doc.String(StatusDisabled)
		}
		return doc.String(StatusEnabled)
	case "statusReason":
		if d.StatusReason != "" {
			return doc.String(d.StatusReason)
		}
	case "connectionStateUpdatedTime":
		return doc.String(r.since(d.ConnectionChanged).String())
	case "statusUpdatedTime":
		return doc.String(r.since(d.StatusChanged).String())
	case "lastActivityTime":
		return doc.String(r.since(r.view.LastActivity(d)).String())
	case "cloudToDeviceMessageCount":
		return doc.Int(int64(d.Waiting))
	case "isManaged":
		return doc.Bool(d.Managed)
	case "configuration":
		if d.Configured {
			return doc.String(d.Configuration)
		}
	}
	return doc.Value{}
}

// deviceRows are devices in ascending order of their ids.
type deviceRows struct {
	*deviceSource
	hub.Devices
}

func (s deviceRows) Len() int                    { return s.Devices.Len() }
func (s deviceRows) Row(i int) query.Row         { return s.row(s.At(i)) }
func (s deviceRows) OrderedBy(p query.Path) bool { return p.Is(query.DeviceID) }

// deviceSource is all devices in ascending order of their ids, with indexes of
// ids, labels and those that are disabled.
type deviceSource struct {
	*Handler
	view hub.View
	all  hub.Devices // made when the first row is asked for
}

func newDeviceSource(h *Handler, v hub.View) *deviceSource { return &deviceSource{Handler: h, view: v} }

func (s *deviceSource) row(d *hub.Device) deviceRow { return deviceRow{s.Handler, d, &s.view} }

func (s *deviceSource) Len() int                    { return s.view.Count() }
func (s *deviceSource) OrderedBy(p query.Path) bool { return p.Is(query.DeviceID) }

func (s *deviceSource) Row(i int) query.Row {
	if s.all.Len() == 0 {
		s.all = s.view.Devices("", "")
	}
	return s.row(s.all.At(i))
}

// Lookup answers an equality: see query.Indexed.
func (s *deviceSource) Lookup(e query.Equality) (query.Source, bool) {
	switch {
	case len(e.Path.Rest) > 0:
		return nil, false
	case e.Path.Is(query.Path{Name: "status"}) && len(e.Values) == 1 && strings.EqualFold(e.Values[0], StatusDisabled):
		return deviceRows{s, s.view.Disabled()}, true
	case e.Text != query.Ordinal:
		return nil, false
	case e.Path.Is(query.DeviceID) && !e.Contains:
		var found query.Rows[deviceRow]
		for _, id := range distinct(e.Values) {
			if d := s.view.Find(sim.DeviceID(id)); d != nil {
				found = append(found, s.row(d))
			}
		}
		return found, true
	case e.Path.Is(query.Path{Space: query.Labels}) && e.Contains && len(e.Values) == 1:
		return deviceRows{s, s.view.Labelled(e.Values[0])}, true
	}
	return nil, false
}

func distinct(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

// jobSource is jobs and their children, as rows: each job, then its children.
// Which rows there are is only worked out if an index does not do.
type jobSource struct {
	*Handler
	jobs  job.Jobs
	keep  func(n int, b job.Brief) (parent bool, children []job.Run) // of the jobs the preview can say; nil: all
	parts []jobPart
	ends  []int // of their rows
}

// jobPart is rows of one job.
type jobPart struct {
	*jobDoc
	from, to int // places of children; -1 is the job's own row
}

// jobDoc is what the rows of a job have in common.
type jobDoc struct {
	number     int
	scheduled  sim.Time
	id, kind   string
	idValue    doc.Value
	kindValue  doc.Value
	*jobSource // where it is from
}

func newJobSource(h *Handler, jobs job.Jobs) *jobSource { return &jobSource{Handler: h, jobs: jobs} }

// doc returns what the rows of a job have in common.
func (s *jobSource) doc(n int) *jobDoc {
	v, _ := s.jobs.At(n)
	return &jobDoc{n, v.Created, v.ID, v.Kind, doc.String(v.ID), doc.String(v.Kind), s}
}

// build works out which rows there are.
func (s *jobSource) build() {
	if s.ends != nil {
		return
	}
	s.ends = []int{}
	n := 0
	for i := range s.jobs.Len() {
		b, ok := s.jobs.Brief(i)
		if !ok || !visible(b.Kind) {
			continue
		}
		parent, children := true, []job.Run{{From: 0, To: b.Counts.Total}}
		if s.keep != nil {
			parent, children = s.keep(i, b)
		}
		var d *jobDoc
		add := func(from, to int) {
			if from == to {
				return
			}
			if d == nil {
				d = s.doc(i)
			}
			n += to - from
			s.parts, s.ends = append(s.parts, jobPart{d, from, to}), append(s.ends, n)
		}
		if parent {
			add(-1, 0)
		}
		for _, c := range children {
			add(c.From, c.To)
		}
	}
}

// Len returns how many rows there are.
func (s *jobSource) Len() int {
	s.build()
	if len(s.ends) == 0 {
		return 0
	}
	return s.ends[len(s.ends)-1]
}

// Row returns one of them.
func (s *jobSource) Row(i int) query.Row {
	s.build()
	k := sort.SearchInts(s.ends, i+1)
	if k > 0 {
		i -= s.ends[k-1]
	}
	p := &s.parts[k]
	return jobRow{p.jobDoc, p.from + i}
}

// Lookup answers an equality: see query.Indexed.
func (s *jobSource) Lookup(e query.Equality) (query.Source, bool) {
	if e.Path.Space != query.Default || len(e.Path.Rest) > 0 || e.Contains {
		return nil, false
	}
	switch e.Path.Name {
	case "jobId":
		if e.Text != query.Ordinal {
			return nil, false
		}
		var found query.Rows[jobRow]
		for _, id := range distinct(e.Values) {
			if ref, child, ok := s.find(id); ok {
				row := jobRow{s.doc(int(ref.Job)), -1}
				if child {
					row.child = int(ref.Child)
				}
				found = append(found, row)
			}
		}
		return found, true
	case "parentJobId":
		if e.Text != query.Ordinal || len(e.Values) != 1 {
			return nil, false
		}
		ref, child, ok := s.find(e.Values[0])
		if !ok || child {
			return query.Rows[jobRow]{}, true
		}
		d := s.doc(int(ref.Job))
		return childRows{d, s.orders.of(s.jobs, d.number)}, true
	case "status", "type":
		if e.Text != query.Word {
			return nil, false
		}
		is := func(word string) bool {
			return slices.ContainsFunc(e.Values, func(v string) bool { return strings.EqualFold(v, word) })
		}
		some := newJobSource(s.Handler, s.jobs)
		if e.Path.Name == "type" {
			some.keep = func(n int, b job.Brief) (parent bool, children []job.Run) {
				if !is(b.Kind) {
					return false, nil
				}
				return true, []job.Run{{From: 0, To: b.Counts.Total}}
			}
			return some, true
		}
		var wanted [job.Cancelled + 1]bool
		for state := range wanted {
			wanted[state] = is(jobStatus(job.Status(state)))
		}
		some.keep = func(n int, b job.Brief) (parent bool, children []job.Run) {
			c := b.Counts
			if wanted[job.Pending] && c.Pending > 0 || wanted[job.Running] && c.Running > 0 || wanted[job.Completed] && c.Succeeded > 0 ||
				wanted[job.Failed] && c.Failed > 0 || wanted[job.Cancelled] && c.Cancelled > 0 {
				children = s.jobs.Runs(n, func(state job.Status) bool { return wanted[state] })
			}
			return wanted[b.Status], children
		}
		return some, true
	}
	return nil, false
}

// find returns the job or child of an id that the preview can say.
func (s *jobSource) find(id string) (ref job.Ref, child, ok bool) {
	ref, child, ok = s.jobs.Find(id)
	if ok {
		b, known := s.jobs.Brief(int(ref.Job))
		ok = known && visible(b.Kind)
	}
	return ref, child, ok
}

// childRows are the children of one job in ascending order of their ids.
type childRows struct {
	*jobDoc
	order []uint32
}

func (s childRows) Len() int                    { return len(s.order) }
func (s childRows) Row(i int) query.Row         { return jobRow{s.jobDoc, int(s.order[i])} }
func (s childRows) OrderedBy(p query.Path) bool { return p.Is(query.JobID) }

// jobRow is a job, or a child of it, as the preview's queries see it.
type jobRow struct {
	*jobDoc
	child int // -1: the job itself
}

var (
	statusValues = func() (v [job.Cancelled + 1]doc.Value) {
		for s := range v {
			v[s] = doc.String(jobStatus(job.Status(s)))
		}
		return v
	}()
	noValue doc.Value
)

// Field returns a field: see query.Row.
func (r jobRow) Field(space query.Space, name string) doc.Value {
	if space != query.Default {
		return noValue
	}
	switch name {
	case "jobId":
		if r.child < 0 {
			return r.idValue
		}
		return doc.String(r.jobs.ChildID(r.number, r.child))
	case "parentJobId":
		if r.child < 0 {
			return noValue
		}
		return r.idValue
	case "type":
		return r.kindValue
	case "status":
		if r.child < 0 {
			b, _ := r.jobs.Brief(r.number)
			return statusValues[b.Status]
		}
		return statusValues[r.jobs.ChildStatus(r.number, r.child)]
	}
	j := r.response()
	switch name {
	case "deviceId":
		return text(j.DeviceID)
	case "startTimeUtc":
		return instant(j.StartTimeUTC)
	case "endTimeUtc":
		return instant(j.EndTimeUTC)
	case "failureReason":
		return text(j.FailureReason)
	case "statusMessage":
		return text(j.StatusMessage)
	}
	return noValue
}

func text(s string) doc.Value {
	if s == "" {
		return noValue
	}
	return doc.String(s)
}

func instant(t *Time) doc.Value {
	if t == nil {
		return noValue
	}
	return doc.String(t.String())
}

// response is the row as it is answered.
func (r jobRow) response() *JobResponse {
	if r.child < 0 {
		v, _ := r.jobs.At(r.number)
		return r.asParent(&v)
	}
	c := r.jobs.Child(r.number, r.child)
	return r.asChild(&c, r.scheduled)
}

// orders keeps the order of jobs' children by their ids, which is the same as
// long as no child is added: made when it is first asked for.
type orders struct {
	mu   sync.Mutex
	list []order // latest used first
	held int     // children in it
}

type order struct {
	job    int
	places []uint32
}

// maxOrdered is how many children the orders may have in all, 4 bytes each.
const maxOrdered = 4 << 20

// of returns the places of a job's children in ascending order of their ids.
func (o *orders) of(jobs job.Jobs, n int) []uint32 {
	b, _ := jobs.Brief(n)
	o.mu.Lock()
	for i, x := range o.list {
		if x.job == n && len(x.places) == b.Counts.Total {
			copy(o.list[1:], o.list[:i])
			o.list[0] = x
			o.mu.Unlock()
			return x.places
		}
	}
	o.mu.Unlock()

	places := make([]uint32, b.Counts.Total)
	for i := range places {
		places[i] = uint32(i)
	}
	slices.SortFunc(places, func(a, b uint32) int { return jobs.Order(n, a, b) })

	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = slices.DeleteFunc(o.list, func(x order) bool {
		if x.job == n {
			o.held -= len(x.places)
		}
		return x.job == n
	})
	o.list = slices.Insert(o.list, 0, order{n, places})
	for o.held += len(places); o.held > maxOrdered && len(o.list) > 1; {
		last := len(o.list) - 1
		o.held -= len(o.list[last].places)
		o.list[last] = order{}
		o.list = o.list[:last]
	}
	return places
}
