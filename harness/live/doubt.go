package live

import (
	"fmt"
	"time"
)

// DefaultMaxLag is how late 99 % of what devices wanted to do may be done
// before the numbers of a run cannot be trusted: well above what a busy
// machine's scheduler adds, well below what a person would call a pause.
const DefaultMaxLag = 50 * time.Millisecond

const (
	// fewWakes is how few wakes say nothing: one hiccup would be a percentile.
	fewWakes = 1000
	// mayDrop is how many messages of so many may be dropped in front of a full
	// queue: 0.1 %.
	mayDrop = 1000
)

// Doubt says why the numbers of a run cannot be trusted, "" if they can: the
// generator was late for its own plan, or could not send what it had planned.
// maxLag is what is allowed, 0 for DefaultMaxLag. A run in which things are
// made to go wrong (faulty) drops what it drops.
func (g Generator) Doubt(maxLag time.Duration, faulty bool) string {
	if maxLag <= 0 {
		maxLag = DefaultMaxLag
	}
	if l := g.WakeLag; l.Count >= fewWakes && l.P99 > maxLag {
		return fmt.Sprintf("the generator was the limit: 1 %% of what devices wanted to do was done %s late or later, %s is allowed; "+
			"use fewer devices or a lower rate, or allow more with maxLag or --max-lag", l.P99.Round(time.Millisecond), maxLag)
	}
	if full := g.TelemetryDropped; !faulty && full*mayDrop > g.Planned {
		return fmt.Sprintf("the generator was the limit: %d of %d messages were dropped in front of full queues, 0.1 %% is allowed; "+
			"use a lower rate or more devices", full, g.Planned)
	}
	return ""
}
