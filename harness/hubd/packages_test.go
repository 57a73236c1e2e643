package hubd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

// shop is a package server with a client, over in-memory links.
type shop struct {
	*Packages
	t      *testing.T
	client *http.Client
	links  *http.Transport
	uri    string
	pack   pack.Package
	bytes  []byte
}

func openShop(t *testing.T, size int64) *shop {
	t.Helper()
	l := mqtt.NewMemListener("packages", 0)
	s := &shop{Packages: NewPackages("http://packages.test/"), t: t, links: &http.Transport{DialContext: l.DialContext}}
	s.client = &http.Client{Transport: s.links}
	s.Listen(l)
	s.pack = pack.New(pack.Spec{Name: "fw 3", Version: "3.0", Model: "m", Size: size, Seed: 7})
	s.bytes = make([]byte, s.pack.Len())
	s.pack.ReadAt(s.bytes, 0)
	uri, err := s.Publish(s.pack)
	if err != nil {
		t.Fatal(err)
	}
	s.uri = uri
	return s
}

func (s *shop) close() {
	s.links.CloseIdleConnections()
	if err := s.Close(context.Background()); err != nil {
		s.t.Errorf("Close: %v", err)
	}
}

// get asks for uri; the body's error comes with what was received of it.
func (s *shop) get(method, uri, device, span string) (*http.Response, []byte, error) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, uri, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if device != "" {
		r.Header.Set(DeviceHeader, device)
	}
	if span != "" {
		r.Header.Set("Range", span)
	}
	a, err := s.client.Do(r)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, uri, err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	return a, b, err
}

func TestPackages(t *testing.T) {
	s := openShop(t, 100_000)
	defer s.close()
	if s.uri != "http://packages.test/packages/fw%203" {
		t.Errorf("uri = %q", s.uri)
	}
	n := len(s.bytes)
	for _, x := range []struct {
		name, method, uri, span string
		status                  int
		from, to                int
		answer                  string // Content-Range
	}{
		{"whole", "GET", s.uri, "", 200, 0, n, ""},
		{"head", "HEAD", s.uri, "", 200, 0, 0, ""},
		{"from a byte on", "GET", s.uri, "bytes=99000-", 206, 99000, n, fmt.Sprintf("bytes 99000-%d/%d", n-1, n)},
		{"first bytes", "GET", s.uri, "bytes=0-511", 206, 0, 512, fmt.Sprintf("bytes 0-511/%d", n)},
		{"last bytes", "GET", s.uri, "bytes=-10", 206, n - 10, n, fmt.Sprintf("bytes %d-%d/%d", n-10, n-1, n)},
		{"beyond the end", "GET", s.uri, fmt.Sprintf("bytes=%d-", n), 416, 0, -1, fmt.Sprintf("bytes */%d", n)},
		{"unknown", "GET", "http://packages.test/packages/other", "", 404, 0, -1, ""},
		{"no package path", "GET", "http://packages.test/", "", 404, 0, -1, ""},
		{"written", "PUT", s.uri, "", 405, 0, -1, ""},
	} {
		a, b, err := s.get(x.method, x.uri, "", x.span)
		if err != nil || a.StatusCode != x.status || a.Header.Get("Content-Range") != x.answer {
			t.Errorf("%s: %d, range %q, %v; want %d, %q", x.name, a.StatusCode, a.Header.Get("Content-Range"), err, x.status, x.answer)
		}
		if x.to < 0 {
			continue
		}
		if !bytes.Equal(b, s.bytes[x.from:x.to]) {
			t.Errorf("%s: %d bytes are not the package's %d to %d", x.name, len(b), x.from, x.to)
		}
		sum := sha256.Sum256(s.bytes)
		if got, want := a.Header.Get("Repr-Digest"), "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":"; got != want {
			t.Errorf("%s: Repr-Digest %q; want %q", x.name, got, want)
		}
		if a.Header.Get("ETag") == "" {
			t.Errorf("%s: no ETag", x.name)
		}
	}
	want := PackageCounters{BytesServed: uint64(n + n - 99000 + 512 + 10), Downloads: 4, Completed: 3, Status: [6]uint64{2: 5, 4: 4}}
	if got := s.Counters(); got != want {
		t.Errorf("counted %+v; want %+v", got, want)
	}
}

func TestPublish(t *testing.T) {
	s := openShop(t, 1000)
	defer s.close()
	if uri, err := s.Publish(s.pack); err != nil || uri != s.uri {
		t.Errorf("again: %q, %v", uri, err)
	}
	if _, err := s.Publish(pack.New(pack.Spec{Name: "fw 3", Version: "4.0", Size: 1})); err == nil || !strings.Contains(err.Error(), "version 3.0") {
		t.Errorf("another of the name: %v", err)
	}
	if uri, err := s.Publish(pack.New(pack.Spec{Name: "empty", Version: "1"})); err != nil {
		t.Error(err)
	} else if a, b, err := s.get("GET", uri, "", ""); err != nil || a.StatusCode != 200 || !bytes.HasSuffix(b, []byte("}\n")) {
		t.Errorf("a package of only a manifest: %d %q %v", a.StatusCode, b, err)
	}
}

