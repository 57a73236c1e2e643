// Package virtual is the stage in virtual time: a thin layer over sim/world
// that speaks the words of package scenarios. It reads no clock; weeks pass as
// fast as the machine steps.
package virtual

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/pack"
	"github.com/flotilla-sim/flotilla/sim/world"
)

// Stage is a run in virtual time. It implements scenarios.Stage.
type Stage struct {
	world  *world.World
	seed   uint64
	course fault.Course
	base   map[int]fault.Conditions // what is wrong with a device through the whole run; none: nothing
}

// New returns a stage at instant 0.
func New(cfg world.Config) *Stage {
	return &Stage{world: world.New(cfg), seed: cfg.Seed, base: map[int]fault.Conditions{}}
}

// World is the world behind the stage, for its digest and counts.
func (s *Stage) World() *world.World { return s.world }

// Now is the present instant.
func (s *Stage) Now() sim.Time { return s.world.Now() }

// slice is how much virtual time passes before the context is asked again.
const slice = sim.Time(10_000_000_000)

// Advance lets time go on until to, or until a ticket has settled.
func (s *Stage) Advance(ctx context.Context, to sim.Time) ([]scenarios.Settled, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := s.weather(); err != nil {
			return nil, err
		}
		settled := s.world.Advance(min(to, s.world.Now()+slice, s.course.Deadline()))
		if len(settled) > 0 {
			list := make([]scenarios.Settled, len(settled))
			for i, x := range settled {
				list[i] = scenarios.Settled(x)
			}
			return list, nil
		}
		if s.world.Now() >= to {
			return nil, s.weather()
		}
	}
}

// weather has begin and end what is due.
func (s *Stage) weather() (err error) {
	if s.course.Deadline() > s.world.Now() {
		return nil
	}
	s.course.Step(s.world.Now(), func(n uint64, cut bool) {
		if n >= uint64(s.world.Devices()) || err != nil {
			return // it is not there yet
		}
		c := s.course.At(n, s.base[int(n)])
		c.Link.Cut = cut
		err = s.world.Afflict(int(n), c)
	}, s.world.Befall)
	return err
}

// Befall has faults come at their times.
func (s *Stage) Befall(_ context.Context, spells []fault.Spell) error {
	for _, x := range spells {
		if x.Conditions.Client != (fault.Client{}) {
			return fmt.Errorf("fault %s: it lies in a client and its socket, which virtual time does not have", x.Name)
		}
		s.course.Add(x)
	}
	return s.weather()
}

// Relieve ends the faults of a name.
func (s *Stage) Relieve(_ context.Context, name string) error {
	s.course.Clear(s.world.Now(), name)
	return s.weather()
}

// Publish puts a package on the world's package server.
func (s *Stage) Publish(p pack.Package) (string, error) { return s.world.Publish(p), nil }

// Add registers a group's devices, with keys drawn from the seed, and starts
// them.
func (s *Stage) Add(ctx context.Context, g scenarios.Group) error {
	for i := range g.Count {
		if i%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		m, number := g.Member(i), g.First+uint64(i)
		key := s.key(number)
		_, err := s.world.Do(hub.Register{ID: m.ID, PrimaryKey: key, Labels: m.Labels, Tags: m.Tags, Service: m.Service})
		if err != nil {
			return err
		}
		if m.Fault != (fault.Conditions{}) {
			s.base[s.world.Devices()] = m.Fault
		}
		err = s.world.Add(device.Config{
			ID: m.ID, Number: number, Key: key, Profile: m.Profile, FirmwareVersion: m.FirmwareVersion, Values: m.Values, Starts: m.Starts,
		}, s.course.At(number, m.Fault))
		if err != nil {
			return fmt.Errorf("device %s: %w", m.ID, err)
		}
	}
	return nil
}

// key draws a device's key: a secret of this run only.
func (s *Stage) key(number uint64) []byte {
	r := sim.NewRand(s.seed, sim.ActorKey+number)
	key := make([]byte, 0, 32)
	for range 4 {
		key = binary.LittleEndian.AppendUint64(key, r.Uint64())
	}
	return key
}

// Hub is the control plane.
func (s *Stage) Hub() scenarios.Hub { return control{s.world} }

type control struct{ w *world.World }

func (c control) Do(_ context.Context, cmd hub.Command) (hub.Reply, error) { return c.w.Do(cmd) }
