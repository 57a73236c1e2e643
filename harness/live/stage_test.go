package live_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/flotilla-sim/flotilla/harness/hubd"
	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/harness/live"
	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const host = "hub.test"

// theatre is everything a live run consists of.
type theatre struct {
	*live.Stage
	t        testing.TB
	target   live.Target
	epoch    sim.Epoch
	server   *hubd.Server
	packages *hubd.Packages

	mu   sync.Mutex
	seen []sim.Observation
}

// open builds a theatre. transport is mem, mem with keep-alive as over a
// network, or tcp.
func open(t testing.TB, connect mqtt.Connector, transport string) *theatre {
	t.Helper()
	h := &theatre{t: t}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	clock := live.StartClock()
	server, err := hubd.New(hubd.Config{
		Hub: hub.New(hub.Config{Hosts: []string{host}, Epoch: clock.Epoch(), Seed: 1}),
		Now: clock.Now, Hosts: []string{host}, Observe: h.observe, Inflow: 500,
	})
	must(err)
	h.server = server
	dialer := iothub.Dialer{Connect: connect, Agent: "flotilla/test"}
	links := &http.Transport{}
	switch transport {
	case "mem", "mem with keep-alive":
		hubLinks, packLinks := mqtt.NewMemListener("hub", 0), mqtt.NewMemListener("packages", 0)
		must(server.Listen(hubLinks))
		dialer.Link, dialer.NoKeepAlive = hubLinks.Dial, transport == "mem"
		h.packages = hubd.NewPackages("http://packages.test")
		h.packages.Listen(packLinks)
		links.DialContext = packLinks.DialContext
	case "tcp":
		addr, err := server.ListenTCP(t.Context(), "127.0.0.1:0")
		must(err)
		dialer.Link = mqtt.TCP{Addr: addr.String(), Reset: true}.Dial
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(err)
		h.packages = hubd.NewPackages("http://" + l.Addr().String())
		h.packages.Listen(l)
	}
	h.epoch = clock.Epoch()
	h.target = live.Target{
		Dial: func(ctx context.Context, id sim.DeviceID) (live.Conn, error) { return dialer.Dial(ctx, id) },
		DialOver: func(ctx context.Context, id sim.DeviceID, over func(net.Conn) net.Conn, beats bool) (live.Conn, error) {
			wrapped := dialer
			wrapped.NoKeepAlive = dialer.NoKeepAlive && !beats
			wrapped.Link = func(ctx context.Context) (net.Conn, error) {
				link, err := dialer.Link(ctx)
				if err != nil {
					return nil, err
				}
				return over(link), nil
			}
			return wrapped.Dial(ctx, id)
		},
		Hub: server, Ready: server.Ready(),
		Settled: func() (list []scenarios.Settled) {
			for _, s := range server.Settled() {
				list = append(list, scenarios.Settled(s))
			}
			return list
		},
		HTTP: links, Publish: h.packages.Publish, Afflict: h.packages.Afflict, Befall: server.Befall,
	}
	h.Stage, err = live.New(live.Config{
		Target: h.target, Now: clock.Now, Epoch: h.epoch, Seed: 1, Host: host, Observe: h.observe,
	})
	must(err)
	return h
}

func (h *theatre) observe(list []sim.Observation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen = append(h.seen, list...)
}

func (h *theatre) close() {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // bounds a hang
	defer cancel()
	if err := h.Stage.Close(ctx); err != nil {
		h.t.Errorf("stage: Close: %v", err)
	}
	for n := 1; n != 0; { // the hub hears of the goodbyes a moment later
		if n = h.do(hub.GetCounters{}).Counters.Connected; n != 0 {
			select {
			case <-time.After(time.Millisecond):
			case <-ctx.Done():
				h.t.Fatalf("%d devices connected after the stage was closed", n)
			}
		}
	}
	if err := h.packages.Close(ctx); err != nil {
		h.t.Errorf("packages: Close: %v", err)
	}
	if err := h.server.Close(ctx); err != nil {
		h.t.Errorf("server: Close: %v", err)
	}
}

func (h *theatre) do(c hub.Command) hub.Reply {
	h.t.Helper()
	r, err := h.Hub().Do(context.Background(), c)
	if err != nil {
		h.t.Fatalf("%T: %v", c, err)
	}
	return r
}

// advance waits for a ticket, for a minute at most.
func (h *theatre) advance(ticket uint64) scenarios.Settled {
	h.t.Helper()
	for end := h.Now().Add(3 * time.Hour); ; {
		list, err := h.Advance(h.t.Context(), end)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, s := range list {
			if s.Ticket == ticket {
				return s
			}
		}
		if len(list) == 0 {
			h.t.Fatalf("ticket %d has not settled in three hours", ticket)
		}
	}
}

