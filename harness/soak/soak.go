package soak

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/flotilla-sim/flotilla/sim/planted"
)

// Failure is a case that broke a rule, as small as it could be made.
type Failure struct {
	Seed   uint64
	Whole  Limits // of the case as it was drawn
	Limits Limits
	Broken Breach
	Case   *Case
}

// Options say what is played.
type Options struct {
	First    uint64 // seed
	Seeds    int
	Workers  int
	Planted  planted.Bug // at work in all of them
	Failures int         // after how many of them the range is given up; 0: 3
	// Progress, if set, is told how many seeds have been played, by one
	// goroutine at a time.
	Progress func(done int)
}

// Outcome is what came of a range of seeds.
type Outcome struct {
	Played   int
	Steps    uint64    // of all machines
	Failures []Failure // in order of their seeds
}

// Run plays the cases of a range of seeds, each twice, and makes those that
// break a rule smaller. The first few of them, or the end of the context, end
// it: what is being played is then played to its end, and the error says so.
func Run(ctx context.Context, o Options) (out Outcome, err error) {
	var wg sync.WaitGroup
	var mu sync.Mutex // guards out and next
	next, most := 0, o.Failures
	if most == 0 {
		most = 3
	}
	for range max(1, o.Workers) {
		wg.Go(func() {
			for {
				mu.Lock()
				if next >= o.Seeds || len(out.Failures) >= most || ctx.Err() != nil {
					mu.Unlock()
					return
				}
				seed := o.First + uint64(next)
				next++
				mu.Unlock()
				broken, steps := Judge(seed, All, o.Planted)
				var f Failure
				if broken.Rule != "" {
					f = Shrink(ctx, seed, o.Planted)
				}
				mu.Lock()
				out.Steps += steps
				out.Played++
				if broken.Rule != "" {
					out.Failures = append(out.Failures, f)
				}
				if o.Progress != nil {
					o.Progress(out.Played)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.SortFunc(out.Failures, func(a, b Failure) int {
		if a.Seed < b.Seed {
			return -1
		}
		return 1
	})
	return out, ctx.Err()
}

// Judge plays a case twice, with a planted bug at work or None, and says which
// rule it breaks.
func Judge(seed uint64, l Limits, bug planted.Bug) (Breach, uint64) {
	fresh := func() *Case {
		c := New(seed, l)
		c.Planted = bug
		return c
	}
	a := Play(fresh(), nil)
	if a.Broken.Rule != "" {
		return a.Broken, a.Steps
	}
	b := replay(fresh(), a.End)
	return differ(a, b), a.Steps + b.Steps
}

// differ says that two runs of one case are not the same.
func differ(a, b Result) Breach {
	switch {
	case b.Broken.Rule != "":
		return b.Broken
	case a.Digest != b.Digest || a.Steps != b.Steps:
		return Breach{"digest", a.End, fmt.Sprintf("two runs of one seed have the digests %.12s after %d steps and %.12s after %d", a.Digest, a.Steps, b.Digest, b.Steps)}
	}
	return Breach{}
}

// Shrink makes a failing case smaller: fewer acts, schedules, jobs, faults and
// devices, and shorter, as long as the same rule is broken. The end of the
// context leaves it as small as it is by then.
func Shrink(ctx context.Context, seed uint64, bug planted.Bug) Failure {
	whole := New(seed, All).Limits
	l, broken := shrink(ctx, whole, func(l Limits) Breach {
		b, _ := Judge(seed, l, bug)
		return b
	})
	return Failure{Seed: seed, Whole: whole, Limits: l, Broken: broken, Case: New(seed, l)}
}

// maxTries is how many smaller cases are tried.
const maxTries = 400

// shrink looks for the smallest limits under which a judge finds the same rule
// broken as in the whole.
func shrink(ctx context.Context, whole Limits, judge func(Limits) Breach) (Limits, Breach) {
	l, broken, tries := whole, judge(whole), 0
	try := func(t Limits) bool {
		if t == l || tries >= maxTries || ctx.Err() != nil {
			return false
		}
		tries++
		b := judge(t)
		if b.Rule != broken.Rule {
			return false
		}
		l, broken = t, b
		return true
	}
	for again := true; again; {
		again = false
		for _, bits := range []func(*Limits) *uint64{
			func(l *Limits) *uint64 { return &l.Acts },
			func(l *Limits) *uint64 { return &l.Plans },
			func(l *Limits) *uint64 { return &l.Faults },
			func(l *Limits) *uint64 { return &l.Jobs },
			func(l *Limits) *uint64 { return &l.Devices },
		} {
			for n := 64; n > 0; n /= 4 { // all of them at once, then some, then one by one
				for i := 0; i < 64; i += n {
					t := l
					*bits(&t) &^= (1<<n - 1) << i
					again = t.Devices != 0 && try(t) || again
				}
			}
		}
	}
	t := l
	if t.Seconds = int((broken.At + second - 1) / second); t.Seconds > 0 {
		try(t)
	}
	return l, broken
}
