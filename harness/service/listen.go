package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"github.com/flotilla-sim/flotilla/harness/mqtt"
)

// Address is where to listen: host:port, port 0 for any. The host is an
// address or `localhost`, which is 127.0.0.1 and, where the machine has it,
// ::1: clients try either first.
type Address string

// outside says whether other machines can reach it.
func (a Address) outside() bool {
	host, _, _ := net.SplitHostPort(string(a))
	ip := net.ParseIP(host)
	return host != "localhost" && (ip == nil || !ip.IsLoopback())
}

// Check says what is wrong with how an address is written.
func (a Address) Check() error {
	host, _, err := net.SplitHostPort(string(a))
	switch {
	case err != nil:
		return fmt.Errorf("address %q: write HOST:PORT, such as localhost:8443 or 127.0.0.1:0", string(a))
	case host == "":
		return fmt.Errorf("address %q names no host: write 127.0.0.1%s for this machine alone, or 0.0.0.0%s for all that can reach it", string(a), a, a)
	case host != "localhost" && net.ParseIP(host) == nil:
		return fmt.Errorf("address %q: %q is not an IP address nor localhost; names the hub answers to are a matter of --host", string(a), host)
	}
	return nil
}

// listen listens on an address. The first of the listeners is the one to
// tell of.
func (a Address) listen(ctx context.Context) ([]net.Listener, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(string(a))
	if host != "localhost" {
		l, err := mqtt.ListenAnywhere(ctx, string(a))
		if err != nil {
			return nil, err
		}
		return []net.Listener{l}, nil
	}
	l, err := mqtt.Listen(ctx, net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, err
	}
	list := []net.Listener{l}
	_, port, _ = net.SplitHostPort(l.Addr().String())
	if six, err := mqtt.Listen(ctx, net.JoinHostPort("::1", port)); err == nil {
		list = append(list, six)
	}
	return list, nil
}

// reach is the address at which this machine reaches a listener.
func reach(l net.Listener) string {
	addr := l.Addr().(*net.TCPAddr)
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, fmt.Sprint(addr.Port))
}

// refusal says why an address could not be had, in words.
func refusal(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "the system does not let this user listen there"
	case errors.Is(err, syscall.EADDRINUSE):
		return "something else listens there already"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "this machine has no such address"
	}
	text := err.Error()
	return text[strings.LastIndex(text, ": ")+1:]
}
