package main

import (
	"bufio"
	"context"
	"os"

	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/harness/virtual"
	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/world"
)

// openVirtual makes the stage in virtual time.
func openVirtual(_ context.Context, plan *scenarios.Plan, f *runFlags, observe func([]sim.Observation)) (*stage, error) {
	cfg := world.Config{Seed: plan.Seed, Epoch: plan.Epoch, Observe: observe}
	var file *os.File
	var trace *bufio.Writer
	if f.trace != "" {
		var err error
		if file, err = os.Create(f.trace); err != nil {
			return nil, err
		}
		trace = bufio.NewWriterSize(file, 1<<20)
		cfg.Trace = func(b []byte) { trace.Write(b) } // its error shows at Flush
	}
	s := virtual.New(cfg)
	return &stage{
		Stage: s, kind: record.Virtual, epoch: plan.Epoch,
		finish: func(sum *record.Summary) error {
			sum.Digest = s.World().Digest()
			if sum.Hub != nil {
				c := s.World().Links()
				sum.Hub["lost"], sum.Hub["silent"], sum.Hub["slowConsumers"], sum.Hub["turnedAway"] = int64(c.Lost), int64(c.Silent), int64(c.SlowConsumers), int64(c.TurnedAway)
			}
			n := s.World().Server()
			sum.Packages = record.Packages{Downloads: int64(n.Downloads + n.Cut), Refused: int64(n.Refused), BytesServed: int64(n.BytesServed)}
			if trace == nil {
				return nil
			}
			if err := trace.Flush(); err != nil {
				return err
			}
			return file.Close()
		},
		close: func(context.Context) error { return nil },
	}, nil
}
