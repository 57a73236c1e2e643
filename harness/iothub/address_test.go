package iothub_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/harness/iothub"
)

func TestFindHub(t *testing.T) {
	const cs = "HostName=hub.test;SharedAccessKeyName=iothubowner;SharedAccessKey=" + ownerKey
	ready := func(r iothub.Ready) string {
		file := filepath.Join(t.TempDir(), "hub.json")
		if err := iothub.WriteReady(file, r); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for _, c := range []struct {
		where        string
		https, mqtts int
		ca           string
		want         string // HTTPS HTTP MQTTS MQTT CAFile, or the error
	}{
		{cs, 0, 0, "", "hub.test:443||hub.test:8883||"},
		{strings.Replace(cs, "hub.test", "hub.test:8443", 1), 0, 0, "ca.pem", "hub.test:8443||hub.test:8883||ca.pem"},
		{strings.Replace(cs, "hub.test", "[::1]", 1), 0, 0, "", "[::1]:443||[::1]:8883||"},
		{cs, 8443, 18883, "", "hub.test:8443||hub.test:18883||"},
		{ready(iothub.Ready{ConnectionString: cs, HTTPS: "127.0.0.1:8443", HTTP: "127.0.0.1:8080", MQTTS: "127.0.0.1:8883", CAFile: "/data/ca.pem"}), 0, 0, "",
			"127.0.0.1:8443|127.0.0.1:8080|127.0.0.1:8883||/data/ca.pem"},
		{ready(iothub.Ready{ConnectionString: cs, HTTPS: "127.0.0.1:8443", HTTP: "127.0.0.1:8080", MQTT: "127.0.0.1:1883", CAFile: "/data/ca.pem"}), 1, 2, "mine.pem",
			"127.0.0.1:1||hub.test:2||mine.pem"},
		{"", 0, 0, "", "the hub is not named"},
		{"hostname=h", 0, 0, "", "connection string: SharedAccessKey is missing"},
		{"nowhere.json", 0, 0, "", "neither a connection string nor a ready file"},
		{ready(iothub.Ready{ConnectionString: "nonsense"}), 0, 0, "", "hub.json: connection string: a part has no `=`"},
		{"HostName=h;DeviceId=d;SharedAccessKey=" + ownerKey, 0, 0, "", "is device d's"},
		{cs, -1, 0, "", "the HTTPS port must be 1 to 65535, is -1"},
		{cs, 0, 65536, "", "the MQTTS port must be 1 to 65535, is 65536"},
	} {
		a, err := iothub.FindHub(c.where)
		if err == nil {
			err = a.Override(c.https, c.mqtts, c.ca)
		}
		got := strings.Join([]string{a.HTTPS, a.HTTP, a.MQTTS, a.MQTT, a.CAFile}, "|")
		if err != nil {
			got = err.Error()
		}
		if err == nil && got != c.want || err != nil && !strings.Contains(got, c.want) {
			t.Errorf("%.60q is found at %s; want %s", c.where, got, c.want)
		}
		if strings.Contains(got, ownerKey) {
			t.Errorf("%.60q: the key is shown: %s", c.where, got)
		}
	}
}

// TestAddress: over real sockets a hub is trusted with its CA file and not
// without, and under its name alone.
func TestAddress(t *testing.T) {
	h := openHouse(t, nil)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{restHost}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(h.handler)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.Config.ErrorLog = nil
	server.StartTLS()
	defer server.Close()
	addr := server.Listener.Addr().String()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	own := iothub.ConnectionString{Host: restHost, Policy: "iothubowner", Key: h.policies[0].Primary}
	other := own
	other.Host = "other.test"
	for _, c := range []struct {
		name string
		a    iothub.Address
		want string
	}{
		{"with its CA", iothub.Address{Connection: own, HTTPS: addr, MQTTS: addr, CAFile: ca}, ""},
		{"without", iothub.Address{Connection: own, HTTPS: addr}, "hub " + addr + ": its certificate is signed by an authority that is not trusted here; give the hub's CA file"},
		{"under another name", iothub.Address{Connection: other, HTTPS: addr, CAFile: ca}, "its certificate is for another host"},
		{"without TLS", iothub.Address{Connection: own, HTTP: addr}, "400"},
		{"nowhere", iothub.Address{Connection: own}, "serves neither HTTPS nor HTTP"},
		{"no such CA", iothub.Address{Connection: own, HTTPS: addr, CAFile: ca + "x"}, "CA file"},
	} {
		s, err := c.a.Service("flotilla/test")
		if err == nil {
			s.Now = func() time.Time { return h.now }
			var registry *iothub.Registry
			if registry, err = iothub.NewRegistry(s); err == nil {
				_, err = registry.Statistics(t.Context())
				registry.Close()
			}
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v; want %q", c.name, err, c.want)
		}
	}

	link, err := (&iothub.Address{Connection: own, MQTTS: addr, CAFile: ca}).Link()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := link(t.Context())
	if err != nil {
		t.Fatalf("a device's link: %v", err)
	}
	conn.Close()
	if _, err := (&iothub.Address{Connection: own}).Link(); err == nil || !strings.Contains(err.Error(), "neither MQTT over TLS nor MQTT") {
		t.Errorf("a link to nowhere: %v", err)
	}
}

// TestUnreachable: what breaks before an answer names the hub's address, and
// the context's end is the context's.
func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr := l.Addr().String()
	service := iothub.Service{Addr: addr, Plain: true, Connection: iothub.ConnectionString{Host: restHost, Policy: "p", Key: []byte("key")}}
	jobs, err := iothub.NewJobClient(service)
	if err != nil {
		t.Fatal(err)
	}
	answers := make(chan string, 1)
	served := make(chan struct{})
	go func() { // closes each connection after an answer that may be cut short
		defer close(served)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			http.ReadRequest(bufio.NewReader(c))
			io.WriteString(c, <-answers)
			c.Close()
		}
	}()
	for answer, want := range map[string]string{
		"": "hub " + addr + ": ",
		"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{": "hub " + addr + ": GET /jobs/v2: the answer broke off",
		"nonsense\r\n\r\n": "hub " + addr + ": ",
	} {
		answers <- answer
		_, err := jobs.GetJobs(t.Context())
		if lost, ok := errors.AsType[*iothub.Unreachable](err); !ok || lost.Addr != addr || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("after %q: %v; want %q", answer, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	context.AfterFunc(ctx, func() { answers <- "" })
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := jobs.GetJobs(ctx); !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "GET /jobs/v2: ") {
		t.Errorf("cancelled: %v", err)
	}
	l.Close()
	<-served
}
