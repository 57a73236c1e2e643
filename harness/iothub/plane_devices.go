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

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

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

// setLabels replaces labels: with the service properties that are there, for
// the preview writes both together, and refused if another wrote meanwhile.
func (p *Plane) setLabels(ctx context.Context, c hub.SetLabels) (hub.Reply, error) {
	d, err := p.registry.Get(ctx, string(c.ID))
	if err != nil {
		return hub.Reply{}, err
	}
	r := hub.ReplaceService{ID: c.ID, Labels: c.Labels}
	if s := d.ServiceProperties; s != nil {
		r.Etag, r.Properties = s.ETag, s.Properties
	}
	return p.replaceService(ctx, r)
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
	if w.CloudToDeviceMessageCount != nil {
		d.Waiting = *w.CloudToDeviceMessageCount
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
