package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// TestPolling is a load on a hub of its own process, on this machine's
// loopback alone: 1,000 clients ask how jobs stand, each once a second for as
// long as FLOTILLA_POLL says (`make poll`: 60s), while 1,000 devices run jobs
// without a pause. Of five polls four are GET /jobs/v2/{id}, of the job and of
// one device's part of it in turn, and one is a query of the job's parts, 100
// rows. A poll is due at its time whatever became of the one before, and
// its latency counts from there. The figures are printed; the test fails for an
// answer of 5xx, for none, and when no job has ended.
func TestPolling(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("FLOTILLA_POLL"))
	if err != nil || length <= 0 {
		t.Skip("takes a minute and the whole machine: FLOTILLA_POLL=60s, or make poll")
	}
	const clients, every = 1000, time.Second
	hub := serve(t, 0, "--fleet", "testdata/thousand.yaml")
	address, err := iothub.FindHub(hub.file)
	if err != nil {
		t.Fatal(err)
	}
	service, err := address.Service("poller")
	if err != nil {
		t.Fatal(err)
	}
	var devices []string
	for id := range hub.Devices { // any order
		devices = append(devices, id)
	}
	slices.Sort(devices)
	operator, err := iothub.NewJobClient(service)
	if err != nil {
		t.Fatal(err)
	}
	defer operator.Close()

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var jobs sync.WaitGroup
	var job atomic.Pointer[running]
	ended := map[string]int{}
	first := make(chan struct{})
	jobs.Go(func() { work(ctx, t, operator, devices, &job, ended, first) })
	select {
	case <-first:
	case <-time.After(time.Minute):
		t.Fatal("no job has begun")
	}

	polls := make([]polled, clients)
	connect(ctx, t, service, polls, job.Load().id)
	if t.Failed() {
		return
	}
	time.AfterFunc(length, stop)
	began := time.Now()
	var all sync.WaitGroup
	for i := range polls {
		all.Go(func() { polls[i].poll(ctx, t, i, began.Add(every*time.Duration(i)/clients), every, &job) })
	}
	all.Wait()
	took := time.Since(began)
	jobs.Wait()

	var sum polled
	for i := range polls {
		p := &polls[i]
		sum.offered, sum.served, sum.refused, sum.failed, sum.lost = sum.offered+p.offered, sum.served+p.served, sum.refused+p.refused, sum.failed+p.failed, sum.lost+p.lost
		sum.gets, sum.queries = append(sum.gets, p.gets...), append(sum.queries, p.queries...)
	}
	t.Logf("%d clients, one poll each in %s, for %.1f s; %d devices", clients, every, took.Seconds(), len(devices))
	t.Logf("polls: %d offered (%.0f/s), %d served, 4xx %d, 5xx %d, without an answer %d",
		sum.offered, float64(sum.offered)/took.Seconds(), sum.served, sum.refused, sum.failed, sum.lost)
	t.Logf("GET /jobs/v2/{id}:   %s", howLong(sum.gets))
	t.Logf("POST /jobs/v2/query: %s", howLong(sum.queries))
	t.Logf("jobs ended meanwhile: %v", ended)
	if sum.failed > 0 || sum.lost > 0 || sum.refused > 0 {
		t.Errorf("%d answers of 5xx, %d of 4xx, %d polls without an answer", sum.failed, sum.refused, sum.lost)
	}
	if len(ended) == 0 {
		t.Error("no job has ended")
	}
	if code := hub.end(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// running is the job that runs.
type running struct {
	id    string
	parts []string // ids of its devices' parts
}

// work runs jobs over all devices, one after the other.
func work(ctx context.Context, t *testing.T, c *iothub.JobClient, devices []string, job *atomic.Pointer[running], ended map[string]int, first chan struct{}) {
	for n := 0; ; n++ {
		id := fmt.Sprintf("job-%03d", n)
		var err error
		switch n % 3 {
		case 0:
			_, err = c.ScheduleFirmwareUpdate(ctx, id, devices, "http://url.to.firmware.update", 10*time.Minute)
		case 1:
			_, err = c.ScheduleReboot(ctx, id, devices)
		case 2:
			_, err = c.ScheduleDevicePropertyRead(ctx, id, devices, []string{"Timezone", "FirmwareVersion"})
		}
		if err == nil {
			r := &running{id: id}
			var q *iothub.QueryResult
			var page []iothub.JobResponse
			if q, err = c.QueryJobHistory(ctx, parts(id)); err == nil {
				page, err = q.Jobs()
			}
			for _, p := range page {
				r.parts = append(r.parts, p.JobID)
			}
			if err == nil && len(page) == 0 {
				err = errors.New("it has no parts")
			}
			if err == nil {
				job.Store(r)
				if n == 0 {
					close(first)
				}
				var end *iothub.JobResponse
				if end, err = c.Wait(ctx, id, 200*time.Millisecond, nil); err == nil {
					ended[end.Type]++
				}
			}
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			t.Errorf("%s: %v", id, err)
			return
		}
	}
}

// parts asks for the first of a job's parts.
func parts(id string) iothub.QueryExpression {
	of := iothub.Compare(iothub.InDefault, "parentJobId", "eq", doc.String(id))
	return iothub.QueryExpression{Filter: &of}
}

// polled is what one client has seen.
type polled struct {
	client *iothub.JobClient

	offered, served, refused, failed, lost int
	gets, queries                          []time.Duration
}

// connect makes the clients and has each of them ask once, 32 at a time: who
// polls is connected.
func connect(ctx context.Context, t *testing.T, s iothub.Service, polls []polled, id string) {
	next := make(chan *polled)
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for p := range next {
				c, err := iothub.NewJobClient(s)
				if err != nil {
					t.Error(err)
					continue
				}
				t.Cleanup(c.Close)
				p.client = c
				if _, err := c.GetJob(ctx, id); err != nil {
					t.Errorf("connecting: %v", err)
				}
			}
		})
	}
	for i := range polls {
		next <- &polls[i]
	}
	close(next)
	all.Wait()
}

