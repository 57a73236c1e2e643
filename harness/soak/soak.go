package soak

import (
	"context"
	"fmt"
	"sync"
)

// Failure is a case that broke a rule, as small as it could be made.
type Failure struct {
	Seed   uint64
	Limits Limits
	Broken string
	Case   *Case
}

// Options say what is played.
type Options struct {
	First   uint64 // seed
	Seeds   int
	Workers int
	// Progress, if set, is told how many seeds have been played, from several
	// goroutines.
	Progress func(done int)
}

// Run plays the cases of a range of seeds, each twice, and returns those that
// broke a rule, made smaller, in order of their seeds; the first few end it.
// steps is how many Steps all machines took.
func Run(ctx context.Context, o Options) (failures []Failure, played int, steps uint64, err error) {
	var wg sync.WaitGroup
	var mu sync.Mutex // guards what is below and the results
	next := 0
	for range max(1, o.Workers) {
		wg.Go(func() {
			for {
				mu.Lock()
				if next >= o.Seeds || len(failures) >= 3 || ctx.Err() != nil {
					mu.Unlock()
					return
				}
				seed := o.First + uint64(next)
				next++
				mu.Unlock()
				broken, n := Judge(seed, All)
				var f Failure
				if broken != "" {
					f = Shrink(seed)
				}
				mu.Lock()
				steps += n
				played++
				done := played
				if broken != "" {
					failures = append(failures, f)
				}
				mu.Unlock()
				if o.Progress != nil {
					o.Progress(done)
				}
			}
		})
	}
	wg.Wait()
	return failures, played, steps, ctx.Err()
}

// Judge plays a case twice and says which rule it breaks, "" for none.
func Judge(seed uint64, l Limits) (broken string, steps uint64) {
	a := Play(New(seed, l), nil)
	if a.Broken != "" {
		return a.Broken, a.Steps
	}
	b := Play(New(seed, l), nil)
	if a.Digest != b.Digest {
		return fmt.Sprintf("two runs of one seed have the digests %s and %s", a.Digest, b.Digest), a.Steps + b.Steps
	}
	return "", a.Steps + b.Steps
}

// Shrink makes a failing case smaller: fewer acts, jobs, faults and devices,
// as long as some rule is still broken.
func Shrink(seed uint64) Failure {
	l := All
	whole := New(seed, l)
	l.Devices = len(whole.Devices)
	broken, _ := Judge(seed, l)
	try := func(t Limits) bool {
		if b, _ := Judge(seed, t); b != "" {
			l, broken = t, b
			return true
		}
		return false
	}
	for again := true; again; {
		again = false
		for _, set := range []struct {
			bits func(*Limits) *uint64
			n    int
		}{
			{func(l *Limits) *uint64 { return &l.Acts }, maxActs},
			{func(l *Limits) *uint64 { return &l.Jobs }, maxJobs},
			{func(l *Limits) *uint64 { return &l.Faults }, maxDevices},
		} {
			for i := range set.n {
				t := l
				bits := set.bits(&t)
				if *bits>>i&1 == 1 {
					*bits &^= 1 << i
					again = try(t) || again
				}
			}
		}
		for l.Devices > 1 {
			t := l
			t.Devices--
			if !try(t) {
				break
			}
			again = true
		}
	}
	return Failure{Seed: seed, Limits: l, Broken: broken, Case: New(seed, l)}
}
