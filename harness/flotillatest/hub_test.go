package flotillatest_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/flotilla-sim/flotilla/harness/flotillatest"
	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/sas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// quick makes the six devices as fast as they can be.
var quick = []string{"groups.six.start=0s", "groups.six.boot=1ms", "groups.six.flash=1ms", "groups.six.answer=0s"}

// within bounds a hang.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// TestTutorial: the tutorial's firmware update, with the URI that its script
// has, ends as it should for the six devices of a fleet: seven jobs, and
// firmware 3.0. [IoT Hub device management preview: "Use device jobs to update
// device firmware"]
func TestTutorial(t *testing.T) {
	ctx := within(t)
	hub := flotillatest.Start(t, flotillatest.Fleet("six-devices", quick...))
	if len(hub.Devices) != 6 || hub.Packages["fw-3"] == "" {
		t.Fatalf("devices %v, packages %v", hub.Devices, hub.Packages)
	}
	var ids []string
	for id := range hub.Devices { // any order
		ids = append(ids, id)
	}
	jobs := hub.Jobs()
	if _, err := jobs.ScheduleFirmwareUpdate(ctx, "fw", ids, "http://url.to.firmware.update", 5*time.Minute); err != nil {
		t.Fatal(err)
	}
	end, err := jobs.Wait(ctx, "fw", 10*time.Millisecond, nil)
	if err != nil {
		t.Fatal(err)
	}
	if end.Status != "completed" || end.StatusMessage != "Devices: 6; Succeeded: 6; Failed: 0;" {
		t.Errorf("ended as %+v", end)
	}
	all, err := jobs.GetJobs(ctx)
	if err != nil || len(all) != 7 {
		t.Errorf("%d jobs, %v; want 7", len(all), err)
	}
	for _, id := range ids {
		d, err := hub.Registry().Get(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if v := d.DeviceProperties["FirmwareVersion"].Value; v.Text() != "3.0" {
			t.Errorf("%s has firmware %s", id, v.Text())
		}
	}
}

// TestRegister: a device of one's own connects with the connection string it
// was given, over TLS and, where it is asked for, without.
func TestRegister(t *testing.T) {
	hub := flotillatest.Start(t, flotillatest.Plain(), flotillatest.Hosts("hub.example.test", "other.example.test"))
	c, err := iothub.ParseConnectionString(hub.Register("mine"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Host != "hub.example.test" || c.Device != "mine" {
		t.Errorf("device's connection string: %s", c)
	}
	for _, x := range []struct {
		name string
		link func(context.Context) (net.Conn, error)
		key  []byte
		want int32
	}{
		{"TLS", mqtt.TLS{TCP: mqtt.TCP{Addr: hub.MQTTS}, Config: hub.TLS()}.Dial, c.Key, 0},
		{"without", mqtt.TCP{Addr: hub.MQTT}.Dial, c.Key, 0},
		{"another key", mqtt.TCP{Addr: hub.MQTT}.Dial, make([]byte, 32), 5},
	} {
		d := iothub.Dialer{Link: x.link, Connect: mqtt.ConnectLean, Agent: "test"}
		link, err := d.Dial(within(t), c.Device)
		if err != nil {
			t.Fatalf("%s: %v", x.name, err)
		}
		token := sas.Sign(sas.DeviceResource(c.Host, c.Device), x.key, sim.Date(time.Now().Add(time.Hour).Unix()), "")
		if err := link.Send(sim.Message{Kind: sim.Connect, Device: c.Device, Name: c.Host, Body: []byte(token), ID: 1}); err != nil {
			t.Fatalf("%s: %v", x.name, err)
		}
		m, err := link.Receive()
		if err != nil || m.Kind != sim.Accept || m.Status != x.want {
			t.Errorf("%s: %v, %v; want code %d", x.name, m, err, x.want)
		}
		link.Close()
		link.Wait()
	}
}

// TestOptions: a strict hub refuses a job id that is in use, and what it logs
// has the requests, and no key.
func TestOptions(t *testing.T) {
	var log strings.Builder
	keys := []string{}
	t.Cleanup(func() { // the hub is closed: nobody writes any more
		if !strings.Contains(log.String(), "/jobs/v2/j") {
			t.Errorf("the log has no request:\n%s", &log)
		}
		for _, k := range keys {
			if strings.Contains(log.String(), k) {
				t.Error("the log has a key")
			}
		}
	})
	hub := flotillatest.Start(t, flotillatest.Strict(), flotillatest.Log(&log))
	for _, p := range hub.Policies {
		c, err := iothub.ParseConnectionString(p)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, base64.StdEncoding.EncodeToString(c.Key))
	}
	hub.Register("mine")
	if _, err := hub.Jobs().ScheduleReboot(within(t), "j", []string{"mine"}); err != nil {
		t.Fatal(err)
	}
	_, err := hub.Jobs().ScheduleReboot(within(t), "j", []string{"mine"})
	if e, ok := errors.AsType[*iothub.RESTError](err); !ok || e.Status != http.StatusPreconditionFailed {
		t.Errorf("an id that is in use: %v; want 412", err)
	}
}

// TestSideBySide: hubs of one process know nothing of one another, and what
// one of them has is gone with its test.
func TestSideBySide(t *testing.T) {
	var gone flotillatest.Hub
	t.Run("first", func(t *testing.T) {
		a, b := flotillatest.Start(t), flotillatest.Start(t)
		gone = *a
		a.Register("only-here")
		if _, err := b.Registry().Get(within(t), "only-here"); err == nil || !strings.Contains(err.Error(), "DeviceNotFound") {
			t.Errorf("the other hub: %v; want DeviceNotFound", err)
		}
		if a.HTTPS == b.HTTPS || a.MQTTS == b.MQTTS || a.ConnectionString == b.ConnectionString {
			t.Errorf("two hubs, one address: %+v, %+v", a.Ready, b.Ready)
		}
		foreign := http.Client{Transport: &http.Transport{TLSClientConfig: b.TLS()}}
		defer foreign.CloseIdleConnections()
		if _, err := foreign.Get("https://" + a.HTTPS); err == nil || !strings.Contains(err.Error(), "unknown authority") {
			t.Errorf("the other hub's authority: %v", err)
		}
		if again, err := iothub.ReadReady(a.File); err != nil || again.ConnectionString != a.ConnectionString {
			t.Errorf("ready file: %+v, %v", again, err)
		}
	})
	if c, err := net.Dial("tcp", gone.HTTPS); err == nil {
		c.Close()
		t.Error("the hub of a test that has ended still listens")
	}
	if _, err := os.Stat(gone.Data); err == nil {
		t.Error("its folder is still there")
	}
}

// TestWrongFleet: what goes wrong ends the test, and says where.
func TestWrongFleet(t *testing.T) {
	for name, opts := range map[string][]flotillatest.Option{
		"nosuch:1:1: no scenario": {flotillatest.Fleet("nosuch")},
		"groups.six.flash":        {flotillatest.Fleet("six-devices", "groups.six.flash=never")},
		`host "a b"`:              {flotillatest.Hosts("a b")},
	} {
		r := &recorder{TB: t}
		done := make(chan struct{})
		go func() { defer close(done); flotillatest.Start(r, opts...) }()
		<-done
		if !strings.Contains(r.said, name) {
			t.Errorf("said %q; want %q", r.said, name)
		}
	}
}