// TestDownloadFaults: what goes wrong does so on the wire, for the device it
// is meant for and nobody else.
func TestDownloadFaults(t *testing.T) {
	s := openShop(t, 100_000)
	defer s.close()
	n := int64(len(s.bytes))
	for device, d := range map[string]fault.Download{ // any order: they do not meet
		"wrong": {WrongByte: true}, "cut once": {CutAt: 500, Cuts: 1}, "cut": {CutAt: 250, Cuts: fault.Forever},
	} {
		if err := s.Afflict(sim.DeviceID("dev "+device), d); err != nil {
			t.Fatal(err)
		}
	}
	if a, b, err := s.get("GET", s.uri, "dev%20wrong", ""); err != nil || a.StatusCode != 200 || len(b) != len(s.bytes) {
		t.Errorf("wrong byte: %d, %d bytes, %v", a.StatusCode, len(b), err)
	} else {
		off := 0
		for i := range b {
			if b[i] != s.bytes[i] {
				off++
			}
		}
		h, _ := pack.Resume(nil)
		h.Write(b)
		if m, _, err := pack.ParseManifest(h.Head()); err != nil || off != 1 || fmt.Sprintf("%x", h.Sum()) == m.SHA256 {
			t.Errorf("wrong byte: %d bytes differ, %v, sum %x", off, err, h.Sum())
		}
	}
	half := fault.Download{CutAt: 500}.CutPlace(n)
	_, b, err := s.get("GET", s.uri, "dev%20cut%20once", "")
	if !errors.Is(err, io.ErrUnexpectedEOF) || int64(len(b)) != half {
		t.Errorf("cut once: %d bytes, %v; want %d and the end of the connection", len(b), err, half)
	}
	_, rest, err := s.get("GET", s.uri, "dev%20cut%20once", fmt.Sprintf("bytes=%d-", half))
	if err != nil || !bytes.Equal(append(b, rest...), s.bytes) {
		t.Errorf("resumed: %d bytes, %v", len(rest), err)
	}
	quarter := fault.Download{CutAt: 250}.CutPlace(n)
	for i := range 3 {
		span := ""
		want := quarter
		if i > 0 {
			span, want = fmt.Sprintf("bytes=%d-", quarter), 0
		}
		if _, b, err := s.get("GET", s.uri, "dev%20cut", span); !errors.Is(err, io.ErrUnexpectedEOF) || int64(len(b)) != want {
			t.Errorf("cut for good, try %d: %d bytes, %v; want %d", i+1, len(b), err, want)
		}
	}
	if _, b, err := s.get("GET", s.uri, "another", ""); err != nil || !bytes.Equal(b, s.bytes) {
		t.Errorf("another device: %d bytes, %v", len(b), err)
	}
	s.Afflict("dev wrong", fault.Download{})
	if _, b, err := s.get("GET", s.uri, "dev%20wrong", ""); err != nil || !bytes.Equal(b, s.bytes) {
		t.Errorf("healed: %v", err)
	}
	if got := s.Counters(); got.Cuts != 4 || got.Downloads != 8 || got.Completed != 4 || got.BytesServed != uint64(3*n+n+quarter) {
		t.Errorf("counted %+v", got)
	}
}

// TestOwnURI: what devices are told to fetch from the URI a package says of
// itself comes from this server, in whatever way the URI is written; no other
// request is touched, and no two packages have one URI.
func TestOwnURI(t *testing.T) {
	s := openShop(t, 1000)
	defer s.close()
	own := pack.New(pack.Spec{Name: "own", Version: "9", Size: 10, URI: "http://url.to.firmware.update"})
	if _, err := s.Publish(own); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Publish(pack.New(pack.Spec{Name: "other", Version: "9", Size: 10, URI: "http://URL.to.firmware.update/"})); err == nil || !strings.Contains(err.Error(), "package own") {
		t.Errorf("two packages of one URI: %v", err)
	}
	s.client.Transport = s.Over(s.links)
	for uri, want := range map[string]string{
		"http://url.to.firmware.update":           `"version":"9"`,
		"http://url.to.firmware.update/#sha256=0": `"version":"9"`,
		"http://url.to.firmware.update/else":      "no package",
		s.uri:                                     `"version":"3.0"`,
	} {
		if _, b, err := s.get(http.MethodGet, uri, "D1", ""); err != nil || !bytes.Contains(b, []byte(want)) {
			t.Errorf("%s: %.80q, %v; want %s", uri, b, err, want)
		}
	}
}
