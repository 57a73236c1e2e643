package iothub

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// putDevice creates a device, or updates its identity if there is an If-Match:
// PUT /devices/{id}.
func (r *request) putDevice() error {
	var body Device
	if err := r.read(&body, MaxBody); err != nil {
		return err
	}
	id := r.last()
	if body.DeviceID != "" && body.DeviceID != id {
		return invalid("deviceId is %.40q in the body and %.40q in the path", body.DeviceID, id)
	}
	disabled, err := isDisabled(body.Status)
	if err != nil {
		return err
	}
	primary, secondary, thumbprints, err := body.Authentication.secrets()
	if err != nil {
		return err
	}
	if r.Header.Get("If-Match") != "" {
		return r.updateDevice(sim.DeviceID(id), &body, disabled, primary, secondary, thumbprints)
	}
	c := hub.Register{
		ID: sim.DeviceID(id), PrimaryKey: primary, SecondaryKey: secondary, Thumbprints: thumbprints,
		Disabled: disabled, StatusReason: body.StatusReason,
	}
	if primary == nil && thumbprints == (hub.Thumbprints{}) {
		if c.PrimaryKey, c.SecondaryKey, err = r.cfg.Keys(); err != nil {
			return refuse(http.StatusInternalServerError, "ServerError", "%v", err)
		}
	}
	if s := body.ServiceProperties; s != nil {
		if c.Service, c.Labels, err = s.parts(); err != nil {
			return err
		}
	}
	reply, err := r.do(c)
	if err != nil {
		return err
	}
	return r.device(reply.Device)
}

// updateDevice replaces what is said of a device's identity; what is not said
// stays.
func (r *request) updateDevice(id sim.DeviceID, body *Device, disabled bool, primary, secondary []byte, thumbprints hub.Thumbprints) error {
	if body.Status == "" || body.StatusReason == "" {
		present, err := r.do(hub.GetDevice{ID: id})
		if err != nil {
			return err
		}
		if body.Status == "" {
			disabled = present.Device.Disabled
		}
		if body.StatusReason == "" && disabled == present.Device.Disabled {
			body.StatusReason = present.Device.StatusReason
		}
	}
	reply, err := r.do(hub.UpdateIdentity{
		ID: id, Etag: r.ifMatch(), PrimaryKey: primary, SecondaryKey: secondary, Thumbprints: thumbprints,
		Disabled: disabled, StatusReason: body.StatusReason,
	})
	if err != nil {
		return err
	}
	return r.device(reply.Device)
}

// isDisabled reads a device's status, in any letter case.
func isDisabled(status string) (bool, error) {
	switch {
	case status == "", strings.EqualFold(status, StatusEnabled):
		return false, nil
	case strings.EqualFold(status, StatusDisabled):
		return true, nil
	}
	return false, invalid("status is %.40q, it must be enabled or disabled", status)
}

// secrets takes keys or thumbprints out; nil keys if there are none.
func (a *Authentication) secrets() (primary, secondary []byte, t hub.Thumbprints, err error) {
	if a == nil {
		return nil, nil, t, nil
	}
	if x := a.X509Thumbprint; x != nil {
		t = hub.Thumbprints{Primary: x.PrimaryThumbprint, Secondary: x.SecondaryThumbprint}
	}
	k := a.SymmetricKey
	if k == nil || k.PrimaryKey == "" && k.SecondaryKey == "" {
		return nil, nil, t, nil
	}
	if k.PrimaryKey == "" || k.SecondaryKey == "" {
		return nil, nil, t, invalid("authentication.symmetricKey has one key, send both or none")
	}
	if primary, err = base64.StdEncoding.Strict().DecodeString(k.PrimaryKey); err != nil {
		return nil, nil, t, invalid("authentication.symmetricKey.primaryKey is not base64")
	}
	if secondary, err = base64.StdEncoding.Strict().DecodeString(k.SecondaryKey); err != nil {
		return nil, nil, t, invalid("authentication.symmetricKey.secondaryKey is not base64")
	}
	return primary, secondary, t, nil
}

// parts takes properties and tags out.
func (s *ServiceProperties) parts() (doc.Value, []string, error) {
	p := s.Properties
	switch p.Kind() {
	case doc.KindAbsent, doc.KindNull:
		p = doc.Object()
	case doc.KindObject:
	default:
		return p, nil, invalid("serviceProperties.properties is of type %s, it must be an object", p.Kind())
	}
	for i, t := range s.Tags {
		if strings.TrimSpace(t) == "" {
			return p, nil, invalid("serviceProperties.tags[%d] is blank", i)
		}
	}
	return p, s.Tags, nil
}

// getDevice answers with a device: GET /devices/{id}.
func (r *request) getDevice() error {
	reply, err := r.do(hub.GetDevice{ID: sim.DeviceID(r.last())})
	if err != nil {
		return err
	}
	return r.device(reply.Device)
}

// deleteDevice deletes a device: DELETE /devices/{id}.
func (r *request) deleteDevice() error {
	if _, err := r.do(hub.Unregister{ID: sim.DeviceID(r.last()), Etag: r.ifMatch()}); err != nil {
		return err
	}
	r.write(http.StatusNoContent, nil)
	return nil
}

// listDevices answers GET /devices with the first devices in order of their
// ids.
func (r *request) listDevices() error {
	top, err := r.top()
	if err != nil {
		return err
	}
	v, err := r.cfg.Hub.View(r.Context())
	if err != nil {
		return err
	}
	all := v.Devices("", "")
	list := make([]*Device, min(top, all.Len()))
	for i := range list {
		d := all.At(i)
		list[i] = r.asDevice(d, v.LastActivity(d))
	}
	return r.reply(list)
}