// quick is a profile for firmware updates without delays that matter. The boot
// is long enough for the hub to have read what was said before it: a new
// connection ends the old one and what is still to be read on that.
func quick() *device.Profile {
	p := device.NewProfile()
	p.Start, p.Boot, p.Flash = sim.Always(0), sim.Always(300*time.Millisecond), sim.Always(50*time.Millisecond)
	p.Answer = sim.Always(time.Millisecond)
	p.FirmwarePMin, p.PMin = 0, 0
	p.BackoffMin, p.BackoffMax = 100*time.Millisecond, time.Second
	p.TelemetryPeriod = 30 * time.Second
	return p
}

func (h *theatre) add(p *device.Profile, faults map[sim.DeviceID]fault.Conditions, ids ...sim.DeviceID) {
	h.t.Helper()
	err := h.Add(h.t.Context(), scenarios.Group{Name: "g", Count: len(ids), Member: func(i int) scenarios.Member {
		return scenarios.Member{ID: ids[i], Profile: p, FirmwareVersion: "1.0", Fault: faults[ids[i]]}
	}})
	if err != nil {
		h.t.Fatal(err)
	}
}

var six = []sim.DeviceID{"Device11", "Device12", "Device21", "Device31", "Device41", "Device51"}

// update runs a firmware job over devices and returns the job as it ended.
func (h *theatre) update(p pack.Package, timeout time.Duration, ids ...sim.DeviceID) *job.View {
	h.t.Helper()
	uri, err := h.Publish(p)
	if err != nil {
		h.t.Fatal(err)
	}
	r := h.do(hub.SubmitJob{Spec: job.Spec{ID: "fw", Kind: "firmwareUpdate", Targets: ids, PackageURI: uri, Timeout: timeout}})
	s := h.advance(r.Ticket)
	if s.Err != nil {
		h.t.Fatal(s.Err)
	}
	return s.Reply.Job
}

func (h *theatre) version(id sim.DeviceID) string {
	return h.do(hub.GetDevice{ID: id}).Device.Reported.Path("dm", "FirmwareVersion").Text()
}

func (h *theatre) result(id sim.DeviceID) string {
	return h.do(hub.GetDevice{ID: id}).Device.Reported.Path("dm", "FirmwareUpdateResult").Text()
}

func image(size int64) pack.Package {
	return pack.New(pack.Spec{Name: "fw", Version: "3.0", Size: size, Seed: 3})
}

// transcript is what was noted of one device, without times, of the events
// asked for.
func (h *theatre) transcript(id sim.DeviceID, events ...sim.Event) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []sim.Observation
	for _, o := range h.seen {
		if o.Device == id && slices.Contains(events, o.Event) {
			list = append(list, o)
		}
	}
	slices.SortStableFunc(list, func(a, b sim.Observation) int { return int(a.At - b.At) })
	var lines []string
	for _, o := range list {
		lines = append(lines, sim.Events[o.Event].Name+" "+o.Text)
	}
	return lines
}

var connectors = []struct {
	name    string
	connect mqtt.Connector
}{{"paho", mqtt.ConnectPaho}, {"lean", mqtt.ConnectLean}}

// TestSixDevices updates six devices over real connections: they download
// over HTTP, drop their connection, come back, and the hub's and the package
// server's own counters agree.
func TestSixDevices(t *testing.T) {
	for _, c := range connectors {
		for _, transport := range []string{"mem", "tcp"} {
			t.Run(c.name+"/"+transport, func(t *testing.T) {
				h := open(t, c.connect, transport)
				defer h.close()
				playSix(t, h, 50*time.Millisecond)
			})
		}
	}
}

// TestSixDevicesInABubble is the same over in-memory links on a clock that
// jumps.
func TestSixDevicesInABubble(t *testing.T) {
	for _, c := range connectors {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, c.connect, "mem")
				defer h.close()
				playSix(t, h, 5*time.Millisecond)
				if n := h.Generator().TelemetryDropped; n != 0 { // where time does not pass by itself nobody is late
					t.Errorf("%d messages dropped", n)
				}
			})
		})
	}
}

