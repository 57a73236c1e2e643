package device

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// inside makes a device that is online and lets f act as a behaviour does, at
// 1 s; it returns what was sent then.
func inside(t *testing.T, change func(*Profile), f func(*Device)) (*Device, []sim.Message) {
	t.Helper()
	p := NewProfile()
	p.Firmware, p.PMin, p.FirmwarePMin, p.Answer = FirmwareNone, 0, 0, sim.Dist{}
	if change != nil {
		change(p)
	}
	p.Model().OnMethod("act", func(d *Device, _ doc.Value) (int32, doc.Value) {
		f(d)
		return OK, doc.Value{}
	})
	d := New(Config{ID: "dev", Host: "hub", Key: make([]byte, 32), Profile: p, Epoch: sim.DefaultEpoch})
	var out sim.Outbox
	for _, k := range []sim.Kind{0, sim.Opened, sim.Accept, sim.Subscribed} {
		out.Reset()
		d.Step(0, sim.Input{Kind: sim.Received, Msg: sim.Message{Kind: k, Conn: 1}}, &out)
	}
	out.Reset()
	d.Step(sim.Time(time.Second), sim.Input{Kind: sim.Received, Msg: sim.Message{Kind: sim.Call, Conn: 1, ID: 1, Name: "act"}}, &out)
	return d, out.Send
}

// TestSetters: every resource that can be read has a setter, which reports the
// new value once.
func TestSetters(t *testing.T) {
	for _, x := range []struct {
		r    Resource
		set  func(*Device)
		want string
	}{
		{Manufacturer, func(d *Device) { d.SetManufacturer("x") }, `"x"`},
		{ModelNumber, func(d *Device) { d.SetModelNumber("x") }, `"x"`},
		{SerialNumber, func(d *Device) { d.SetSerialNumber("x") }, `"x"`},
		{FirmwareVersion, func(d *Device) { d.SetFirmwareVersion("x") }, `"x"`},
		{BatteryLevel, func(d *Device) { d.SetBatteryLevel(100) }, `100`},
		{MemoryFree, func(d *Device) { d.SetMemoryFree(5) }, `5`},
		{CurrentTime, func(d *Device) { d.SetCurrentTime(5) }, `5`},
		{UtcOffset, func(d *Device) { d.SetUtcOffset("+01:00") }, `"+01:00"`},
		{Timezone, func(d *Device) { d.SetTimezone("x\n") }, `"x\n"`},
		{DeviceDescription, func(d *Device) { d.SetDeviceDescription("x") }, `"x"`},
		{HardwareVersion, func(d *Device) { d.SetHardwareVersion("x") }, `"x"`},
		{BatteryStatus, func(d *Device) { d.SetBatteryStatus(4) }, `4`},
		{MemoryTotal, func(d *Device) { d.SetMemoryTotal(5) }, `5`},
		{RegistrationLifetime, func(d *Device) { d.SetRegistrationLifetime(5) }, `5`},
		{DefaultMinPeriod, func(d *Device) { d.SetDefaultMinPeriod(5) }, `5`},
		{DefaultMaxPeriod, func(d *Device) { d.SetDefaultMaxPeriod(5) }, `5`},
		{FirmwareUpdateState, func(d *Device) { d.SetFirmwareUpdateState(2) }, `2`},
		{FirmwareUpdateResult, func(d *Device) { d.SetFirmwareUpdateResult(7) }, `7`},
		{FirmwarePackageName, func(d *Device) { d.SetFirmwarePackageName("x") }, `"x"`},
		{FirmwarePackageVersion, func(d *Device) { d.SetFirmwarePackageVersion("x") }, `"x"`},
		{ConfigurationName, func(d *Device) { d.SetConfigurationName("x") }, `"x"`},
		{ConfigurationValue, func(d *Device) { d.SetConfigurationValue("x") }, `"x"`},
	} {
		_, sent := inside(t, nil, func(d *Device) {
			x.set(d)
			x.set(d)
		})
		want := fmt.Sprintf(`{"dm":{"%s":%s}}`, x.r, x.want)
		if len(sent) != 2 || string(sent[1].Body) != want {
			t.Errorf("%s: sent %v; want the answer and %s", x.r, sent, want)
		}
	}
}

