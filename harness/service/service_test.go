package service

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/sas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const anyPort = Address("127.0.0.1:0")

// start starts a service on free ports; change may say otherwise.
func start(t *testing.T, change func(*Config)) *Service {
	t.Helper()
	cfg := Config{HTTPS: []Address{anyPort}, HTTP: anyPort, MQTTS: anyPort, MQTT: anyPort}
	if change != nil {
		change(&cfg)
	}
	s, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(t, s) })
	return s
}

func end(t *testing.T, s *Service) {
	t.Helper()
	if err := s.Close(context.Background()); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// answers fails the test unless REST answers over HTTPS with a policy's key.
func answers(t *testing.T, s *Service, policy string) {
	t.Helper()
	c, err := iothub.ParseConnectionString(s.Ready.Policies[policy])
	if err != nil {
		t.Fatal(err)
	}
	r, err := iothub.NewRegistry(iothub.Service{Connection: c, Addr: s.Ready.HTTPS, Roots: s.Pool()})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Statistics(t.Context()); err != nil {
		t.Errorf("policy %s: %v", policy, err)
	}
}

// TestPolicies: there are the five default policies with a key each, and what
// they may do is theirs.
func TestPolicies(t *testing.T) {
	s := start(t, nil)
	keys := map[string]bool{}
	for _, name := range []string{"iothubowner", "service", "device", "registryRead", "registryReadWrite"} {
		c, err := iothub.ParseConnectionString(s.Ready.Policies[name])
		if err != nil || c.Policy != name || len(c.Key) != 32 {
			t.Errorf("policy %s: %s, %v", name, c, err)
		}
		keys[string(c.Key)] = true
	}
	if len(keys) != 5 || len(s.Ready.Policies) != 5 {
		t.Errorf("%d policies with %d keys; want 5", len(s.Ready.Policies), len(keys))
	}
	if s.Ready.ConnectionString != s.Ready.Policies["iothubowner"] {
		t.Error("the connection string is not iothubowner's")
	}
	answers(t, s, "iothubowner")
	answers(t, s, "registryRead")
}

// TestKept: a folder keeps the authority and the policies over a restart,
// readable by its owner alone; what is damaged is said and left as it is.
func TestKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	keep := func(c *Config) { c.Data = dir }
	first := start(t, keep)
	pem, err := os.ReadFile(first.Ready.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	first.Hub.Do(t.Context(), hub.Register{ID: "D1", PrimaryKey: make([]byte, 32)})
	end(t, first)

	again := start(t, keep)
	if b, err := os.ReadFile(again.Ready.CAFile); err != nil || string(b) != string(pem) {
		t.Errorf("the authority is another one: %v", err)
	}
	key := func(s *Service) string {
		c, _ := iothub.ParseConnectionString(s.Ready.ConnectionString)
		return string(c.Key)
	}
	if key(first) != key(again) {
		t.Error("the policies have other keys")
	}
	if _, err := again.Hub.Do(t.Context(), hub.GetDevice{ID: "D1"}); err == nil {
		t.Error("a device was kept: say so in the documentation")
	}
	answers(t, again, "iothubowner")
	end(t, again)

	if runtime.GOOS != "windows" {
		filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			if info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has mode %v: others may use it", path, info.Mode())
			}
			return nil
		})
	}
	path := filepath.Join(dir, policiesFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"{": "is not what was written there", `{"version":2}`: "version 2",
		`{"version":1,"policies":[{"name":"service","primaryKey":"AAAA","secondaryKey":"AAAA"}]}`: `policy "service": a key has 3 bytes`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Start(t.Context(), Config{HTTPS: []Address{anyPort}, Data: dir})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("policies %q: %v; want %q", text, err, want)
		}
		if b, _ := os.ReadFile(path); string(b) != text {
			t.Errorf("policies %q were overwritten", text)
		}
	}
	// A policy that is missing gets a key, the others keep theirs.
	var some keptPolicies
	if err := json.Unmarshal(whole, &some); err != nil {
		t.Fatal(err)
	}
	some.Policies = some.Policies[:2]
	b, _ := json.Marshal(some)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	third := start(t, keep)
	if key(third) != key(first) || len(third.Ready.Policies) != 5 {
		t.Errorf("policies %v", third.Ready.Policies)
	}
}

// TestTemporary: without a folder there is one for this run alone.
func TestTemporary(t *testing.T) {
	s := start(t, nil)
	if info, err := os.Stat(s.Ready.Data); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v, %v", info, err)
	}
	end(t, s)
	if _, err := os.Stat(s.Ready.Data); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
	end(t, s) // a second time is nothing
}

