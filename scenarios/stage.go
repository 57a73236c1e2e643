package scenarios

import (
	"context"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

// Stage is what a scenario is played on: the virtual world, the bundled hub
// with real connections, or later a foreign hub. It is used from one
// goroutine.
type Stage interface {
	// Now is the present instant of the run.
	Now() sim.Time
	// Advance lets time go on until to, or returns early after an instant
	// that settled a ticket. It returns ctx's error when ctx ends first.
	Advance(ctx context.Context, to sim.Time) ([]Settled, error)
	// Publish puts a package on the stage's package server.
	Publish(pack.Package) (uri string, err error)
	// Add registers a group's devices and starts them.
	Add(context.Context, Group) error
	// Befall has faults come at their times, over devices by their numbers in
	// the run and over the hub. It may be called before there are devices.
	Befall(context.Context, []fault.Spell) error
	// Relieve ends the faults of a name that Befall brought, begun or not; ""
	// all of them.
	Relieve(ctx context.Context, name string) error
	// Hub is the control plane.
	Hub() Hub
}

// Hub runs a command. errors.ErrUnsupported says that the dialect cannot
// express it; a *hub.Error is the hub's own answer.
type Hub interface {
	Do(context.Context, hub.Command) (hub.Reply, error)
}

// Settled is the late answer to a command whose Reply had a Ticket.
type Settled struct {
	Ticket uint64
	Reply  hub.Reply
	Err    error
}

// Group is a group of devices as the stage gets it. Members are made one by
// one, so that a million of them need no list.
type Group struct {
	Name   string
	First  uint64 // number of its first device in the run
	Count  int
	Member func(i int) Member // 0 to Count-1
}

// Member is one device of a group.
type Member struct {
	ID              sim.DeviceID
	Profile         *device.Profile
	FirmwareVersion string
	Values          []doc.Member
	Labels          []string
	Tags            doc.Value
	Service         doc.Value
	Fault           fault.Conditions // through the whole run
	Rough           bool             // its link may go wrong beside that, at a time
	Starts          sim.Time         // when its turn to connect comes; its profile's start counts from then
}
