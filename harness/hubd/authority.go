package hubd

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Authority is a private certificate authority with one certificate, the
// hub's. Both are made anew for each run and live in memory alone: there is no
// key to keep, and nobody else's trust to abuse.
type Authority struct {
	root *x509.Certificate
	leaf tls.Certificate
}

// certificateLife is how long an authority's certificates hold: longer than
// any run.
const certificateLife = 30 * 24 * time.Hour

// NewAuthority makes an authority and a certificate for a hub of these names,
// for localhost and for the loopback addresses.
func NewAuthority(hosts ...string) (*Authority, error) {
	now := time.Now()
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Flotilla, one run's authority"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	root, err := sign(ca, ca, rootKey, rootKey)
	if err != nil {
		return nil, err
	}
	leaf, err := sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Flotilla hub"},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: append([]string{"localhost"}, hosts...), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}, root, leafKey, rootKey)
	if err != nil {
		return nil, err
	}
	return &Authority{root: root, leaf: tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: leafKey, Leaf: leaf}}, nil
}

// sign makes a certificate for key, signed by parent's.
func sign(c, parent *x509.Certificate, key, by *ecdsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", c.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

// Server returns what the hub listens with: TLS 1.2 or later; a device may
// show a certificate and need not. [Azure IoT Hub: "Transport Layer Security
// (TLS) support in IoT Hub"]
func (a *Authority) Server() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{a.leaf}, ClientAuth: tls.RequestClientCert}
}

// Client returns what devices dial a hub of that name with: they trust this
// authority and no other. All of them may share it.
func (a *Authority) Client(host string) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.root)
	return &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: host, RootCAs: pool,
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256}, // as device stacks offer, at a fraction of a post-quantum handshake's bytes
	}
}
