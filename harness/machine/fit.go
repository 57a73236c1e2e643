package machine

import (
	"fmt"
	"math"
)

// What a device takes, with its end of the hub and the hub's state of it in the
// same process: resident memory at rest as BenchmarkFleet of harness/hubd
// measures it with 9,000 devices (TLS: 2,000), 6 KB in the kernel for a
// connection's two sockets added, rounded up.
var rows = []struct {
	transport, client string
	bytes             int64
}{
	{"mem", "paho", 60_000},
	{"mem", "lean", 25_000},
	{"tcp", "paho", 70_000},
	{"tcp", "lean", 32_000},
	{"tls", "paho", 105_000},
	{"tls", "lean", 60_000},
}

const (
	base          = 64 << 20 // bytes: the program itself
	share         = 0.75     // of the available memory: the collector's working space is the rest
	filesEach     = 2        // both ends of a socket
	downloads     = 256      // at once, a socket with both ends each
	filesReserved = 2*downloads + 64
)

// Transports and Clients are what fleets can be judged for.
var (
	Transports = []string{"mem", "tcp", "tls"}
	Clients    = []string{"paho", "lean"}
)

// What there can be too little of.
const (
	ofMemory = "memory"
	ofFiles  = "open files"
	ofPorts  = "ports"
)

// Fit is how many devices of a sort a machine carries.
type Fit struct {
	Transport string `json:"transport"`
	Client    string `json:"client"`
	Devices   int    `json:"devices"` // -1: the system does not say
	Limit     string `json:"limit"`   // what they are limited by, "" if the system does not say
	Bytes     int64  `json:"bytesPerDevice"`
}

// Fits returns a Fit for every transport and client.
func (m *Machine) Fits() (list []Fit) {
	for _, t := range Transports {
		for _, c := range Clients {
			list = append(list, m.Fit(t, c))
		}
	}
	return list
}

// Fit says how many devices fit. It panics for a transport or client that
// there is not.
func (m *Machine) Fit(transport, client string) Fit {
	f := Fit{Transport: transport, Client: client, Bytes: bytesEach(transport, client), Devices: math.MaxInt}
	bound := func(n int64, by string) {
		if n = max(0, n); n < int64(f.Devices) {
			f.Devices, f.Limit = int(n), by
		}
	}
	if m.Available > 0 {
		bound((int64(share*float64(m.Available))-base)/f.Bytes, ofMemory)
	}
	if transport != "mem" {
		if m.FilesHard > 0 {
			bound((m.FilesHard-m.FilesOpen-filesReserved)/filesEach, ofFiles)
		}
		if p := m.Ports(); p > 0 {
			bound(int64(p), ofPorts)
		}
	}
	if f.Limit == "" {
		f.Devices = -1
	}
	return f
}

func bytesEach(transport, client string) int64 {
	for _, r := range rows {
		if r.transport == transport && r.client == client {
			return r.bytes
		}
	}
	panic(fmt.Sprintf("machine: no devices %s over %s", client, transport))
}

// Shortage is something that a fleet needs more of than there is.
type Shortage struct {
	Of     string   `json:"of"` // as in Fit.Limit
	Need   int64    `json:"need"`
	Have   int64    `json:"have"`
	Raise  []string `json:"raise,omitempty"`  // commands that give more
	Remedy string   `json:"remedy,omitempty"` // what else helps
	Fatal  bool     `json:"fatal"`            // the fleet cannot run; otherwise it may be slow, or killed
}

// Check says what a fleet of so many devices lacks, nothing if it fits.
func (m *Machine) Check(transport, client string, devices int) (list []Shortage) {
	if transport != "mem" {
		list = append(list, m.checkFiles(devices)...)
		list = append(list, m.checkPorts(devices)...)
	}
	need := base + int64(devices)*bytesEach(transport, client)
	if have := int64(share * float64(m.Available)); m.Available > 0 && need > have {
		s := Shortage{Of: ofMemory, Need: need, Have: have}
		if alternatives := m.roomier(transport, client, devices); alternatives != "" {
			s.Remedy = alternatives
		} else {
			s.Remedy = fmt.Sprintf("take %s devices", thousands(int64(max(0, m.Fit(transport, client).Devices))))
		}
		list = append(list, s)
	}
	return list
}

// roomier names a choice with which the fleet fits.
func (m *Machine) roomier(transport, client string, devices int) string {
	for _, c := range []struct{ transport, client, text string }{
		{transport, "lean", "--client lean"}, {"mem", client, "--transport mem"}, {"mem", "lean", "--transport mem --client lean"},
	} {
		if m.Fit(c.transport, c.client).Devices >= devices {
			return "choose " + c.text
		}
	}
	return ""
}

func (m *Machine) checkFiles(devices int) []Shortage {
	need := int64(devices)*filesEach + filesReserved + m.FilesOpen
	if m.FilesHard == 0 || need <= m.FilesHard {
		return nil
	}
	s := Shortage{Of: ofFiles, Need: need, Have: m.FilesHard, Fatal: true, Remedy: "choose --transport mem, which needs none"}
	if m.OS != "linux" {
		s.Raise = []string{fmt.Sprintf("ulimit -n %d   # as root, in the shell that starts flotilla", need)}
		return []Shortage{s}
	}
	if m.FilesTop > 0 && need > m.FilesTop {
		s.Raise = append(s.Raise, fmt.Sprintf("sudo sysctl -w fs.nr_open=%d", need))
	}
	s.Raise = append(s.Raise,
		fmt.Sprintf("sudo prlimit --pid $$ --nofile=%d:%d   # for this shell and what it starts", need, need),
		fmt.Sprintf("echo '* - nofile %d' | sudo tee /etc/security/limits.d/flotilla.conf   # for good, from the next login on", need),
		fmt.Sprintf("docker run --ulimit nofile=%d:%d ...   # in a container", need, need))
	return []Shortage{s}
}

// mostPorts is how many ports outgoing connections could be given: all but the
// first 1,024.
const mostPorts = 65535 - 1024 + 1

func (m *Machine) checkPorts(devices int) []Shortage {
	have := m.Ports()
	if have == 0 || devices <= have {
		return nil
	}
	s := Shortage{Of: ofPorts, Need: int64(devices), Have: int64(have), Fatal: true, Remedy: "choose --transport mem, which needs none"}
	if devices <= mostPorts && m.OS == "linux" {
		s.Raise = []string{`sudo sysctl -w net.ipv4.ip_local_port_range="1024 65535"`}
	}
	return []Shortage{s}
}
