package fault_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
)

func TestParse(t *testing.T) {
	for _, x := range []struct {
		text string
		want fault.Conditions
		err  string
	}{
		{"wrong-bytes", fault.Conditions{Download: fault.Download{WrongByte: true}}, ""},
		{"truncated-download", fault.Conditions{Download: fault.Download{CutAt: 500, Cuts: 1}}, ""},
		{"truncated-download=12.5%", fault.Conditions{Download: fault.Download{CutAt: 125, Cuts: 1}}, ""},
		{" truncated-download = 99.9% ", fault.Conditions{Download: fault.Download{CutAt: 999, Cuts: 1}}, ""},
		{"cut-for-good=0.1%", fault.Conditions{Download: fault.Download{CutAt: 1, Cuts: fault.Forever}}, ""},
		{"never-reconnects", fault.Conditions{Device: sim.Condition{NeverReconnects: true}}, ""},
		{"stuck-device", fault.Conditions{Client: fault.Client{Stuck: true}}, ""},
		{"never-reads", fault.Conditions{Client: fault.Client{NeverReads: true}}, ""},
		{"half-close", fault.Conditions{Client: fault.Client{HalfCloses: true}}, ""},
		{"flooding", fault.Conditions{Device: sim.Condition{Flood: 20_000}}, ""},
		{"flooding=10/s", fault.Conditions{Device: sim.Condition{Flood: 10}}, ""},
		{"flooding=100", fault.Conditions{}, "write `100/s`"},
		{"flooding=9/s", fault.Conditions{}, "from 10/s to 1000000/s"},
		{"flooding=-9/s", fault.Conditions{}, "is no rate"},
		{"flooding=5000000000/s", fault.Conditions{}, "is no rate"},
		{"hub-paused", fault.Conditions{Hub: fault.Hub{Pause: 2 * time.Second}}, ""},
		{"hub-paused=500ms", fault.Conditions{Hub: fault.Hub{Pause: 500 * time.Millisecond}}, ""},
		{"hub-paused=2", fault.Conditions{}, "write `2s`"},
		{"hub-paused=soon", fault.Conditions{}, "is no duration"},
		{"hub-paused=1ms", fault.Conditions{}, "from 10ms to 10m"},
		{"hub-paused=-1s", fault.Conditions{}, "from 10ms to 10m"},
		{"rejects", answering(sim.Answering{Rejects: 500, In: sim.AnyPhase}), ""},
		{"rejects=404", answering(sim.Answering{Rejects: 404, In: sim.AnyPhase}), ""},
		{"rejects=503@downloaded", answering(sim.Answering{Rejects: 503, In: sim.PhaseDownloaded}), ""},
		{"rejects=200", fault.Conditions{}, "from 400 to 599"},
		{"rejects=no", fault.Conditions{}, "from 400 to 599"},
		{"rejects=503@night", fault.Conditions{}, "write any, idle, downloading, downloaded, flashing"},
		{"rejects=503@", fault.Conditions{}, "is no state"},
		{"hangs", updating(sim.Updating{Hangs: sim.AnyPhase}), ""},
		{"hangs=flashing", updating(sim.Updating{Hangs: sim.PhaseFlashing}), ""},
		{"hangs=503", fault.Conditions{}, "is no state"},
		{"crashes", updating(sim.Updating{Crashes: sim.PhaseDownloading}), ""},
		{"crashes=flashing@1500ms", updating(sim.Updating{Crashes: sim.PhaseFlashing, After: 1500 * time.Millisecond}), ""},
		{"crashes=idle", fault.Conditions{}, "write downloading, downloaded, flashing"},
		{"crashes=any", fault.Conditions{}, "write downloading, downloaded, flashing"},
		{"crashes=flashing@5", fault.Conditions{}, "has no unit"},
		{"crashes=flashing@0s", fault.Conditions{}, "from 1ms to 24h"},
		{"power-loss", updating(sim.Updating{PowerLoss: sim.RollsBack}), ""},
		{"power-loss=brick", updating(sim.Updating{PowerLoss: sim.Bricks}), ""},
		{"power-loss=fire", fault.Conditions{}, "write rollback or brick"},
		{"slow-flash", updating(sim.Updating{SlowFlash: 10}), ""},
		{"slow-flash=1000x", updating(sim.Updating{SlowFlash: 1000}), ""},
		{"slow-flash=10", fault.Conditions{}, "write `10x`"},
		{"slow-flash=1x", fault.Conditions{}, "from 2x to 1000x"},
		{"slow-flash=manyx", fault.Conditions{}, "is no number of times"},
		{"slow-flash=99999999999x", fault.Conditions{}, "is no number of times"},
		{"out-of-storage", updating(sim.Updating{NoStorage: true}), ""},
		{"out-of-memory", updating(sim.Updating{NoMemory: true}), ""},
		{"other-model", updating(sim.Updating{OtherModel: true}), ""},
		{"invalid-uri", updating(sim.Updating{BadURI: true}), ""},
		{"duplicate-answer", answering(sim.Answering{Copies: 1}), ""},
		{"duplicate-answer=5x", answering(sim.Answering{Copies: 4}), ""},
		{"late-answer", answering(sim.Answering{Late: 35 * time.Second}), ""},
		{"late-answer=250ms", answering(sim.Answering{Late: 250 * time.Millisecond}), ""},
		{"late-answer=2h", fault.Conditions{}, "from 10ms to 1h"},
		{"malformed-answer", answering(sim.Answering{Malformed: true}), ""},
		{"slow-download", fault.Conditions{Download: fault.Download{Rate: 64 << 10}}, ""},
		{"slow-download=2KB/s", fault.Conditions{Download: fault.Download{Rate: 2000}}, ""},
		{"slow-download=10B/s", fault.Conditions{}, "from 100B/s to 1000MB/s"},
		{"slow-download=2000", fault.Conditions{}, "has no unit"},
		{"missing-package", fault.Conditions{Download: fault.Download{Status: 404, Refusals: fault.Forever}}, ""},
		{"server-error", fault.Conditions{Download: fault.Download{Status: 503, Refusals: 2}}, ""},
		{"server-error=always@500", fault.Conditions{Download: fault.Download{Status: 500, Refusals: fault.Forever}}, ""},
		{"server-error=3x@599", fault.Conditions{Download: fault.Download{Status: 599, Refusals: 3}}, ""},
		{"server-error=3", fault.Conditions{}, "write `3x`"},
		{"server-error=3x@404", fault.Conditions{}, "from 500 to 599"},
		{"no-backoff", reconnecting(sim.Reconnecting{Way: sim.BackoffNone}), ""},
		{"fixed-backoff=250ms", reconnecting(sim.Reconnecting{Way: sim.BackoffFixed, Min: 250 * time.Millisecond, Max: 250 * time.Millisecond}), ""},
		{"exponential-backoff", reconnecting(sim.Reconnecting{Way: sim.BackoffExponential, Min: time.Second, Max: time.Minute}), ""},
		{"exponential-backoff=1s", fault.Conditions{}, "write `1s..60s`"},
		{"exponential-backoff=5s..1s", fault.Conditions{}, "shorter than the first"},
		{"exponential-backoff=0s..1s", fault.Conditions{}, "from 1ms to 24h"},
		{"wrong-byte", fault.Conditions{}, `did you mean "wrong-bytes"`},
		{"cut-for-god=3%", fault.Conditions{}, `did you mean "cut-for-good"`},
		{"lightning", fault.Conditions{}, "there are wrong-bytes, truncated-download, cut-for-good, never-reconnects, "},
		{"", fault.Conditions{}, "unknown"},
		{"wrong-bytes=1%", fault.Conditions{}, "takes no argument"},
		{"cut-for-good=", fault.Conditions{}, "write `cut-for-good=50%`"},
		{"cut-for-good=50", fault.Conditions{}, "write `50%`"},
		{"cut-for-good=0%", fault.Conditions{}, "from 0.1% to 99.9%"},
		{"cut-for-good=100%", fault.Conditions{}, "from 0.1% to 99.9%"},
		{"cut-for-good=-1%", fault.Conditions{}, "not a percentage"},
		{"cut-for-good=1.25%", fault.Conditions{}, "at most one decimal"},
		{"cut-for-good=x%", fault.Conditions{}, "not a percentage"},
		{strings.Repeat("x", 1000), fault.Conditions{}, "unknown"},
	} {
		got, err := fault.Parse(x.text)
		switch {
		case x.err == "" && (err != nil || got != x.want):
			t.Errorf("Parse(%q) = %+v, %v; want %+v", x.text, got, err, x.want)
		case x.err != "" && (err == nil || !strings.Contains(err.Error(), x.err)):
			t.Errorf("Parse(%q): error %v; want one with %q", x.text, err, x.err)
		}
	}
}

