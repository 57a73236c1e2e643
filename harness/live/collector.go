package live

import (
	"bufio"
	"bytes"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"
)

// Collector keeps the garbage collector out of a run's latencies: a cycle over
// a fleet's goroutines is what a tail consists of. Its settings are the
// process's; one run at a time has one.
type Collector struct {
	cycles int64
	pause  time.Duration
	undo   func()
}

const (
	// manyDevices is from where on a fleet is worth more memory than cycles.
	manyDevices = 1000
	// growth is how much the heap of such a fleet may grow before a cycle, in
	// percent.
	growth = 400
)

// TuneCollector prepares the process for a fleet of so many devices. Above
// 1,000 the heap may grow to five times what is alive before it is collected,
// but not beyond three quarters of the machine's memory. What the environment
// says (GOGC, GOMEMLIMIT) stays as it is. Restore undoes it.
func TuneCollector(devices int) *Collector {
	c := &Collector{undo: func() {}}
	if devices <= manyDevices || os.Getenv("GOGC") != "" {
		return c
	}
	limit := debug.SetMemoryLimit(-1)
	if all := machineMemory(); limit == math.MaxInt64 && all > 0 {
		debug.SetMemoryLimit(all / 4 * 3)
	}
	percent := debug.SetGCPercent(growth)
	c.undo = func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
	return c
}

// Begin collects what the warm-up has left and begins the window.
func (c *Collector) Begin() {
	runtime.GC()
	c.cycles, c.pause = collections()
}

// Window says how many cycles there have been since Begin, and for how long
// they stopped everything in all.
func (c *Collector) Window() (cycles int64, pause time.Duration) {
	cycles, pause = collections()
	return cycles - c.cycles, pause - c.pause
}

// Restore undoes the settings.
func (c *Collector) Restore() { c.undo() }

func collections() (int64, time.Duration) {
	var s debug.GCStats
	debug.ReadGCStats(&s)
	return s.NumGC, s.PauseTotal
}

// machineMemory is the machine's memory in bytes, 0 if the system does not say.
func machineMemory() int64 {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		if f := bytes.Fields(s.Bytes()); len(f) == 3 && string(f[0]) == "MemTotal:" && string(f[2]) == "kB" {
			n, _ := strconv.ParseInt(string(f[1]), 10, 64)
			return n << 10
		}
	}
	return 0
}
