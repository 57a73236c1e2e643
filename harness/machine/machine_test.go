package machine

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
)

var update = flag.Bool("update", false, "rewrite testdata; read the difference before you commit it")

const gb = 1 << 30

func disk(list map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, text := range list {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}

// TestLookAt reads what Linux tells, and makes nothing up where it does not.
func TestLookAt(t *testing.T) {
	const meminfo = "MemTotal:       16777216 kB\nMemFree:         100 kB\nMemAvailable:   8388608 kB\nHugePages_Total:       0\n"
	for _, x := range []struct {
		name string
		root fstest.MapFS
		want Machine
	}{
		{"nothing", disk(nil), Machine{}},
		{"a machine", disk(map[string]string{
			"proc/meminfo": meminfo, "proc/sys/kernel/osrelease": "6.1.0\n", "proc/sys/fs/nr_open": "1048576\n",
			"proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n", "proc/self/fd/0": "", "proc/self/fd/7": "",
		}), Machine{Memory: 16 * gb, Available: 8 * gb, Kernel: "6.1.0", FilesTop: 1048576, FilesOpen: 2, PortFirst: 32768, PortLast: 60999}},
		{"a container", disk(map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": "2147483648\n", "sys/fs/cgroup/memory.current": "1073741824\n"}),
			Machine{Memory: 2 * gb, Available: gb}},
		{"a container without a limit", disk(map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": "max\n"}), Machine{Memory: 16 * gb, Available: 8 * gb}},
		{"a full container", disk(map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": "1024\n", "sys/fs/cgroup/memory.current": "2048\n"}), Machine{Memory: 1024}},
		{"cgroup v1", disk(map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory/memory.limit_in_bytes": "4294967296\n", "sys/fs/cgroup/memory/memory.usage_in_bytes": "0\n"}),
			Machine{Memory: 4 * gb, Available: 4 * gb}},
		{"cgroup v1 without a limit", disk(map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}),
			Machine{Memory: 16 * gb, Available: 8 * gb}},
		{"garbage", disk(map[string]string{"proc/meminfo": "MemTotal: x kB\n\nMemAvailable:\n", "proc/sys/fs/nr_open": "", "proc/sys/net/ipv4/ip_local_port_range": "x"}), Machine{}},
	} {
		got := *look(x.root)
		got.CPUs, got.OS, got.Arch, got.Go = 0, "", "", ""
		if got != x.want {
			t.Errorf("%s: %+v; want %+v", x.name, got, x.want)
		}
	}
}

// TestLook looks at this computer. The soft limit of open files is the hard
// one, as package os sees to.
func TestLook(t *testing.T) {
	m := Look()
	if m.CPUs < 1 || m.OS != runtime.GOOS {
		t.Errorf("%+v", *m)
	}
	if runtime.GOOS != "linux" {
		return
	}
	if m.Memory <= 0 || m.Available < 0 || m.Available > m.Memory || m.FilesSoft != m.FilesHard || m.FilesOpen < 3 || m.Ports() < 1 {
		t.Errorf("%+v", *m)
	}
}

func sample() *Machine {
	return &Machine{CPUs: 2, Memory: 8e9, Available: 6e9, OS: "linux", Arch: "amd64", Kernel: "6.1.0", Go: "go1.26.0",
		FilesSoft: 20000, FilesHard: 20000, FilesTop: 30000, FilesOpen: 10, PortFirst: 32768, PortLast: 60999}
}

// TestFit: what fits is exactly what has no shortage.
func TestFit(t *testing.T) {
	for name, change := range map[string]func(*Machine){
		"as it is":     func(*Machine) {},
		"many files":   func(m *Machine) { m.FilesHard = 1 << 20 },
		"few files":    func(m *Machine) { m.FilesHard = 256 },
		"many ports":   func(m *Machine) { m.FilesHard, m.PortFirst, m.PortLast, m.Available = 1<<20, 1024, 65535, 1<<40 },
		"little space": func(m *Machine) { m.Available = 100 << 20 },
		"no space":     func(m *Machine) { m.Available = 1 },
	} {
		m := sample()
		change(m)
		for _, f := range m.Fits() {
			if f.Devices < 0 || f.Limit == "" {
				t.Errorf("%s: %+v", name, f)
				continue
			}
			if lacks := m.Check(f.Transport, f.Client, f.Devices); f.Devices > 0 && len(lacks) > 0 {
				t.Errorf("%s: %d devices over %s with %s fit, but lack %+v", name, f.Devices, f.Transport, f.Client, lacks)
			}
			found := false
			for _, s := range m.Check(f.Transport, f.Client, f.Devices+1) {
				found = found || s.Of == f.Limit && s.Need > s.Have && (s.Remedy != "" || len(s.Raise) > 0) && s.Fatal == (s.Of != ofMemory)
			}
			if !found {
				t.Errorf("%s: one more than %d over %s with %s does not lack %s", name, f.Devices, f.Transport, f.Client, f.Limit)
			}
		}
	}
}

// TestUnknown: what the system does not say is no reason to refuse.
func TestUnknown(t *testing.T) {
	m := &Machine{CPUs: 1, OS: "plan9"}
	for _, f := range m.Fits() {
		if f.Devices != -1 || f.Limit != "" {
			t.Errorf("%+v; want unknown", f)
		}
	}
	if warnings, err := m.Admit("tls", "paho", 1e6); err != nil || len(warnings) > 0 {
		t.Errorf("Admit: %q, %v", warnings, err)
	}
	var b bytes.Buffer
	if err := m.Examine("", "", 1e6).Text(&b); err != nil || !strings.Contains(b.String(), "A fleet of 1,000,000 devices fits.") {
		t.Errorf("%v:\n%s", err, &b)
	}
}

// TestAdmit: what cannot run is refused with a remedy, what may be too much is
// a warning.
func TestAdmit(t *testing.T) {
	m := sample()
	if warnings, err := m.Admit("tcp", "paho", 5000); len(warnings) > 0 || err != nil {
		t.Errorf("5,000 over tcp: %q, %v", warnings, err)
	}
	_, err := m.Admit("tcp", "paho", 12000)
	for _, want := range []string{"12,000 devices over tcp need 24,586 open files; this machine gives 20,000", "prlimit --pid $$ --nofile=24586:24586", "--transport mem", "take 9,707 devices", "flotilla doctor --devices 12000"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("12,000 over tcp: %v; want %q", err, want)
		}
	}
	m.Available = 1 << 30
	warnings, err := m.Admit("mem", "paho", 15000)
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "choose --client lean") {
		t.Errorf("15,000 in little memory: %q, %v", warnings, err)
	}
}

// TestText holds what people read of three machines against testdata; -update
// rewrites it.
func TestText(t *testing.T) {
	var b bytes.Buffer
	for _, x := range []struct {
		title             string
		change            func(*Machine)
		transport, client string
		devices           int
	}{
		{"a fleet that fits", func(*Machine) {}, "", "", 5000},
		{"too many devices for open files and ports", func(*Machine) {}, "tcp", "lean", 30000},
		{"little memory, elsewhere than on linux", func(m *Machine) { m.OS, m.Available, m.FilesTop, m.FilesHard = "darwin", 500e6, 0, 10240 }, "", "", 10000},
	} {
		m := sample()
		x.change(m)
		b.WriteString("# " + x.title + "\n\n")
		if err := m.Examine(x.transport, x.client, x.devices).Text(&b); err != nil {
			t.Fatal(err)
		}
		b.WriteByte('\n')
	}
	const file = "testdata/text.txt"
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, &b, want)
	}
}

// TestJSON: programs find the verdict, every way, and what it lacks.
func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := sample().Examine("", "", 10000).JSON(&b); err != nil {
		t.Fatal(err)
	}
	var d struct {
		OK   *bool
		Ways []struct {
			Transport, Client string
			Devices           int
			Lacks             []struct {
				Of    string
				Raise []string
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	if d.OK == nil || *d.OK || len(d.Ways) != len(Transports)*len(Clients) {
		t.Fatalf("%s", &b)
	}
	for _, w := range d.Ways {
		if lacks := w.Transport != "mem"; w.Lacks == nil || (len(w.Lacks) > 0) != lacks || lacks && len(w.Lacks[0].Raise) == 0 {
			t.Errorf("%+v", w)
		}
	}
}
