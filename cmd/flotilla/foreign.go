package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/harness/hubd"
	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/harness/live"
	"github.com/flotilla-sim/flotilla/harness/machine"
	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// openForeign makes the stage that plays devices against a hub of which there
// is nothing but its address: devices over MQTT, jobs over REST, packages from
// a server of the run's own.
func openForeign(run context.Context, plan *scenarios.Plan, f *runFlags, observe func([]sim.Observation)) (*stage, error) {
	if slices.ContainsFunc(plan.Spells, func(x fault.Spell) bool { return x.Scope == fault.OnHub }) {
		return nil, errors.New("the scenario has faults of the hub, which only the bundled one plays; leave out --hub")
	}
	for _, step := range plan.Steps {
		if step.Verb != "wait" && step.Verb != "cancel" {
			return nil, fmt.Errorf("the scenario cannot be played against another hub: %s: the REST interface of 2016 has no word for %s: %w", step.Where, step.Verb, errors.ErrUnsupported)
		}
	}
	for i := range plan.Jobs { // before anything is begun
		spec := plan.Spec(&plan.Jobs[i], "http://package")
		if _, err := iothub.Parameters(&spec); err != nil {
			return nil, fmt.Errorf("the scenario cannot be played against another hub: %w", err)
		}
	}
	warnings, err := machine.Look().Admit("tls", f.client, plan.Devices)
	if err != nil {
		return nil, err
	}
	addr, err := f.foreign.address()
	if err != nil {
		return nil, err
	}
	service, err := addr.Service("flotilla/" + version())
	if err != nil {
		return nil, err
	}
	service.Retries = 5
	link, err := addr.Link()
	if err != nil {
		return nil, err
	}
	clock := live.StartClock()
	plane, err := iothub.NewPlane(iothub.PlaneConfig{Service: service, Now: clock.Now, Epoch: clock.Epoch(), Observe: observe})
	if err != nil {
		return nil, err
	}
	if err := reachable(run, plane, plan, addr.String()); err != nil {
		plane.Close()
		return nil, err
	}
	listener, err := mqtt.Listen(run, "127.0.0.1:0")
	if err != nil {
		plane.Close()
		return nil, err
	}
	packages := hubd.NewPackages("http://" + listener.Addr().String())
	packages.Listen(listener)
	downloads := &http.Transport{MaxIdleConnsPerHost: live.DefaultDownloads}
	dialer := &iothub.Dialer{Link: link, Connect: clients[f.client], Agent: "flotilla/" + version()}
	devices, err := live.New(live.Config{
		Target: live.Target{
			Dial:     func(ctx context.Context, id sim.DeviceID) (live.Conn, error) { return dialer.Dial(ctx, id) },
			DialOver: over(dialer),
			Hub:      plane, Settled: func() []scenarios.Settled { return settled(plane.Settled()) }, Ready: plane.Ready(),
			HTTP: packages.Over(downloads), Publish: packages.Publish, Afflict: packages.Afflict,
		},
		Now: clock.Now, Epoch: clock.Epoch(), Seed: plan.Seed, Host: service.Connection.Name(), Observe: observe,
	})
	if err != nil {
		plane.Close()
		return nil, errors.Join(err, packages.Close(run))
	}
	fleet := &fleet{plan, devices, packages, live.TuneCollector(plan.Devices), warnings}
	judged, waived := plan.Without(untold)
	return &stage{
		Stage: devices, kind: record.Live, epoch: clock.Epoch(), tick: 200 * time.Millisecond, judged: judged,
		warm: fleet.warm,
		finish: func(s *record.Summary) error {
			s.Transport, s.DeviceClient = "tls", f.client
			if addr.MQTTS == "" {
				s.Transport = "tcp"
			}
			fleet.finish(run, s)
			if len(waived) > 0 {
				var list []string
				for _, e := range waived {
					list = append(list, e.Text)
				}
				s.Warnings = append(s.Warnings, fmt.Sprintf("not judged, because the hub at %s does not tell: %s", addr.String(), strings.Join(list, "; ")))
			}
			return nil
		},
		close: func(ctx context.Context) error {
			defer fleet.collector.Restore()
			err := devices.Close(ctx)
			downloads.CloseIdleConnections()
			patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second+time.Duration(plan.Devices)*10*time.Millisecond)
			defer cancel()
			tidy := plane.CleanUp(patience)
			if tidy != nil {
				tidy = fmt.Errorf("devices of this run may be left on the hub: %w", tidy)
			}
			plane.Close()
			return errors.Join(err, tidy, packages.Close(ctx))
		},
	}, nil
}

// reachable asks the hub for a device, so that an address, a key or a
// certificate that is wrong is said before anything begins.
func reachable(ctx context.Context, plane *iothub.Plane, plan *scenarios.Plan, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if len(plan.Groups) == 0 {
		return nil
	}
	_, err := plane.Do(ctx, hub.GetDevice{ID: plan.Groups[0].Member(0).ID})
	if e, ok := errors.AsType[*hub.Error](err); err == nil || ok && e.Code == hub.CodeNotFound {
		return nil
	}
	if _, ok := errors.AsType[*iothub.Unreachable](err); ok {
		return err
	}
	return fmt.Errorf("hub %s: %w", addr, err)
}

// untold says whether a hub that is only asked over REST cannot tell what an
// expectation is about: its own counters, and the latencies it measures itself.
func untold(path string) bool {
	return strings.HasPrefix(path, "hub.") || strings.HasPrefix(path, "memory.") || strings.HasPrefix(path, "metric."+sim.Metrics[sim.MetricMethodRoundTrip].Name+".")
}
