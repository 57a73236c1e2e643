package device_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

var update = flag.Bool("update", false, "rewrite the transcripts; commit only what you understand")

// TestTranscripts plays the files of testdata: a command, a line `----`, what
// the device made of it, an empty line.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(b))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(b) {
				t.Errorf("%s: is not what happens; run with -update and look at the difference\ngot:\n%s", file, got)
			}
		})
	}
}

func play(t *testing.T, text string) string {
	var out strings.Builder
	var v *driver
	for i, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			out.WriteByte('\n')
		}
		command, _, _ := strings.Cut(block, "\n----")
		out.WriteString(command + "\n")
		if strings.HasPrefix(command, "#") && !strings.Contains(block, "\n----") {
			continue
		}
		for line := range strings.SplitSeq(command, "\n") {
			if line == "" || line[0] == '#' {
				continue
			}
			verb, rest, _ := strings.Cut(line, " ")
			if verb == "device" {
				v = newDriver(config(t, rest))
				continue
			}
			if err := v.command(verb, rest); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
		}
		out.WriteString("----\n")
		if v != nil {
			out.WriteString(v.trace.String())
			v.trace.Reset()
		}
	}
	return out.String()
}

// config reads `name=value ...` into a configuration of short, fixed times.
func config(t *testing.T, text string) device.Config {
	p := device.NewProfile()
	p.Boot, p.Flash, p.Answer = sim.Always(2*time.Second), sim.Always(4*time.Second), sim.Always(0)
	p.PMin, p.PMax, p.FirmwarePMin, p.FirmwarePMax = 0, 0, 0, 0
	p.Battery = false
	c := device.Config{Profile: p}
	for _, f := range strings.Fields(text) {
		name, value, _ := strings.Cut(f, "=")
		span, _ := time.ParseDuration(value)
		number, _ := strconv.ParseInt(value, 10, 64)
		switch name {
		case "firmware":
			p.Firmware = value
		case "version":
			c.FirmwareVersion = value
		case "pmin":
			p.PMin = span
		case "pmax":
			p.PMax = span
		case "fpmin":
			p.FirmwarePMin = span
		case "fpmax":
			p.FirmwarePMax = span
		case "starts":
			c.Starts = sim.Time(span)
		case "flood":
			c.Condition.Flood = int32(number)
		case "start":
			p.Start = sim.Always(span)
		case "answer":
			p.Answer = sim.Always(span)
		case "telemetry":
			p.TelemetryPeriod = span
		case "size":
			p.TelemetrySize = int(number)
		case "token":
			p.TokenLifetime = span
		case "storage":
			p.StorageFree = number
		case "memory":
			p.MemoryFree = number
		case "battery":
			p.Battery = value == "true"
		case "model":
			p.Values = append(p.Values, doc.Member{Name: "ModelNumber", Value: doc.String(value)})
		case "writable":
			p.Writable = strings.Split(value, ",")
		case "command":
			p.Commands = append(p.Commands, device.Command{Name: value, Response: doc.MustParse(`{"done":true}`), Takes: sim.Always(3 * time.Second)})
		case "lost":
			c.Condition.NeverReconnects = true
		default:
			t.Fatalf("device: unknown %q", name)
		}
	}
	return c
}

func (v *driver) command(verb, rest string) error {
	words := strings.Fields(rest)
	word := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	number := func(i int) int64 {
		n, _ := strconv.ParseInt(word(i), 10, 64)
		return n
	}
	switch verb {
	case "run": // a duration
		d, err := time.ParseDuration(rest)
		if err != nil {
			return err
		}
		v.run(d)
	case "until": // an instant, quietly
		d, err := time.ParseDuration(rest)
		if err != nil {
			return err
		}
		v.quiet = true
		v.until(sim.Time(d))
		v.quiet = false
	case "call": // a method and its payload
		name, payload, _ := strings.Cut(rest, " ")
		v.call(name, payload)
	case "cloud": // a command that nobody waits for an answer to, and its payload
		name, payload, _ := strings.Cut(rest, " ")
		v.calls++
		v.give(sim.Message{Kind: sim.Cloud, Conn: v.conn, ID: v.calls, Name: name, Body: []byte(payload)})
		v.until(v.now)
	case "package": // version, payload size, model
		v.pkg = pack.New(pack.Spec{Name: "fw", Version: word(0), Size: number(1), Model: word(2), Seed: 1})
	case "corrupt":
		v.pkg = v.pkg.Corrupt(number(0))
	case "server": // refuses with a status, or breaks the link (0)
		v.fail, v.code = sim.FetchStatus, int32(number(0))
		if v.code == 0 {
			v.fail = sim.FetchLink
		}
	case "baduri":
		v.fail = sim.FetchBadURI
	case "cut": // at a byte, so many times
		v.cutAt, v.cuts = uint64(number(0)), int(number(1))
	case "digest":
		v.digest = rest
	case "refuse": // CONNECT, with a code; 0 accepts again
		v.refuse = int32(number(0))
	case "deaf":
		v.deaf = rest == "true"
	case "silent":
		v.silent = rest == "true"
	case "mute":
		v.mute = rest == "true"
	case "status": // of answers to reports
		v.status = int32(number(0))
	case "lose": // the link
		v.give(sim.Message{Kind: sim.Close, Conn: v.conn, Status: int32(sim.ReasonLost)})
		v.until(v.now)
	case "desired": // the patch
		body := doc.MustParse(rest)
		n, _ := body.Get("$version").Int64()
		v.twin = doc.Merge(v.twin, doc.Object(doc.Member{Name: "desired", Value: body}), 0)
		v.give(sim.Message{Kind: sim.Desired, Conn: v.conn, ID: uint64(n), Body: body.JSON()})
		v.until(v.now)
	case "twin": // the desired section as it is, without telling
		v.twin = doc.Merge(v.twin, doc.Object(doc.Member{Name: "desired", Value: doc.MustParse(rest)}), 0)
	case "afflict":
		c := sim.Condition{NeverReconnects: rest == "true", Flood: int32(number(0))}
		if strings.HasPrefix(rest, "{") {
			if err := json.Unmarshal([]byte(rest), &c); err != nil {
				return err
			}
		}
		v.later(0, sim.Input{Kind: sim.Afflicted, Condition: &c})
		v.until(v.now)
	case "raw": // a message with a connection number of its own: kind, conn, status
		for k := sim.Connect; k <= sim.Close; k++ {
			if k.String() == word(0) {
				v.give(sim.Message{Kind: k, Conn: uint32(number(1)), Status: int32(number(2)), Name: "dm.read"})
				v.until(v.now)
				return nil
			}
		}
		return fmt.Errorf("no kind %q", word(0))
	default:
		return fmt.Errorf("no such command")
	}
	return nil
}
