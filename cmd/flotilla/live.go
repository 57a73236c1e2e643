package main

import (
	"context"
	"errors"
	"net"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/flotilla-sim/flotilla/harness/hubd"
	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/harness/live"
	"github.com/flotilla-sim/flotilla/harness/machine"
	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// The choices of a live run.
var (
	transports = []string{"mem", "tcp", "tls"}
	clients    = map[string]mqtt.Connector{"paho": mqtt.ConnectPaho, "lean": mqtt.ConnectLean}
)

// openLive makes the bundled hub with its package server, and the stage that
// plays devices against it.
func openLive(run context.Context, plan *scenarios.Plan, f *runFlags, observe func([]sim.Observation)) (*stage, error) {
	warnings, err := machine.Look().Admit(f.transport, f.client, plan.Devices)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	clock := live.StartClock()
	server, err := hubd.New(hubd.Config{
		Hub: hub.New(hub.Config{Seed: plan.Seed, Epoch: clock.Epoch()}), Now: clock.Now, Observe: observe,
	})
	if err != nil {
		return nil, err
	}
	net, err := openNetwork(ctx, f.transport, server)
	if err != nil {
		return nil, errors.Join(err, server.Close(ctx))
	}
	dialer := &iothub.Dialer{
		Link: net.link, Connect: clients[f.client], Agent: "flotilla/" + version(), NoKeepAlive: f.transport == "mem",
	}
	devices, err := live.New(live.Config{
		Target: live.Target{
			Dial:     func(ctx context.Context, id sim.DeviceID) (live.Conn, error) { return dialer.Dial(ctx, id) },
			DialOver: over(dialer),
			Hub:      server, Settled: func() []scenarios.Settled { return settled(server.Settled()) }, Ready: server.Ready(),
			Befall: server.Befall,
			HTTP:   net.packages.Over(net.http), Publish: net.packages.Publish, Afflict: net.packages.Afflict,
		},
		Now: clock.Now, Epoch: clock.Epoch(), Seed: plan.Seed, Host: hub.DefaultHost, Observe: observe,
	})
	if err != nil {
		return nil, errors.Join(err, net.packages.Close(ctx), server.Close(ctx))
	}
	fleet := &fleet{plan, devices, net.packages, live.TuneCollector(plan.Devices), warnings}
	return &stage{
		Stage: devices, kind: record.Live, epoch: clock.Epoch(), tick: 200 * time.Millisecond,
		memory: func() int64 {
			runtime.GC()
			return inUse()
		},
		warm: fleet.warm,
		finish: func(s *record.Summary) error {
			s.Transport, s.DeviceClient = f.transport, f.client
			fleet.finish(run, s)
			c := server.Counters()
			countServer(s, c)
			s.Generator.HubQueue = int64(c.MailboxHigh)
			return nil
		},
		close: func(ctx context.Context) error {
			defer fleet.collector.Restore()
			err := devices.Close(ctx)
			net.http.CloseIdleConnections()
			return errors.Join(err, net.packages.Close(ctx), server.Close(ctx))
		},
	}, nil
}

// fleet is what live devices have in common, whatever hub they are on: the
// stage that plays them, the server of their packages, and how the process
// fares meanwhile.
type fleet struct {
	plan      *scenarios.Plan
	devices   *live.Stage
	packages  *hubd.Packages
	collector *live.Collector
	warnings  []string
}

// warm ends the warm-up: measurements of the process begin.
func (f *fleet) warm() {
	f.collector.Begin()
	f.devices.Warm()
}

// finish ends the devices and sums up.
func (f *fleet) finish(run context.Context, s *record.Summary) {
	s.Warnings = append(s.Warnings, f.warnings...)
	s.Memory.PeakBytes = memory()
	cycles, pause := f.collector.Window()
	closing, cancel := context.WithTimeout(context.Background(), farewell(run))
	defer cancel()
	f.devices.Close(closing) // what was planned has been sent or dropped now; links that took too long were cut
	p := f.packages.Counters()
	s.Packages = record.Packages{Downloads: int64(p.Downloads), Refused: int64(p.Status[4] + p.Status[5]), BytesServed: int64(p.BytesServed)}
	s.Generator = generator(f.devices)
	s.Generator.GCCycles, s.Generator.GCPause = cycles, int64(pause)
	s.VoidReason = f.devices.Generator().Doubt(f.plan.MaxLag, len(f.plan.Faults) > 0)
}

// generator is how the stage's own machinery fared.
func generator(devices *live.Stage) record.Generator {
	g := devices.Generator()
	return record.Generator{
		LagP50: int64(g.WakeLag.P50), LagP99: int64(g.WakeLag.P99), LagMax: int64(g.WakeLag.Max),
		Planned: int64(g.Planned), Sent: int64(g.Sent), Dropped: int64(g.Dropped),
		DeviceQueue: int64(g.MailboxHigh), DownloadWait: int64(g.DownloadWait.Max),
	}
}

// farewell is how long devices may take to say goodbye: a run that was
// interrupted is to be over soon.
func farewell(run context.Context) time.Duration {
	if run.Err() != nil {
		return time.Second
	}
	return 10 * time.Second
}

// over is how devices dial whose links are wrapped.
func over(dialer *iothub.Dialer) func(context.Context, sim.DeviceID, func(net.Conn) net.Conn, bool) (live.Conn, error) {
	return func(ctx context.Context, id sim.DeviceID, wrap func(net.Conn) net.Conn, beats bool) (live.Conn, error) {
		return dialer.DialOver(ctx, id, wrap, beats)
	}
}

// countServer adds what the server counts of connections to what the hub
// counts.
func countServer(s *record.Summary, c hubd.Counters) {
	if s.Hub == nil {
		return // the hub did not say
	}
	for name, n := range map[string]uint64{
		"slowConsumers": c.SlowConsumers, "silent": c.Silent, "flooding": c.Flooding, "protocol": c.Protocol, "lost": c.Lost,
		"turnedAway": c.TurnedAway,
	} {
		s.Hub[name] = int64(n)
	}
}

// settled are the late answers of a hub as a stage tells them.
func settled[T hubd.Settled | iothub.Settled](list []T) []scenarios.Settled {
	out := make([]scenarios.Settled, len(list))
	for i, s := range list {
		out[i] = scenarios.Settled(s)
	}
	return out
}

// inUse is what the process holds of the system and uses, in bytes: without
// what the collector has freed and keeps for what comes next.
func inUse() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}
	metrics.Read(s)
	return memory() - int64(s[0].Value.Uint64()) - int64(s[1].Value.Uint64())
}

// memory is what the process has of the system, in bytes.
func memory() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64()) - int64(s[1].Value.Uint64())
}