// putService replaces a device's service properties: PUT
// /devices/{id}/serviceProperties.
func (r *request) putService() error {
	var body ServiceProperties
	if err := r.read(&body, MaxBody); err != nil {
		return err
	}
	properties, tags, err := body.parts()
	if err != nil {
		return err
	}
	reply, err := r.do(hub.ReplaceService{ID: sim.DeviceID(r.parts[1]), Etag: r.ifMatch(), Properties: properties, Labels: tags})
	if err != nil {
		return err
	}
	s := asServiceProperties(reply.Device)
	r.w.Header().Set("ETag", `"`+s.ETag+`"`)
	return r.reply(s)
}

// statistics answers GET /statistics/devices.
func (r *request) statistics() error {
	v, err := r.cfg.Hub.View(r.Context())
	if err != nil {
		return err
	}
	all, disabled := int64(v.Count()), int64(v.Disabled().Len())
	return r.reply(Statistics{TotalDeviceCount: all, EnabledDeviceCount: all - disabled, DisabledDeviceCount: disabled})
}

// device answers with a device and its etag.
func (r *request) device(d *hub.Device) error {
	r.w.Header().Set("ETag", `"`+etag(d.Etag)+`"`)
	return r.reply(r.asDevice(d, d.LastActivity))
}

// ifMatch is the etag the caller knows, as the hub counts: "" or "*" for any.
// SDKs send it with quotes, and the asterisk without or with.
func (r *request) ifMatch() string {
	s := strings.Trim(strings.TrimPrefix(strings.TrimSpace(r.Header.Get("If-Match")), "W/"), `"`)
	if s == "" || s == "*" {
		return s
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b) == 0 {
		return "none of the hub's"
	}
	return string(b)
}

// etag writes a version as the service does: base64, and opaque.
func etag(n uint64) string { return base64.StdEncoding.EncodeToString(strconv.AppendUint(nil, n, 10)) }

// asDevice writes a device with everything that is known of it, and when it
// was last heard of.
func (h *Handler) asDevice(d *hub.Device, heard sim.Time) *Device {
	w := &Device{
		DeviceID: string(d.ID), GenerationID: generationID(d), ETag: etag(d.Etag),
		ConnectionState: Disconnected, Status: StatusEnabled, StatusReason: d.StatusReason,
		ConnectionStateUpdatedTime: h.since(d.ConnectionChanged), StatusUpdatedTime: h.since(d.StatusChanged),
		LastActivityTime: h.since(heard), CloudToDeviceMessageCount: &d.Waiting,
		IsManaged: &d.Managed, Authentication: &Authentication{},
		ServiceProperties: asServiceProperties(d),
	}
	if d.Connected {
		w.ConnectionState = Connected
	}
	if d.Disabled {
		w.Status = StatusDisabled
	}
	if d.PrimaryKey != nil {
		w.Authentication.SymmetricKey = &SymmetricKey{
			base64.StdEncoding.EncodeToString(d.PrimaryKey), base64.StdEncoding.EncodeToString(d.SecondaryKey)}
	}
	if t := d.Thumbprints; t != (hub.Thumbprints{}) {
		w.Authentication.X509Thumbprint = &X509Thumbprint{t.Primary, t.Secondary}
	}
	if d.Configured {
		w.Configuration = &d.Configuration
	}
	if known := d.Properties(); known.Len() > 0 {
		w.DeviceProperties = make(map[string]DeviceProperty, known.Len())
		for name, v := range known.Members() {
			w.DeviceProperties[name] = DeviceProperty{propertyValue(name, v), h.at(v.Changed())}
		}
	}
	return w
}

func asServiceProperties(d *hub.Device) *ServiceProperties {
	s := &ServiceProperties{ETag: etag(d.ServiceEtag), Properties: d.Service, Tags: d.Labels}
	if s.Properties.IsAbsent() {
		s.Properties = doc.Object()
	}
	if s.Tags == nil {
		s.Tags = []string{}
	}
	return s
}

// since is at, and the time that never was for one that has not come.
func (h *Handler) since(t sim.Time) *Time {
	if t == sim.Never {
		return &Time{}
	}
	return h.at(t)
}

// generationID tells devices apart that had the same id: 18 digits.
func generationID(d *hub.Device) string {
	s := strconv.FormatUint(d.Generation, 10)
	return strings.Repeat("0", max(0, 18-len(s))) + s
}

// writtenValue reads what is to be written to a device: a clock may be set to a
// time as propertyValue writes it, with or without an offset from UTC. What is
// none goes to the device as it is.
func writtenValue(name string, v doc.Value) doc.Value {
	if !strings.EqualFold(name, "CurrentTime") || v.Kind() != doc.KindString || !strings.Contains(v.Text(), "T") {
		return v
	}
	var t Time
	if t.UnmarshalJSON(v.JSON()) != nil {
		return v
	}
	return doc.Int(t.Unix())
}

// propertyValue writes a device property as the service does, which gives
// some of the integers of the device another type. [Azure IoT Hub device
// management preview: device properties, types]
func propertyValue(name string, v doc.Value) doc.Value {
	n, ok := v.Int64()
	if !ok || v.Kind() != doc.KindNumber {
		return v
	}
	switch name {
	case "CurrentTime": // seconds since 1970
		const most = 253402300799 // the year 9999
		if n < -62135596800 || n > most {
			return v
		}
		return doc.String(time.Unix(n, 0).UTC().Format("2006-01-02T15:04:05"))
	case "BatteryStatus", "FirmwareUpdateState":
		return doc.String(strconv.FormatInt(n, 10))
	}
	return v
}
