package iothub

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/flotilla-sim/flotilla/harness/mqtt"
)

// Address is where a hub's surfaces are and what opens them: from a
// connection string, or from the ready file of a served hub.
type Address struct {
	Connection ConnectionString // of a policy
	HTTPS      string           // host:port; "" with a hub that serves plain HTTP alone
	HTTP       string
	MQTTS      string // host:port; "" with a hub that serves plain MQTT alone
	MQTT       string
	CAFile     string // PEM; "": the system's authorities
}

// The ports where nothing else is said.
const (
	portHTTPS = "443"
	portMQTTS = "8883"
)

// FindHub reads where a hub is: a policy's connection string, or else the name
// of a file as `flotilla serve --ready-file` writes it.
func FindHub(where string) (Address, error) {
	var a Address
	where = strings.TrimSpace(where)
	if where == "" {
		return a, errors.New("the hub is not named; give its connection string or the ready file of `flotilla serve`")
	}
	text, file := where, ""
	if !strings.Contains(where, ";") && !strings.HasPrefix(strings.ToLower(where), "hostname=") {
		r, err := ReadReady(where)
		if err != nil {
			return a, fmt.Errorf("hub %.80q is neither a connection string nor a ready file: %w", where, err)
		}
		text, file = r.ConnectionString, where
		a = Address{HTTPS: r.HTTPS, HTTP: r.HTTP, MQTTS: r.MQTTS, MQTT: r.MQTT, CAFile: r.CAFile}
	}
	c, err := ParseConnectionString(text)
	switch {
	case err != nil && file != "":
		return a, fmt.Errorf("ready file %s: %w", file, err)
	case err != nil:
		return a, err
	case c.Policy == "":
		return a, fmt.Errorf("the connection string is device %s's; one of a policy is needed, with SharedAccessKeyName", c.Device)
	}
	a.Connection = c
	if file == "" {
		port := c.Port()
		if port == "" {
			port = portHTTPS
		}
		a.HTTPS, a.MQTTS = net.JoinHostPort(c.Name(), port), net.JoinHostPort(c.Name(), portMQTTS)
	}
	return a, nil
}

// Override puts other ports and another CA file over what was found; 0 and ""
// leave them.
func (a *Address) Override(https, mqtts int, ca string) error {
	for _, o := range []struct {
		name string
		port int
		addr *string
		not  *string
	}{{"HTTPS", https, &a.HTTPS, &a.HTTP}, {"MQTTS", mqtts, &a.MQTTS, &a.MQTT}} {
		if o.port == 0 {
			continue
		}
		if o.port < 1 || o.port > 65535 {
			return fmt.Errorf("the %s port must be 1 to 65535, is %d", o.name, o.port)
		}
		host, _, err := net.SplitHostPort(*o.addr)
		if err != nil {
			host = a.Connection.Name()
		}
		*o.addr, *o.not = net.JoinHostPort(host, strconv.Itoa(o.port)), ""
	}
	if ca != "" {
		a.CAFile = ca
	}
	return nil
}

// Service returns what clients of the service are made of.
func (a *Address) Service(agent string) (Service, error) {
	s := Service{Connection: a.Connection, Addr: a.HTTPS, Agent: agent}
	if a.HTTPS == "" {
		if a.HTTP == "" {
			return s, errors.New("the hub serves neither HTTPS nor HTTP")
		}
		s.Addr, s.Plain = a.HTTP, true
		return s, nil
	}
	var err error
	s.Roots, err = a.roots()
	return s, err
}

// Link returns how devices open a link to the hub: MQTT over TLS, or plain
// where the hub has nothing else.
func (a *Address) Link() (func(context.Context) (net.Conn, error), error) {
	if a.MQTTS == "" {
		if a.MQTT == "" {
			return nil, errors.New("the hub serves neither MQTT over TLS nor MQTT")
		}
		return mqtt.TCP{Addr: a.MQTT, Reset: true}.Dial, nil
	}
	roots, err := a.roots()
	if err != nil {
		return nil, err
	}
	return mqtt.TLS{TCP: mqtt.TCP{Addr: a.MQTTS, Reset: true}, Config: &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: a.Connection.Name(), RootCAs: roots,
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256}, // as device stacks offer
	}}.Dial, nil
}

// roots reads the CA file; nil is the system's authorities.
func (a *Address) roots() (*x509.CertPool, error) {
	if a.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(a.CAFile)
	if err != nil {
		return nil, fmt.Errorf("CA file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("CA file %s holds no certificate in PEM", a.CAFile)
	}
	return pool, nil
}

// String names the hub, without a key.
func (a *Address) String() string {
	if a.HTTPS == "" {
		return "http://" + a.HTTP
	}
	return "https://" + a.HTTPS
}
