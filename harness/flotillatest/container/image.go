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
	return archive([]file{
		{name: "Dockerfile", path: filepath.Join(source, "Dockerfile"), mode: 0o644},
		{name: "flotilla", path: binary, mode: 0o755},
		{name: "data/", mode: 0o700},
	})
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

// file is what an archive holds: a file of this machine, or a folder.
type file struct {
	name, path string // path: "" for a folder
	mode       int64
}

// archive puts files together as the engine takes them.
func archive(files []file) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Typeflag: tar.TypeDir, Name: f.name, Mode: f.mode, Uid: userID, Gid: userID}
		var content []byte
		if f.path != "" {
			var err error
			if content, err = os.ReadFile(f.path); err != nil {
				return nil, err
			}
			h.Typeflag, h.Size = tar.TypeReg, int64(len(content))
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(content); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// source names the image to run, or how to make it.
func source(image string) (string, []testcontainers.ContainerCustomizer, error) {
	if image == "" {
		image = os.Getenv("FLOTILLA_IMAGE")
	}
	if image != "" {
		return image, nil, nil
	}
	sources, err := build()
	if err != nil {
		return "", nil, err
	}
	return "", []testcontainers.ContainerCustomizer{testcontainers.WithDockerfile(testcontainers.FromDockerfile{
		ContextArchive: bytes.NewReader(sources), Repo: builtRepo, Tag: builtTag, KeepImage: true,
	})}, nil
}
