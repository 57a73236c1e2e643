package device

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/pack"
	"pgregory.net/rapid"
)

// afflictions are conditions under which a device still keeps what TestAnything
// holds.
var afflictions = []sim.Condition{
	{}, {}, {NeverReconnects: true},
	{Updating: sim.Updating{Hangs: sim.AnyPhase}}, {Updating: sim.Updating{Hangs: sim.PhaseDownloading}}, {Updating: sim.Updating{Hangs: sim.PhaseFlashing}},
	{Updating: sim.Updating{Crashes: sim.PhaseDownloading}}, {Updating: sim.Updating{Crashes: sim.PhaseDownloaded | sim.PhaseFlashing}},
	{Updating: sim.Updating{Crashes: sim.AnyPhase, After: 5 * time.Second, SlowFlash: 3}},
	{Updating: sim.Updating{PowerLoss: sim.RollsBack, BadURI: true}}, {Updating: sim.Updating{PowerLoss: sim.Bricks, Hangs: sim.PhaseIdle}},
	{Updating: sim.Updating{NoStorage: true}}, {Updating: sim.Updating{NoMemory: true}}, {Updating: sim.Updating{OtherModel: true}},
	{Answering: sim.Answering{Late: 20 * time.Second}}, {Answering: sim.Answering{Rejects: 500, In: sim.PhaseDownloaded}},
	{Reconnecting: sim.Reconnecting{Way: sim.BackoffNone}}, {Reconnecting: sim.Reconnecting{Way: sim.BackoffFixed, Min: time.Second}},
	{Reconnecting: sim.Reconnecting{Way: sim.BackoffExponential, Min: time.Second, Max: time.Minute}},
}

