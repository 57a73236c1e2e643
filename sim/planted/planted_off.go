//go:build !planted

package planted

// Built says whether this build has the bugs.
const Built = false

// In says whether a bug is at work: never.
func In(Bug) bool { return false }

// Plant does nothing.
func Plant(Bug) {}
