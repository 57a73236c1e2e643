package device

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// FuzzMethod gives a device a method's payload and a desired section: it
// answers once, in JSON, with a known status, and comes to rest.
func FuzzMethod(f *testing.F) {
	for i, s := range []string{
		`{"resources":["/3/0/15"]}`, `{"/5/0/1":"http://a/b#sha256=00"}`, `{"resource":"/5/0/2","argument":"x"}`,
		`{"delay":1e3}`, `null`, `{"fwPackageUri":"http://a/b","fwPackageVersion":"1","fwPackageCheckValue":"sha256:00"}`,
		`{"/10241/0/2":"{\"pmin\":\"1s\",\"keepAlive\":60}"}`,
	} {
		f.Add(uint8(i), []byte(s), []byte(`{"desired":{"a":1,"c":{"__t":"c","b":[1]},"$version":2}}`))
	}
	known := map[int32]bool{}
	for _, s := range []int32{OK, Accepted, BadRequest, NotFound, NotAllowed, Conflict, DeviceFailure, NotImplemented} {
		known[s] = true
	}
	words := []string{FirmwareStandard, FirmwareSimple, FirmwareEdison, FirmwareNone}
	f.Fuzz(func(t *testing.T, which uint8, payload, twin []byte) {
		p := NewProfile()
		p.Firmware, p.Answer, p.Writable = words[which/8%4], sim.Dist{}, []string{"a", "c.b", "c.d"}
		d := New(Config{ID: "dev", Host: "hub", Key: make([]byte, 32), Profile: p})
		var out sim.Outbox
		now, answers := sim.Time(0), 0
		var desired sim.Message
		step := func(in sim.Input) {
			out.Reset()
			d.Step(now, in, &out)
			for _, m := range out.Send {
				switch m.Kind {
				case sim.Answer:
					answers++
					if !known[m.Status] {
						t.Fatalf("%s: unknown status", m)
					}
				case sim.GetTwin:
					desired = sim.Message{Kind: sim.TwinAnswer, Conn: 1, Name: m.Name, Status: 200, Body: twin}
				case sim.Report:
				default:
					continue
				}
				if m.Kind != sim.GetTwin && !json.Valid(m.Body) {
					t.Fatalf("%s: the body is not JSON", m)
				}
			}
		}
		hear := func(m sim.Message) { step(sim.Input{Kind: sim.Received, Msg: m}) }
		for _, k := range []sim.Kind{0, sim.Opened, sim.Accept, sim.Subscribed} {
			hear(sim.Message{Kind: k, Conn: 1})
		}
		hear(desired)
		hear(sim.Message{Kind: sim.Desired, Conn: 1, ID: d.desired + 1, Body: twin})
		hear(sim.Message{Kind: sim.Call, Conn: 1, ID: 1, Name: builtIn[int(which)%len(builtIn)], Body: payload})
		if answers != 1 {
			t.Fatalf("%d answers; want 1", answers)
		}
		for range 10_000 {
			at := d.Deadline()
			if at > sim.Time(time.Hour) {
				return
			}
			now = max(now, at)
			step(sim.Input{})
		}
		if p.TelemetryPeriod == 0 && d.telemetryPeriod() == 0 {
			t.Fatal("the device does not come to rest")
		}
	})
}
