package iothub_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/pack"
	"github.com/flotilla-sim/flotilla/sim/world"
)

// house is a REST surface over a whole world in virtual time, so that what is
// answered is the same in every run.
type house struct {
	t        testing.TB
	handler  *iothub.Handler
	policies []iothub.Policy
	now      time.Time // of tokens

	mu sync.Mutex
	w  *world.World
}

const restHost = "localhost"

func (h *house) Do(_ context.Context, c hub.Command) (hub.Reply, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r, err := h.w.Do(c)
	if err == nil && r.Ticket != 0 {
		h.t.Errorf("%T leaves a ticket that nobody takes", c)
	}
	return r, err
}

func (h *house) Call(ctx context.Context, c hub.Command) (hub.Reply, error) { return h.Do(ctx, c) }

func (h *house) View(context.Context) (hub.View, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.w.Hub().View(), nil
}

// advance lets virtual time pass.
func (h *house) advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for to := h.w.Now().Add(d); h.w.Now() < to; {
		h.w.Advance(to)
	}
}

// epoch is 2016-05-01T10:00:00Z.
const restEpoch = sim.Epoch(1462096800 * int64(time.Second))

// openHouse opens an empty hub. Its policies' primary keys are 32 times the
// policy's number from 1 on, the secondary ones 32 times that and 100.
func openHouse(t testing.TB, change func(*iothub.HandlerConfig)) *house {
	t.Helper()
	h := &house{t: t, now: time.Unix(1462096800, 0), w: world.New(world.Config{
		Seed: 1, Epoch: restEpoch, Hub: hub.Config{Hosts: []string{restHost}},
	})}
	n := byte(0)
	h.policies = iothub.DefaultPolicies(func() []byte {
		n++
		return bytes.Repeat([]byte{(n+1)/2 + (1-n%2)*100}, 32)
	})
	serial := byte(0)
	cfg := iothub.HandlerConfig{
		Hub: h, Hosts: []string{restHost}, Policies: h.policies, Epoch: restEpoch, Now: func() time.Time { return h.now },
		Keys: func() (a, b []byte, err error) {
			serial++
			return bytes.Repeat([]byte{serial}, 32), bytes.Repeat([]byte{serial + 128}, 32), nil
		},
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if h.handler, err = iothub.NewHandler(cfg); err != nil {
		t.Fatal(err)
	}
	return h
}

// token is what the policy of that name signs, good for an hour.
func (h *house) token(policy string) string {
	for _, p := range h.policies {
		if p.Name == policy {
			return p.Token(restHost, sim.Date(h.now.Unix()+3600))
		}
	}
	h.t.Fatalf("no policy %s", policy)
	return ""
}

const version = "api-version=2016-04-25-preview"

// ask sends a request as the owner and returns the answer's status and body.
func (h *house) ask(method, target, body string, headers ...string) (int, string) {
	h.t.Helper()
	res := h.raw(method, target, body, append([]string{"Authorization", h.token("iothubowner")}, headers...)...)
	return res.Code, res.Body.String()
}

// raw sends a request with just these headers.
func (h *house) raw(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	if !strings.Contains(target, "api-version") {
		sep := "?"
		if strings.Contains(target, "?") {
			sep = "&"
		}
		target += sep + version
	}
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	req := httptest.NewRequest(method, "https://"+restHost+target, in)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, req)
	return w
}

// want asks and compares status and body, of which JSON is compared as such.
func (h *house) want(status int, answer, method, target, body string, headers ...string) {
	h.t.Helper()
	code, got := h.ask(method, target, body, headers...)
	if code != status || !sameJSON(got, answer) {
		h.t.Errorf("%s %s %s\n got %d %s\nwant %d %s", method, target, body, code, got, status, answer)
	}
}

func sameJSON(a, b string) bool {
	if a == b {
		return true
	}
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return bytes.Equal(p, q)
}

// sampleDevices are the tutorial's. [Azure IoT Hub device management preview:
// get started, sampledevices.json]
var sampleDevices = []struct {
	id, customer, by string
	weight, qos      int
	tags, version    string
}{
	{"Device11-7ce4a850", "123456", "Contoso", 1000, 10, "milk cookies sausage bacon", "1.0"},
	{"Device21-7ce4a850", "4829472", "Contoso", 100, 3, "lettuce parmesan chicken croutons", "2.0"},
	{"Device31-7ce4a850", "123456", "Fabrikam", 2000, 4, "steak buns tomatoes onions bacon", "1.0"},
	{"Device41-7ce4a850", "985362", "Fabrikam", 3000, 6, "apples pears strawberries oranges", "2.0"},
	{"Device51-7ce4a850", "985362", "Contoso", 50, 1, "duck oranges potatoes gravy", "1.0"},
	{"Device61-7ce4a850", "284721", "Contoso", 9000, 9, "bacon lettuce tomatoes mayo", "2.0"},
}

// six provisions the tutorial's devices over REST, starts them and lets them
// report. It returns the URI of a package with version 3.0.
func (h *house) six() (uri string) {
	h.t.Helper()
	for _, s := range sampleDevices {
		body := fmt.Sprintf(`{"deviceId":%q,"serviceProperties":{"properties":{"CustomerId":%q,"ServiceBy":%q,"Weight":%d,"QoS":%d},"tags":["%s"]}}`,
			s.id, s.customer, s.by, s.weight, s.qos, strings.Join(strings.Fields(s.tags), `","`))
		code, answer := h.ask("PUT", "/devices/"+s.id, body)
		if code != http.StatusOK {
			h.t.Fatalf("PUT %s: %d %s", s.id, code, answer)
		}
		var d iothub.Device
		if err := json.Unmarshal([]byte(answer), &d); err != nil {
			h.t.Fatal(err)
		}
		h.start(sim.DeviceID(s.id), d.Authentication.SymmetricKey.PrimaryKey, s.version)
	}
	h.advance(time.Minute)
	return h.w.Publish(pack.New(pack.Spec{Name: "next", Version: "3.0", Size: 1 << 18}))
}

// start plays a device.
func (h *house) start(id sim.DeviceID, key, version string) {
	h.t.Helper()
	k, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		h.t.Fatal(err)
	}
	p := device.NewProfile()
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.w.Add(device.Config{ID: id, Number: uint64(h.w.Devices()), Key: k, Host: restHost, Profile: p, FirmwareVersion: version}, fault.Conditions{}); err != nil {
		h.t.Fatal(err)
	}
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newRecorder() *recorder                    { return &recorder{header: http.Header{}} }
func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }
func validJSON(b []byte) bool                   { return json.Valid(b) }
