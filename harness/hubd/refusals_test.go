package hubd

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

// TestRefusals: a device is refused as often as its conditions say, for each
// package, and told so again only by other conditions; a HEAD is not a try.
func TestRefusals(t *testing.T) {
	s := openShop(t, 10_000)
	defer s.close()
	d := fault.Download{Status: 503, Refusals: 2}
	other, err := s.Publish(pack.New(pack.Spec{Name: "other", Version: "1.0", Size: 10}))
	if err != nil {
		t.Fatal(err)
	}
	get := func(method, uri, device string, want int) {
		t.Helper()
		if err := s.Afflict("dev", d); err != nil { // the same one: nothing begins anew
			t.Fatal(err)
		}
		if a, _, err := s.get(method, uri, device, ""); err != nil || a.StatusCode != want {
			t.Errorf("%s %s for %s: %d, %v; want %d", method, uri, device, a.StatusCode, err, want)
		}
	}
	get("GET", s.uri, "dev", 503)
	get("HEAD", s.uri, "dev", 200)
	get("GET", s.uri, "another", 200)
	get("GET", s.uri, "dev", 503)
	get("GET", s.uri, "dev", 200)
	get("GET", other, "dev", 503)
	d = fault.Download{Status: 404, Refusals: fault.Forever}
	for range 4 {
		get("GET", s.uri, "dev", 404)
	}
	if got := s.Counters(); got.Downloads != 2 || got.Status[4] != 4 || got.Status[5] != 3 || got.BytesServed != 2*uint64(len(s.bytes)) {
		t.Errorf("counted %+v", got)
	}
}

// TestSlowDownload: bytes come at the rate of the device's conditions, a piece
// at a time and not all at the end; nobody else waits.
func TestSlowDownload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, 10_000)
		if err := s.Afflict("slow", fault.Download{Rate: 1000, CutAt: 900, Cuts: 1}); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if _, b, err := s.get("GET", s.uri, "quick", ""); err != nil || len(b) != len(s.bytes) || time.Since(begin) != 0 {
			t.Errorf("quick: %d bytes, %v, after %s; want all of it at once", len(b), err, time.Since(begin))
		}
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.uri, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(DeviceHeader, "slow")
		a, err := s.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		end := fault.Download{CutAt: 900}.CutPlace(int64(len(s.bytes)))
		buf := make([]byte, len(s.bytes))
		read := int64(0)
		for {
			n, err := a.Body.Read(buf)
			read += int64(n)
			if took := time.Since(begin); took < time.Duration(read)*time.Millisecond-time.Second/10 || took > time.Duration(read)*time.Millisecond+time.Second/5 {
				t.Errorf("byte %d has come after %s; want one a millisecond", read, took)
			}
			if err != nil {
				break
			}
		}
		a.Body.Close()
		if took := time.Since(begin); read != end || took.Round(time.Second/10) != (time.Duration(end)*time.Millisecond).Round(time.Second/10) {
			t.Errorf("cut after %d bytes and %s; want %d and as many milliseconds", read, took, end)
		}
		s.close()
	})
}
