package hubd

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Authority is a private certificate authority with one certificate, the
// hub's. NewAuthority makes both anew and keeps them in memory alone, for a
// run: there is no key to keep, and nobody else's trust to abuse. OpenAuthority
// keeps the authority in a folder, so that clients that trust it go on doing so.
type Authority struct {
	root *x509.Certificate
	key  *ecdsa.PrivateKey
	leaf tls.Certificate
}

// How long certificates hold: longer than any run, and for an authority that
// is kept, longer than anybody keeps a folder of test keys. The hub's own is
// made at each start.
const (
	certificateLife = 30 * 24 * time.Hour
	keptRootLife    = 10 * 365 * 24 * time.Hour
	keptLeafLife    = 397 * 24 * time.Hour // more than this some clients refuse
)

// NewAuthority makes an authority and a certificate for a hub of these names,
// for localhost and for the loopback addresses.
func NewAuthority(hosts ...string) (*Authority, error) {
	a, err := newRoot("Flotilla, one run's authority", certificateLife)
	if err != nil {
		return nil, err
	}
	return a, a.issue(certificateLife, hosts)
}

// newRoot makes an authority without the hub's certificate.
func newRoot(name string, life time.Duration) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(life),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	root, err := sign(ca, ca, key, key)
	if err != nil {
		return nil, err
	}
	return &Authority{root: root, key: key}, nil
}

// issue makes the hub's certificate.
func (a *Authority) issue(life time.Duration, hosts []string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("certificate of the hub: %w", err)
	}
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Flotilla hub"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(life),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if c.NotAfter.After(a.root.NotAfter) {
		c.NotAfter = a.root.NotAfter
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, h)
		}
	}
	leaf, err := sign(c, a.root, key, a.key)
	if err != nil {
		return err
	}
	a.leaf = tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
	return nil
}

// serial is a serial number of its own for each certificate: an authority that
// is kept must not give one twice. [RFC 5280, 4.1.2.2]
func serial() *big.Int {
	var b [16]byte
	rand.Read(b[:])
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b[:])
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
	return &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: host, RootCAs: a.Pool(),
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256}, // as device stacks offer, at a fraction of a post-quantum handshake's bytes
	}
}

// Pool returns the authority as the only one to trust.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.root)
	return pool
}

// PEM returns the authority's certificate as clients want it in a file. Its
// key is not in it.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw})
}