// TestAnything: whatever comes in, in any order and under any condition, a
// device does not panic, says nothing on a connection that is not its present
// one, answers a call once at most, moves its firmware state only along its
// arrows, and has another version only after an update was accepted or a reset
// to the factory's.
func TestAnything(t *testing.T) {
	pkg := pack.New(pack.Spec{Name: "fw", Version: "3.0", Model: "Device_ModelNumber", Size: 1024, Seed: 1})
	payloads := []string{
		`{"resources":["/3/0/0"]}`, `{"/5/0/1":"http://a/b"}`, `{"/5/0/1":""}`, `{"resource":"/5/0/2"}`, `{"resource":"/3/0/4"}`,
		`{"resource":"/3/0/5"}`, `{"resource":"/10241/0/3"}`, `{"/10241/0/2":"{\"pmin\":1,\"telemetryPeriod\":3}"}`,
		`{"fwPackageUri":"http://a/b"}`, `null`, ``, `{`, `{"delay":2}`, `{"/3/0/15":"x","/3/0/13":0}`,
	}
	names := append(builtIn[:], "blink", "none")
	arrows := map[[2]int64]bool{{1, 2}: true, {2, 3}: true, {2, 1}: true, {3, 1}: true}
	rapid.Check(t, func(t *rapid.T) {
		p := NewProfile()
		p.Firmware = rapid.SampledFrom([]string{FirmwareStandard, FirmwareSimple, FirmwareEdison, FirmwareNone}).Draw(t, "firmware")
		p.Start, p.PMin, p.FirmwarePMin = sim.Always(time.Second), 2*time.Second, 0
		p.TelemetryPeriod, p.Writable = 7*time.Second, []string{"a", "c.b"}
		p.Commands = []Command{{Name: "blink", Takes: sim.Always(4 * time.Second)}}
		d := New(Config{ID: "dev", Host: "hub", Key: make([]byte, 32), Profile: p, FirmwareVersion: "1.0"})
		now, top, calls := sim.Time(0), uint32(0), uint64(0)
		var out sim.Outbox
		var fetch uint32
		var asked []string
		answered := map[string]bool{}
		state, version := d.Int(FirmwareUpdateState), d.Text(FirmwareVersion)
		updated := false
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			conn := rapid.SampledFrom([]uint32{d.conn, d.conn, d.conn, d.conn, top + 1, 1}).Draw(t, "conn")
			in := sim.Input{Kind: sim.Received, Msg: sim.Message{Conn: conn}}
			m := &in.Msg
			switch rapid.IntRange(0, 14).Draw(t, "what") {
			case 0, 1, 2:
				in = sim.Input{}
				if at := d.Deadline(); at != sim.Never {
					now = max(now, at)
				}
			case 3:
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "pass")))
				in = sim.Input{}
			case 4, 5, 6:
				top++
				m.Kind, m.Conn = sim.Opened, top
				out.Reset()
				d.Step(now, in, &out)
				out.Reset()
				d.Step(now, sim.Input{Kind: sim.Received, Msg: sim.Message{Kind: sim.Accept, Conn: top}}, &out)
				m.Kind = sim.Subscribed
			case 7, 8:
				calls++
				m.Kind, m.ID = sim.Call, calls
				m.Name = rapid.SampledFrom(names).Draw(t, "method")
				m.Body = []byte(rapid.SampledFrom(payloads).Draw(t, "payload"))
			case 9:
				in = sim.Input{Kind: sim.Downloaded, Fetched: &sim.Fetched{
					ID:     fetch,
					Have:   rapid.SampledFrom([]uint64{0, 100, uint64(pkg.Len())}).Draw(t, "have"),
					Total:  rapid.SampledFrom([]uint64{0, uint64(pkg.Len()), 1 << 60}).Draw(t, "total"),
					Head:   rapid.SampledFrom([][]byte{pkg.Head(), nil, pkg.Head()[:20]}).Draw(t, "head"),
					Check:  rapid.SampledFrom([][]byte{nil, {1}}).Draw(t, "check"),
					Status: rapid.SampledFrom([]int32{0, 200, 404, 503}).Draw(t, "status"),
					Fail:   rapid.SampledFrom([]sim.FetchFail{0, 0, 0, 1, 2, 3}).Draw(t, "fail"),
					Sum:    pkg.Sum(),
					Done:   rapid.Bool().Draw(t, "done"),
				}}
			case 10:
				in = sim.Input{Kind: sim.Downloaded, Fetched: &sim.Fetched{
					ID: fetch, Have: uint64(pkg.Len()), Total: uint64(pkg.Len()), Head: pkg.Head(), Sum: pkg.Sum(), Done: true,
				}}
			case 11:
				m.Kind = rapid.SampledFrom([]sim.Kind{sim.Close, sim.Accept, sim.Subscribed, sim.TelemetryAck, sim.Connect}).Draw(t, "kind")
				m.Status, m.ID = rapid.Int32Range(0, 5).Draw(t, "code"), rapid.Uint64().Draw(t, "id")
			case 12:
				m.Kind, m.ID = sim.Desired, rapid.Uint64Range(0, 5).Draw(t, "version")
				m.Body = []byte(rapid.SampledFrom([]string{`{"a":1}`, `{"c":{"b":null}}`, `[]`, `x`}).Draw(t, "desired"))
			case 14:
				c := rapid.SampledFrom(afflictions).Draw(t, "condition")
				in = sim.Input{Kind: sim.Afflicted, Condition: &c}
			case 13:
				m.Kind, m.Status = sim.TwinAnswer, rapid.SampledFrom([]int32{200, 204, 429, 400, 500}).Draw(t, "code")
				m.Name = "g0-1"
				if len(asked) > 0 {
					m.Name = rapid.SampledFrom(asked).Draw(t, "rid")
				}
				m.Body = []byte(rapid.SampledFrom([]string{``, `{"desired":{"a":1,"c":{"b":2},"$version":9}}`}).Draw(t, "twin"))
			}
			out.Reset()
			before := d.conn
			d.Step(now, in, &out)
			if d.Deadline() < now {
				t.Fatalf("at %s the deadline is %s", now, d.Deadline())
			}
			for _, m := range out.Send {
				if m.Conn != d.conn && m.Conn != before && m.Kind != sim.Close {
					t.Fatalf("%s: the present connection is %d", m, d.conn)
				}
				switch m.Kind {
				case sim.Answer:
					key := fmt.Sprint(m.Conn, m.ID)
					if answered[key] {
						t.Fatalf("%s: answered already", m)
					}
					answered[key] = true
				case sim.Report, sim.GetTwin:
					asked = append(asked, m.Name)
				}
				if m.Kind != sim.Connect && len(m.Body) > 0 && !json.Valid(m.Body) {
					t.Fatalf("%s: the body is not JSON", m)
				}
			}
			for _, f := range out.Fetch {
				fetch = f.ID
			}
			for _, o := range out.Observe {
				updated = updated || o.Event == sim.EventExecute && (o.Text == "UpdateFirmware" || o.Text == "FactoryResetDevice")
				var to int64
				if o.Event == sim.EventResource && o.Text != "" {
					if n, _ := fmt.Sscanf(o.Text, "FirmwareUpdateState=%d", &to); n == 1 {
						again := p.Firmware == FirmwareSimple && state == 3 && to == 2 // takes a URI in any state
						if !arrows[[2]int64{state, to}] && !again {
							t.Fatalf("the state went from %d to %d", state, to)
						}
						state = to
					}
				}
			}
			if now := d.Int(FirmwareUpdateState); now != state {
				if now != StateIdle || !updated {
					t.Fatalf("the state is %d and was %d", now, state)
				}
				state = now // a reset to the factory's
			}
			if now := d.Text(FirmwareVersion); now != version {
				if !updated {
					t.Fatalf("the version went from %s to %s without an update", version, now)
				}
				version = now
			}
		}
	})
}

