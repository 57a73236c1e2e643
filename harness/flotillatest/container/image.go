package container

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/testcontainers/testcontainers-go"
)

// The image that is built for tests.
const (
	builtRepo = "flotilla"
	builtTag  = "test"
	userID    = 65532 // as Dockerfile says
)

// build makes the context of an image from this module's sources, once in a
// process.
var build = sync.OnceValues(func() ([]byte, error) {
	const program = "github.com/flotilla-sim/flotilla/cmd/flotilla"
	source, err := output(exec.Command("go", "list", "-f", "{{.Dir}}", program))
	if err != nil {
		return nil, fmt.Errorf("the sources of %s: %w; name an image by container.Image or FLOTILLA_IMAGE", program, err)
	}
	source = strings.TrimSpace(source)
	dir, err := os.MkdirTemp("", "flotilla-image-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "flotilla")
	c := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-buildvcs=false", "-o", binary, ".")
	c.Dir = source // its module's own versions of everything
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=-mod=readonly", "GOWORK=off")
	if _, err := output(c); err != nil {
		return nil, fmt.Errorf("build of %s: %w", program, err)
	}
	return pack(binary, filepath.Join(source, "Dockerfile"))
})

// output runs a command and returns what it prints, with what it says of its
// failure.
func output(c *exec.Cmd) (string, error) {
	var complaint bytes.Buffer
	c.Stderr = &complaint
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(c.Args[:2], " "), err, bytes.TrimSpace(complaint.Bytes()))
	}
	return string(out), nil
}

// pack puts together what `docker build` is given.
func pack(binary, dockerfile string) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range []struct {
		name, path string
		mode       int64
	}{{"Dockerfile", dockerfile, 0o644}, {"flotilla", binary, 0o755}} {
		content, err := os.ReadFile(f.path)
		if err != nil {
			return nil, err
		}
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(content))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(content); err != nil {
			return nil, err
		}
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "data/", Mode: 0o700, Uid: userID, Gid: userID}); err != nil {
		return nil, err
	}
	return b.Bytes(), w.Close()
}

// source names the image to run, or how to make it.
func source(image string) (string, []testcontainers.ContainerCustomizer, error) {
	if image == "" {
		image = os.Getenv("FLOTILLA_IMAGE")
	}
	if image != "" {
		return image, nil, nil
	}
	archive, err := build()
	if err != nil {
		return "", nil, err
	}
	return "", []testcontainers.ContainerCustomizer{testcontainers.WithDockerfile(testcontainers.FromDockerfile{
		ContextArchive: bytes.NewReader(archive), Repo: builtRepo, Tag: builtTag, KeepImage: true,
	})}, nil
}
