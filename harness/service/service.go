package service

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/flotilla-sim/flotilla/harness/hubd"
	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/harness/live"
	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// Config says what to put up. The zero value listens nowhere.
type Config struct {
	// Hosts are the names the hub answers to, in tokens and in certificates;
	// none: localhost. The first is the one in connection strings. The loopback
	// addresses and localhost are always in the certificate.
	Hosts []string

	// HTTPS are the addresses for REST over TLS in order of preference: the
	// first that can be had is taken, Service.Passed says why not those before.
	HTTPS []Address
	// HTTP, MQTTS and MQTT are the addresses of the others; "": not listened on.
	HTTP, MQTTS, MQTT Address
	// Packages is the address of the package server; "": any port of 127.0.0.1,
	// from when a package is published.
	Packages Address

	// Data is the folder that keeps the authority and the policies, made if it
	// is not there; "": one for this run alone, removed by Close.
	Data string

	Strict bool         // a job id in use is refused with 412, an ETag is asked for
	Log    *slog.Logger // nil: nothing is logged

	Connections int // to REST, and as many to MQTT; 0: half of what the process may have open

	header, request time.Duration // tests shorten the bounds of a request's head, and of its body
}

// The times of Close.
const (
	grace   = time.Second     // for requests under way to be answered as they would be
	closing = 2 * time.Second // after which what is left is cut
)

// Service is a hub that is up. Its methods may be called from anywhere.
type Service struct {
	Ready  iothub.Ready // how to use it; not to be changed
	Passed []string     // why HTTPS addresses were not taken, in words
	Hub    *hubd.Server

	cfg       Config
	clock     live.Clock
	authority *hubd.Authority
	temporary string // folder to remove
	gate      *gate
	web       *http.Server
	serving   sync.WaitGroup
	quit      chan struct{} // closed: nobody drains tickets any more
	inner     *mqtt.MemListener
	packages  *hubd.Packages
	fleets    []*live.Stage
	transport *http.Transport // of the fleets
	once      sync.Once
	err       error
}

// Start puts a hub up. ctx bounds the start alone.
func Start(ctx context.Context, cfg Config) (s *Service, err error) {
	if len(cfg.Hosts) == 0 {
		cfg.Hosts = []string{"localhost"}
	}
	for _, h := range cfg.Hosts {
		if err := checkHost(h); err != nil {
			return nil, err
		}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Connections <= 0 {
		cfg.Connections = share()
	}
	s = &Service{
		cfg: cfg, clock: live.StartClock(), quit: make(chan struct{}),
		gate: &gate{most: cfg.Connections},
	}
	defer func() {
		if err != nil {
			late, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
			defer cancel()
			s.Close(late)
			s = nil
		}
	}()
	dir, err := s.folder()
	if err != nil {
		return s, err
	}
	if s.authority, err = hubd.OpenAuthority(dir, cfg.Hosts...); err != nil {
		return s, err
	}
	policies, err := openPolicies(dir)
	if err != nil {
		return s, err
	}
	var seed [8]byte
	rand.Read(seed[:])
	s.Hub, err = hubd.New(hubd.Config{
		Hub: hub.New(hub.Config{
			Hosts: cfg.Hosts, Epoch: s.clock.Epoch(), Seed: binary.LittleEndian.Uint64(seed[:]), StrictJobs: cfg.Strict,
		}),
		Now: s.clock.Now, Hosts: cfg.Hosts,
	})
	if err != nil {
		return s, err
	}
	s.serving.Go(s.drain)
	s.Ready = iothub.Ready{Hosts: cfg.Hosts, CAFile: filepath.Join(dir, hubd.AuthorityFile), Data: dir}
	if err := s.listen(ctx, policies); err != nil {
		return s, err
	}
	s.tell(policies)
	return s, nil
}

// checkHost holds a name against what can stand in a connection string and in
// a certificate.
func checkHost(h string) error {
	if h == "" || len(h) > 253 || strings.ContainsAny(h, ":/;= \t\n") {
		return fmt.Errorf("host %q: write a name such as hub.example.test, without scheme, port or blanks", h)
	}
	return nil
}

// folder makes the folder of the run, or opens the one that was given.
func (s *Service) folder() (string, error) {
	if s.cfg.Data == "" {
		dir, err := os.MkdirTemp("", "flotilla-serve-") // mode 0700
		s.temporary = dir
		return dir, err
	}
	dir, err := filepath.Abs(s.cfg.Data)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o022 != 0 && runtime.GOOS != "windows" {
		s.cfg.Log.Warn("others may write to the data folder, and so put their keys there", "folder", dir, "mode", info.Mode().String())
	}
	return dir, nil
}

// listen opens the doors.
func (s *Service) listen(ctx context.Context, policies []iothub.Policy) error {
	handler, err := iothub.NewHandler(iothub.HandlerConfig{
		Hub: s.Hub, Hosts: s.cfg.Hosts, Policies: policies, Strict: s.cfg.Strict, Epoch: s.clock.Epoch(), Log: s.cfg.Log,
	})
	if err != nil {
		return err
	}
	s.web = iothub.NewServer(handler, s.cfg.Connections)
	if s.cfg.header > 0 {
		s.web.ReadHeaderTimeout, s.web.ReadTimeout = s.cfg.header, s.cfg.request
	}
	for i, a := range s.cfg.HTTPS {
		list, err := a.listen(ctx)
		if err != nil {
			if i == len(s.cfg.HTTPS)-1 {
				return fmt.Errorf("REST over HTTPS on %s: %w", a, err)
			}
			s.Passed = append(s.Passed, fmt.Sprintf("%s: %s", a, refusal(err)))
			continue
		}
		s.Ready.HTTPS = reach(list[0])
		s.rest(list, true)
		break
	}
	if a := s.cfg.HTTP; a != "" {
		list, err := a.listen(ctx)
		if err != nil {
			return fmt.Errorf("REST over HTTP on %s: %w", a, err)
		}
		s.Ready.HTTP = reach(list[0])
		s.rest(list, false)
	}
	for _, x := range []struct {
		what  string
		addr  Address
		tls   bool
		ready *string
	}{{"MQTT over TLS", s.cfg.MQTTS, true, &s.Ready.MQTTS}, {"MQTT", s.cfg.MQTT, false, &s.Ready.MQTT}} {
		if x.addr == "" {
			continue
		}
		list, err := x.addr.listen(ctx)
		if err != nil {
			return fmt.Errorf("%s on %s: %w", x.what, x.addr, err)
		}
		*x.ready = reach(list[0])
		for _, l := range list {
			l = s.gate.over(l)
			if x.tls {
				l = tls.NewListener(l, s.authority.Server())
			}
			if err := s.Hub.Listen(l); err != nil {
				return err
			}
		}
	}
	s.inner = mqtt.NewMemListener("hub", 0)
	return s.Hub.Listen(s.inner)
}

// rest serves REST on listeners: HTTP/1.1 alone, as the hub of 2016 did.
func (s *Service) rest(list []net.Listener, secure bool) {
	for _, l := range list {
		if secure {
			cfg := s.authority.Server()
			cfg.NextProtos = []string{"http/1.1"}
			cfg.ClientAuth = tls.NoClientCert // a browser would ask its user for one
			l = tls.NewListener(l, cfg)
		}
		s.serving.Go(func() {
			if err := s.web.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
				s.cfg.Log.Error("listener ended", "address", l.Addr().String(), "error", err)
			}
		})
	}
}

