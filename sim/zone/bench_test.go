package zone_test

import (
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim/zone"
)

// BenchmarkNext walks from occurrence to occurrence; "far" asks for the first
// one from a start thousands of years before.
func BenchmarkNext(b *testing.B) {
	for _, c := range []struct {
		name, start, zone string
		kind              zone.Kind
	}{
		{"every", "2026-01-01T00:00:00Z", "", zone.Every},
		{"daily", "2026-01-01T00:00:00Z", "", zone.Daily},
		{"monthly", "2026-01-31T00:00:00Z", "", zone.Monthly},
		{"daily Paris", "2026-01-01T02:30:00", "Europe/Paris", zone.Daily},
		{"weekly Paris", "2026-01-01T02:30:00", "Europe/Paris", zone.Weekly},
		{"monthly Paris", "2026-01-31T02:30:00", "Europe/Paris", zone.Monthly},
	} {
		r := zone.Rule{Start: start(b, c.start, c.zone), Kind: c.kind, End: until(b, "9990-01-01")}
		if c.kind == zone.Every {
			r.Every = 5 * time.Second
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			at := r.Start.At()
			for b.Loop() {
				next, ok := r.Next(at, 0)
				if !ok {
					next = r.Start.At()
				}
				at = next
			}
		})
		b.Run(c.name+" far", func(b *testing.B) {
			b.ReportAllocs()
			far := utc(b, "9876-05-04T03:02:01Z")
			for b.Loop() {
				if _, ok := r.From(far, 0); !ok {
					b.Fatal("does not fire")
				}
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := zone.Load("Europe/Paris"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseStart(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := zone.ParseStart("2026-03-20T02:30:00.500+01:00", nil); err != nil {
			b.Fatal(err)
		}
	}
}