func answering(a sim.Answering) fault.Conditions {
	return fault.Conditions{Device: sim.Condition{Answering: a}}
}

func updating(u sim.Updating) fault.Conditions {
	return fault.Conditions{Device: sim.Condition{Updating: u}}
}

func reconnecting(r sim.Reconnecting) fault.Conditions {
	return fault.Conditions{Device: sim.Condition{Reconnecting: r}}
}

// TestMergeWithNothing: a healthy condition takes nothing away and adds
// nothing, on either side, whatever the fault; and twice the same is the same.
func TestMergeWithNothing(t *testing.T) {
	for _, r := range fault.Recipes {
		c, err := fault.Parse(r.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range []fault.Conditions{fault.Merge(c), fault.Merge(c, fault.Conditions{}), fault.Merge(fault.Conditions{}, c), fault.Merge(c, c)} {
			if got != c {
				t.Errorf("%s: merged %+v; want %+v", r.Name, got, c)
			}
		}
	}
}

// TestMergeDevice: of two faults of one kind the later or the larger one
// counts, those of different kinds add up.
func TestMergeDevice(t *testing.T) {
	for _, x := range []struct {
		faults string
		want   fault.Conditions
	}{
		{"rejects=404 rejects=503@flashing late-answer=1s late-answer=20ms duplicate-answer=9x duplicate-answer malformed-answer",
			answering(sim.Answering{Rejects: 503, In: sim.PhaseFlashing, Late: time.Second, Copies: 8, Malformed: true})},
		{"hangs=idle hangs=flashing crashes=flashing@2s crashes=downloading slow-flash=3x slow-flash=2x",
			updating(sim.Updating{Hangs: sim.PhaseIdle | sim.PhaseFlashing, Crashes: sim.PhaseFlashing | sim.PhaseDownloading, After: 2 * time.Second, SlowFlash: 3})},
		{"power-loss=brick power-loss out-of-storage out-of-memory other-model invalid-uri",
			updating(sim.Updating{PowerLoss: sim.Bricks, NoStorage: true, NoMemory: true, OtherModel: true, BadURI: true})},
		{"no-backoff fixed-backoff=1s", reconnecting(sim.Reconnecting{Way: sim.BackoffFixed, Min: time.Second, Max: time.Second})},
		{"slow-download=5KB/s slow-download=2KB/s slow-download=9KB/s missing-package server-error=3x",
			fault.Conditions{Download: fault.Download{Rate: 2000, Status: 503, Refusals: 3}}},
	} {
		var all []fault.Conditions
		for name := range strings.FieldsSeq(x.faults) {
			c, err := fault.Parse(name)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
		if got := fault.Merge(all...); got != x.want {
			t.Errorf("%s:\n%+v\nwant\n%+v", x.faults, got, x.want)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, x := range []struct {
		d    fault.Download
		want []int32
	}{
		{fault.Download{}, []int32{0, 0}},
		{fault.Download{Status: 503, Refusals: 2}, []int32{503, 503, 0, 0}},
		{fault.Download{Status: 404, Refusals: fault.Forever}, []int32{404, 404, 404, 404}},
	} {
		var tries fault.Tries
		for i, want := range x.want {
			if got := tries.Refused(x.d); got != want {
				t.Errorf("%+v: try %d is answered %d; want %d", x.d, i, got, want)
			}
		}
	}
}

// TestRecipes sweeps the table: each one is found, described, does something,
// and takes its own default.
func TestRecipes(t *testing.T) {
	for _, r := range fault.Recipes {
		if r.Help == "" || r.Observable == "" || r.Build == nil {
			t.Errorf("%s: not described", r.Name)
		}
		c, err := fault.Parse(r.Name)
		if err != nil || c.IsZero() {
			t.Errorf("%s: %+v, %v; want a fault", r.Name, c, err)
		}
		if (c.Hub != fault.Hub{}) != (r.Scope == fault.OnHub) || (c.Client != fault.Client{}) != r.LiveOnly {
			t.Errorf("%s: scope %d, live only %t, but it is %+v", r.Name, r.Scope, r.LiveOnly, c)
		}
		if r.Argument.Unit == "" {
			continue
		}
		for _, arg := range []string{r.Argument.Default, r.Argument.Least, r.Argument.Most} {
			if d, err := fault.Parse(r.Name + "=" + arg); err != nil || arg == r.Argument.Default && d != c {
				t.Errorf("%s=%s: %+v, %v", r.Name, arg, d, err)
			}
		}
	}
}

func TestMerge(t *testing.T) {
	parse := func(s string) fault.Conditions {
		c, err := fault.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	got := fault.Merge(parse("cut-for-good=10%"), parse("wrong-bytes"), parse("truncated-download=20%"), parse("never-reconnects"))
	want := fault.Conditions{
		Device:   sim.Condition{NeverReconnects: true},
		Download: fault.Download{WrongByte: true, CutAt: 200, Cuts: 1},
	}
	if got != want {
		t.Errorf("Merge = %+v; want %+v", got, want)
	}
	got = fault.Merge(parse("flooding=50/s"), parse("stuck-device"), parse("never-reads"), parse("half-close"), parse("flooding=20/s"), parse("hub-paused=1s"), parse("hub-paused=3s"))
	want = fault.Conditions{
		Device: sim.Condition{Flood: 50},
		Client: fault.Client{Stuck: true, NeverReads: true, HalfCloses: true},
		Hub:    fault.Hub{Pause: 3 * time.Second},
	}
	if got != want {
		t.Errorf("Merge = %+v; want %+v", got, want)
	}
	if !fault.Merge().IsZero() {
		t.Error("Merge of nothing is something")
	}
}

func TestTries(t *testing.T) {
	type try struct {
		from, end int64
		cut       bool
	}
	for _, x := range []struct {
		name string
		d    fault.Download
		len  int64
		want []try
	}{
		{"none", fault.Download{}, 1000, []try{{0, 1000, false}, {500, 1000, false}}},
		{"once", fault.Download{CutAt: 500, Cuts: 1}, 1001, []try{{0, 500, true}, {500, 1001, false}, {0, 1001, false}}},
		{"for good", fault.Download{CutAt: 500, Cuts: fault.Forever}, 1000, []try{{0, 500, true}, {500, 500, true}, {0, 500, true}, {501, 1000, false}}},
		{"twice", fault.Download{CutAt: 1, Cuts: 2}, 4000, []try{{0, 4, true}, {4, 4, true}, {4, 4000, false}}},
		{"empty", fault.Download{CutAt: 999, Cuts: 1}, 0, []try{{0, 0, false}}},
		{"one byte", fault.Download{CutAt: 999, Cuts: 1}, 1, []try{{0, 0, true}}},
		{"huge", fault.Download{CutAt: 999, Cuts: 1}, math.MaxInt64, []try{{0, math.MaxInt64/1000*999 + 807*999/1000, true}}},
	} {
		var tries fault.Tries
		for i, w := range x.want {
			if end, cut := tries.Next(x.d, w.from, x.len); end != w.end || cut != w.cut {
				t.Errorf("%s: try %d: Next(from %d of %d) = %d, %t; want %d, %t", x.name, i, w.from, x.len, end, cut, w.end, w.cut)
			}
		}
	}
}

func TestWrongPlace(t *testing.T) {
	for _, x := range []struct {
		d       fault.Download
		payload int64
		at      int64
		ok      bool
	}{
		{fault.Download{}, 100, 50, false},
		{fault.Download{WrongByte: true}, 101, 50, true},
		{fault.Download{WrongByte: true}, 1, 0, true},
		{fault.Download{WrongByte: true}, 0, 0, false},
	} {
		if at, ok := x.d.WrongPlace(x.payload); ok != x.ok || ok && at != x.at {
			t.Errorf("%+v: WrongPlace(%d) = %d, %t; want %d, %t", x.d, x.payload, at, ok, x.at, x.ok)
		}
	}
}
