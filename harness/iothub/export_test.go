package iothub

import "github.com/flotilla-sim/flotilla/sim/hub"

// AsDevice is a device as the handler writes it.
func AsDevice(h *Handler, d *hub.Device) *Device { return h.asDevice(d) }
