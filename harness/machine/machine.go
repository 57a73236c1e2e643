package machine

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Machine is what a computer has. Bytes where nothing else is said; 0 is
// unknown.
type Machine struct {
	CPUs      int    `json:"cpus"`      // that Go uses
	Memory    int64  `json:"memory"`    // of the machine, or of its container if that may use less
	Available int64  `json:"available"` // of it, not in use or easily given back
	OS        string `json:"os"`
	Arch      string `json:"arch"`
	Kernel    string `json:"kernel,omitempty"`
	Go        string `json:"go"`

	FilesSoft int64 `json:"filesSoft"` // open files of this process, at most
	FilesHard int64 `json:"filesHard"` // as which this process could raise that
	FilesTop  int64 `json:"filesTop"`  // as which an administrator could
	FilesOpen int64 `json:"filesOpen"`

	PortFirst int `json:"portFirst"` // the ports that outgoing connections get
	PortLast  int `json:"portLast"`
}

// Ports is how many connections one address can have to one port.
func (m *Machine) Ports() int {
	if m.PortFirst == 0 {
		return 0
	}
	return m.PortLast - m.PortFirst + 1
}

// Look reads what this computer has.
func Look() *Machine {
	m := look(os.DirFS("/"))
	m.FilesSoft, m.FilesHard = fileLimits()
	return m
}

// look reads what Linux tells in files below root; elsewhere they are missing.
func look(root fs.FS) *Machine {
	m := &Machine{CPUs: runtime.GOMAXPROCS(0), OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version()}
	m.Memory, m.Available = memory(root)
	m.Kernel = word(root, "proc/sys/kernel/osrelease", 0)
	m.FilesTop = number(word(root, "proc/sys/fs/nr_open", 0))
	if list, err := fs.ReadDir(root, "proc/self/fd"); err == nil {
		m.FilesOpen = int64(len(list))
	}
	m.PortFirst = int(number(word(root, "proc/sys/net/ipv4/ip_local_port_range", 0)))
	m.PortLast = int(number(word(root, "proc/sys/net/ipv4/ip_local_port_range", 1)))
	return m
}

// memory reads the machine's memory and holds it against the container's.
func memory(root fs.FS) (total, available int64) {
	b, _ := fs.ReadFile(root, "proc/meminfo")
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		switch f := strings.Fields(s.Text()); {
		case len(f) != 3 || f[2] != "kB":
		case f[0] == "MemTotal:":
			total = number(f[1]) << 10
		case f[0] == "MemAvailable:":
			available = number(f[1]) << 10
		}
	}
	for _, group := range [...]struct{ limit, used string }{
		{"sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory.current"},
		{"sys/fs/cgroup/memory/memory.limit_in_bytes", "sys/fs/cgroup/memory/memory.usage_in_bytes"},
	} {
		limit := number(word(root, group.limit, 0)) // 0 for `max`
		if limit > 0 && limit < total {
			total = limit
			available = min(available, max(0, limit-number(word(root, group.used, 0))))
		}
	}
	return total, available
}

// word is one of the words of a file, "" if there is none.
func word(root fs.FS, file string, n int) string {
	b, err := fs.ReadFile(root, file)
	if err != nil {
		return ""
	}
	words := strings.Fields(string(b))
	if n >= len(words) {
		return ""
	}
	return words[n]
}

// number is 0 for what is none.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
