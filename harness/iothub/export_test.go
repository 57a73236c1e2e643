package iothub

import (
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/query"
)

// AsDevice is a device as the handler writes it.
func AsDevice(h *Handler, d *hub.Device) *Device { return h.asDevice(d, d.LastActivity) }

// Rows are what the handler's queries look at.
func Rows(h *Handler, v hub.View) (devices, jobs query.Source) {
	return newDeviceSource(h, v), newJobSource(h, v.Jobs)
}
