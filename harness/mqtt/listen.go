package mqtt

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"
)

// Listen listens on a TCP address of the loopback interface, such as
// "127.0.0.1:1883" or "localhost:0"; "localhost" is 127.0.0.1. Any other host,
// none included, is refused: a load-test hub with its test keys is not for the
// network.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("listen: %q is not a loopback address; use 127.0.0.1:%s, or allow other hosts on purpose", addr, port)
	}
	return ListenAnywhere(ctx, net.JoinHostPort(host, port))
}

// ListenAnywhere listens on a TCP address that may be reached from other
// machines: only for somebody who asked for that.
func ListenAnywhere(ctx context.Context, addr string) (net.Listener, error) {
	lc := net.ListenConfig{KeepAlive: -1} // MQTT has its own
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

// TCP dials a hub's TCP address.
type TCP struct {
	Addr    string        // host:port
	Timeout time.Duration // 10 s if 0

	// Reset closes with RST instead of FIN (SO_LINGER 0), so that no socket stays
	// in TIME_WAIT. A fleet that reconnects by the thousand runs out of ports
	// otherwise. What is written but not yet sent is lost at Close.
	Reset bool
}

// Dial connects, with TCP_NODELAY set. It fits Options.Dial.
func (t TCP) Dial(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: t.patience(), KeepAlive: -1}
	c, err := d.DialContext(ctx, "tcp", t.Addr)
	if err != nil {
		return nil, err
	}
	if s, ok := c.(*net.TCPConn); ok {
		err = s.SetNoDelay(true)
		if err == nil && t.Reset {
			err = s.SetLinger(0)
		}
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (t TCP) patience() time.Duration {
	if t.Timeout <= 0 {
		return 10 * time.Second
	}
	return t.Timeout
}

// TLS dials a hub's TLS address: a TCP connection, and the handshake over it.
type TLS struct {
	TCP
	Config *tls.Config // with the name to verify in ServerName; shared by all connections
}

// Dial connects and shakes hands. It fits Options.Dial.
func (t TLS) Dial(ctx context.Context) (net.Conn, error) {
	link, err := t.TCP.Dial(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, t.TCP.patience())
	defer cancel()
	c := tls.Client(link, t.Config)
	if err := c.HandshakeContext(ctx); err != nil {
		link.Close()
		return nil, fmt.Errorf("tls: %w", err)
	}
	return c, nil
}