// TestAddresses: what can be listened on, what cannot, and what is said of it.
func TestAddresses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy := Address(taken.Addr().String())

	s := start(t, func(c *Config) { c.HTTPS = []Address{busy, "localhost:0"} })
	if len(s.Passed) != 1 || !strings.Contains(s.Passed[0], string(busy)+": something else listens there already") {
		t.Errorf("passed over: %q", s.Passed)
	}
	answers(t, s, "iothubowner")
	if got := s.Exposed(); len(got) > 0 {
		t.Errorf("exposed: %v", got)
	}
	c, _ := iothub.ParseConnectionString(s.Ready.ConnectionString)
	_, port, _ := net.SplitHostPort(s.Ready.HTTPS)
	if c.Host != "localhost:"+port {
		t.Errorf("host in the connection string: %s; want port %s", c.Host, port)
	}

	for _, x := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.HTTPS = []Address{busy} }, "REST over HTTPS on " + string(busy)},
		{func(c *Config) { c.HTTP = busy }, "REST over HTTP on " + string(busy)},
		{func(c *Config) { c.MQTTS = busy }, "MQTT over TLS on " + string(busy)},
		{func(c *Config) { c.MQTT = "8883" }, `address "8883": write HOST:PORT`},
		{func(c *Config) { c.MQTT = ":8883" }, "names no host: write 127.0.0.1:8883"},
		{func(c *Config) { c.MQTT = "hub.example.test:1" }, "not an IP address nor localhost"},
		{func(c *Config) { c.MQTT = "127.0.0.1:70000" }, "invalid port"},
		{func(c *Config) { c.Hosts = []string{"https://hub"} }, "without scheme, port or blanks"},
		{func(c *Config) { c.Data = "/dev/null/x" }, "data folder"},
	} {
		cfg := Config{HTTPS: []Address{anyPort}}
		x.change(&cfg)
		if s, err := Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%+v: %v; want %q", cfg, err, x.want)
			if err == nil {
				end(t, s)
			}
		}
	}
	for addr, want := range map[Address]bool{
		"127.0.0.1:1": false, "localhost:1": false, "[::1]:1": false, "127.9.9.9:1": false, "0.0.0.0:1": true, "[::]:1": true, "192.0.2.1:1": true,
	} {
		if got := addr.outside(); got != want {
			t.Errorf("%s can be reached from outside: %t; want %t", addr, got, want)
		}
	}
}

// dial opens a connection to REST.
func dial(t *testing.T, s *Service) *tls.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", s.Ready.HTTPS, &tls.Config{RootCAs: s.Pool(), ServerName: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.NetConn().Close() })
	return c
}

// request is a request with a token, up to the end of its header.
func request(t *testing.T, s *Service, length int) string {
	t.Helper()
	c, err := iothub.ParseConnectionString(s.Ready.ConnectionString)
	if err != nil {
		t.Fatal(err)
	}
	head := "PUT /devices/D1?api-version=2016-04-25-preview HTTP/1.1\r\nHost: localhost\r\nAuthorization: " +
		c.Token(s.clock.Epoch().Date(s.clock.Now())+3600) + "\r\nContent-Type: application/json\r\n"
	return fmt.Sprintf("%sContent-Length: %d\r\n\r\n", head, length)
}

// begin has a request under way, of whose body the first part was sent: its
// handler has said that it waits for the rest.
func begin(t *testing.T, s *Service, body string, part int) (*tls.Conn, *bufio.Reader) {
	t.Helper()
	c := dial(t, s)
	head := strings.TrimSuffix(request(t, s, len(body)), "\r\n") + "Expect: 100-continue\r\n\r\n"
	if _, err := io.WriteString(c, head+body[:part]); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
		if line, err := r.ReadString('\n'); err != nil || line != want {
			t.Fatalf("%q, %v; want %q", line, err, want)
		}
	}
	return c, r
}

// TestCloseAnswers: a request that had begun when the service was closed is
// answered as it would have been, and one that never ends does not hold it up
// for ever.
func TestCloseAnswers(t *testing.T) {
	s := start(t, nil)
	const body = `{"deviceId":"D1"}`
	ours, r := begin(t, s, body, 5)
	begin(t, s, body, 5) // and never ends
	closed := make(chan struct{})
	go func() { end(t, s); close(closed) }()
	for { // until nobody listens any more
		c, err := net.Dial("tcp", s.Ready.HTTPS)
		if err != nil {
			break
		}
		c.Close()
	}
	if _, err := io.WriteString(ours, body[5:]); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	b, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(b), `"deviceId":"D1"`) {
		t.Errorf("%s %s, %v", answer.Status, b, err)
	}
	<-closed
}

