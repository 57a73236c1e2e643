//go:build unix

package machine

import (
	"math"
	"syscall"
)

// fileLimits returns how many files this process may have open, and how many
// if it asked for more.
func fileLimits() (soft, hard int64) {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 0, 0
	}
	return files(uint64(l.Cur)), files(uint64(l.Max))
}

func files(n uint64) int64 { return int64(min(n, math.MaxInt32)) } // more is no limit