// TestWindow holds the notification window against a dumb twin: reports are
// never closer than pmin, and pmin after the last change the hub knows the
// last value.
func TestWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := NewProfile()
		p.PMin, p.PMax, p.Battery, p.Answer = 10*time.Second, 0, false, sim.Dist{}
		d := New(Config{ID: "dev", Host: "hub", Key: make([]byte, 32), Profile: p})
		var out sim.Outbox
		var known string
		var at, last sim.Time
		step := func(now sim.Time, in sim.Input) {
			out.Reset()
			d.Step(now, in, &out)
			for _, m := range out.Send {
				var body struct{ DM struct{ Timezone *string } }
				if m.Kind != sim.Report || json.Unmarshal(m.Body, &body) != nil || body.DM.Timezone == nil {
					continue
				}
				if known != "" && now.Sub(at) < p.PMin {
					t.Fatalf("reports at %s and %s; pmin is %s", at, now, p.PMin)
				}
				known, at = *body.DM.Timezone, now
			}
		}
		for _, k := range []sim.Kind{0, sim.Opened, sim.Accept, sim.Subscribed} {
			step(0, sim.Input{Kind: sim.Received, Msg: sim.Message{Kind: k, Conn: 1}})
		}
		until := func(end sim.Time) {
			for d.Deadline() <= end {
				step(d.Deadline(), sim.Input{})
			}
		}
		value := known
		for i := range rapid.IntRange(1, 20).Draw(t, "writes") {
			last = last.Add(time.Duration(rapid.Int64Range(0, int64(15*time.Second)).Draw(t, "gap")))
			until(last)
			value = fmt.Sprint("v", i)
			body := []byte(`{"/3/0/15":"` + value + `"}`)
			step(last, sim.Input{Kind: sim.Received, Msg: sim.Message{Kind: sim.Call, Conn: 1, ID: 1, Name: "dm.write", Body: body}})
		}
		until(last.Add(p.PMin))
		if known != value {
			t.Fatalf("the hub knows %q after pmin; want %q", known, value)
		}
	})
}
