package hub

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// The limits of an identity and of what the preview keeps beside it. [IoT Hub:
// "Understand the identity registry", device identity properties; the labels'
// and service properties' are ours, as a twin's tags have them]
const (
	minKey, maxKeyBytes = 16, 64
	maxReason           = 128 // characters
	maxLabels           = 100
	maxLabel            = 128 // bytes
)

// checkEtag holds the etag a caller knows against the present one.
func checkEtag(what, said string, is uint64) error {
	if said == "" || said == "*" || said == strconv.FormatUint(is, 10) {
		return nil
	}
	return &Error{CodePrecondition, fmt.Sprintf("the etag of the %s is another one; read it again", what)}
}

// checkSecrets holds keys and thumbprints against the hub's rules; a missing
// second key is as the first.
func checkSecrets(id sim.DeviceID, primary []byte, secondary *[]byte, t Thumbprints, reason string) error {
	if *secondary == nil {
		*secondary = primary
	}
	if (primary != nil || *secondary != nil) && t != (Thumbprints{}) {
		return &Error{CodeInvalid, fmt.Sprintf("device %q: keys and thumbprints exclude each other", id)}
	}
	if primary != nil || *secondary != nil {
		for _, k := range [][]byte{primary, *secondary} {
			if len(k) < minKey || len(k) > maxKeyBytes {
				return &Error{CodeInvalid, fmt.Sprintf("device %q: a key has %d bytes; it must have %d to %d", id, len(k), minKey, maxKeyBytes)}
			}
		}
	}
	for _, s := range []string{t.Primary, t.Secondary} {
		if s != "" && !isThumbprint(s) {
			return &Error{CodeInvalid, fmt.Sprintf("device %q: thumbprint %.50q is not 40 hexadecimal digits", id, s)}
		}
	}
	if len([]rune(reason)) > maxReason {
		return &Error{CodeInvalid, fmt.Sprintf("device %q: the status reason has %d characters; the limit is %d", id, len([]rune(reason)), maxReason)}
	}
	return nil
}

func isThumbprint(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return len(s) == 40
}

// checkLabels holds labels against our limits.
func checkLabels(id sim.DeviceID, labels []string) error {
	if len(labels) > maxLabels {
		return &Error{CodeInvalid, fmt.Sprintf("device %q: %d labels; the limit is %d", id, len(labels), maxLabels)}
	}
	for _, l := range labels {
		if l == "" || len(l) > maxLabel {
			return &Error{CodeInvalid, fmt.Sprintf("device %q: a label has %d bytes; it must have 1 to %d", id, len(l), maxLabel)}
		}
		if strings.Contains(l, "\x00") {
			return &Error{CodeInvalid, fmt.Sprintf("device %q: label %q holds a zero byte", id, l)}
		}
	}
	return nil
}

func (h *Hub) updateIdentity(now sim.Time, c UpdateIdentity, out *sim.Outbox) (Reply, error) {
	n, err := h.find(c.ID)
	if err != nil {
		return Reply{}, err
	}
	if err := checkEtag("identity", c.Etag, (*h.devices.At(int(n))).Etag); err != nil {
		return Reply{}, err
	}
	if err := checkSecrets(c.ID, c.PrimaryKey, &c.SecondaryKey, c.Thumbprints, c.StatusReason); err != nil {
		return Reply{}, err
	}
	d := h.mut(n, out)
	switch {
	case c.PrimaryKey != nil:
		d.PrimaryKey, d.SecondaryKey, d.Thumbprints = c.PrimaryKey, c.SecondaryKey, Thumbprints{}
	case c.Thumbprints != (Thumbprints{}):
		d.PrimaryKey, d.SecondaryKey, d.Thumbprints = nil, nil, c.Thumbprints
	}
	d.StatusReason = c.StatusReason
	return h.setStatus(now, SetStatus{c.ID, c.Disabled}, out)
}

func (h *Hub) replaceService(now sim.Time, c ReplaceService, out *sim.Outbox) (Reply, error) {
	n, err := h.find(c.ID)
	if err != nil {
		return Reply{}, err
	}
	d := *h.devices.At(int(n))
	if err := checkEtag("service properties", c.Etag, d.ServiceEtag); err != nil {
		return Reply{}, err
	}
	if err := checkLabels(c.ID, c.Labels); err != nil {
		return Reply{}, err
	}
	if k := c.Properties.Kind(); k != doc.KindAbsent && k != doc.KindObject {
		return Reply{}, &Error{CodeInvalid, fmt.Sprintf("device %q: the service properties are not an object", c.ID)}
	}
	if size := doc.Size(c.Properties); size > maxSection {
		return Reply{}, &Error{CodeTooLarge, fmt.Sprintf("device %q: the service properties have %d bytes; the limit is %d", c.ID, size, maxSection)}
	}
	return h.keep(now, n, c.Properties, c.Labels, out), nil
}

func (h *Hub) setLabels(now sim.Time, c SetLabels, out *sim.Outbox) (Reply, error) {
	n, err := h.find(c.ID)
	if err != nil {
		return Reply{}, err
	}
	if err := checkLabels(c.ID, c.Labels); err != nil {
		return Reply{}, err
	}
	return h.keep(now, n, (*h.devices.At(int(n))).Service, c.Labels, out), nil
}

// keep writes what the service keeps of a device; continuous jobs look again.
func (h *Hub) keep(now sim.Time, n uint32, service doc.Value, labels []string, out *sim.Outbox) Reply {
	d := h.mut(n, out)
	h.label(d.ID, d.Labels, n, false)
	h.label(d.ID, labels, n, true)
	d.Service, d.Labels = service, labels
	d.ServiceEtag++
	h.changed(now, n, out)
	return Reply{Device: h.handOut(n, out)}
}
