package hub

import (
	"fmt"
	"strconv"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// Limits of a twin. [IoT Hub: "Understand and use device twins", tags and
// properties format, device twin size]
const (
	maxSection = 32 << 10 // bytes of desired or reported by doc.Size
	maxTags    = 8 << 10
	maxDepth   = 10
	maxKey     = 1 << 10
	maxValue   = 4 << 10
)

// checkPatch holds a patch of a twin's section against the limits.
func checkPatch(v doc.Value, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("deeper than %d levels", maxDepth)
	}
	for name, x := range v.Members() {
		if name == "" || len(name) > maxKey {
			return fmt.Errorf("a name has %d bytes; it must have 1 to %d", len(name), maxKey)
		}
		for _, c := range name {
			if c == '$' || c == '.' || c == ' ' || c < 0x20 || c >= 0x7f && c < 0xa0 {
				return fmt.Errorf("name %q holds %q", name, c)
			}
		}
		switch x.Kind() {
		case doc.KindString:
			if len(x.Text()) > maxValue {
				return fmt.Errorf("value of %q has %d bytes; the limit is %d", name, len(x.Text()), maxValue)
			}
		case doc.KindObject:
			if err := checkPatch(x, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// report merges a device's patch into its reported properties.
func (h *Hub) report(now sim.Time, dev uint32, m *sim.Message, out *sim.Outbox) {
	h.count.Reports++
	d := *h.devices.At(int(dev))
	status, code, text := int32(204), 0, ""
	patch, err := doc.Parse(m.Body)
	var merged doc.Value
	switch {
	case err != nil:
		status, code, text = 400, 400006, "the patch is not JSON: "+err.Error()
	case patch.Kind() != doc.KindObject:
		status, code, text = 400, 400004, "the patch is not an object"
	case m.ID != 0 && m.ID != d.ReportedVersion:
		status, code, text = 412, 412001, "the version is not the present one"
	default:
		if err := checkPatch(patch, 1); err != nil {
			status, code, text = 400, 400004, err.Error()
			break
		}
		merged = doc.Merge(d.Reported, patch, now)
		if n := doc.Size(merged); n > maxSection && n > doc.Size(d.Reported) {
			status, code, text = 413, 413001, fmt.Sprintf("reported properties have %d bytes; the limit is %d", n, maxSection)
		}
	}
	answer := sim.Message{Kind: sim.TwinAnswer, Device: m.Device, Conn: m.Conn, Name: m.Name, Status: status, Due: now}
	if status != 204 {
		answer.Body = h.twinError(now, code, text)
		h.sendTwin(dev, answer, out)
		return
	}
	d = h.mut(dev, out)
	d.Reported, d.LastActivity = merged, now
	d.ReportedVersion++
	d.TwinVersion++
	answer.ID = d.ReportedVersion
	h.sendTwin(dev, answer, out)
	if dm := patch.Get("dm"); dm.Kind() == doc.KindObject {
		d.Managed = true
		h.jobs.Reported(now, dev, dm, out)
	}
}

// sendTwin answers a twin request if the device asked for such answers.
func (h *Hub) sendTwin(dev uint32, m sim.Message, out *sim.Outbox) {
	if h.sessions[dev].features&sim.FeatureTwin != 0 {
		out.Send = append(out.Send, m)
	}
}

// twinError is the body of a refused twin request. [IoT Hub, MQTT: twin
// response body, as devices see it]
func (h *Hub) twinError(now sim.Time, code int, text string) []byte {
	b := []byte(`{"errorCode":`)
	b = strconv.AppendInt(b, int64(code), 10)
	b = append(b, `,"trackingId":"`...)
	b = append(b, fmt.Sprintf("%016x%016x", h.rand.Uint64(), h.rand.Uint64())...)
	b = append(b, `","message":`...)
	b = doc.String(text).AppendJSON(b)
	b = append(b, `,"timestampUtc":"`...)
	b = append(b, h.cfg.Epoch.Text(now)...)
	return append(b, `"}`...)
}

func (h *Hub) getTwin(now sim.Time, dev uint32, m *sim.Message, out *sim.Outbox) {
	h.count.TwinReads++
	d := *h.devices.At(int(dev))
	b := []byte(`{"desired":`)
	b = appendVersioned(b, d.Desired, d.DesiredVersion)
	b = append(b, `,"reported":`...)
	b = appendVersioned(b, d.Reported, d.ReportedVersion)
	b = append(b, '}')
	h.sendTwin(dev, sim.Message{Kind: sim.TwinAnswer, Device: m.Device, Conn: m.Conn, Name: m.Name, Status: 200, Body: b, Due: now}, out)
}

// appendVersioned appends an object with $version as its last member.
func appendVersioned(b []byte, v doc.Value, version uint64) []byte {
	if v.Len() == 0 {
		b = append(b, '{')
	} else {
		b = v.AppendJSON(b)
		b[len(b)-1] = ','
	}
	b = append(b, `"$version":`...)
	b = strconv.AppendUint(b, version, 10)
	return append(b, '}')
}

// patchTwin merges an operator's patch and tells the device of what is
// desired.
func (h *Hub) patchTwin(now sim.Time, c PatchTwin, out *sim.Outbox) (Reply, error) {
	n, err := h.find(c.ID)
	if err != nil {
		return Reply{}, err
	}
	d := *h.devices.At(int(n))
	if c.Etag != "" && c.Etag != "*" && c.Etag != strconv.FormatUint(d.TwinEtag, 10) {
		return Reply{}, &Error{CodePrecondition, "the twin's etag is " + strconv.FormatUint(d.TwinEtag, 10)}
	}
	if err := h.desire(now, n, c.Tags, c.Desired, out); err != nil {
		return Reply{}, err
	}
	return Reply{Device: h.handOut(n, out)}, nil
}

// desire merges patches into a twin's tags and desired properties and tells
// the device of what is desired.
func (h *Hub) desire(now sim.Time, n uint32, tagsPatch, desiredPatch doc.Value, out *sim.Outbox) error {
	d := *h.devices.At(int(n))
	tags, err := patched("tags", d.Tags, tagsPatch, maxTags, now)
	if err != nil {
		return err
	}
	desired, err := patched("desired", d.Desired, desiredPatch, maxSection, now)
	if err != nil {
		return err
	}
	said := desiredPatch
	if said.IsNull() { // the device is told of every member that vanished
		said = doc.Object()
		for name := range d.Desired.Members() {
			said = said.With(name, doc.Null(), now)
		}
	}
	silent := desiredPatch.Len() == 0 && !desiredPatch.IsNull() || doc.Equal(doc.Merge(doc.Value{}, said, now), doc.Object()) && doc.Equal(d.Desired, desired)
	if !tagsPatch.IsAbsent() {
		h.tag(d.ID, d.Tags, n, false)
		h.tag(d.ID, tags, n, true)
	}
	d = h.mut(n, out)
	d.Tags, d.Desired = tags, desired
	d.TwinVersion++
	d.TwinEtag++
	if !tagsPatch.IsAbsent() {
		h.changed(now, n, out)
	}
	if desiredPatch.IsAbsent() {
		return nil
	}
	d.DesiredVersion++
	if s := &h.sessions[n]; s.open && s.features&sim.FeatureDesired != 0 && !silent {
		out.Send = append(out.Send, sim.Message{Kind: sim.Desired, Device: d.ID, Conn: s.conn, ID: d.DesiredVersion,
			Body: appendVersioned(nil, said, d.DesiredVersion), Due: now})
	}
	return nil
}

// patched merges a patch into a section: absent leaves it alone, null clears
// it.
func patched(section string, v, patch doc.Value, limit int, now sim.Time) (doc.Value, error) {
	switch patch.Kind() {
	case doc.KindAbsent:
		return v, nil
	case doc.KindNull:
		return doc.Object(), nil
	case doc.KindObject:
	default:
		return v, &Error{CodeInvalid, section + " is not an object"}
	}
	if err := checkPatch(patch, 1); err != nil {
		return v, &Error{CodeInvalid, section + ": " + err.Error()}
	}
	merged := doc.Merge(v, patch, now)
	if n := doc.Size(merged); n > limit && n > doc.Size(v) {
		return v, &Error{CodeTooLarge, fmt.Sprintf("%s has %d bytes; the limit is %d", section, n, limit)}
	}
	return merged, nil
}
