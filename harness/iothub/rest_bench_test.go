package iothub_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/query"
)

// bare is a hub without connections, as a Backend for one caller.
type bare struct {
	*hub.Hub
	now sim.Time
	out sim.Outbox
}

func (b *bare) Do(_ context.Context, c hub.Command) (hub.Reply, error) {
	b.out.Reset()
	return b.Hub.Do(b.now, c, &b.out)
}

func (b *bare) Call(ctx context.Context, c hub.Command) (hub.Reply, error) { return b.Do(ctx, c) }
func (b *bare) View(context.Context) (hub.View, error)                     { return b.Hub.View(), nil }

// settle lets the hub do what is due.
func (b *bare) settle(until time.Duration) {
	for end := b.now.Add(until); b.Deadline() <= end; {
		b.now = max(b.now, b.Deadline())
		b.out.Reset()
		b.Step(b.now, sim.Input{Kind: sim.Wake}, &b.out)
	}
}

// makeBare makes a hub with devices, and jobs over all of them that have
// ended, but for the last, which waits for its devices.
func makeBare(devices, jobs int) *bare {
	b := &bare{Hub: hub.New(hub.Config{Seed: 1, Epoch: restEpoch})}
	ids := make([]sim.DeviceID, devices)
	service := doc.MustParse(`{"CustomerId":"123456","ServiceBy":"Contoso","Weight":1000,"QoS":10}`)
	for i := range ids {
		ids[i] = sim.DeviceID(fmt.Sprintf("device-%06d", i))
		if _, err := b.Do(context.Background(), hub.Register{ID: ids[i], PrimaryKey: make([]byte, 32), Service: service,
			Labels: []string{"fleet", fmt.Sprintf("rack-%d", i/100)}}); err != nil {
			panic(err)
		}
	}
	for j := range jobs {
		s := job.Spec{ID: fmt.Sprintf("job-%d", j), Kind: "rebootDevice", Targets: ids, Grace: -1}
		if j == jobs-1 {
			s.Grace, s.InFlight = time.Hour, 50
		}
		if _, err := b.Do(context.Background(), hub.SubmitJob{Spec: s, Forget: true}); err != nil {
			panic(err)
		}
		b.settle(time.Second)
	}
	return b
}

// asker sends requests to a handler and counts rows.
type asker struct {
	tb      testing.TB
	handler *iothub.Handler
	token   string
}

func newAsker(tb testing.TB, b iothub.Backend) *asker {
	policies := iothub.DefaultPolicies(func() []byte { return make([]byte, 32) })
	h, err := iothub.NewHandler(iothub.HandlerConfig{Hub: b, Hosts: []string{restHost}, Policies: policies, Epoch: restEpoch})
	if err != nil {
		tb.Fatal(err)
	}
	return &asker{tb, h, policies[0].Token(restHost, 1<<40)}
}

func (a *asker) ask(method, target, body string) *recorder {
	w := newRecorder()
	a.serve(w, method, target, body)
	if w.status != 200 {
		a.tb.Fatalf("%s: %d %s", body, w.status, &w.body)
	}
	return w
}

func (a *asker) serve(w http.ResponseWriter, method, target, body string) {
	r, err := http.NewRequest(method, "https://localhost"+target+"?"+version, strings.NewReader(body))
	if err != nil {
		a.tb.Fatal(err)
	}
	r.Header.Set("Authorization", a.token)
	a.handler.ServeHTTP(w, r)
}

// million is the hub of the benchmarks, made once: 100,000 devices, ten jobs
// over all of them.
var million = sync.OnceValue(func() *bare { return makeBare(100_000, 10) })

