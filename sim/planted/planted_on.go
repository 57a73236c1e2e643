//go:build planted

package planted

// Built says whether this build has the bugs.
const Built = true
