//go:build planted

package planted

// Built says whether this build has the bugs.
const Built = true

var at Bug

// In says whether a bug is at work.
func In(b Bug) bool { return at == b }

// Plant has one bug at work, or None.
func Plant(b Bug) { at = b }