// queries are asked of 100,000 devices and 1,000,000 rows of jobs; LAST stands
// for the last id of the first page of children.
var queries = []struct {
	name, target, body, row string
	want                    int
}{
	{"deviceId", "/devices/query", whereEq("deviceId", "device-054321"), `"deviceId"`, 1},
	{"label", "/devices/query", `{"filter":{"type":"comparison","property":{"name":"tags"},"value":["rack-7"],"comparisonOperator":"all"}}`, `"deviceId"`, 100},
	{"disabled", "/devices/query", whereEq("status", "disabled"), `"deviceId"`, 0},
	{"jobId", "/jobs/v2/query", whereEq("jobId", "LAST"), `"jobId"`, 1},
	{"jobId-parent", "/jobs/v2/query", whereEq("jobId", "job-3"), `"jobId"`, 1},
	{"status", "/jobs/v2/query", whereEq("status", "cancelled"), `"jobId"`, 0},
	{"status-running", "/jobs/v2/query", whereEq("status", "running"), `"jobId"`, 51},
	{"children", "/jobs/v2/query", whereEq("parentJobId", "job-7"), `"jobId"`, 100},
	{"children-next", "/jobs/v2/query", `{"filter":{"type":"logical","logicalOperator":"and","filters":[
		{"type":"comparison","property":{"name":"ParentJobId"},"value":"job-7","comparisonOperator":"eq"},
		{"type":"comparison","property":{"name":"JobId"},"value":"LAST","comparisonOperator":"gt"}]}}`, `"jobId"`, 100},
	{"scan-devices", "/devices/query", `{"filter":{"type":"comparison","property":{"name":"QoS","type":"service"},"value":11,"comparisonOperator":"eq"}}`, `"deviceId"`, 0},
	{"scan-jobs", "/jobs/v2/query", `{}`, `"jobId"`, 100},
	{"scan-jobs-groups", "/jobs/v2/query", `{"aggregate":{"keys":[{"name":"type"}],"properties":[{"operator":"count","columnName":"n"}]}}`, `"n"`, 1},
}

func whereEq(name, value string) string {
	return `{"filter":{"type":"comparison","property":{"name":"` + name + `"},"value":"` + value + `","comparisonOperator":"eq"}}`
}

// lastOf is the last job id of an answer.
func lastOf(answer string) string {
	_, last, _ := strings.Cut(answer[strings.LastIndex(answer, `{"jobId"`):], `:"`)
	return last[:36]
}

// BenchmarkQueryREST answers whole requests, from the token to the last byte.
func BenchmarkQueryREST(b *testing.B) {
	a := newAsker(b, million())
	last := lastOf(a.ask("POST", "/jobs/v2/query", whereEq("parentJobId", "job-7")).body.String())
	for _, bb := range queries {
		body := strings.ReplaceAll(bb.body, "LAST", last)
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if w := a.ask("POST", bb.target, body); strings.Count(w.body.String(), bb.row) != bb.want {
					b.Fatalf("%d rows: %.300s", strings.Count(w.body.String(), bb.row), &w.body)
				}
			}
		})
	}
}

// BenchmarkQueryRows parses the same queries, takes a snapshot and finds the
// rows.
func BenchmarkQueryRows(b *testing.B) {
	hub := million()
	a := newAsker(b, hub)
	last := lastOf(a.ask("POST", "/jobs/v2/query", whereEq("parentJobId", "job-7")).body.String())
	for _, bb := range queries {
		body := []byte(strings.ReplaceAll(bb.body, "LAST", last))
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				subject := query.Devices
				if strings.HasPrefix(bb.target, "/jobs") {
					subject = query.Jobs
				}
				q, err := query.ParseObject(subject, body)
				if err != nil {
					b.Fatal(err)
				}
				devices, jobs := iothub.Rows(a.handler, hub.Hub.View())
				src := devices
				if subject == query.Jobs {
					src = jobs
				}
				if res := query.Run(src, q); len(res.Rows)+len(res.Groups) != bb.want {
					b.Fatalf("%d rows, %d groups", len(res.Rows), len(res.Groups))
				}
			}
		})
	}
}
