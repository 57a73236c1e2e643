package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/harness/machine"
)

// served is `flotilla serve` as a process of its own.
type served struct {
	iothub.Ready
	file   string // of --ready-file
	cmd    *exec.Cmd
	stderr *bytes.Buffer // to be read when it has ended
	rest   chan string   // what it printed behind its line of JSON
}

// serve starts the program on free ports and waits until it is ready. files is
// how many it may have open, 0: as many as this process.
func serve(t *testing.T, files int, args ...string) *served {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs signals")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "flotilla") // by this name TestMain knows what it is
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	s := &served{file: filepath.Join(dir, "hub.json"), stderr: new(bytes.Buffer), rest: make(chan string, 1)}
	args = append([]string{program, "serve", "--json", "--ready-file", s.file, "--https", "127.0.0.1:0", "--mqtts", "127.0.0.1:0"}, args...)
	if files > 0 {
		args = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$@"`, files), "sh"}, args...)
	}
	s.cmd = exec.Command(args[0], args[1:]...)
	s.cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	s.cmd.Stderr = s.stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.cmd.Process.Kill() })
	r := bufio.NewReader(out)
	line, err := r.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s.Ready)
	}
	if err != nil {
		s.cmd.Wait()
		t.Fatalf("%q, %v\n%s", line, err, s.stderr)
	}
	go func() {
		b, _ := io.ReadAll(r)
		s.rest <- string(b)
	}()
	return s
}

// end sends a signal and returns the exit code.
func (s *served) end(t *testing.T, how os.Signal) int {
	t.Helper()
	if err := s.cmd.Process.Signal(how); err != nil {
		t.Fatal(err)
	}
	rest := <-s.rest
	if err := s.cmd.Wait(); err != nil && s.cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if rest != "" {
		t.Errorf("with --json it printed more than a line: %q", rest)
	}
	return s.cmd.ProcessState.ExitCode()
}

// healthy runs `flotilla healthcheck`.
func (s *served) healthy(t *testing.T) result {
	t.Helper()
	return flotilla(t, "healthcheck", "--hub", s.file, "--timeout", "1m")
}

// TestServe: the program as a process says on one line, and in a file for its
// owner alone, how it is used; it is healthy, and by SIGTERM or Ctrl-C it ends
// with 0 and leaves nothing behind.
func TestServe(t *testing.T) {
	t.Parallel()
	for _, how := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(how.String(), func(t *testing.T) {
			t.Parallel()
			s := serve(t, 0, "--fleet", "six-devices", "--mqtt", "127.0.0.1:0", "--http", "127.0.0.1:0", "--host", "hub.example.test,localhost")
			written, err := iothub.ReadReady(s.file)
			if err != nil || !reflect.DeepEqual(written, s.Ready) {
				t.Errorf("the file says %+v, %v; the line %+v", written, err, s.Ready)
			}
			if info, err := os.Stat(s.file); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("ready file: %v, %v; want mode 600", info, err)
			}
			_, port, _ := net.SplitHostPort(s.HTTPS)
			if want := "HostName=hub.example.test:" + port + ";SharedAccessKeyName=iothubowner;SharedAccessKey="; !strings.HasPrefix(s.ConnectionString, want) {
				t.Errorf("connection string %.80s...; want %s...", s.ConnectionString, want)
			}
			if len(s.Policies) != 5 || len(s.Devices) != 6 || len(s.Packages) != 1 || s.HTTP == "" || s.MQTT == "" || s.MQTTS == "" {
				t.Errorf("ready: %+v", s.Ready)
			}
			if want := "HostName=hub.example.test;DeviceId=Device11-7ce4a850;SharedAccessKey="; !strings.HasPrefix(s.Devices["Device11-7ce4a850"], want) {
				t.Errorf("device's connection string %q; want %s...", s.Devices["Device11-7ce4a850"], want)
			}
			if r := s.healthy(t).ends(t, exitPassed); r.stdout != "healthy: 6 devices\n" {
				t.Errorf("healthcheck: %q", r.stdout)
			}
			if code := s.end(t, how); code != 0 {
				t.Errorf("exit code %d\n%s", code, s.stderr)
			}
			for _, left := range []string{s.file, s.Data} {
				if _, err := os.Stat(left); !os.IsNotExist(err) {
					t.Errorf("%s is left behind: %v", left, err)
				}
			}
			if s.stderr.Len() > 0 {
				t.Errorf("it complained: %s", s.stderr)
			}
		})
	}
}

// TestHealthcheck: what is not up, or not a hub, is not healthy, and what is
// not said is bad usage.
func TestHealthcheck(t *testing.T) {
	t.Setenv("FLOTILLA_HUB", "")
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := nobody.Addr().String()
	nobody.Close()
	mute, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	const key = ";SharedAccessKeyName=iothubowner;SharedAccessKey=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	for _, x := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "give --hub or set FLOTILLA_HUB"},
		{[]string{"--hub", "x", "--timeout", "0s"}, exitUsage, "--timeout must be above 0s"},
		{[]string{"--hub", "nowhere.json"}, exitMissed, "nowhere.json"},
		{[]string{"--hub", "HostName=" + addr + key}, exitMissed, "connection refused"},
		{[]string{"--hub", "HostName=" + mute.Addr().String() + key, "--timeout", "100ms"}, exitMissed, "deadline exceeded"},
	} {
		r := flotilla(t, append([]string{"healthcheck"}, x.args...)...).ends(t, x.code)
		if !strings.Contains(r.stderr, x.want) {
			t.Errorf("healthcheck %q: %s; want %q", x.args, r.stderr, x.want)
		}
		if strings.Contains(r.stderr, "MDEy") {
			t.Errorf("healthcheck %q shows the key: %s", x.args, r.stderr)
		}
	}
}

