package device

import (
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

// campaign drives one device through a firmware update with as little of a
// driver as there can be, and returns how many Steps that took.
type campaign struct {
	out   sim.Outbox
	pkg   pack.Package
	write []byte
	exec  []byte
}

func newCampaign() *campaign {
	return &campaign{
		pkg:   pack.New(pack.Spec{Name: "fw", Version: "3.0", Model: "Device_ModelNumber", Size: 64 << 10, Seed: 1}),
		write: []byte(`{"/5/0/1":"http://packages.test/packages/fw"}`),
		exec:  []byte(`{"resource":"/5/0/2"}`),
	}
}

func (c *campaign) play(d *Device) (steps int) {
	now := sim.Time(0)
	step := func(in sim.Input) {
		steps++
		c.out.Reset()
		d.Step(now, in, &c.out)
	}
	wake := func() {
		now = max(now, d.Deadline())
		step(sim.Input{})
	}
	hear := func(m sim.Message) { step(sim.Input{Kind: sim.Received, Msg: m}) }
	session := func(conn uint32) {
		for !c.out.Dial {
			wake()
		}
		now += 1000
		hear(sim.Message{Kind: sim.Opened, Conn: conn})
		hear(sim.Message{Kind: sim.Accept, Conn: conn})
		hear(sim.Message{Kind: sim.Subscribed, Conn: conn})
	}
	// replies answers the requests of the last Step.
	var names []string
	replies := func(conn uint32) {
		names = names[:0]
		for _, m := range c.out.Send {
			if m.Kind == sim.Report {
				names = append(names, m.Name)
			}
		}
		for _, n := range names {
			hear(sim.Message{Kind: sim.TwinAnswer, Conn: conn, Status: 204, Name: n})
		}
	}
	session(1)
	replies(1)
	hear(sim.Message{Kind: sim.Call, Conn: 1, ID: 1, Name: "dm.write", Body: c.write})
	replies(1)
	f := sim.Fetched{ID: 1, Have: 512, Total: uint64(c.pkg.Len()), Head: c.pkg.Head()}
	step(sim.Input{Kind: sim.Downloaded, Fetched: &f})
	f.Have, f.Done, f.Sum = f.Total, true, c.pkg.Sum()
	step(sim.Input{Kind: sim.Downloaded, Fetched: &f})
	replies(1)
	hear(sim.Message{Kind: sim.Call, Conn: 1, ID: 2, Name: "dm.execute", Body: c.exec})
	wake() // flashed: down
	wake() // booted
	session(2)
	replies(2)
	return steps
}

func campaignProfile() *Profile {
	p := NewProfile()
	p.Answer, p.FirmwarePMin = sim.Dist{}, 0
	return p
}

// BenchmarkStep plays one device's firmware update from its creation to its
// end: steps/s over all kinds of Steps.
func BenchmarkStep(b *testing.B) {
	c, p := newCampaign(), campaignProfile()
	cfg := Config{ID: "dev-000001", Host: "hub.flotilla.test", Key: make([]byte, 32), Profile: p, FirmwareVersion: "1.0"}
	steps := 0
	b.ReportAllocs()
	for b.Loop() {
		d := New(cfg)
		steps += c.play(d)
		if d.Text(FirmwareVersion) != "3.0" {
			b.Fatal("the update did not succeed")
		}
	}
	b.ReportMetric(float64(steps)/b.Elapsed().Seconds(), "steps/s")
	b.ReportMetric(float64(steps)/float64(b.N), "steps/op")
}

// BenchmarkTelemetry is the steady state of a fleet that only sends.
func BenchmarkTelemetry(b *testing.B) {
	p := campaignProfile()
	p.TelemetryPeriod, p.PMax, p.FirmwarePMax, p.Battery = time.Minute, 0, 0, false
	p.TokenLifetime = 10 * 365 * 24 * time.Hour
	d := New(Config{ID: "dev", Host: "hub", Key: make([]byte, 32), Profile: p})
	var out sim.Outbox
	for _, k := range []sim.Kind{0, sim.Opened, sim.Accept, sim.Subscribed} {
		in := sim.Input{Kind: sim.Received, Msg: sim.Message{Kind: k, Conn: 1}}
		out.Reset()
		d.Step(0, in, &out)
	}
	born := sim.Time(0)
	b.ReportAllocs()
	for b.Loop() {
		born += sim.Time(time.Minute)
		d.linkAt = sim.Never
		out.Reset()
		d.Step(born, sim.Input{}, &out)
		out.Reset()
		d.Step(born, sim.Input{Kind: sim.Received, Msg: sim.Message{Kind: sim.TelemetryAck, Conn: 1, ID: uint64(born)}}, &out)
	}
	b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "steps/s")
}

// BenchmarkMemory is what a device holds: newly made, and after an update.
func BenchmarkMemory(b *testing.B) {
	const fleet = 20_000
	for _, after := range []string{"new", "updated"} {
		b.Run(after, func(b *testing.B) {
			c, p := newCampaign(), campaignProfile()
			key := make([]byte, 32) // the hub's, shared
			var per float64
			for b.Loop() {
				devices := make([]*Device, fleet)
				before := live()
				for i := range devices {
					devices[i] = New(Config{ID: "dev", Number: uint64(i), Host: "hub", Key: key, Profile: p})
					if after == "updated" {
						c.play(devices[i])
					}
				}
				per = float64(live()-before) / fleet
				runtime.KeepAlive(devices)
			}
			b.ReportMetric(per, "B/device")
		})
	}
}

func live() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestSize holds a device to what a fleet of a million can afford.
func TestSize(t *testing.T) {
	if got := unsafe.Sizeof(Device{}); got > 384 {
		t.Errorf("a Device is %d bytes; at most 384", got)
	}
}
