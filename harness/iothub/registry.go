package iothub

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
)

// Registry is the 2016 preview's registry of devices: identities, service
// properties, tags and queries over them. It may be used from any goroutine.
//
// Errors are *RESTError when the hub refused, *Unreachable when there was
// no answer, or the context's. [Azure IoT Hub device management preview: "Use
// the device twin"]
type Registry struct{ *caller }

// NewRegistry makes a client. Close drops its idle connections.
func NewRegistry(s Service) (*Registry, error) {
	c, err := newCaller(s)
	if err != nil {
		return nil, err
	}
	return &Registry{c}, nil
}

// Close drops idle connections.
func (r *Registry) Close() { r.close() }

// maxList is how many devices a list or a search by tags answers.
const maxList = 1000

// Create makes a device of what is given; the hub makes keys where there are
// none.
func (r *Registry) Create(ctx context.Context, d Device) (*Device, error) {
	return r.put(ctx, d, "")
}

// Update changes a device's identity: status, keys. etag is the Etag it is
// known with, "" or `*` whatever it is.
func (r *Registry) Update(ctx context.Context, d Device, etag string) (*Device, error) {
	return r.put(ctx, d, ifMatch(etag))
}

func (r *Registry) put(ctx context.Context, d Device, match string) (*Device, error) {
	if d.DeviceID == "" {
		return nil, errNoDevice
	}
	q := call{method: http.MethodPut, path: device(d.DeviceID), body: d}
	if match != "" {
		q.header = map[string]string{"If-Match": match}
	}
	var answer Device
	if _, err := r.do(ctx, q, &answer); err != nil {
		return nil, err
	}
	return &answer, nil
}

var errNoDevice = errors.New("the device has no id")

func device(id string) string { return "/devices/" + segment(id) }

// ifMatch writes an etag as a header does.
func ifMatch(etag string) string {
	if etag == "" || etag == "*" {
		return "*"
	}
	return `"` + etag + `"`
}

// Get returns a device with its twin as the hub knows it (a shallow read).
func (r *Registry) Get(ctx context.Context, id string) (*Device, error) {
	if id == "" {
		return nil, errNoDevice
	}
	var d Device
	if _, err := r.do(ctx, call{method: http.MethodGet, path: device(id)}, &d); err != nil {
		return nil, err
	}
	return &d, nil
}

// Delete deletes a device; etag as for Update.
func (r *Registry) Delete(ctx context.Context, id, etag string) error {
	if id == "" {
		return errNoDevice
	}
	_, err := r.do(ctx, call{method: http.MethodDelete, path: device(id), header: map[string]string{"If-Match": ifMatch(etag)}}, nil)
	return err
}

// List returns the first devices, top (0: 1,000) at most.
func (r *Registry) List(ctx context.Context, top int) ([]Device, error) {
	if top < 0 || top > maxList {
		return nil, fmt.Errorf("a list has 1 to %d devices, not %d", maxList, top)
	}
	q := call{method: http.MethodGet, path: "/devices/"}
	if top > 0 {
		q.query = url.Values{"top": {strconv.Itoa(top)}}
	}
	var list []Device
	_, err := r.do(ctx, q, &list)
	return list, err
}

// QueryDevices runs a query over devices; the answer has at most 100 rows.
func (r *Registry) QueryDevices(ctx context.Context, q QueryExpression) (*QueryResult, error) {
	return r.query(ctx, "/devices/query", q)
}

// QueryDevicesJSON is QueryDevices with the query as it is written.
func (r *Registry) QueryDevicesJSON(ctx context.Context, q json.RawMessage) (*QueryResult, error) {
	return r.query(ctx, "/devices/query", q)
}

// All returns every device that the filter finds, nil for all, in order of
// their ids, page by page.
func (r *Registry) All(ctx context.Context, filter *Filter) ([]Device, error) {
	var list []Device
	err := everything(filter, "deviceId", func(q QueryExpression) (int, string, error) {
		answer, err := r.QueryDevices(ctx, q)
		if err != nil {
			return 0, "", err
		}
		page, err := answer.Devices()
		if list = append(list, page...); err != nil || len(page) == 0 {
			return 0, "", err
		}
		return len(page), page[len(page)-1].DeviceID, nil
	})
	return list, err
}

// QueryDevicesByTags returns devices that have every tag, maxCount (0: 1,000)
// at most.
func (r *Registry) QueryDevicesByTags(ctx context.Context, tags []string, maxCount int) ([]Device, error) {
	switch {
	case len(tags) == 0:
		return nil, errors.New("no tag is named")
	case maxCount < 0 || maxCount > maxList:
		return nil, fmt.Errorf("a search by tags answers 1 to %d devices, not %d", maxList, maxCount)
	}
	for _, t := range tags {
		if t == "" || strings.Contains(t, ",") {
			return nil, fmt.Errorf("tag %q is empty or holds the comma that parts them; use a query", t)
		}
	}
	if maxCount == 0 {
		maxCount = maxList
	}
	var list []Device
	_, err := r.do(ctx, call{
		method: http.MethodPost, path: "/devices/query",
		query: url.Values{"tags": {strings.Join(tags, ",")}, "top": {strconv.Itoa(maxCount)}},
	}, &list)
	return list, err
}

// SetServiceProperties replaces a device's service properties and tags. The
// etag of p must be that of the present ones, as Get answers it; "*" is
// whatever they are. The answer has the new etag.
func (r *Registry) SetServiceProperties(ctx context.Context, id string, p ServiceProperties) (*ServiceProperties, error) {
	switch {
	case id == "":
		return nil, errNoDevice
	case p.ETag == "":
		return nil, fmt.Errorf("device %s: the service properties have no etag; get the device first, or give `*`", id)
	}
	var answer ServiceProperties
	_, err := r.do(ctx, call{
		method: http.MethodPut, path: device(id) + "/serviceProperties", header: map[string]string{"If-Match": ifMatch(p.ETag)}, body: p,
	}, &answer)
	if err != nil {
		return nil, err
	}
	return &answer, nil
}

// Statistics counts the hub's devices.
func (r *Registry) Statistics(ctx context.Context) (Statistics, error) {
	var s Statistics
	_, err := r.do(ctx, call{method: http.MethodGet, path: "/statistics/devices"}, &s)
	return s, err
}

// ConnectionString is a device's own to the client's hub, with its primary
// key or with its secondary. It has no port: that of the REST interface is not
// where devices connect.
func (r *Registry) ConnectionString(d *Device, secondary bool) (ConnectionString, error) {
	c := ConnectionString{Host: r.service.Connection.Name(), Device: sim.DeviceID(d.DeviceID)}
	if d.Authentication == nil || d.Authentication.SymmetricKey == nil {
		return c, fmt.Errorf("device %s has no keys; it shows a certificate, or the hub did not say them", d.DeviceID)
	}
	key := d.Authentication.SymmetricKey.PrimaryKey
	if secondary {
		key = d.Authentication.SymmetricKey.SecondaryKey
	}
	var err error
	if c.Key, err = base64.StdEncoding.DecodeString(key); err != nil || len(c.Key) == 0 {
		return c, fmt.Errorf("device %s has a key that is not base64", d.DeviceID)
	}
	return c, nil
}
