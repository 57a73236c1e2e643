package device

import (
	"fmt"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

// TestSweep drives every built-in behaviour's profile through everything that
// can be asked of a device, with a reboot after each: the deadline is never in
// the past, and the reboot leaves nothing volatile.
func TestSweep(t *testing.T) {
	calls := []struct{ name, payload string }{
		{"dm.read", `{"resources":["/3/0/0"]}`},
		{"dm.write", `{"/5/0/1":"http://packages.test/fw"}`},
		{"dm.execute", `{"resource":"/5/0/2"}`},
		{"dm.execute", `{"resource":"/3/0/4"}`},
		{"dm.execute", `{"resource":"/3/0/5"}`},
		{"dm.execute", `{"resource":"/10241/0/3"}`},
		{"dm.write", `{"/10241/0/2":"{\"telemetryPeriod\":1,\"pmin\":0}","/3/0/15":"PST"}`},
		{"firmwareUpdate", `{"fwPackageUri":"http://packages.test/fw"}`},
		{"reboot", `{"delay":5}`},
		{"factoryReset", `null`},
	}
	p3 := pack.New(pack.Spec{Name: "fw", Version: "3.0", Model: "Device_ModelNumber", Size: 4096, Seed: 1})
	seen := map[string]bool{}
	for _, b := range behaviours {
		word := b.firmware
		if word == "" {
			word = FirmwareNone
		}
		if seen[word] {
			continue
		}
		seen[word] = true
		for _, c := range calls {
			for _, until := range []time.Duration{0, 3 * time.Second, time.Minute} {
				t.Run(fmt.Sprintf("%s/%s %s/%s", word, c.name, c.payload, until), func(t *testing.T) {
					p := NewProfile()
					p.Firmware, p.TelemetryPeriod = word, 10*time.Second
					s := sweep{t: t, d: New(Config{ID: "dev", Host: "hub", Key: make([]byte, 32), Profile: p}), pkg: p3}
					s.run(time.Second)
					s.hear(sim.Message{Kind: sim.Call, Conn: s.conn, ID: 1, Name: c.name, Body: []byte(c.payload)})
					s.run(until)
					s.d.Step(s.now, sim.Input{}, &s.out)
					s.d.out, s.d.at = &s.out, s.now
					s.d.Reboot()
					s.d.settle()
					s.d.out = nil
					if d := s.d; d.busy != nil || d.dirty != 0 || d.telemetry != 0 || d.linked() || d.link != linkBooting {
						t.Errorf("after the reboot: busy %v, dirty %b, telemetry %s, link %d", d.busy, d.dirty, d.telemetry, d.link)
					}
					s.run(time.Minute)
					if s.d.link != linkOnline {
						t.Errorf("after the reboot: link %d; want online", s.d.link)
					}
				})
			}
		}
	}
}

// sweep is the least of a driver: everything is answered at once.
type sweep struct {
	t    *testing.T
	d    *Device
	out  sim.Outbox
	now  sim.Time
	conn uint32
	pkg  pack.Package
}

func (s *sweep) run(for_ time.Duration) {
	end := s.now.Add(for_)
	for s.d.Deadline() <= end {
		s.now = max(s.now, s.d.Deadline())
		s.step(sim.Input{})
	}
	s.now = end
}

func (s *sweep) hear(m sim.Message) { s.step(sim.Input{Kind: sim.Received, Msg: m}) }

func (s *sweep) step(in sim.Input) {
	var out sim.Outbox
	s.d.Step(s.now, in, &out)
	if at := s.d.Deadline(); at < s.now {
		s.t.Fatalf("at %s the deadline is %s", s.now, at)
	}
	for _, m := range out.Send {
		switch m.Kind {
		case sim.Connect:
			s.hear(sim.Message{Kind: sim.Accept, Conn: m.Conn})
		case sim.Subscribe:
			s.hear(sim.Message{Kind: sim.Subscribed, Conn: m.Conn})
		case sim.Report:
			s.hear(sim.Message{Kind: sim.TwinAnswer, Conn: m.Conn, Name: m.Name, Status: 204})
		case sim.GetTwin:
			s.hear(sim.Message{Kind: sim.TwinAnswer, Conn: m.Conn, Name: m.Name, Status: 200, Body: []byte(`{"desired":{"$version":1}}`)})
		}
	}
	if out.Dial {
		s.conn++
		s.hear(sim.Message{Kind: sim.Opened, Conn: s.conn})
	}
	for _, f := range out.Fetch {
		if !f.Cancel {
			n := uint64(s.pkg.Len())
			s.step(sim.Input{Kind: sim.Downloaded, Fetched: &sim.Fetched{ID: f.ID, Have: n, Total: n, Head: s.pkg.Head(), Sum: s.pkg.Sum(), Done: true}})
		}
	}
}
