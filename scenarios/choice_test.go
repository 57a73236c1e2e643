package scenarios_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim/fault"
)

// afflicted lists the devices for which a fault of the link holds throughout.
func afflicted(p *scenarios.Plan) (ids []string) {
	for _, g := range p.Groups {
		for i := range g.Count {
			if m := g.Member(i); m.Fault.Link != (fault.Link{}) {
				ids = append(ids, string(m.ID))
			}
		}
	}
	return ids
}

const twoGroups = `groups:
  vans: {count: 4, id: "van-{number}", labels: [bacon], firmwareVersion: "1.0", tags: {site: {country: FR}}}
  cars:
    firmwareVersion: "2.0"
    devices:
      - {id: car-a, labels: [bacon, eggs], serviceProperties: {Weight: 100}}
      - {id: car-b, firmwareVersion: "1.0"}
      - {id: car-c, values: {Timezone: PST}}
`

// TestChoice: every way to say whom a fault befalls.
func TestChoice(t *testing.T) {
	for _, x := range []struct{ fault, want string }{
		{"loss", "van-1 van-2 van-3 van-4 car-a car-b car-c"},
		{"loss on vans", "van-1 van-2 van-3 van-4"},
		{"loss@cars", "car-a car-b car-c"},
		{"loss on car-b", "car-b"},
		{"loss on car-c, van-2,car-c", "van-2 car-c"},
		{"loss on label=bacon", "van-1 van-2 van-3 van-4 car-a"},
		{"loss on label=bacon, firmwareVersion=2.0", "car-a"},
		{"loss on firmwareVersion!=2.0", "van-1 van-2 van-3 van-4 car-b"},
		{"loss on tags.site.country=FR", "van-1 van-2 van-3 van-4"},
		{"loss on service.Weight=100", "car-a"},
		{"loss on device.Timezone=PST", "car-c"},
		{"loss on id in (van-3, car-a)", "van-3 car-a"},
		{"loss on 100% of cars", "car-a car-b car-c"},
		{"loss on 2 of car-b,car-c", "car-b car-c"},
		{"{fault: loss, group: cars, select: label=eggs}", "car-a"},
		{"{fault: loss, devices: [van-4, car-c]}", "van-4 car-c"},
		{"{fault: loss, group: vans, devices: [van-4]}", "van-4"},
	} {
		text := x.fault
		if !strings.HasPrefix(text, "{") {
			text = "'" + text + "'"
		}
		p, err := compile(twoGroups + "faults: [" + text + "]")
		if err != nil {
			t.Errorf("%s: %v", x.fault, err)
			continue
		}
		if got := strings.Join(afflicted(p), " "); got != x.want {
			t.Errorf("%s befalls %s; want %s", x.fault, got, x.want)
		}
		if n := len(strings.Fields(x.want)); p.Faults[0].Devices != n {
			t.Errorf("%s: listed for %d devices; want %d", x.fault, p.Faults[0].Devices, n)
		}
	}
}

// TestShare: a share befalls exactly so many devices, rounded, at least one;
// the seed chooses them and nothing else does, each choice anew, and with time
// they are the same.
func TestShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 300).Draw(t, "devices")
		tenths := rapid.IntRange(1, 1000).Draw(t, "share in 1/1000")
		share := fmt.Sprintf("%d.%d%%", tenths/10, tenths%10)
		want := max(1, (n*tenths*2+1000)/2000)
		text := fmt.Sprintf("groups: {a: {count: 5}, g: {count: %d}}\nfaults: [loss on %s of g]", n, share)
		load := func(text string, sets ...string) []string {
			p, err := compile(text, sets...)
			if err != nil {
				t.Fatal(err)
			}
			return afflicted(p)
		}
		got := load(text)
		if len(got) != want || !slices.IsSorted(got) || !strings.HasPrefix(got[0], "g-") {
			t.Fatalf("%s of %d: %d devices %v; want %d", share, n, len(got), got, want)
		}
		if again := load(text); !slices.Equal(got, again) {
			t.Errorf("the same seed chooses %v, then %v", got, again)
		}
		if n >= 100 && want >= 10 && want <= n-10 {
			if other := load(text, "seed=2"); slices.Equal(got, other) {
				t.Errorf("seeds 1 and 2 choose the same: %v", got)
			}
		}
	})
}

// TestShareAtATime: those that a fault befalls at a time are those of whom the
// scenario says that their link may go wrong.
func TestShareAtATime(t *testing.T) {
	p, err := compile("groups: {a: {count: 50}, g: {count: 50}}\nfaults: ['loss on 10% at 5s for 5s', 'wrong-bytes on 5 at 1s']\nsteps: [{fault: latency on a-000001}]")
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Spells) != 2 || p.Spells[0].Who.Len() != 10 || p.Spells[1].Who.Len() != 5 {
		t.Fatalf("spells %+v; want 10 and 5 devices", p.Spells)
	}
	for _, g := range p.Groups {
		for i := range g.Count {
			n, m := g.First+uint64(i), g.Member(i)
			if want := p.Spells[0].Who.Has(n) || m.ID == "a-000001"; m.Rough != want || !m.Fault.IsZero() {
				t.Errorf("%s: rough %t, fault %+v; want %t and none", m.ID, m.Rough, m.Fault, want)
			}
		}
	}
	if slices.Equal(p.Spells[0].Who.List[:5], p.Spells[1].Who.List) {
		t.Errorf("two faults befall the same: %v", p.Spells[1].Who.List)
	}
}

// TestTooManyFaults: a file cannot keep its reader busy for ever.
func TestTooManyFaults(t *testing.T) {
	for want, text := range map[string]string{ // any order: each for itself
		"more than 1000 faults":      "groups: {g: {count: 5}}\nfaults: [" + strings.Repeat("loss, ", 1001) + "]",
		"more than 50000000 devices": "groups: {g: {count: 1000000}}\nfaults: [" + strings.Repeat("loss on 1 of g-000001, ", 60) + "]",
		"of group g":                 "groups: {g: {count: 5, faults: [" + strings.Repeat("loss, ", 1000) + "]}}",
	} {
		p, err := compile(text)
		if want == "of group g" {
			if err != nil || p.Faults[0].Devices != 5000 {
				t.Errorf("1000 faults: %v", err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}
