package container

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	dockercontainer "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/flotilla-sim/flotilla/harness/flotillatest"
	"github.com/flotilla-sim/flotilla/harness/iothub"
)

// Hub is a hub in a container: flotillatest's, with the addresses at which it
// is reached from here, and the container.
type Hub struct {
	*flotillatest.Hub
	Container testcontainers.Container

	t   testing.TB
	cli *testcontainers.DockerClient
}

// Option is something that Run does otherwise.
type Option func(*options)

type options struct {
	image string
	args  []string
	fleet string // file to be copied
}

// Image runs that image instead of one built from the sources.
func Image(name string) Option { return func(o *options) { o.image = name } }

// Args are further flags of `flotilla serve`, as `--strict`.
func Args(args ...string) Option { return func(o *options) { o.args = append(o.args, args...) } }

// Fleet starts the devices of a scenario in the container; settings go over
// its values. It is one of the library or a file, which is copied there.
func Fleet(scenario string, settings ...string) Option {
	return func(o *options) {
		if _, err := os.Stat(scenario); err == nil {
			o.fleet = scenario
			scenario = dataDir + "/" + fleetFile
		}
		o.args = append(o.args, "--fleet", scenario)
		for _, s := range settings {
			o.args = append(o.args, "--set", s)
		}
	}
}

// command is what Dockerfile runs by itself; options go behind it.
var command = []string{
	"serve", "--https", "0.0.0.0:443", "--http", "0.0.0.0:80", "--mqtts", "0.0.0.0:8883", "--mqtt", "0.0.0.0:1883",
	"--packages", "0.0.0.0:8080", "--data", "/data", "--ready-file", readyFile,
}

const (
	dataDir   = "/data"
	readyFile = dataDir + "/ready.json"
	caFile    = dataDir + "/ca.pem"
	fleetFile = "fleet.yaml"
	startup   = time.Minute // to be up; a hang's bound, not a measure
)

// The ports in the container.
const (
	portHTTPS = "443/tcp"
	portHTTP  = "80/tcp"
	portMQTTS = "8883/tcp"
	portMQTT  = "1883/tcp"
)

// Run starts a hub in a container and returns when it can be used. The
// container has a root that cannot be written to, no capabilities, a user of
// its own and a volume for its data; it goes with the test. What goes wrong
// ends the test.
func Run(ctx context.Context, t testing.TB, opts ...Option) *Hub {
	t.Helper()
	engine(ctx, t)
	var o options
	for _, f := range opts {
		f(&o)
	}
	image, how, err := source(o.image)
	if err != nil {
		t.Fatalf("container: %v", err)
	}
	ports := []string{portHTTPS, portHTTP, portMQTTS, portMQTT}
	how = append(how,
		testcontainers.WithCmd(append(command[:len(command):len(command)], o.args...)...),
		testcontainers.WithExposedPorts(ports...),
		testcontainers.WithHostConfigModifier(func(c *dockercontainer.HostConfig) {
			c.ReadonlyRootfs, c.CapDrop = true, []string{"ALL"}
			c.SecurityOpt = append(c.SecurityOpt, "no-new-privileges")
			c.PortBindings = network.PortMap{}
			for _, p := range ports {
				c.PortBindings[network.MustParsePort(p)] = []network.PortBinding{{HostIP: netip.MustParseAddr(loopback)}}
			}
		}),
		testcontainers.WithWaitStrategyAndDeadline(startup, up()),
	)
	cli, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		t.Fatalf("container: %v", err)
	}
	t.Cleanup(func() { cli.Close() })
	if o.fleet != "" {
		scenario, err := archive([]file{{name: fleetFile, path: o.fleet, mode: 0o644}})
		if err != nil {
			t.Fatalf("container: fleet: %v", err)
		}
		// Of this container the volume alone can be written to, which
		// testcontainers does not see when it copies files.
		how = append(how, testcontainers.WithAdditionalLifecycleHooks(testcontainers.ContainerLifecycleHooks{
			PostCreates: []testcontainers.ContainerHook{func(ctx context.Context, c testcontainers.Container) error {
				_, err := cli.CopyToContainer(ctx, c.GetContainerID(), client.CopyToContainerOptions{DestinationPath: dataDir, Content: bytes.NewReader(scenario)})
				return err
			}},
		}))
	}
	c, err := testcontainers.Run(ctx, image, how...)
	testcontainers.CleanupContainer(t, c, testcontainers.StopTimeout(0))
	if err != nil {
		t.Fatalf("container: %v%s", err, logs(c))
	}
	h := &Hub{Container: c, t: t, cli: cli}
	if err := h.find(ctx); err != nil {
		t.Fatalf("container: %v", err)
	}
	return h
}

