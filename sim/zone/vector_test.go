package zone_test

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim/zone"
)

var update = flag.Bool("update", false, "rewrite testdata/vectors.txt; commit only a difference you understand")

// TestVectors: for some zones, when a daily schedule at 02:30 (and at midnight)
// does not fire 24 hours after the time before, over two years; for all zones
// and kinds, a digest of their occurrences. The file is the same on every
// machine, and changes with the zone files.
func TestVectors(t *testing.T) {
	const file = "testdata/vectors.txt"
	var got bytes.Buffer
	for _, v := range []struct{ zone, start string }{
		{"Europe/Paris", "2026-01-01T02:30:00"},
		{"Europe/Dublin", "2026-01-01T01:30:00"},
		{"America/St_Johns", "2010-01-01T00:00:30"},
		{"America/St_Johns", "2026-01-01T02:30:00"},
		{"America/Sao_Paulo", "2018-01-01T00:00:00"},
		{"America/Nuuk", "2026-01-01T23:30:00"},
		{"Africa/Casablanca", "2026-01-01T02:30:00"},
		{"Africa/Cairo", "2026-01-01T00:00:00"},
		{"Asia/Gaza", "2026-01-01T02:30:00"},
		{"Asia/Kathmandu", "1985-06-01T00:10:00"},
		{"Australia/Sydney", "2026-01-01T02:30:00"},
		{"Australia/Lord_Howe", "2026-01-01T02:15:00"},
		{"Antarctica/Troll", "2026-01-01T02:30:00"},
		{"Pacific/Apia", "2010-06-01T03:30:00"},
		{"Pacific/Kwajalein", "1993-01-01T12:00:00"},
		{"Pacific/Chatham", "2099-01-01T03:15:00"},
		{"Etc/GMT+5", "2026-01-01T02:30:00"},
	} {
		r := zone.Rule{Start: start(t, v.start, v.zone), Kind: zone.Daily}
		fmt.Fprintln(&got, r)
		last := r.Start.At()
		end := civil(last).AddDate(2, 0, 0)
		for at, ok := r.Next(last, 1); ok && civil(at).Before(end); at, ok = r.Next(at, 1) {
			if d := civil(at).Sub(civil(last)); d != 24*time.Hour {
				fmt.Fprintf(&got, "  %s after %s\n", at, d)
			}
			last = at
		}
	}
	sum := sha256.New()
	for _, name := range zone.Names() {
		for _, kind := range []zone.Kind{zone.Daily, zone.Weekly, zone.Monthly, zone.Every} {
			r := zone.Rule{Start: start(t, "1899-12-31T02:30:00.25", name), Kind: kind}
			if kind == zone.Every {
				r.Every = 1_234_567_890_123_457
			}
			at, ok := r.From(utc(t, "1900-01-01T00:00:00Z"), 0)
			for n := 0; ok && n < 100; n++ {
				fmt.Fprintln(sum, r, at)
				at, ok = r.Next(zone.Instant{Date: at.Date + 1000*24*60*60}, 0)
			}
		}
	}
	fmt.Fprintf(&got, "all zones: sha256 %x\n", sum.Sum(nil))
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got\n%s\nwant, from %s,\n%s", got.Bytes(), file, want)
	}
}
