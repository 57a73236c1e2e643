package reports

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/harness/record"
)

func words(list []tick) string {
	var all []string
	for _, t := range list {
		all = append(all, t.Text)
	}
	return strings.Join(all, " ")
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		got  []tick
		want string
	}{
		{countTicks(0), "0"}, {countTicks(1), "0 1"}, {countTicks(6), "0 2 4 6"}, {countTicks(36), "0 10 20 30"}, {countTicks(10_000), "0 2,000 4,000 6,000 8,000 10,000"},
		{timeTicks(0), "0"}, {timeTicks(1770 * time.Millisecond), "0 500ms 1s 1.5s"}, {timeTicks(5600 * time.Millisecond), "0 1s 2s 3s 4s 5s"},
		{timeTicks(12*time.Minute + 30*time.Second), "0 2m 4m 6m 8m 10m 12m"}, {timeTicks(100 * time.Second), "0 15s 30s 45s 1m 1m15s 1m30s"}, {timeTicks(53 * time.Hour), "0 12h 1d 1d12h 2d"},
		{percentileTicks(1), " 50 90"}, {percentileTicks(5.3), " 50 90 99 99.9 99.99 99.999"},
		{newLogScale(22_400_000, 77_300_000).ticks(), "20ms 50ms 100ms"},
		{newLogScale(31_000_000, 600_000_000_000).ticks(), "100ms 1s 10s 1m 10m"},
		{newLogScale(5_000_000_000, 86_400_000_000_000).ticks(), "10s 1m 10m 1h 1d"},
		{newLogScale(0, 0).ticks(), "1ns 2ns 5ns 10ns"},
	} {
		if got := words(c.got); got != c.want {
			t.Errorf("%s; want %s", got, c.want)
		}
	}
}

// Marks are on the axis, in order, and not so many or near that they would
// run into each other.
func TestTicksFit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		check := func(name string, list []tick, least, most int, apart float64) {
			if len(list) < least || len(list) > most {
				rt.Fatalf("%s: %d marks: %v", name, len(list), list)
			}
			for i, k := range list {
				if k.At < 0 || k.At > 1+1e-9 || i > 0 && k.At-list[i-1].At < apart {
					rt.Fatalf("%s: mark %d of %v", name, i, list)
				}
			}
		}
		magnitude := func(name string, top int) int64 {
			return rapid.Int64Range(0, 1<<rapid.IntRange(0, top).Draw(rt, name)).Draw(rt, name)
		}
		check("count", countTicks(int(magnitude("count", 40))), 1, 6, 0.16)
		check("time", timeTicks(time.Duration(magnitude("time", 62))), 1, 7, 0.14)
		low := magnitude("low", 46)
		s := newLogScale(low, low+magnitude("span", 46))
		check("log", s.ticks(), 1, 12, 0.06)
		if a, b := s.at(max(low, 1)), s.at(max(low, 1)*2); a < 0 || b > 1 || b < a || math.IsNaN(a) {
			rt.Fatalf("%d lies at %f, twice as much at %f", low, a, b)
		}
	})
}

// An area is as high over every part of time as its count says.
func TestAreas(t *testing.T) {
	c := &record.Campaign{BucketNs: 10, EndNs: 35}
	a := newAreas("Devices by state", "devices", []record.States{{State: "offline", Counts: []int{4, 2, 0, 0}}, {State: "connected", Counts: []int{0, 2, 4, 3}}, {State: "applying", Counts: []int{0, 0, 0, 1}}}, c)
	if len(a.Bands) != 3 || a.Bands[0].State != "offline" {
		t.Fatalf("%+v", a.Bands)
	}
	var paths []string
	for _, b := range a.Bands {
		paths = append(paths, b.State+" "+b.Path+" "+b.Peak+" "+b.Last)
	}
	want := "offline M0 0H1000V0H571.43V500H285.71V1000H0Z 4 0\n" +
		"applying M0 1000H285.71V500H571.43V0H1000V250H857.14V0H571.43V500H285.71V1000H0Z 1 1\n" +
		"connected M0 1000H285.71V500H571.43V0H857.14V250H1000V1000H0Z 4 3"
	if got := strings.Join(paths, "\n"); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	var said []string
	for _, m := range a.Moments {
		said = append(said, m.X+" "+m.Width+" "+m.Text)
	}
	if got, want := strings.Join(said, "\n"), "0 285.71 from 10ns: 4 offline\n285.71 285.71 from 20ns: 2 offline, 2 connected\n571.43 285.71 from 30ns: 4 connected\n857.14 142.86 from 35ns: 1 applying, 3 connected"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	for _, c := range []*record.Campaign{nil, {}, {BucketNs: 1, EndNs: 1}, {BucketNs: 1, EndNs: 1, Devices: []record.States{{State: "x"}, {State: "y", Counts: []int{0}}}}} {
		if got := campaignCharts(c); got != nil {
			t.Errorf("%+v of nothing", got)
		}
	}
}
