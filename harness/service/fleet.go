package service

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/flotilla-sim/flotilla/harness/hubd"
	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/harness/live"
	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

// Play registers a scenario's devices and starts them, and publishes its
// packages; jobs and steps are left to whoever uses the hub. The devices are
// in this process and reach the hub over links in memory: MQTT without a
// socket. Ready then names them and the packages. It is called before the
// service is used, from the goroutine that started it.
func (s *Service) Play(ctx context.Context, plan *scenarios.Plan) error {
	if err := s.openPackages(ctx, len(plan.Packages) > 0); err != nil {
		return err
	}
	dialer := &iothub.Dialer{Link: s.inner.Dial, Connect: mqtt.ConnectLean, Agent: "flotilla", NoKeepAlive: true}
	stage, err := live.New(live.Config{
		Target: live.Target{
			Dial: func(ctx context.Context, id sim.DeviceID) (live.Conn, error) { return dialer.Dial(ctx, id) },
			DialOver: func(ctx context.Context, id sim.DeviceID, over func(net.Conn) net.Conn, beats bool) (live.Conn, error) {
				return dialer.DialOver(ctx, id, over, beats)
			},
			Hub: s.Hub, Befall: s.Hub.Befall, HTTP: s.packages.Over(s.transport), Publish: s.packages.Publish, Afflict: s.packages.Afflict,
		},
		Now: s.clock.Now, Epoch: s.clock.Epoch(), Seed: plan.Seed, Host: s.cfg.Hosts[0],
	})
	if err != nil {
		return err
	}
	s.fleets = append(s.fleets, stage)
	if err := stage.Befall(ctx, plan.Spells); err != nil {
		return fmt.Errorf("scenario %s: %w", plan.Name, err)
	}
	if s.Ready.Packages == nil {
		s.Ready.Packages = map[string]string{}
	}
	for _, p := range plan.Packages {
		uri, err := stage.Publish(pack.New(p))
		if err != nil {
			return fmt.Errorf("scenario %s: %w", plan.Name, err)
		}
		s.Ready.Packages[p.Name] = uri
	}
	if s.Ready.Devices == nil {
		s.Ready.Devices = map[string]string{}
	}
	for _, g := range plan.Groups {
		if err := stage.Add(ctx, g); err != nil {
			var known *hub.Error
			if errors.As(err, &known) && known.Code == hub.CodeExists {
				return fmt.Errorf("scenario %s: %w: another scenario's, or another group's", plan.Name, err)
			}
			return fmt.Errorf("scenario %s: %w", plan.Name, err)
		}
		for i := range g.Count {
			id := g.Member(i).ID
			reply, err := s.Hub.Do(ctx, hub.GetDevice{ID: id})
			if err != nil {
				return fmt.Errorf("scenario %s: device %s: %w", plan.Name, id, err)
			}
			s.Ready.Devices[string(id)] = iothub.ConnectionString{Host: s.cfg.Hosts[0], Device: id, Key: reply.Device.PrimaryKey}.Text()
		}
	}
	return nil
}

// openPackages starts the package server, on a port if something is to be
// found there.
func (s *Service) openPackages(ctx context.Context, wanted bool) error {
	if s.packages != nil {
		return nil
	}
	s.transport = &http.Transport{MaxIdleConnsPerHost: live.DefaultDownloads}
	if !wanted {
		s.packages = hubd.NewPackages("")
		return nil
	}
	a := s.cfg.Packages
	if a == "" {
		a = "127.0.0.1:0"
	}
	list, err := a.listen(ctx)
	if err != nil {
		return fmt.Errorf("package server on %s: %w", a, err)
	}
	s.packages = hubd.NewPackages("http://" + reach(list[0]))
	for _, l := range list {
		s.packages.Listen(l)
	}
	return nil
}