// poll asks until ctx ends: at first, and every so often behind it.
func (p *polled) poll(ctx context.Context, t *testing.T, number int, first time.Time, every time.Duration, job *atomic.Pointer[running]) {
	c := p.client
	timer := time.NewTimer(time.Until(first))
	defer timer.Stop()
	patient := context.WithoutCancel(ctx) // what was asked is answered, also behind the end
	for due := first; ; due = due.Add(every) {
		var err error
		timer.Reset(time.Until(due))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		r := job.Load()
		query := (number+p.offered)%5 == 4
		switch {
		case query:
			_, err = c.QueryJobHistory(patient, parts(r.id))
		case number%2 == 0:
			_, err = c.GetJob(patient, r.id)
		default:
			_, err = c.GetJob(patient, r.parts[number%len(r.parts)])
		}
		p.offered++
		if query {
			p.queries = append(p.queries, time.Since(due))
		} else {
			p.gets = append(p.gets, time.Since(due))
		}
		switch e, answered := errors.AsType[*iothub.RESTError](err); {
		case err == nil:
			p.served++
		case !answered:
			if p.lost++; p.lost == 1 {
				t.Logf("client %d: %v", number, err)
			}
		case e.Status >= 500:
			p.failed++
		default:
			p.refused++
		}
	}
}

// howLong says how long something took.
func howLong(all []time.Duration) string {
	if len(all) == 0 {
		return "none"
	}
	slices.Sort(all)
	at := func(permille int) time.Duration { return all[(len(all)-1)*permille/1000].Round(10 * time.Microsecond) }
	return fmt.Sprintf("%d, p50 %s, p90 %s, p99 %s, p99.9 %s, max %s", len(all), at(500), at(900), at(990), at(999), at(1000))
}
