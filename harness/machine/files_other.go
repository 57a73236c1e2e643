//go:build !unix

package machine

// fileLimits says that there is no limit to know of.
func fileLimits() (soft, hard int64) { return 0, 0 }
