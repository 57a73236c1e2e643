package container_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"

	"github.com/flotilla-sim/flotilla/harness/flotillatest/container"
	"github.com/flotilla-sim/flotilla/harness/iothub"
)

// within bounds a hang.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// six are the tutorial's devices.
var six = []string{"Device11-7ce4a850", "Device21-7ce4a850", "Device31-7ce4a850", "Device41-7ce4a850", "Device51-7ce4a850", "Device61-7ce4a850"}

// TestFleet: the six devices in the container do the tutorial's firmware
// update, asked for from outside; the engine finds the container healthy.
func TestFleet(t *testing.T) {
	ctx := within(t)
	hub := container.Run(ctx, t, container.Fleet("six-devices", "groups.six.flash=10ms", "groups.six.boot=10ms"))
	for _, id := range six {
		if hub.Devices[id] == "" {
			t.Errorf("no connection string of %s", id)
		}
	}
	jobs := hub.Jobs()
	if _, err := jobs.ScheduleFirmwareUpdate(ctx, "fw", six, "http://url.to.firmware.update", 5*time.Minute); err != nil {
		t.Fatal(err)
	}
	end, err := jobs.Wait(ctx, "fw", 50*time.Millisecond, nil)
	if err != nil || end.Status != "completed" || end.StatusMessage != "Devices: 6; Succeeded: 6; Failed: 0;" {
		t.Fatalf("ended as %+v, %v", end, err)
	}
	// Docker looks every few seconds; what it will run is what is run here.
	code, out, err := hub.Container.Exec(ctx, []string{"/flotilla", "healthcheck"})
	if err != nil || code != 0 {
		t.Errorf("healthcheck: %d, %v, %v", code, out, err)
	}
}

// TestTutorialFromOutside: the six devices are a program outside of the
// container, on MQTT over TLS, and it runs their jobs by REST: the scenario
// ends as it does with a hub in its own process.
func TestTutorialFromOutside(t *testing.T) {
	ctx := within(t)
	hub := container.Run(ctx, t)
	dir := t.TempDir()
	program := filepath.Join(dir, "flotilla")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/flotilla-sim/flotilla/cmd/flotilla").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	run := exec.CommandContext(ctx, program, "run", "six-devices", "--hub", hub.File, "--quiet", "--max-lag", "1h", "--out", filepath.Join(dir, "out"))
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("flotilla run: %v\n%s", err, out)
	}
	if want := "Devices: 6; Succeeded: 6; Failed: 0;"; !strings.Contains(string(out), want) {
		t.Errorf("printed\n%s\nwant %q", out, want)
	}
	all, err := hub.Jobs().GetJobs(ctx)
	if err != nil || len(all) != 7 {
		t.Errorf("%d jobs, %v; want 7", len(all), err)
	}
}

// TestImage: the image is small, and what is in it cannot be written to, nor
// runs as root.
func TestImage(t *testing.T) {
	ctx := within(t)
	hub := container.Run(ctx, t)
	about, err := hub.Container.Inspect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if u := about.Config.User; u != "65532:65532" {
		t.Errorf("user %q", u)
	}
	if !about.HostConfig.ReadonlyRootfs {
		t.Error("the root can be written to")
	}
	cli, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer cli.Close()
	image, err := cli.ImageInspect(ctx, about.Image)
	if err != nil {
		t.Fatal(err)
	}
	if image.Size > 25_000_000 {
		t.Errorf("the image has %d bytes; want 25 MB at most", image.Size)
	}
}

// TestOptions: an image by its name, a scenario of one's own, flags.
func TestOptions(t *testing.T) {
	ctx := within(t)
	container.Run(ctx, t) // so that the image is there
	file := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(file, []byte("groups: {mine: {devices: [D1, D2]}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FLOTILLA_IMAGE", "flotilla:of-no-such-name")
	hub := container.Run(ctx, t, container.Image("flotilla:test"), container.Fleet(file, "groups.mine.start=0s"), container.Args("--strict"))
	if len(hub.Devices) != 2 {
		t.Errorf("devices: %v", hub.Devices)
	}
	jobs := hub.Jobs()
	if _, err := jobs.ScheduleReboot(ctx, "twice", []string{"D1"}); err != nil {
		t.Fatal(err)
	}
	_, err := jobs.ScheduleReboot(ctx, "twice", []string{"D1"})
	if e, ok := errors.AsType[*iothub.RESTError](err); !ok || e.Status != 412 {
		t.Errorf("with --strict a job id twice: %v; want 412", err)
	}
}

// TestPause: a hub that is paused answers nothing, and nobody who waits with a
// bound hangs; afterwards it goes on with what it had.
func TestPause(t *testing.T) {
	ctx := within(t)
	hub := container.Run(ctx, t)
	hub.Register("before")
	registry := hub.Registry()

	hub.Pause(ctx)
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	_, err := registry.Get(short, "before")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("paused: %v; want the deadline's error", err)
	}
	hub.Unpause(ctx)
	if _, err := registry.Get(ctx, "before"); err != nil {
		t.Errorf("after the pause: %v", err)
	}
}

// TestKill: who asks a hub that was killed is told that it cannot be reached.
// Started again it has the same authority and policies, and none of its
// devices.
func TestKill(t *testing.T) {
	ctx := within(t)
	hub := container.Run(ctx, t)
	hub.Register("lost")
	first := *hub.Hub

	hub.Kill(ctx)
	_, err := first.Registry().Get(ctx, "lost")
	if _, ok := errors.AsType[*iothub.Unreachable](err); !ok {
		t.Errorf("killed: %v; want that the hub cannot be reached", err)
	}
	hub.Start(ctx)
	_, err = hub.Registry().Get(ctx, "lost")
	if e, ok := errors.AsType[*iothub.RESTError](err); !ok || e.Status != 404 {
		t.Errorf("started again: %v; want 404, answered under the same authority and with the same key", err)
	}
	before, _ := iothub.ParseConnectionString(first.ConnectionString)
	after, _ := iothub.ParseConnectionString(hub.ConnectionString)
	if !reflect.DeepEqual(before.Key, after.Key) {
		t.Error("the policy has another key")
	}
}

// TestDockerfile: what Run runs is what the image runs by itself.
func TestDockerfile(t *testing.T) {
	b, err := os.ReadFile("../../../cmd/flotilla/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^CMD (\[.*\])$`).FindSubmatch(b)
	if m == nil {
		t.Fatal("no CMD")
	}
	var cmd []string
	if err := json.Unmarshal(m[1], &cmd); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(cmd, container.Command()) {
		t.Errorf("CMD %q; Run has %q", cmd, container.Command())
	}
	for _, want := range []string{"\nFROM scratch\n", "\nUSER 65532:65532\n", "\nVOLUME /data\n", `CMD ["/flotilla", "healthcheck"]`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("Dockerfile has no %q", want)
		}
	}
}