// tell fills in the connection strings. The SDKs of 2016 know no port: where
// it is 443 there is none.
func (s *Service) tell(policies []iothub.Policy) {
	host := s.cfg.Hosts[0]
	if _, port, err := net.SplitHostPort(s.Ready.HTTPS); err == nil && port != "443" {
		host = net.JoinHostPort(host, port)
	}
	s.Ready.Policies = make(map[string]string, len(policies))
	for _, p := range policies {
		s.Ready.Policies[p.Name] = iothub.ConnectionString{Host: host, Policy: p.Name, Key: p.Primary}.Text()
	}
	s.Ready.ConnectionString = s.Ready.Policies[ownerPolicy]
}

// drain reads the answers of tickets, which nobody waits for: a job over REST
// is asked about, not waited for.
func (s *Service) drain() {
	for {
		select {
		case <-s.Hub.Ready():
			s.Hub.Settled()
		case <-s.quit:
			return
		}
	}
}

// Pool returns the hub's authority as the only one to trust.
func (s *Service) Pool() *x509.CertPool { return s.authority.Pool() }

// Exposed are the addresses that other machines may reach.
func (s *Service) Exposed() (list []string) {
	all := append(slices.Clone(s.cfg.HTTPS), s.cfg.HTTP, s.cfg.MQTTS, s.cfg.MQTT)
	if s.packages != nil && len(s.Ready.Packages) > 0 {
		all = append(all, s.cfg.Packages)
	}
	for _, a := range all {
		if a != "" && a.outside() {
			list = append(list, string(a))
		}
	}
	return list
}

// Close ends the service: its devices say goodbye, requests under way are
// answered, all else is closed. When ctx ends first, or closing has passed,
// what is left is cut. It returns when nothing runs any more.
func (s *Service) Close(ctx context.Context) error {
	s.once.Do(func() { s.err = s.close(ctx) })
	return s.err
}

func (s *Service) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, grace+closing)
	defer cancel()
	var errs []error
	leaving, done := context.WithTimeout(ctx, closing)
	for _, f := range s.fleets {
		f.Close(leaving) // late ones are cut
	}
	done()
	var web sync.WaitGroup
	if s.web != nil {
		web.Go(func() {
			if s.web.Shutdown(ctx) != nil {
				s.web.Close()
			}
		})
		answered := make(chan struct{})
		go func() { web.Wait(); close(answered) }()
		patience := time.NewTimer(grace)
		select {
		case <-answered:
		case <-patience.C: // what waits for a device, say: the hub answers it 503
		case <-ctx.Done():
		}
		patience.Stop()
	}
	if s.packages != nil {
		s.packages.Close(ctx)
	}
	if s.Hub != nil {
		errs = append(errs, s.Hub.Close(context.WithoutCancel(ctx)))
	}
	web.Wait()
	close(s.quit)
	s.serving.Wait()
	if s.transport != nil {
		s.transport.CloseIdleConnections()
	}
	if s.temporary != "" {
		errs = append(errs, os.RemoveAll(s.temporary))
	}
	return errors.Join(errs...)
}
