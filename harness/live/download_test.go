package live

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

// handler is an http.Handler as a RoundTripper: no connection.
type handler func(http.ResponseWriter, *http.Request)

func (h handler) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h(w, r)
	a := w.Result()
	a.Request = r
	if a.Header.Get("Broken") != "" {
		a.Body = io.NopCloser(io.MultiReader(a.Body, broken{}))
	}
	return a, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func stageFor(h handler) *Stage {
	start := time.Now()
	return &Stage{
		cfg:    Config{Now: func() sim.Time { return sim.Time(time.Since(start)) }},
		client: newClient(h), downloads: semaphore.NewWeighted(1),
	}
}

// fetch downloads and returns the last answer, after holding all of them
// against the rules.
func (s *Stage) fetch(t *testing.T, f sim.Fetch, kept *partial) sim.Fetched {
	t.Helper()
	var last sim.Fetched
	s.download(t.Context(), "dev 1/m", f, kept, func(x sim.Fetched) bool {
		if last.Done {
			t.Errorf("an answer after the last: %+v", x)
		}
		if x.ID != f.ID || x.Have < last.Have || last.Head != nil && len(x.Head) < len(last.Head) {
			t.Errorf("answer %+v after %+v", x, last)
		}
		last = x
		return true
	})
	if !last.Done {
		t.Errorf("the last answer is not Done: %+v", last)
	}
	return last
}

func TestDownload(t *testing.T) {
	p := pack.New(pack.Spec{Name: "fw", Version: "3.0", Size: 100_000, Seed: 3})
	all := make([]byte, p.Len())
	p.ReadAt(all, 0)
	sum := sha256.Sum256(all)
	right := "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
	serve := func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get(DeviceHeader); got != "dev%201%2Fm" {
			t.Errorf("%s: %q", DeviceHeader, got)
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(all)))
	}
	for _, x := range []struct {
		name, url string
		handler   handler
		fail      sim.FetchFail
		status    int32
		have      uint64
		digest    string
	}{
		{"plain", "http://h/p", serve, 0, 200, uint64(len(all)), ""},
		{"right digest", "http://h/p", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Repr-Digest", "sha-512=:AA==:, "+right)
			serve(w, r)
		}, 0, 200, uint64(len(all)), ""},
		{"digest of another kind", "http://h/p", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Repr-Digest", "sha-512=:AA==:")
			serve(w, r)
		}, 0, 200, uint64(len(all)), ""},
		{"wrong digest", "http://h/p", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Repr-Digest", "sha-256=:AAAA:")
			serve(w, r)
		}, 0, 200, uint64(len(all)), "sha-256=:AAAA:"},
		{"digest that cannot be read", "http://h/p", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Repr-Digest", "sha-256=1"); serve(w, r) }, 0, 200, uint64(len(all)), "sha-256=1"},
		{"fragment", "http://h/p#sha256=00", serve, 0, 200, uint64(len(all)), ""},
		{"404", "http://h/p", http.NotFound, sim.FetchStatus, 404, 0, ""},
		{"503", "http://h/p", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, sim.FetchStatus, 503, 0, ""},
		{"broken off", "http://h/p", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Broken", "1"); w.Write(all[:5000]) }, sim.FetchLink, 200, 5000, ""},
		{"short", "http://h/p", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "9000")
			w.Write(all[:5000])
		}, sim.FetchLink, 200, 5000, ""},
		{"round and round", "http://h/p", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/p", 302) }, sim.FetchStatus, 302, 0, ""},
		{"no host", "http:///p", serve, sim.FetchBadURI, 0, 0, ""},
		{"another scheme", "coap://h/p", serve, sim.FetchBadURI, 0, 0, ""},
		{"no URI", "http://[", serve, sim.FetchBadURI, 0, 0, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			got := stageFor(x.handler).fetch(t, sim.Fetch{ID: 7, URL: x.url}, new(partial))
			if got.Fail != x.fail || got.Status != x.status || got.Have != x.have || got.Digest != x.digest {
				t.Errorf("got %+v; want fail %d, status %d, have %d, digest %q", got, x.fail, x.status, x.have, x.digest)
			}
			if x.fail == sim.FetchOK && (got.Sum != p.Sum() || got.Total != uint64(len(all)) || string(got.Head) != string(all[:512])) {
				t.Errorf("sum %x, total %d, head of %d bytes", got.Sum, got.Total, len(got.Head))
			}
		})
	}
}

// TestResume breaks a download off at every kind of place and goes on: the
// package and its digest come out right.
func TestResume(t *testing.T) {
	p := pack.New(pack.Spec{Name: "fw", Version: "3.0", Size: 5000, Seed: 3})
	all := make([]byte, p.Len())
	p.ReadAt(all, 0)
	sum := sha256.Sum256(all)
	digests := map[string]string{
		"sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":": "", "sha-256=:AAAA:": "sha-256=:AAAA:",
	}
	for digest, passed := range digests { // any order: each for itself
		for _, cut := range []int{0, 1, 20, 511, 512, 513, 4096, len(all) - 1, len(all)} {
			var tries int
			s := stageFor(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Repr-Digest", digest)
				if tries++; tries == 1 {
					w.Header().Set("Broken", "1")
					w.Header().Set("Content-Length", fmt.Sprint(len(all)))
					w.Write(all[:cut])
					return
				}
				http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(all)))
			})
			kept := new(partial)
			first := s.fetch(t, sim.Fetch{ID: 1, URL: "http://h/p"}, kept)
			if first.Fail != sim.FetchLink || first.Have != uint64(cut) {
				t.Errorf("cut at %d: %+v", cut, first)
			}
			if cut == len(all) {
				continue // the server has nothing more: 416
			}
			got := s.fetch(t, sim.Fetch{ID: 2, URL: "http://h/p", From: first.Have, Check: first.Check}, kept)
			if got.Fail != sim.FetchOK || got.Sum != p.Sum() || got.Have != uint64(len(all)) || got.Total != got.Have || got.Digest != passed {
				t.Errorf("resumed at %d: %+v; want digest %q", cut, got, passed)
			}
		}
	}
	// A server without ranges cannot be resumed from.
	s := stageFor(func(w http.ResponseWriter, r *http.Request) { w.Write(all) })
	h, _ := pack.Resume(nil)
	h.Write(all[:1000])
	if got := s.fetch(t, sim.Fetch{ID: 3, URL: "http://h/p", From: 1000, Check: h.Check()}, new(partial)); got.Fail != sim.FetchStatus || got.Status != 200 {
		t.Errorf("no ranges: %+v", got)
	}
	if got := s.fetch(t, sim.Fetch{ID: 4, URL: "http://h/p", From: 1000, Check: []byte("?")}, new(partial)); got.Fail != sim.FetchLink {
		t.Errorf("bad checkpoint: %+v", got)
	}
}
