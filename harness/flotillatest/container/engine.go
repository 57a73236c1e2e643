package container

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"

	"github.com/flotilla-sim/flotilla/harness/require"
)

// loopback is where ports are published.
const loopback = "127.0.0.1"

// engine ends the test when there is no container engine here.
func engine(ctx context.Context, t testing.TB) {
	t.Helper()
	setDefault("TESTCONTAINERS_RYUK_DISABLED", "true")
	if at := os.Getenv("DOCKER_HOST"); at == "" || strings.HasPrefix(at, "unix:") {
		setDefault("TESTCONTAINERS_HOST_OVERRIDE", loopback)
	}
	p, err := testcontainers.NewDockerProvider()
	if err == nil {
		defer p.Close()
		err = p.Health(ctx)
	}
	if err != nil {
		why, _, _ := strings.Cut(err.Error(), "\n")
		require.Missing(t, "docker", "no container engine answers: "+why)
	}
	host, err := p.DaemonHost(ctx)
	if err != nil {
		t.Fatalf("container: where the engine publishes ports: %v", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		t.Fatalf("container: the engine publishes ports at %s, which is not this machine; set TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1 if it is", host)
	}
}

func setDefault(name, value string) {
	if _, set := os.LookupEnv(name); !set {
		os.Setenv(name, value)
	}
}

// logs is what a container has said, for a failure's text.
func logs(c testcontainers.Container) string {
	if c == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r, err := c.Logs(ctx)
	if err != nil {
		return ""
	}
	defer r.Close()
	b, _ := io.ReadAll(io.LimitReader(r, 8<<10))
	if b = bytes.TrimSpace(b); len(b) == 0 {
		return ""
	}
	return "\nthe container said:\n" + string(b)
}