// TestServeText: what people read has the address, the authority, the
// connection string and the devices, and what is not kept is said; where REST
// is not on port 443, what that means and what to do.
func TestServeText(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	file := filepath.Join(t.TempDir(), "hub.json")
	done := make(chan result, 1)
	go func() {
		done <- flotillaWith(t, ctx, "serve", "--fleet", "six-devices", "--https", "127.0.0.1:0", "--mqtts", "127.0.0.1:0", "--ready-file", file)
	}()
	bound := time.After(time.Minute)
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	var ready iothub.Ready
	for ready.HTTPS == "" {
		select {
		case r := <-done:
			t.Fatalf("ended with %d: %s", r.code, r.stderr)
		case <-bound:
			t.Fatal("not ready")
		case <-look.C:
			ready, _ = iothub.ReadReady(file)
		}
	}
	cancel()
	r := (<-done).ends(t, exitPassed)
	inOrder(t, r.stdout,
		"flotilla serve: hub localhost is up\n", "REST           https://"+ready.HTTPS, "MQTT over TLS  "+ready.MQTTS, "CA             "+ready.CAFile,
		"temporary, removed at the end", "Devices and jobs are in memory only: they end with this program.",
		"the SDKs of 2016, which always use 443, do not find it", "--https", "setcap cap_net_bind_service", "ip_unprivileged_port_start",
		"Service connection string, policy iothubowner:\n  "+ready.ConnectionString, "NODE_EXTRA_CA_CERTS="+ready.CAFile,
		"Fleet six-devices: 6 devices", ready.Devices["Device11-7ce4a850"], ready.Devices["Device61-7ce4a850"],
		"Package fw-3, firmware 3.0:\n  "+ready.Packages["fw-3"], "http://url.to.firmware.update   (these devices find it there, too)",
		"closing", "closed in")
}

// TestServeRefuses: what cannot be served, with the flag or the address that
// is to blame.
func TestServeRefuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy := taken.Addr().String()
	for _, x := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--fleet", "nosuch"}, exitUsage, "no scenario of that name"},
		{[]string{"--set", "a=b"}, exitUsage, "--set goes with --fleet"},
		{[]string{"extra"}, exitUsage, "extra"},
		{[]string{"--https", busy}, exitVoid, "REST over HTTPS on " + busy},
		{[]string{"--https", "none", "--mqtts", busy}, exitVoid, "MQTT over TLS on " + busy},
		{[]string{"--https", "8443"}, exitUsage, `--https: address "8443": write HOST:PORT`},
		{[]string{"--packages", ":80"}, exitUsage, "--packages: address \":80\" names no host"},
		{[]string{"--https", "none", "--mqtts", "none", "--ready-file", "/dev/null/x"}, exitVoid, "ready file /dev/null/x"},
	} {
		r := flotilla(t, append([]string{"serve"}, x.args...)...).ends(t, x.code)
		if !strings.Contains(r.stderr, x.want) {
			t.Errorf("serve %q: %s; want %q", x.args, r.stderr, x.want)
		}
	}
}

// TestServeExposed: an address that other machines may reach is warned of.
// It is one that this machine does not have: nothing is opened.
func TestServeExposed(t *testing.T) {
	t.Parallel()
	r := flotilla(t, "serve", "--https", "none", "--mqtts", "192.0.2.1:8883").ends(t, exitVoid)
	if !strings.Contains(r.stderr, "MQTT over TLS on 192.0.2.1:8883") {
		t.Errorf("said %s", r.stderr)
	}
}

// TestIdleConnections: 8,000 who connect and say nothing, twice as many as the
// program may have files open, keep nobody out: it goes on serving while they
// are there. [issue: 8,000 idle connections, the program as a child process]
func TestIdleConnections(t *testing.T) {
	const idle, files = 8000, 4096
	m := machine.Look()
	if m.FilesSoft < idle+500 {
		t.Skipf("needs %d open files, may have %d (ulimit -n)", idle+500, m.FilesSoft)
	}
	s := serve(t, files)
	var all []net.Conn
	defer func() {
		for _, c := range all {
			c.Close()
		}
	}()
	reached := 0
	for i := range idle {
		addr := s.HTTPS
		if i%2 == 1 {
			addr = s.MQTTS
		}
		c, err := net.DialTimeout("tcp", addr, time.Minute)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		c.(*net.TCPConn).SetLinger(0)
		all = append(all, c)
		if i%1000 == 999 {
			if r := s.healthy(t); r.code != exitPassed {
				t.Fatalf("with %d idle connections: %s", i+1, r.stderr)
			}
			reached++
		}
	}
	if reached != idle/1000 {
		t.Fatalf("asked %d times", reached)
	}
	s.healthy(t).ends(t, exitPassed)
	if code := s.end(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, s.stderr)
	}
}
