package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"runtime/metrics"
	"time"

	"github.com/flotilla-sim/flotilla/harness/hubd"
	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/harness/live"
	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// The choices of a live run.
var (
	transports = []string{"mem", "tcp"}
	clients    = map[string]mqtt.Connector{"paho": mqtt.ConnectPaho, "lean": mqtt.ConnectLean}
)

// packageHost is where packages are, whatever the transport.
const packageHost = "packages.flotilla.test"

// openLive makes the bundled hub with its package server, and the stage that
// plays devices against it.
func openLive(plan *scenarios.Plan, f *runFlags, observe func([]sim.Observation)) (*stage, error) {
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
			Dial: func(ctx context.Context, id sim.DeviceID) (live.Conn, error) { return dialer.Dial(ctx, id) },
			Hub:  server, Settled: func() []scenarios.Settled { return settled(server.Settled()) }, Ready: server.Ready(),
			HTTP: net.http, Publish: net.packages.Publish, Afflict: net.packages.Afflict,
		},
		Now: clock.Now, Epoch: clock.Epoch(), Seed: plan.Seed, Host: hub.DefaultHost, Observe: observe,
	})
	if err != nil {
		return nil, errors.Join(err, net.packages.Close(ctx), server.Close(ctx))
	}
	return &stage{
		Stage: devices, kind: record.Live, epoch: clock.Epoch(), memory: memory, tick: 200 * time.Millisecond,
		finish: func(s *record.Summary) error {
			s.Transport, s.DeviceClient = f.transport, f.client
			p := net.packages.Counters()
			s.Packages = record.Packages{Downloads: int64(p.Downloads), Refused: int64(p.Status[4] + p.Status[5]), BytesServed: int64(p.BytesServed)}
			g := devices.Generator()
			s.Generator = record.Generator{
				LagP50: int64(g.WakeLag.P50), LagP99: int64(g.WakeLag.P99), LagMax: int64(g.WakeLag.Max),
				Sent: int64(g.SendWait.Count), Dropped: int64(g.TelemetryDropped + g.LinksOverrun),
				HubQueue: int64(server.Counters().MailboxHigh), DeviceQueue: int64(g.MailboxHigh), DownloadWait: int64(g.DownloadWait.Max),
			}
			s.Memory.PeakBytes = memory()
			return nil
		},
		close: func(ctx context.Context) error {
			err := devices.Close(ctx)
			net.http.CloseIdleConnections()
			return errors.Join(err, net.packages.Close(ctx), server.Close(ctx))
		},
	}, nil
}

func settled(list []hubd.Settled) []scenarios.Settled {
	out := make([]scenarios.Settled, len(list))
	for i, s := range list {
		out[i] = scenarios.Settled(s)
	}
	return out
}

// network is how devices reach the hub and the packages.
type network struct {
	link     func(context.Context) (net.Conn, error)
	packages *hubd.Packages
	http     *http.Transport
}

// openNetwork listens for devices and downloads on in-memory links or on TCP
// ports of 127.0.0.1. Packages have the same URIs on both.
func openNetwork(ctx context.Context, transport string, server *hubd.Server) (*network, error) {
	n := &network{packages: hubd.NewPackages("http://" + packageHost)}
	var packages func(context.Context) (net.Conn, error)
	if transport == "mem" {
		hub, store := mqtt.NewMemListener("hub", 0), mqtt.NewMemListener("packages", 0)
		if err := server.Listen(hub); err != nil {
			return nil, err
		}
		n.packages.Listen(store)
		n.link, packages = hub.Dial, store.Dial
	} else {
		hub, err := server.ListenTCP(ctx, "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		store, err := mqtt.Listen(ctx, "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		n.packages.Listen(store)
		n.link, packages = mqtt.TCP{Addr: hub.String()}.Dial, mqtt.TCP{Addr: store.Addr().String()}.Dial
	}
	var other net.Dialer
	n.http = &http.Transport{MaxIdleConnsPerHost: live.DefaultDownloads, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if host, _, _ := net.SplitHostPort(addr); host == packageHost {
			return packages(ctx)
		}
		return other.DialContext(ctx, network, addr)
	}}
	return n, nil
}

// memory is what the process has of the system, in bytes.
func memory() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64()) - int64(s[1].Value.Uint64())
}
