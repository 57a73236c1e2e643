package iothub

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/query"
)

// queryDevices answers POST /devices/query: a query object, or with the
// parameter tags a query by tags, whose answer is a bare array.
func (r *request) queryDevices() error {
	if r.query.Has("tags") {
		return r.queryTags()
	}
	q, err := r.queryObject(query.Devices)
	if err != nil {
		return err
	}
	v, err := r.cfg.Hub.View(r.Context())
	if err != nil {
		return err
	}
	res, err := r.run(newDeviceSource(r.Handler, v), q)
	if err != nil {
		return err
	}
	return r.result(&q, res, func(row query.Row) any {
		d := row.(deviceRow)
		if len(q.Columns) == 0 {
			return d.whole()
		}
		return r.project(d.Device, q.Columns)
	})
}

// queryTags answers with the devices that have all of some tags, at most top.
func (r *request) queryTags() error {
	top, err := r.top()
	if err != nil {
		return err
	}
	q, err := query.Labelled(strings.Split(r.query.Get("tags"), ","), top)
	if err != nil {
		return invalid("%v", err)
	}
	v, err := r.cfg.Hub.View(r.Context())
	if err != nil {
		return err
	}
	res, err := r.run(newDeviceSource(r.Handler, v), q)
	if err != nil {
		return err
	}
	list := make([]*Device, len(res.Rows))
	for i, row := range res.Rows {
		list[i] = row.(deviceRow).whole()
	}
	return r.reply(list)
}

// top is how many devices are wanted.
func (r *request) top() (int, error) {
	s := r.query.Get("top")
	if s == "" {
		return query.MaxTop, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > query.MaxTop {
		return 0, invalid("top is %.20q, it must be 1 to %d", s, query.MaxTop)
	}
	return n, nil
}

// queryJobs answers POST /jobs/v2/query.
func (r *request) queryJobs() error {
	q, err := r.queryObject(query.Jobs)
	if err != nil {
		return err
	}
	v, err := r.cfg.Hub.View(r.Context())
	if err != nil {
		return err
	}
	res, err := r.run(newJobSource(r.Handler, v.Jobs), q)
	if err != nil {
		return err
	}
	return r.result(&q, res, func(row query.Row) any {
		j := row.(jobRow)
		if len(q.Columns) == 0 {
			return j.response()
		}
		var some []doc.Member
		for i, x := range q.Project(j) {
			some = append(some, doc.Member{Name: q.Columns[i].Path.Name, Value: x})
		}
		return doc.Object(some...)
	})
}

// queryObject reads a query from the body.
func (r *request) queryObject(s query.Subject) (query.Query, error) {
	b, err := r.body(MaxBody)
	if err != nil {
		return query.Query{}, err
	}
	if len(strings.TrimSpace(string(b))) == 0 {
		return query.Query{}, refuse(http.StatusBadRequest, "ArgumentNull", "the request has no body; {} asks for everything")
	}
	q, err := query.ParseObject(s, b)
	if err != nil {
		return q, invalid("%v", err)
	}
	return q, nil
}

// slice is how many rows a query looks at before it looks whether the caller
// is still there.
const slice = 10_000

// run answers a query on the caller's goroutine, when there is room for one
// more.
func (r *request) run(src query.Source, q query.Query) (query.Result, error) {
	done := r.Context().Done()
	select {
	case r.scans <- struct{}{}:
		defer func() { <-r.scans }()
	case <-done:
		return query.Result{}, r.Context().Err()
	}
	s := query.NewScan(src, q)
	for !s.Next(slice) {
		select {
		case <-done:
			return query.Result{}, r.Context().Err()
		default:
		}
	}
	return s.Result(), nil
}

// result answers a query with rows or aggregates; the other is null.
func (r *request) result(q *query.Query, res query.Result, row func(query.Row) any) error {
	if q.Group == nil {
		rows := make([]any, len(res.Rows))
		for i, x := range res.Rows {
			rows[i] = row(x)
		}
		return r.reply(struct {
			Result          []any
			AggregateResult []any
		}{Result: rows})
	}
	var names []string
	for _, k := range q.Group.Keys {
		names = append(names, k.Name)
	}
	for _, a := range q.Group.Aggregates {
		names = append(names, a.Name)
	}
	b := []byte(`{"Result":null,"AggregateResult":[`)
	for i, cells := range res.Groups {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		for j, x := range cells {
			if j > 0 {
				b = append(b, ',')
			}
			b = append(doc.AppendQuoted(b, names[j]), ':')
			if x.IsAbsent() {
				x = doc.Null()
			}
			b = x.AppendJSON(b)
		}
		b = append(b, '}')
	}
	r.write(http.StatusOK, append(b, "]}"...))
	return nil
}

// project writes the wanted part of a device, where it is in a whole one.
func (h *Handler) project(d *hub.Device, columns []query.Column) *Device {
	w := &Device{DeviceID: string(d.ID)}
	service := func() *ServiceProperties {
		if w.ServiceProperties == nil {
			w.ServiceProperties = &ServiceProperties{}
		}
		return w.ServiceProperties
	}
	for _, c := range columns {
		name := c.Path.Name
		switch c.Path.Space {
		case query.Labels:
			service().Tags = asServiceProperties(d).Tags
		case query.Service:
			p := service()
			if p.Properties.IsAbsent() {
				p.Properties = doc.Object()
			}
			p.Properties = p.Properties.With(name, d.Service.Get(name), 0)
		case query.Device:
			if v, at := d.Property(name); !v.IsAbsent() {
				if w.DeviceProperties == nil {
					w.DeviceProperties = map[string]DeviceProperty{}
				}
				w.DeviceProperties[name] = DeviceProperty{propertyValue(name, v), h.at(at)}
			}
		}
	}
	return w
}
