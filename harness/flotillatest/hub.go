// Package flotillatest gives tests a hub: the bundled one, in the test's own
// process or, by package container below, in a container. A test of a program
// that manages devices through Azure IoT Hub's device management of 2016
// points the program at the hub's connection string; a test of a device's
// program registers a device and points it at the device's.
//
//	func TestRollout(t *testing.T) {
//		hub := flotillatest.Start(t, flotillatest.Fleet("six-devices"))
//		myprogram.Rollout(hub.ConnectionString, hub.TLS())
//	}
//
// Each hub has ports, an authority and keys of its own, so that tests may run
// side by side. It is closed by the test's Cleanup; its devices and jobs end
// with it.
package flotillatest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/harness/service"
	"github.com/flotilla-sim/flotilla/scenarios"
)

// Hub is a hub that can be used: its addresses and connection strings are
// those of Ready. The SDKs of 2016 know no port in a connection string and
// always use 443; others are given the ones here.
type Hub struct {
	iothub.Ready

	// File is Ready as a file, for programs: `flotilla jobs list --hub FILE`.
	// It goes with the test.
	File string

	t   testing.TB
	pem []byte
}

// Option is something that Start does otherwise.
type Option func(*options)

type options struct {
	service.Config
	fleet string
	sets  []string
}

// Hosts are the names that the hub answers to, instead of localhost.
func Hosts(names ...string) Option { return func(o *options) { o.Hosts = names } }

// Plain has the hub serve HTTP and MQTT without TLS, too.
func Plain() Option {
	return func(o *options) { o.HTTP, o.MQTT = anyPort, anyPort }
}

// Strict has the hub refuse a job id that is in use with 412.
func Strict() Option { return func(o *options) { o.Config.Strict = true } }

// Fleet starts the devices of a scenario, of the library or a file, in the
// test's process, and publishes its packages: Ready.Devices and Ready.Packages.
// Settings go over its values, as `groups.six.flash=10ms`.
func Fleet(scenario string, settings ...string) Option {
	return func(o *options) { o.fleet, o.sets = scenario, settings }
}

// Log has the hub log its requests to w.
func Log(w io.Writer) Option {
	return func(o *options) {
		o.Config.Log = slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
}

const anyPort = service.Address("127.0.0.1:0")

// Start starts a hub in this process, on free ports of the loopback interface.
// What goes wrong ends the test.
func Start(t testing.TB, opts ...Option) *Hub {
	t.Helper()
	o := options{Config: service.Config{HTTPS: []service.Address{anyPort}, MQTTS: anyPort, Data: t.TempDir()}}
	for _, f := range opts {
		f(&o)
	}
	var plan *scenarios.Plan
	if o.fleet != "" {
		src, err := scenarios.Open(o.fleet)
		if err == nil {
			plan, err = scenarios.Load(src, o.sets)
		}
		if err != nil {
			t.Fatalf("flotillatest: fleet: %v", err)
		}
	}
	s, err := service.Start(t.Context(), o.Config)
	if err != nil {
		t.Fatalf("flotillatest: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("flotillatest: closing the hub: %v", err)
		}
	})
	if plan != nil {
		if err := s.Play(t.Context(), plan); err != nil {
			t.Fatalf("flotillatest: %v", err)
		}
	}
	pem, err := os.ReadFile(s.Ready.CAFile)
	if err != nil {
		t.Fatalf("flotillatest: %v", err)
	}
	return Attach(t, s.Ready, pem)
}

// Attach makes a Hub of one that is up already: how to use it, and the
// certificate of its authority (PEM), which is written to a file of the test's.
func Attach(t testing.TB, r iothub.Ready, pem []byte) *Hub {
	t.Helper()
	dir := t.TempDir()
	h := &Hub{Ready: r, File: filepath.Join(dir, "hub.json"), t: t, pem: pem}
	h.CAFile = filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(h.CAFile, pem, 0o600); err != nil {
		t.Fatalf("flotillatest: %v", err)
	}
	if err := iothub.WriteReady(h.File, h.Ready); err != nil {
		t.Fatalf("flotillatest: %v", err)
	}
	return h
}

// Pool is the hub's authority as the only one to trust.
func (h *Hub) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(h.pem) {
		h.t.Fatal("flotillatest: the hub's authority is no certificate in PEM")
	}
	return pool
}

// TLS is what clients dial the hub with, for HTTPS and MQTT alike.
func (h *Hub) TLS() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, ServerName: h.Hosts[0], RootCAs: h.Pool()}
}

// Service is what clients of the hub's REST interface are made of:
// iothub.NewRegistry(hub.Service()).
func (h *Hub) Service() iothub.Service {
	c, err := iothub.ParseConnectionString(h.ConnectionString)
	if err != nil {
		h.t.Fatalf("flotillatest: %v", err)
	}
	return iothub.Service{Connection: c, Addr: h.HTTPS, Roots: h.Pool(), Agent: "flotillatest"}
}

// Registry is a client of the hub's device registry.
func (h *Hub) Registry() *iothub.Registry {
	r, err := iothub.NewRegistry(h.Service())
	if err != nil {
		h.t.Fatalf("flotillatest: %v", err)
	}
	h.t.Cleanup(r.Close)
	return r
}

// Jobs is a client of the hub's jobs.
func (h *Hub) Jobs() *iothub.JobClient {
	j, err := iothub.NewJobClient(h.Service())
	if err != nil {
		h.t.Fatalf("flotillatest: %v", err)
	}
	h.t.Cleanup(j.Close)
	return j
}

// Register creates a device with keys of its own and returns its connection
// string. It ends the test when the hub refuses.
func (h *Hub) Register(id string) string {
	h.t.Helper()
	r := h.Registry()
	d, err := r.Create(h.t.Context(), iothub.Device{DeviceID: id})
	if err != nil {
		h.t.Fatalf("flotillatest: device %s: %v", id, err)
	}
	c, err := r.ConnectionString(d, false)
	if err != nil {
		h.t.Fatalf("flotillatest: device %s: %v", id, err)
	}
	if host, _, err := net.SplitHostPort(c.Host); err == nil {
		c.Host = host // the port there is that of HTTPS; a device's is MQTTS
	}
	return c.Text()
}