func playSix(t *testing.T, h *theatre, telemetry time.Duration) {
	profile := quick()
	profile.TelemetryPeriod = telemetry
	h.add(profile, nil, six...)
	p := image(256 << 10)
	v := h.update(p, 0, six...)
	if v.Status != job.Completed || v.StatusMessage != "Devices: 6; Succeeded: 6; Failed: 0;" {
		for _, c := range h.do(hub.ListChildren{Job: "fw"}).Children {
			t.Logf("%s: %s %s %s", c.Device, c.Status, c.FailureReason, c.StatusMessage)
			t.Log(strings.Join(h.transcript(c.Device, sim.EventWrite, sim.EventResource, sim.EventExecute, sim.EventLink, sim.EventConnect, sim.EventChild, sim.EventTwin), "\n"))
		}
		t.Fatalf("job %s: %s, %q; generator %+v", v.ID, v.Status, v.StatusMessage, h.Generator())
	}
	for _, id := range six {
		if got := h.version(id); got != "3.0" {
			t.Errorf("%s is at %q; want 3.0", id, got)
		}
	}
	if n := h.packages.Counters(); n.BytesServed != 6*uint64(p.Len()) || n.Completed != 6 {
		t.Errorf("package server counted %+v; want %d bytes in 6 downloads", n, 6*p.Len())
	}
	if n := h.do(hub.GetCounters{}).Counters; n.Accepted != 12 || n.Telemetry == 0 {
		t.Errorf("hub counted %+v; want 12 accepted and some telemetry", *n)
	}
	got := h.transcript("Device31", sim.EventWrite, sim.EventResource, sim.EventExecute, sim.EventLink, sim.EventConnect, sim.EventChild)
	for _, want := range []string{"write FirmwarePackageUri=", "resource FirmwareUpdateState=2", "resource FirmwareUpdateState=3", "execute UpdateFirmware",
		"link closed by the device", "connect accepted", "resource FirmwareVersion=3.0", "resource FirmwareUpdateResult=1", "resource FirmwareUpdateState=1", "child completed"} {
		i := slices.IndexFunc(got, func(line string) bool { return strings.HasPrefix(line, want) })
		if i < 0 {
			t.Fatalf("the transcript lacks %q, in this order:\n%s", want, strings.Join(h.transcript("Device31", sim.EventWrite, sim.EventResource, sim.EventExecute, sim.EventLink, sim.EventConnect, sim.EventChild), "\n"))
		}
		got = got[i+1:]
	}
	g := h.Generator()
	if g.LinksOpened != 12 || g.LinksOverrun != 0 || g.WakeLag.Count == 0 || g.SendWait.Count == 0 || g.DownloadWait.Count != 6 {
		t.Errorf("generator: %+v", g)
	}
	for _, m := range []sim.Metric{sim.MetricConnect, sim.MetricMethodRoundTrip, sim.MetricTwinRoundTrip, sim.MetricTelemetryAck, sim.MetricDownload, sim.MetricApply, sim.MetricRebootToReconnect} {
		h.mu.Lock()
		n := 0
		for _, o := range h.seen {
			if o.Metric == m {
				n++
			}
		}
		h.mu.Unlock()
		if n == 0 {
			t.Errorf("%s was not measured", sim.Metrics[m].Name)
		}
	}
}

// TestFaults: what goes wrong is seen by the devices it was meant for, and the
// job tells.
func TestFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, mqtt.ConnectPaho, "mem")
		defer h.close()
		conditions := map[sim.DeviceID]fault.Conditions{}
		for id, text := range map[sim.DeviceID]string{ // any order: they go into a map
			"wrong": "wrong-bytes", "truncated": "truncated-download=50%", "cut": "cut-for-good=25%", "gone": "never-reconnects",
		} {
			c, err := fault.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			conditions[id] = c
		}
		ids := []sim.DeviceID{"well", "wrong", "truncated", "cut", "gone"}
		h.add(quick(), conditions, ids...)
		p := image(256 << 10)
		v := h.update(p, 10*time.Minute, ids...)
		if v.Status != job.Completed || v.StatusMessage != "Devices: 5; Succeeded: 2; Failed: 3;" {
			t.Errorf("job: %s, %q", v.Status, v.StatusMessage)
		}
		for id, want := range map[sim.DeviceID]string{"well": "3.0 1", "truncated": "3.0 1", "wrong": "1.0 5", "cut": "1.0 4", "gone": "1.0 0"} { // any order: each for itself
			if got := h.version(id) + " " + h.result(id); got != want {
				t.Errorf("%s: version and result %q; want %q", id, got, want)
			}
		}
		cut := fault.Download{CutAt: 250}.CutPlace(p.Len())
		if n := h.packages.Counters(); n.BytesServed != 4*uint64(p.Len())+uint64(cut) || n.Cuts != 7 {
			t.Errorf("package server counted %+v; want 4 packages and %d bytes, 7 cuts", n, cut)
		}
	})
}

