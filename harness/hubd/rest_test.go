package hubd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// Server is what the REST surface needs.
var _ iothub.Backend = (*Server)(nil)

// desk is an operator at a REST surface over TLS.
type desk struct {
	t     testing.TB
	url   string
	token string
	http  *http.Client
}

// surface serves the REST surface of a server over TLS.
func (h *house) surface() *desk {
	h.t.Helper()
	policies := iothub.DefaultPolicies(func() []byte { return key })
	handler, err := iothub.NewHandler(iothub.HandlerConfig{Hub: h.Server, Hosts: []string{host}, Policies: policies, Epoch: h.epoch})
	if err != nil {
		h.t.Fatal(err)
	}
	a, err := NewAuthority(host)
	if err != nil {
		h.t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(nil)
	s.Config = iothub.NewServer(handler, 0)
	s.TLS = a.Server()
	s.StartTLS()
	h.t.Cleanup(s.Close)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: a.Client(host), MaxIdleConnsPerHost: 16}}
	h.t.Cleanup(client.CloseIdleConnections)
	return &desk{h.t, s.URL, policies[0].Token(host, sim.Date(time.Now().Unix()+3600)), client}
}

// ask sends a request and returns status and body.
func (d *desk) ask(method, path, body string) (int, []byte) {
	d.t.Helper()
	r, err := http.NewRequest(method, d.url+path+"?api-version=2016-04-25-preview", strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Authorization", d.token)
	res, err := d.http.Do(r)
	if err != nil {
		d.t.Error(err)
		return 0, nil
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Error(err)
	}
	return res.StatusCode, b
}

// TestREST has a device that was registered over REST take part in a deep
// write and a deep read that were asked for over REST.
func TestREST(t *testing.T) {
	h := open(t)
	defer h.close()
	d := h.surface()
	code, body := d.ask("PUT", "/devices/dev", `{"serviceProperties":{"tags":["bacon"]}}`)
	var made iothub.Device
	if err := json.Unmarshal(body, &made); err != nil || code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	if k := made.Authentication.SymmetricKey; len(k.PrimaryKey) != 44 || len(k.SecondaryKey) != 44 || k.PrimaryKey == k.SecondaryKey {
		t.Errorf("keys %+v; want two of 32 random bytes", k)
	}
	h.do(hub.UpdateIdentity{ID: "dev", PrimaryKey: key})
	dev := h.join("dev", mqtt.ConnectLean)
	if code, body = d.ask("PUT", "/jobs/v2/w", `{"jobParameters":{"DeviceProperties":{"timezone":"PST"},"DeviceIds":"dev","jobType":"writeDeviceProperties"}}`); code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	call, err := dev.Receive()
	if err != nil || call.Kind != sim.Call || call.Name != "dm.write" || string(call.Body) != `{"/3/0/15":"PST"}` {
		t.Fatalf("%s, %v", call, err)
	}
	dev.say(sim.Message{Kind: sim.Answer, ID: call.ID, Status: 200})
	d.completed("w")
	if code, body = d.ask("PUT", "/jobs/v2/r", `{"jobParameters":{"DevicePropertyNames":["Timezone"],"DeviceIds":["dev"],"jobType":"readDeviceProperties"}}`); code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	if call, err = dev.Receive(); err != nil || call.Name != "dm.read" {
		t.Fatalf("%s, %v", call, err)
	}
	dev.say(sim.Message{Kind: sim.Answer, ID: call.ID, Status: 200, Body: []byte(`{"/3/0/15":"PST"}`)})
	d.completed("r")
	if _, body = d.ask("GET", "/devices/dev", ""); !bytes.Contains(body, []byte(`"Timezone":{"value":"PST","lastUpdatedTime":"20`)) {
		t.Errorf("after the deep read: %s", body)
	}
	if n := len(h.Settled()); n != 0 {
		t.Errorf("%d tickets that nobody reads", n)
	}
	dev.Close()
}

// completed asks for a job until it has ended, as clients do.
func (d *desk) completed(id string) {
	d.t.Helper()
	for {
		var j iothub.JobResponse
		code, body := d.ask("GET", "/jobs/v2/"+id, "")
		if err := json.Unmarshal(body, &j); err != nil || code != 200 {
			d.t.Fatalf("%d %s", code, body)
		}
		if j.Finished() {
			if j.Status != iothub.StatusCompleted || j.StatusMessage != "Devices: 1; Succeeded: 1; Failed: 0;" || j.FailureReason != "" {
				d.t.Errorf("%s", body)
			}
			return
		}
	}
}

// TestRESTAtOnce has operators change and ask everything at the same time: all
// are answered, and the hub is what it would be one by one.
func TestRESTAtOnce(t *testing.T) {
	h := open(t)
	defer h.close()
	d := h.surface()
	const operators, rounds = 6, 20
	var wg sync.WaitGroup
	for o := range operators {
		wg.Go(func() {
			for i := range rounds {
				id := fmt.Sprintf("d-%d-%d", o, i)
				for _, x := range [][3]string{
					{"PUT", "/devices/" + id, `{"serviceProperties":{"properties":{"n":` + fmt.Sprint(i) + `},"tags":["bacon"]}}`},
					{"PUT", "/jobs/v2/j" + id, `{"jobParameters":{"DeviceIds":["` + id + `"],"jobType":"rebootDevice"}}`},
					{"POST", "/devices/query", `{"filter":{"type":"comparison","property":{"name":"tags"},"value":["bacon"],"comparisonOperator":"all"}}`},
					{"POST", "/jobs/v2/query", `{"filter":{"type":"comparison","property":{"name":"status"},"value":"enqueued","comparisonOperator":"eq"}}`},
					{"POST", "/jobs/v2/query", `{"filter":{"type":"comparison","property":{"name":"parentJobId"},"value":"j` + id + `","comparisonOperator":"eq"}}`},
					{"GET", "/jobs/v2", ""},
					{"PUT", "/devices/" + id + "/serviceProperties", `{"properties":{"n":-1}}`},
					{"DELETE", "/jobs/v2/j" + id, ""},
				} {
					if code, body := d.ask(x[0], x[1], x[2]); code != 200 && code != 204 {
						t.Errorf("%s %s: %d %s", x[0], x[1], code, body)
					}
				}
			}
		})
	}
	wg.Wait()
	v, err := h.View(t.Context())
	if err != nil || v.Len() != operators*rounds || v.Jobs.Len() != operators*rounds || v.Labelled("bacon").Len() != 0 {
		t.Errorf("%d devices, %d jobs, %d with bacon, %v", v.Len(), v.Jobs.Len(), v.Labelled("bacon").Len(), err)
	}
}

// TestView: a snapshot is taken between two commands, and is not to be had
// from a hub that has ended.
func TestView(t *testing.T) {
	h := open(t)
	h.register("a")
	v, err := h.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.register("b")
	if v.Len() != 1 || v.Find("a") == nil || v.Find("b") != nil {
		t.Error("the snapshot has changed")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.View(ctx); !errors.Is(err, context.Canceled) && err != nil {
		t.Errorf("with a context that has ended: %v", err)
	}
	h.close()
	if _, err := h.View(t.Context()); !errors.Is(err, error(errShutdown)) {
		t.Errorf("after the end: %v; want %v", err, errShutdown)
	}
}

// TestForget: a job that nobody waits for takes no ticket, also when there is
// none left.
func TestForget(t *testing.T) {
	h := open(t)
	defer h.close()
	h.limit = 0
	h.register("a")
	s := job.Spec{ID: "j", Kind: "rebootDevice", Targets: []sim.DeviceID{"a"}}
	if _, err := h.Do(t.Context(), hub.SubmitJob{Spec: s}); err == nil {
		t.Error("a ticket above the limit")
	}
	if r, err := h.Do(t.Context(), hub.SubmitJob{Spec: s, Forget: true}); err != nil || r.Ticket != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