// TestBatterySet: a level that was set drains no more, until the factory's is
// restored.
func TestBatterySet(t *testing.T) {
	d, _ := inside(t, nil, func(d *Device) { d.SetBatteryLevel(55) })
	d.at = sim.Time(time.Hour)
	if got := d.Int(BatteryLevel); got != 55 || d.draining() {
		t.Errorf("level %d, draining %t; want 55", got, d.draining())
	}
	d.out = &sim.Outbox{}
	d.RestoreFactory()
	if got := d.Int(BatteryLevel); got != 100-360%101 {
		t.Errorf("level %d an hour after the start; want %d", got, 100-360%101)
	}
}

// TestQueueOfCalls: 16 calls wait, one more is refused at once.
func TestQueueOfCalls(t *testing.T) {
	d, _ := inside(t, func(p *Profile) { p.Answer, p.Battery = sim.Always(time.Minute), false }, func(*Device) {})
	var out sim.Outbox
	for i := range uint64(maxCalls) {
		out.Reset()
		d.Step(sim.Time(2*time.Second), sim.Input{Kind: sim.Received, Msg: sim.Message{Kind: sim.Call, Conn: 1, ID: i + 2, Name: "x"}}, &out)
		if refused := len(out.Send) == 1 && out.Send[0].Status == TooMany; refused != (i == maxCalls-1) {
			t.Fatalf("call %d: sent %v", i+2, out.Send) // the first one was inside's
		}
	}
	out.Reset()
	d.Step(sim.Time(2*time.Minute), sim.Input{}, &out)
	if len(out.Send) < maxCalls {
		t.Errorf("%d messages after two minutes; want %d answers", len(out.Send), maxCalls)
	}
	for i := range uint64(maxCalls) {
		if m := out.Send[i]; m.Kind != sim.Answer || m.ID != i+1 {
			t.Errorf("message %d is %s; want the answer to %d", i, m, i+1)
		}
	}
}

// TestTimers: they come in order of time, then of setting; there is a bound;
// a rest for the next Step.
func TestTimers(t *testing.T) {
	var order []int
	d, _ := inside(t, func(p *Profile) { p.Battery = false }, func(d *Device) {
		for i := range maxTimers + 1 {
			wait := time.Duration(i%2) * time.Second
			d.After(wait+time.Second, func(*Device) { order = append(order, i) })
		}
	})
	var out sim.Outbox
	for n := 0; len(order) < maxTimers; n++ {
		if n > maxTimers/maxUnits {
			t.Fatalf("%d timers came in %d Steps", len(order), n)
		}
		if d.Deadline() > sim.Time(time.Minute) {
			t.Fatalf("deadline %s with timers due", d.Deadline())
		}
		out.Reset()
		d.Step(sim.Time(time.Minute), sim.Input{}, &out)
	}
	for i := 1; i < len(order); i++ {
		a, b := order[i-1], order[i]
		if a%2 > b%2 || a%2 == b%2 && a > b {
			t.Fatalf("timer %d came before %d", a, b)
		}
	}
	if d.Deadline() < sim.Time(time.Minute) {
		t.Errorf("deadline %s; nothing is due", d.Deadline())
	}
}

// TestReportKept: root properties reported without a session come with the
// next one, merged, nulls and all, and within bounds.
func TestReportKept(t *testing.T) {
	d, _ := inside(t, nil, func(*Device) {})
	var out sim.Outbox
	now := sim.Time(2 * time.Second)
	d.Step(now, sim.Input{Kind: sim.Received, Msg: sim.Message{Kind: sim.Close, Conn: 1}}, &out)
	d.out, d.at = &out, now
	d.Report("a", doc.MustParse(`{"x":1,"y":null}`))
	d.Report("a", doc.MustParse(`{"x":2,"z":3}`))
	d.Report("b", doc.Null())
	d.Report("huge", doc.String(strings.Repeat("x", maxUnsent)))
	d.out = nil
	for d.link != linkDialing {
		now = d.Deadline()
		d.Step(now, sim.Input{}, &out)
	}
	for _, k := range []sim.Kind{sim.Opened, sim.Accept, sim.Subscribed} {
		out.Reset()
		d.Step(now, sim.Input{Kind: sim.Received, Msg: sim.Message{Kind: k, Conn: 2}}, &out)
	}
	last := out.Send[len(out.Send)-1]
	if want := `{"a":{"x":2,"y":null,"z":3},"b":null}`; string(last.Body) != want {
		t.Errorf("the last report is %s; want %s", last.Body, want)
	}
}