// TestSlow: who takes too long over a handshake or a header is closed, who takes
// too long over a body is told so, and the hub goes on.
func TestSlow(t *testing.T) {
	header := start(t, func(c *Config) { c.header, c.request = 200*time.Millisecond, time.Minute })
	body := start(t, func(c *Config) { c.header, c.request = time.Minute, 200*time.Millisecond })
	for _, x := range []struct{ name, addr, said, want string }{
		{"no handshake", header.Ready.HTTPS, "", ""},
		{"no header", header.Ready.HTTP, "", ""},
		{"half header", header.Ready.HTTP, "GET /devices HTTP/1.1\r\nHost: loc", ""},
		{"half body", body.Ready.HTTP, request(t, body, 100) + "{", "HTTP/1.1 408 "},
	} {
		c, err := net.Dial("tcp", x.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, x.said) // fails if it is late itself, and then it is closed, too
		b, _ := io.ReadAll(c)     // until the hub closes
		if !strings.HasPrefix(string(b), x.want) || x.want == "" && strings.HasPrefix(string(b), "HTTP/1.1 2") {
			t.Errorf("%s: answered %q; want %q", x.name, b, x.want)
		}
	}
	for _, s := range []*Service{header, body} {
		if _, err := s.Hub.Do(t.Context(), hub.GetCounters{}); err != nil {
			t.Error(err)
		}
	}
}

// TestCrowd: those who connect and ask nothing cost one another their
// connection; one whose request is under way keeps his, and a newcomer is
// served.
func TestCrowd(t *testing.T) {
	const most = 8
	s := start(t, func(c *Config) { c.Connections = most })
	const body = `{"deviceId":"D1"}`
	busy, r := begin(t, s, body, 5)
	var idle []net.Conn
	for range 5 * most {
		c, err := net.Dial("tcp", s.Ready.HTTPS)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		idle = append(idle, c)
	}
	answers(t, s, "iothubowner")
	for _, c := range idle[:4*most] { // the oldest were closed
		if n, err := c.Read(make([]byte, 1)); err == nil {
			t.Fatalf("read %d bytes", n)
		}
	}
	if _, err := io.WriteString(busy, body[5:]); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(r, nil)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("the busy one: %v, %v", answer, err)
	}
}

// TestGate: of connections to MQTT those that say nothing make room for others;
// devices keep theirs, and with devices alone the newcomer is closed.
func TestGate(t *testing.T) {
	s := start(t, func(c *Config) { c.Connections = 2 })
	open := func() net.Conn {
		c, err := net.Dial("tcp", s.Ready.MQTT)
		if errors.Is(err, syscall.ECONNRESET) {
			return nil // the gate was quicker
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	for range 20 {
		open()
	}
	for _, id := range []sim.DeviceID{"D1", "D2"} { // each in the place of a silent one
		defer device(t, s, id).Close()
	}
	for range 20 {
		if c := open(); c != nil {
			if _, err := c.Read(make([]byte, 1)); err == nil {
				t.Error("one too many was not closed")
			}
		}
	}
	reply, err := s.Hub.Do(t.Context(), hub.GetCounters{})
	if err != nil || reply.Counters.Connected != 2 {
		t.Errorf("%v, %v; want 2 connected", reply.Counters, err)
	}
	if n := s.gate.closed.Load(); n != 40 {
		t.Errorf("%d closed; want 40", n)
	}
}

// device registers a device and connects it.
func device(t *testing.T, s *Service, id sim.DeviceID) net.Conn {
	t.Helper()
	key := randomKey()
	if _, err := s.Hub.Do(t.Context(), hub.Register{ID: id, PrimaryKey: key}); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", s.Ready.MQTT)
	if err != nil {
		t.Fatal(err)
	}
	token := sas.Sign(sas.DeviceResource("localhost", id), key, sim.Date(time.Now().Add(time.Hour).Unix()), "")
	p := mqtt.Packet{
		Kind: mqtt.Connect, ClientID: string(id), Username: "localhost/" + string(id) + "/?api-version=2021-04-12", Password: []byte(token),
		HasUsername: true, HasPassword: true, CleanSession: true,
	}
	b, err := p.AppendTo(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 4)
	if _, err := io.ReadFull(c, answer); err != nil || answer[3] != mqtt.Accepted {
		t.Fatalf("CONNACK %x, %v", answer, err)
	}
	return c
}
