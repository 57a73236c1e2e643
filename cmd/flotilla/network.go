package main

import (
	"context"
	"net"
	"net/http"

	"github.com/flotilla-sim/flotilla/harness/hubd"
	"github.com/flotilla-sim/flotilla/harness/live"
	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// packageHost is where packages are, whatever the transport.
const packageHost = "packages.flotilla.test"

// network is how devices reach the hub and the packages.
type network struct {
	link     func(context.Context) (net.Conn, error)
	packages *hubd.Packages
	http     *http.Transport
}

// openNetwork listens for devices and downloads: on in-memory links, or on
// ports of 127.0.0.1, the hub's with TLS over it if so asked. Packages have
// the same URIs on all of them, and go without TLS: their bytes are checked by
// their hash, and TLS would only make the package server a part of what is
// measured. Devices close their sockets by RST, so that none of them waits in
// TIME_WAIT for a port that the next connection needs.
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
		link, err := openHub(ctx, transport, server)
		if err != nil {
			return nil, err
		}
		store, err := mqtt.Listen(ctx, "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		n.packages.Listen(store)
		n.link, packages = link, mqtt.TCP{Addr: store.Addr().String(), Reset: true}.Dial
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

// openHub has the hub listen on a port, and returns how devices dial it.
func openHub(ctx context.Context, transport string, server *hubd.Server) (func(context.Context) (net.Conn, error), error) {
	if transport == "tcp" {
		addr, err := server.ListenTCP(ctx, "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		return mqtt.TCP{Addr: addr.String(), Reset: true}.Dial, nil
	}
	authority, err := hubd.NewAuthority(hub.DefaultHost)
	if err != nil {
		return nil, err
	}
	addr, err := server.ListenTLS(ctx, "127.0.0.1:0", authority.Server())
	if err != nil {
		return nil, err
	}
	return mqtt.TLS{TCP: mqtt.TCP{Addr: addr.String(), Reset: true}, Config: authority.Client(hub.DefaultHost)}.Dial, nil
}
