package hubd

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/harness/mqtt"
)

// TestAuthority: devices trust their run's authority, for the hub's name, and
// nothing else; the hub speaks TLS 1.2 or later, asks for a certificate and
// does without. [Azure IoT Hub: "Transport Layer Security (TLS) support in IoT
// Hub"]
func TestAuthority(t *testing.T) {
	ours, err := NewAuthority(host)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewAuthority(host)
	if err != nil {
		t.Fatal(err)
	}
	h := open(t)
	defer h.close()
	addr, err := h.ListenTLS(t.Context(), "127.0.0.1:0", ours.Server())
	if err != nil {
		t.Fatal(err)
	}
	if !addr.(*net.TCPAddr).IP.IsLoopback() {
		t.Errorf("listens on %s", addr)
	}
	dial := func(change func(*tls.Config)) error {
		cfg := ours.Client(host)
		change(cfg)
		c, err := mqtt.TLS{TCP: mqtt.TCP{Addr: addr.String(), Reset: true}, Config: cfg}.Dial(t.Context())
		if err == nil {
			if v := c.(*tls.Conn).ConnectionState().Version; v < tls.VersionTLS12 {
				t.Errorf("version %#x", v)
			}
			c.Close()
		}
		return err
	}
	asked := false
	for _, x := range []struct {
		name   string
		change func(*tls.Config)
		want   string // of the error
	}{
		{"as it is", func(*tls.Config) {}, ""},
		{"TLS 1.2", func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, ""},
		{"TLS 1.1", func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS11, tls.VersionTLS11 }, "protocol version"},
		{"by address", func(c *tls.Config) { c.ServerName = "127.0.0.1" }, ""},
		{"localhost", func(c *tls.Config) { c.ServerName = "localhost" }, ""},
		{"another name", func(c *tls.Config) { c.ServerName = "elsewhere.test" }, "elsewhere.test"},
		{"another authority", func(c *tls.Config) { c.RootCAs = other.Client(host).RootCAs }, "unknown authority"},
		{"the system's authorities", func(c *tls.Config) { c.RootCAs = x509.NewCertPool() }, "unknown authority"},
		{"asked for a certificate", func(c *tls.Config) {
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				asked = true
				return new(tls.Certificate), nil
			}
		}, ""},
	} {
		err := dial(x.change)
		if x.want == "" && err != nil || x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)) {
			t.Errorf("%s: %v; want %q", x.name, err, x.want)
		}
	}
	if !asked {
		t.Error("no certificate was asked for")
	}
}

// TestMuteHandshake: who connects to the TLS port and says nothing is closed
// like any other, after the time to CONNECT, and one who says something else
// than TLS at once.
func TestMuteHandshake(t *testing.T) {
	a, err := NewAuthority(host)
	if err != nil {
		t.Fatal(err)
	}
	h := openWith(t, func(c *Config) { c.ConnectTimeout = 1 })
	defer h.close()
	addr, err := h.ListenTLS(t.Context(), "127.0.0.1:0", a.Server())
	if err != nil {
		t.Fatal(err)
	}
	link := mqtt.TCP{Addr: addr.String(), Reset: true}.Dial
	for _, said := range []string{"", "\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"} {
		c, err := link(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.Write([]byte(said))
		for buf := make([]byte, 100); ; { // an alert may come
			if _, err := c.Read(buf); err != nil {
				if errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
				break
			}
		}
		c.Close()
	}
}