// TestMemory: what is remembered outlives a reboot, not the factory reset.
func TestMemory(t *testing.T) {
	d, _ := inside(t, nil, func(d *Device) {
		d.Remember("a", "1")
		d.Remember("b", "2")
		d.Remember("a", "3")
		d.Remember("b", "")
		d.Remember("c", "")
		d.Reboot()
	})
	if a, b := d.Recall("a"), d.Recall("b"); a != "3" || b != "" {
		t.Errorf("recalled %q, %q; want 3 and nothing", a, b)
	}
	d.Remember("a", "")
	if d.kept != nil {
		t.Error("a device that remembers nothing keeps memory for it")
	}
	defer func() {
		if recover() == nil {
			t.Error("a 65th name was taken")
		}
	}()
	for i := range maxMemory + 1 {
		d.Remember(fmt.Sprint(i), "x")
	}
}

// TestStatus: what a callback's error is answered with.
func TestStatus(t *testing.T) {
	for _, x := range []struct {
		err  error
		want int32
	}{
		{nil, OK},
		{Errorf(BadRequest, "x"), BadRequest},
		{fmt.Errorf("y: %w", Errorf(NotImplemented, "x")), NotImplemented},
		{fmt.Errorf("x"), DeviceFailure},
		{Errorf(OK, "x"), DeviceFailure},
	} {
		if got := StatusOf(x.err); got != x.want {
			t.Errorf("StatusOf(%v) = %d; want %d", x.err, got, x.want)
		}
	}
}

// TestDownloadEnds: a link that breaks behind the last byte is no failure, and
// a server that has no ranges and breaks always at the same place ends.
func TestDownloadEnds(t *testing.T) {
	var last sim.Fetched
	d, _ := inside(t, nil, func(d *Device) { d.Download("http://a/b", func(_ *Device, f sim.Fetched) { last = f }) })
	var out sim.Outbox
	now := sim.Time(2 * time.Second)
	d.Step(now, sim.Input{Kind: sim.Downloaded, Fetched: &sim.Fetched{ID: 1, Have: 9, Total: 9, Fail: sim.FetchLink, Done: true}}, &out)
	if !last.Done || last.Fail != sim.FetchOK {
		t.Errorf("the end is %+v; want success", last)
	}
	last = sim.Fetched{}
	d.out, d.at = &out, now
	d.Download("http://a/b", func(_ *Device, f sim.Fetched) { last = f })
	d.out = nil
	fetches := 0
	for try := 0; !last.Done; try++ {
		if try > 50 {
			t.Fatal("the download does not end")
		}
		for _, f := range out.Fetch {
			if f.Cancel {
				continue
			}
			fetches++
			a := sim.Fetched{ID: f.ID, Have: 500, Check: []byte{1}, Fail: sim.FetchLink, Done: true}
			if f.From > 0 {
				a = sim.Fetched{ID: f.ID, Have: f.From, Status: 200, Fail: sim.FetchStatus, Done: true}
			}
			d.Step(now, sim.Input{Kind: sim.Downloaded, Fetched: &a}, &sim.Outbox{})
		}
		out.Reset()
		now = max(now, min(d.Deadline(), now.Add(time.Minute)))
		d.Step(now, sim.Input{}, &out)
	}
	if last.Fail == sim.FetchOK || fetches != 1+maxResumes {
		t.Errorf("the end is %+v after %d tries; want a failure after %d", last, fetches, 1+maxResumes)
	}
}
