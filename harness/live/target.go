package live

import (
	"context"
	"net"
	"net/http"

	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

// Target is what a fleet is played against. Only Dial is needed; what else is
// nil cannot be done with this target, and says so.
type Target struct {
	// Dial opens a link for a device. It may wait, with its context.
	Dial func(context.Context, sim.DeviceID) (Conn, error)

	// DialOver is Dial for a device whose client misbehaves in its socket, or
	// whose link goes wrong: over gets the open link and returns what the client
	// shall use instead. beats: the client is to have its keep-alive on every
	// link, for nothing else tells it that this one is silent.
	DialOver func(ctx context.Context, id sim.DeviceID, over func(net.Conn) net.Conn, beats bool) (Conn, error)

	// Hub is the control plane. Devices are registered through it when they
	// are added; a target without one must know its devices' keys.
	Hub scenarios.Hub
	// Settled gives the tickets of Hub that have settled since it was last
	// called, in order, without waiting. Ready receives after some have.
	Settled func() []scenarios.Settled
	Ready   <-chan struct{}

	// Befall has something happen to the hub: see fault.Course.
	Befall func(fault.Hub)

	// HTTP carries the devices' downloads; nil is http.DefaultTransport.
	HTTP http.RoundTripper
	// Publish puts a package on the package server.
	Publish func(pack.Package) (uri string, err error)
	// Afflict tells the package server how a device's downloads go wrong.
	Afflict func(sim.DeviceID, fault.Download) error
}

// Conn is one connection of a device to its hub.
type Conn interface {
	// Send says m. It may wait for the socket, but not for ever: a few
	// seconds. It is called from one goroutine at a time. A Close with
	// ReasonReboot cuts the link without a word; any other Close says goodbye
	// first. After an error and after a Close the connection is of no use.
	Send(sim.Message) error
	// Receive waits for what the hub says next; its error says that the
	// connection has ended. It is called from one goroutine.
	Receive() (sim.Message, error)
	// Close cuts the link without a word. It does not wait and may be called
	// at any time from anywhere; Send and Receive then return soon.
	Close() error
}

// Pusher is what a Conn may offer beside, so that what comes in needs neither a
// goroutine nor a queue of its own: Push, called before Connect is sent, has it
// given to take, in order, in place of Receive. take may wait until ended
// closes; with ended nil it does not. lost is called once, when the connection
// has ended. Neither calls the connection, and lost does not wait.
type Pusher interface {
	Push(take func(m sim.Message, ended <-chan struct{}), lost func())
}

// Waiter is what a Conn may offer beside: Wait returns when every goroutine
// of a closed connection has ended.
type Waiter interface{ Wait() }
