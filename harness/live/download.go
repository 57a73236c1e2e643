package live

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

// DeviceHeader names the device that downloads, percent-encoded: the bundled
// package server plays faults by it. Others ignore it.
const DeviceHeader = "Flotilla-Device"

const (
	chunk           = 32 << 10
	progressEvery   = 250 * time.Millisecond
	downloadSilence = 30 * time.Second // without a byte for so long a download counts as broken off
	maxRedirects    = 5
)

// newClient makes the client of all downloads. After maxRedirects the
// redirect itself is the answer.
func newClient(rt http.RoundTripper) *http.Client {
	return &http.Client{Transport: rt, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

var chunks = sync.Pool{New: func() any { return new([chunk]byte) }}

// download fetches what f asks for and says how it goes, until say says no,
// ctx ends or the download does. What it means is for the device to judge.
func (s *Stage) download(ctx context.Context, id sim.DeviceID, f sim.Fetch, kept *partial, say func(sim.Fetched) bool) {
	at := sim.Fetched{ID: f.ID, Have: f.From}
	fail := func(why sim.FetchFail) {
		at.Fail, at.Done = why, true
		say(at)
	}
	u, err := url.Parse(f.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		fail(sim.FetchBadURI)
		return
	}
	hash, err := pack.Resume(f.Check)
	if err != nil || hash.Have() != f.From {
		fail(sim.FetchLink) // the device's memory is damaged: it starts again
		return
	}
	wanted := s.cfg.Now()
	if s.downloads.Acquire(ctx, 1) != nil {
		return
	}
	defer s.downloads.Release(1)
	s.gauges.download.add(s.cfg.Now().Sub(wanted))

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(downloadSilence, cancel)
	defer silence.Stop()

	update := func() {
		at.Have, at.Head, at.Sum, at.Check = hash.Have(), hash.Head(), hash.Sum(), hash.Check()
	}
	answer, err := s.get(ctx, u, id, f.From)
	if err != nil {
		update()
		fail(sim.FetchLink)
		return
	}
	defer answer.Body.Close()
	at.Status = int32(answer.StatusCode)
	total, ok := wholeLength(answer, f.From)
	if !ok {
		update()
		fail(sim.FetchStatus)
		return
	}
	at.Total = total
	header := answer.Header.Get("Repr-Digest")
	whole := kept.resume(f.From, header)
	defer func() { kept.keep(at.Have, whole) }()

	buf := chunks.Get().(*[chunk]byte)
	defer chunks.Put(buf)
	told := s.cfg.Now()
	headTold := false
	for {
		n, err := answer.Body.Read(buf[:])
		if n > 0 {
			silence.Reset(downloadSilence)
			hash.Write(buf[:n])
			whole.Write(buf[:n])
		}
		if err != nil {
			update()
			// a body that ends early by its own length is an error of Read
			if errors.Is(err, io.EOF) && (total == 0 || at.Have == total) {
				at.Total, at.Done, at.Digest = at.Have, true, whole.refuted()
				say(at)
			} else {
				fail(sim.FetchLink)
			}
			return
		}
		now := s.cfg.Now()
		if head := hash.Have() >= pack.HeadSize && !headTold; head || now.Sub(told) >= progressEvery {
			headTold, told = headTold || head, now
			update()
			if !say(at) {
				return
			}
		}
	}
}

// get asks for u from byte from on.
func (s *Stage) get(ctx context.Context, u *url.URL, id sim.DeviceID, from uint64) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set(DeviceHeader, url.PathEscape(string(id)))
	r.Header.Set("Accept-Encoding", "identity") // the bytes as they are
	if from > 0 {
		r.Header.Set("Range", "bytes="+strconv.FormatUint(from, 10)+"-")
	}
	return s.client.Do(r)
}

// wholeLength says how long the whole package is, 0 if the server does not
// say, and whether the answer gives what was asked for: all of it, or all
// from byte from on. [RFC 9110 sections 14.4 and 15.3.7]
func wholeLength(r *http.Response, from uint64) (uint64, bool) {
	if from == 0 {
		return uint64(max(0, r.ContentLength)), r.StatusCode == http.StatusOK
	}
	if r.StatusCode != http.StatusPartialContent {
		return 0, false
	}
	span, ok := strings.CutPrefix(r.Header.Get("Content-Range"), "bytes ")
	if !ok {
		return 0, false
	}
	span, length, ok := strings.Cut(span, "/")
	first, _, _ := strings.Cut(span, "-")
	if start, err := strconv.ParseUint(first, 10, 64); !ok || err != nil || start != from {
		return 0, false
	}
	if length == "*" {
		return 0, true
	}
	total, err := strconv.ParseUint(length, 10, 64)
	return total, err == nil && total >= from
}