// TestBadURIs: a package that is not there, a scheme that is none of ours, a
// server that is not there.
func TestBadURIs(t *testing.T) {
	for uri, want := range map[string]string{ // any order: each for itself
		"http://packages.test/packages/nothing": "7",
		"ftp://packages.test/packages/fw":       "7",
	} {
		t.Run(uri, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, mqtt.ConnectLean, "mem")
				defer h.close()
				h.add(quick(), nil, "d")
				r := h.do(hub.SubmitJob{Spec: job.Spec{Kind: "firmwareUpdate", Targets: []sim.DeviceID{"d"}, PackageURI: uri}})
				if v := h.advance(r.Ticket).Reply.Job; v == nil || v.Counts.Failed != 1 {
					t.Errorf("job: %+v", v)
				}
				if got := h.result("d"); got != want {
					t.Errorf("result %q; want %s", got, want)
				}
			})
		})
	}
}

// TestLoss: a device whose connection the hub ends comes back by itself, and
// one that is disabled tries again and again, with back-off.
func TestLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, mqtt.ConnectPaho, "mem")
		defer h.close()
		h.add(quick(), nil, "d")
		h.wait(time.Minute)
		h.do(hub.SetStatus{ID: "d", Disabled: true})
		h.wait(time.Minute)
		if n := h.do(hub.GetCounters{}).Counters; n.Connected != 0 || n.Refused < 30 || n.Refused > 130 {
			t.Errorf("disabled for a minute: %+v", *n)
		}
		h.do(hub.SetStatus{ID: "d"})
		h.wait(5 * time.Second)
		if n := h.do(hub.GetCounters{}).Counters; n.Connected != 1 || n.Accepted != 2 {
			t.Errorf("enabled again: %+v", *n)
		}
	})
}

func (h *theatre) wait(d time.Duration) {
	h.t.Helper()
	if _, err := h.Advance(h.t.Context(), h.Now().Add(d)); err != nil {
		h.t.Fatal(err)
	}
}

// TestHour: fifty paho devices through an hour, with keep-alive as over a
// network, telemetry, a job every ten minutes, updates and reboots.
func TestHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, mqtt.ConnectPaho, "mem with keep-alive")
		defer h.close()
		p := quick()
		p.TelemetryPeriod, p.KeepAlive = 4*time.Minute, time.Minute // so that there are pings between
		ids := make([]sim.DeviceID, 50)
		for i := range ids {
			ids[i] = sim.DeviceID(fmt.Sprintf("d%02d", i))
		}
		h.add(p, nil, ids...)
		uri, err := h.Publish(image(4 << 10))
		if err != nil {
			t.Fatal(err)
		}
		for i, spec := range []job.Spec{
			{Kind: "readDeviceProperties", Names: []string{"BatteryLevel"}},
			{Kind: "firmwareUpdate", PackageURI: uri},
			{Kind: "writeDeviceProperties", Properties: []doc.Member{{Name: "Timezone", Value: doc.String("PST")}}},
			{Kind: "rebootDevice"},
			{Kind: "factoryResetDevice"},
		} {
			h.until(sim.Time(10 * time.Minute * time.Duration(i+1)))
			spec.ID, spec.Targets = fmt.Sprint("job", i), ids
			if v := h.advance(h.do(hub.SubmitJob{Spec: spec}).Ticket).Reply.Job; v.Counts.Succeeded != 50 {
				t.Errorf("%s: %+v", spec.Kind, v.Counts)
			}
		}
		h.until(sim.Time(time.Hour))
		n := h.do(hub.GetCounters{}).Counters
		if n.Connected != 50 || n.Accepted != 4*50 || n.Telemetry < 50*13 {
			t.Errorf("after an hour: %+v; want 50 connected, each for the fourth time, with a message every 4 minutes", *n)
		}
		if c := h.server.Counters(); c.Silent+c.SlowConsumers+c.Flooding+c.Protocol != 0 {
			t.Errorf("the hub closed connections: %+v", c)
		}
		if g := h.Generator(); g.TelemetryDropped+g.LinksOverrun+g.LinksLost != 0 {
			t.Errorf("generator: %+v", g)
		}
	})
}

// TestAdvance: it ends with the context, at the instant, and with the stage.
func TestAdvance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, mqtt.ConnectLean, "mem")
		to := h.Now().Add(time.Hour)
		if list, err := h.Advance(t.Context(), to); err != nil || list != nil || h.Now() != to {
			t.Errorf("Advance = %v, %v at %s; want nothing at %s", list, err, h.Now(), to)
		}
		if list, err := h.Advance(t.Context(), 0); err != nil || list != nil || h.Now() != to {
			t.Errorf("Advance into the past = %v, %v at %s", list, err, h.Now())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := h.Advance(ctx, sim.Never); err != context.DeadlineExceeded {
			t.Errorf("Advance = %v; want the context's error", err)
		}
		h.close()
		if err := h.Add(t.Context(), scenarios.Group{Name: "late", Count: 1}); err == nil {
			t.Error("Add after Close: no error")
		}
	})
}
