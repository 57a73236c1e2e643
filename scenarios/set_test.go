package scenarios_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

func TestSet(t *testing.T) {
	p := plan(t, `
seed: 1
groups:
  gen: {count: 5, id: "g.{number}"}
  list:
    flash: 1s
    tags: &t {site: south}
    devices:
      - A.1
      - {id: A, tags: *t}
      - {id: "a=b"}
      - {id: A.1.2, flash: 2s}
packages: {fw-3.0: {version: "3.0", size: 1KiB}}
jobs:
  - {id: one, kind: rebootDevice, group: gen}
  - {id: one.b, kind: rebootDevice, group: list}
expect: [devices.connected > 0]
`,
		"groups.gen.count=3", "seed=9", "epoch=2026-03-20", "name=other",
		"groups.list.devices.A.1.flash=5s", "groups.list.devices.A.1.2.flash=6s", "groups.list.devices.a=b.flash=7s", "groups.list.devices.1.boot=8s",
		"groups.list.devices.A.tags.site=north", "groups.list.devices.A.tags.floor={number: 3}",
		"packages.fw-3.0.size=2KiB", "packages.fw-3.0.version=3.10",
		"jobs.one.b.timeout=3m", "jobs.0.timeout=2m", "expect=[devices.connected == 7]", "expect.0=devices.connected == 8",
	)
	list := p.Groups[1]
	if p.Seed != 9 || p.Name != "other" || p.Groups[0].Count != 3 || p.Devices != 7 || p.Epoch.Text(0) != "2026-03-20T00:00:00.0000000Z" {
		t.Errorf("plan is %+v", p)
	}
	for i, want := range []struct {
		id    sim.DeviceID
		flash time.Duration
		tags  string
	}{{"A.1", 5 * time.Second, `{"site":"south"}`}, {"A", time.Second, `{"floor":{"number":3},"site":"north"}`}, {"a=b", 7 * time.Second, `{"site":"south"}`}, {"A.1.2", 6 * time.Second, `{"site":"south"}`}} {
		m := list.Member(i)
		if m.ID != want.id || m.Profile.Flash.Max() != want.flash || m.Tags.String() != want.tags {
			t.Errorf("device %d is %s, flash %s, tags %s; want %+v", i, m.ID, m.Profile.Flash, m.Tags, want)
		}
	}
	if b := list.Member(1).Profile.Boot.Max(); b != 8*time.Second {
		t.Errorf("boot of device 1 is %s", b)
	}
	if p.Packages[0].Size != 2048 || p.Packages[0].Version != "3.10" {
		t.Errorf("package is %+v", p.Packages[0])
	}
	if a, b := p.Spec(&p.Jobs[0], "").Timeout, p.Spec(&p.Jobs[1], "").Timeout; a != 2*time.Minute || b != 3*time.Minute {
		t.Errorf("timeouts are %s and %s", a, b)
	}
	if p.Expect[0].Text != "devices.connected == 8" || p.Expect[0].Where != "--set:1" {
		t.Errorf("expectation is %q at %s", p.Expect[0].Text, p.Expect[0].Where)
	}
}

// A member has what its device says, else what its group says.
func TestMembers(t *testing.T) {
	p := plan(t, `
groups:
  g:
    profile: simple
    firmwareVersion: 1.10
    labels: [group]
    tags: {a: 1}
    serviceProperties: {b: "2"}
    values: {Timezone: UTC, BatteryLevel: 50}
    battery: steady
    memoryFree: 1MiB
    backoff: 2s..30s
    telemetryPeriod: 10s
    commands: {blink: {response: {ok: yes}, takes: 1s}}
    writable: [mode]
    faults: [truncated-download, {fault: never-reconnects, devices: [B]}]
    devices:
      - A
      - id: B
        firmwareVersion: "2.0"
        labels: [own]
        tags: {c: 3}
        serviceProperties: {}
        values: {timezone: PST}
        telemetryPeriod: 20s
        faults: [wrong-bytes]
`)
	if got := fmt.Sprint(p.Faults); got != "[{wrong-bytes g 1 false} {truncated-download g 2 false} {never-reconnects g 1 false}]" {
		t.Errorf("faults are %s", got)
	}
	a, b := p.Groups[0].Member(0), p.Groups[0].Member(1)
	if a.Profile.Firmware != "simple" || a.Profile.Battery || a.Profile.MemoryFree != 1024 || a.Profile.BackoffMin != 2*time.Second || a.Profile.BackoffMax != 30*time.Second ||
		a.Profile.TelemetryPeriod != 10*time.Second || len(a.Profile.Commands) != 1 || a.Profile.Commands[0].Name != "blink" || a.Profile.Writable[0] != "mode" {
		t.Errorf("profile of A is %+v", a.Profile)
	}
	if a.FirmwareVersion != "1.10" || a.Labels[0] != "group" || a.Tags.String() != `{"a":1}` || a.Service.String() != `{"b":"2"}` || len(a.Values) != 2 {
		t.Errorf("A is %+v", a)
	}
	if a.Fault.Download.Cuts != 1 || a.Fault.Device.NeverReconnects || a.Fault.Download.WrongByte {
		t.Errorf("faults of A are %+v", a.Fault)
	}
	if b.Profile.Firmware != "simple" || b.Profile.TelemetryPeriod != 20*time.Second || b.FirmwareVersion != "2.0" || b.Labels[0] != "own" || b.Tags.String() != `{"c":3}` || b.Service.String() != `{}` {
		t.Errorf("B is %+v", b)
	}
	if n := len(b.Values); n != 2 || b.Values[n-1].Name != "Timezone" || b.Values[n-1].Value.Text() != "PST" {
		t.Errorf("values of B are %v", b.Values)
	}
	if b.Fault.Download.Cuts != 1 || !b.Fault.Device.NeverReconnects || !b.Fault.Download.WrongByte {
		t.Errorf("faults of B are %+v", b.Fault)
	}
}
