package hub

import (
	"fmt"
	"slices"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
)

// maxGroups is how many device groups there may be. [Azure IoT Central:
// "Quotas and limits"]
const maxGroups = 500

// group is a device group.
type group struct {
	Group
	filter
}

// findGroup returns a group's place in the list, sorted by id.
func (h *Hub) findGroup(id string) (i int, ok bool) {
	return slices.BinarySearchFunc(h.groups, id, func(g group, id string) int { return strings.Compare(g.ID, id) })
}

// Check says what is wrong with a group, whatever the hub.
func (c PutGroup) Check() error {
	_, err := c.compile()
	return err
}

// compile reads a group's filter.
func (c PutGroup) compile() (filter, error) {
	if err := checkName("group", c.ID); err != nil {
		return filter{}, err
	}
	f, err := compile(c.Filter)
	if err != nil {
		return filter{}, &Error{CodeInvalid, fmt.Sprintf("group %q: filter: %v", c.ID, err)}
	}
	return f, nil
}

func (h *Hub) putGroup(c PutGroup) (Reply, error) {
	f, err := c.compile()
	if err != nil {
		return Reply{}, err
	}
	g := group{Group(c), f}
	i, ok := h.findGroup(c.ID)
	switch {
	case ok:
		h.groups[i] = g
	case len(h.groups) >= maxGroups:
		return Reply{}, &Error{CodeTooMany, fmt.Sprintf("there are %d device groups; that is the limit", maxGroups)}
	default:
		h.groups = slices.Insert(h.groups, i, g)
	}
	return Reply{Groups: []Group{g.Group}}, nil
}

func (h *Hub) deleteGroup(id string) (Reply, error) {
	i, ok := h.findGroup(id)
	if !ok {
		return Reply{}, &Error{CodeGroupNotFound, fmt.Sprintf("no device group %q", id)}
	}
	h.groups = slices.Delete(h.groups, i, i+1)
	return Reply{}, nil
}

func (h *Hub) listGroups() Reply {
	r := Reply{Groups: make([]Group, len(h.groups))}
	for i, g := range h.groups {
		r.Groups[i] = g.Group
	}
	return r
}

// Count returns how many devices of a view a filter selects: what a group has
// at present. It is a pure function of the view, for whoever asks.
func Count(v View, filter string) (n int, err error) {
	f, err := compile(filter)
	if err != nil {
		return 0, &Error{CodeInvalid, "filter: " + err.Error()}
	}
	some := v.candidates(f.by, "")
	for i := range some.Len() {
		if _, number := some.At(i); f.match(v.Device(int(number))) {
			n++
		}
	}
	return n, nil
}

// checkName holds an id of a group or schedule against its rule. [Azure IoT
// Central REST: "Device Groups", "Scheduled Jobs", ids]
func checkName(what, id string) error {
	if id == "" || len(id) > 255 {
		return &Error{CodeInvalid, fmt.Sprintf("%s id has %d characters; it must have 1 to 255", what, len(id))}
	}
	for _, c := range id {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-') {
			return &Error{CodeInvalid, fmt.Sprintf("%s id %q holds %q; allowed are letters, digits, _ and -", what, id, c)}
		}
	}
	return nil
}

// Gather is a slice of the evaluation of a group: see job.Fleet.
func (f fleet) Gather(id string, after sim.DeviceID, limit int, take func(sim.DeviceID, uint32)) (last sim.DeviceID, looked int, done bool, err error) {
	h := f.h
	i, ok := h.findGroup(id)
	if !ok {
		return "", 0, false, fmt.Errorf("device group %q is not there", id)
	}
	g := &h.groups[i]
	rest := h.candidates(g.by, after)
	last = after
	for ; looked < rest.Len() && looked < limit; looked++ {
		_, n := rest.At(looked)
		d := *h.devices.At(int(n))
		last = d.ID
		if g.match(d) {
			take(d.ID, n)
		}
	}
	return last, looked, looked == rest.Len(), nil
}

// changed looks whether a device belongs to the group of a continuous job
// since it was registered or its tags or labels changed.
func (h *Hub) changed(now sim.Time, n uint32, out *sim.Outbox) {
	d := *h.devices.At(int(n))
	h.jobs.Continuous(func(number uint32, id string) {
		if i, ok := h.findGroup(id); ok && h.groups[i].match(d) {
			h.jobs.Join(now, number, d.ID, n, out)
		}
	})
}