// up says that the hub answers, and has said how to use it.
func up() wait.Strategy {
	const poll = 20 * time.Millisecond
	return wait.ForAll(
		wait.ForFile(readyFile).WithPollInterval(poll),
		wait.ForHTTP("/").WithPort(portHTTP).WithPollInterval(poll).WithForcedIPv4LocalHost().
			WithStatusCodeMatcher(func(status int) bool { return status < 500 }),
	)
}

// find learns where the container's ports are and what the hub says of
// itself.
func (h *Hub) find(ctx context.Context) error {
	said, err := h.read(ctx, readyFile)
	if err != nil {
		return err
	}
	pem, err := h.read(ctx, caFile)
	if err != nil {
		return err
	}
	var r iothub.Ready
	if err := json.Unmarshal(said, &r); err != nil {
		return fmt.Errorf("%s: %w", readyFile, err)
	}
	for _, x := range []struct {
		port string
		addr *string
	}{{portHTTPS, &r.HTTPS}, {portHTTP, &r.HTTP}, {portMQTTS, &r.MQTTS}, {portMQTT, &r.MQTT}} {
		p, err := h.Container.MappedPort(ctx, x.port)
		if err != nil {
			return err
		}
		*x.addr = net.JoinHostPort(loopback, p.Port())
	}
	for name, text := range r.Policies { // any order: each by itself
		if r.Policies[name], err = moved(text, r.HTTPS); err != nil {
			return err
		}
	}
	if r.ConnectionString, err = moved(r.ConnectionString, r.HTTPS); err != nil {
		return err
	}
	h.Hub = flotillatest.Attach(h.t, r, pem)
	return nil
}

// moved is a connection string with the port at which REST is from here.
func moved(text, https string) (string, error) {
	c, err := iothub.ParseConnectionString(text)
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(https)
	c.Host = net.JoinHostPort(c.Name(), port)
	return c.Text(), err
}

func (h *Hub) read(ctx context.Context, path string) ([]byte, error) {
	r, err := h.Container.CopyFileFromContainer(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("%s in the container: %w", path, err)
	}
	defer r.Close()
	return io.ReadAll(r)
}

// Pause stops the hub in the middle of what it does: connections stay open and
// nothing on them is answered, as of a machine that hangs.
func (h *Hub) Pause(ctx context.Context) {
	h.t.Helper()
	_, err := h.cli.ContainerPause(ctx, h.Container.GetContainerID(), client.ContainerPauseOptions{})
	h.must("pause", err)
}

// Unpause lets it go on.
func (h *Hub) Unpause(ctx context.Context) {
	h.t.Helper()
	_, err := h.cli.ContainerUnpause(ctx, h.Container.GetContainerID(), client.ContainerUnpauseOptions{})
	h.must("unpause", err)
}

// Kill ends the hub at once, by SIGKILL: devices and jobs are lost, the
// authority and the policies are kept.
func (h *Hub) Kill(ctx context.Context) {
	h.t.Helper()
	_, err := h.cli.ContainerKill(ctx, h.Container.GetContainerID(), client.ContainerKillOptions{Signal: "KILL"})
	h.must("kill", err)
}

// Start starts a hub that was killed, and returns when it can be used. Its
// ports are others now, and so are the fields of Hub.
func (h *Hub) Start(ctx context.Context) {
	h.t.Helper()
	if err := h.Container.Start(ctx); err != nil {
		h.t.Fatalf("container: start: %v%s", err, logs(h.Container))
	}
	h.must("start", h.find(ctx))
}

func (h *Hub) must(what string, err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatalf("container: %s: %v", what, err)
	}
}
