package device

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// TestTable holds the resources against the preview's list: 22 are observed,
// every name and path is there once and finds its row.
func TestTable(t *testing.T) {
	n := 0
	for r := range Resource(resources) {
		info := r.Info()
		if info.Observed {
			n++
			if info.Access&sim.Readable == 0 {
				t.Errorf("%s is observed and cannot be read", r)
			}
		}
		if got, ok := Named(strings.ToUpper(info.Name)); !ok || got != r {
			t.Errorf("Named(%q) = %s, %t; want %s", info.Name, got, ok, r)
		}
		if got, ok := At(info.Path); !ok || got != r {
			t.Errorf("At(%q) = %s, %t; want %s", info.Path, got, ok, r)
		}
		if _, err := r.Parse(doc.String(info.Initial)); err != nil && info.Initial != "" {
			t.Errorf("%s: initial value: %v", r, err)
		}
	}
	if n != 22 {
		t.Errorf("%d resources are observed; want 22", n)
	}
	if resources > 32 {
		t.Errorf("%d resources do not fit into a set", resources)
	}
	if len(sim.Resources) != resources {
		t.Errorf("%d resources; package sim has %d", resources, len(sim.Resources))
	}
	for _, shared := range sim.Resources {
		if _, ok := At(shared.Path); !ok {
			t.Errorf("%s %s: no row", shared.Name, shared.Path)
		}
	}
	for alias, want := range map[string]Resource{
		"UTCOffset": UtcOffset, "FirmwarePackageURI": FirmwarePackageURI, "ConfigName": ConfigurationName, "ConfigValue": ConfigurationValue,
	} {
		if got, ok := Named(alias); !ok || got != want {
			t.Errorf("Named(%q) = %s, %t; want %s", alias, got, ok, want)
		}
	}
}

// TestFirstReport: the initial notification fills all observed properties.
func TestFirstReport(t *testing.T) {
	d := New(Config{ID: "dev", Host: "hub", Epoch: sim.DefaultEpoch, Profile: NewProfile(), Key: make([]byte, 32)})
	var out sim.Outbox
	for _, k := range []sim.Kind{0, sim.Opened, sim.Accept, sim.Subscribed} {
		out.Reset()
		d.Step(0, sim.Input{Kind: sim.Received, Msg: sim.Message{Kind: k, Conn: 1}}, &out)
	}
	var got struct{ DM map[string]any }
	for _, m := range out.Send {
		if m.Kind == sim.Report {
			if err := json.Unmarshal(m.Body, &got); err != nil {
				t.Fatalf("%s: %v", m.Body, err)
			}
		}
	}
	if len(got.DM) != 22 {
		t.Errorf("%d properties in the first report; want 22: %v", len(got.DM), got.DM)
	}
	for name, want := range map[string]any{
		"FirmwareVersion": "1.0", "FirmwareUpdateState": 1.0, "FirmwareUpdateResult": 0.0, "BatteryLevel": 100.0,
		"MemoryFree": 65536.0, "CurrentTime": 1767225600.0, "Timezone": "Device_Timezone", "RegistrationLifetime": 300.0,
	} {
		if got.DM[name] != want {
			t.Errorf("%s = %v; want %v", name, got.DM[name], want)
		}
	}
}

// TestValues: what a write takes and what it stores.
func TestValues(t *testing.T) {
	for _, x := range []struct {
		r    Resource
		in   string
		want string
		bad  bool
	}{
		{Timezone, `"PST"`, "PST", false},
		{Timezone, `5.50`, "5.50", false},
		{Timezone, `true`, "true", false},
		{Timezone, `""`, "", false},
		{Timezone, `null`, "", true},
		{Timezone, `["PST"]`, "", true},
		{Timezone, `{}`, "", true},
		{RegistrationLifetime, `300`, "300", false},
		{RegistrationLifetime, `3e2`, "300", false},
		{RegistrationLifetime, `"300"`, "300", false},
		{RegistrationLifetime, `"3e2"`, "", true},
		{RegistrationLifetime, `-1`, "-1", false},
		{RegistrationLifetime, `0.5`, "", true},
		{RegistrationLifetime, `true`, "", true},
		{RegistrationLifetime, `4503599627370495`, "4503599627370495", false},
		{RegistrationLifetime, `4503599627370496`, "", true},
		{ConfigurationValue, `"` + strings.Repeat("x", 255) + `"`, strings.Repeat("x", 255), false},
		{ConfigurationValue, `"` + strings.Repeat("x", 256) + `"`, "", true},
		{FirmwarePackageURI, `"` + strings.Repeat("x", 256) + `"`, "", true},
		{Timezone, `"` + strings.Repeat("x", MaxText+1) + `"`, "", true},
	} {
		got, err := x.r.Parse(doc.MustParse(x.in))
		switch {
		case x.bad && StatusOf(err) != BadRequest:
			t.Errorf("%s: Parse(%.40s): error %v; want one of status 400", x.r, x.in, err)
		case !x.bad && (err != nil || got.Text() != x.want):
			t.Errorf("%s: Parse(%.40s) = %q, %v; want %q", x.r, x.in, got.Text(), err, x.want)
		}
	}
}

// TestProfile: what is not valid is said, all of it, with its path.
func TestProfile(t *testing.T) {
	if err := NewProfile().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	for _, x := range []struct {
		path   string
		change func(*Profile)
	}{
		{"firmware", func(p *Profile) { p.Firmware = "simpel" }},
		{"boot", func(p *Profile) { p.Boot = sim.Always(20 * 365 * 24 * time.Hour) }},
		{"backoffMin", func(p *Profile) { p.BackoffMin = 0 }},
		{"backoffMax", func(p *Profile) { p.BackoffMax = p.BackoffMin - 1 }},
		{"connectTimeout", func(p *Profile) { p.ConnectTimeout = 0 }},
		{"keepAlive", func(p *Profile) { p.KeepAlive = 1500 * time.Millisecond }},
		{"keepAlive", func(p *Profile) { p.KeepAlive = 24 * time.Hour }},
		{"tokenLifetime", func(p *Profile) { p.TokenLifetime = time.Second }},
		{"telemetryPeriod", func(p *Profile) { p.TelemetryPeriod = 1 }},
		{"telemetrySize", func(p *Profile) { p.TelemetrySize = 15 }},
		{"pmin", func(p *Profile) { p.PMin = -1 }},
		{"pmax", func(p *Profile) { p.PMax = p.PMin - time.Second }},
		{"firmwarePmax", func(p *Profile) { p.FirmwarePMax = time.Millisecond; p.FirmwarePMin = 0 }},
		{"storageFree", func(p *Profile) { p.StorageFree = -1 }},
		{"memoryFree", func(p *Profile) { p.MemoryFree = -1 }},
		{"values.Colour", func(p *Profile) { p.Values = []doc.Member{{Name: "Colour", Value: doc.Int(1)}} }},
		{"values.BatteryLevel", func(p *Profile) { p.Values = []doc.Member{{Name: "BatteryLevel", Value: doc.String("x")}} }},
		{"values.CurrentTime", func(p *Profile) { p.Values = []doc.Member{{Name: "CurrentTime", Value: doc.Int(1)}} }},
		{"values.RebootDevice", func(p *Profile) { p.Values = []doc.Member{{Name: "RebootDevice", Value: doc.Int(1)}} }},
		{"commands[0].name", func(p *Profile) { p.Commands = []Command{{Name: "a b"}} }},
		{"commands[0].name", func(p *Profile) { p.Commands = []Command{{Name: "dm.read"}} }},
		{"commands[1].name", func(p *Profile) { p.Commands = []Command{{Name: "a"}, {Name: "a"}} }},
		{"commands[0].status", func(p *Profile) { p.Commands = []Command{{Name: "a", Status: 7}} }},
		{"writable[0]", func(p *Profile) { p.Writable = []string{"a.b.c"} }},
	} {
		p := NewProfile()
		x.change(p)
		list := p.Complaints()
		if len(list) != 1 || list[0].Path != x.path {
			t.Errorf("%s: complaints %v; want one there", x.path, list)
		}
	}
	p := &Profile{}
	if n := len(p.Complaints()); n < 5 {
		t.Errorf("the empty profile: %d complaints; want all of them", n)
	}
	defer func() {
		if recover() == nil {
			t.Error("New took a profile that is not valid")
		}
	}()
	New(Config{Profile: p})
}

// TestBehavioursUseTheTable: what a built-in behaviour does to a device, a user
// of the package can do too.
func TestBehavioursUseTheTable(t *testing.T) {
	for _, file := range []string{
		"properties.go", "reboot.go", "factory_reset.go", "configuration.go", "firmware.go",
		"firmware_standard.go", "firmware_simple.go", "firmware_edison.go", "firmware_method.go",
	} {
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := s.X.(*ast.Ident)
			if ok && (x.Name == "d" || x.Name == "m") && !s.Sel.IsExported() {
				t.Errorf("%s: %s.%s is not exported", files.Position(s.Pos()), x.Name, s.Sel.Name)
			}
			return true
		})
	}
}

// TestInitialVersion: a simulated device starts as 1.0 or 2.0, by its number.
func TestInitialVersion(t *testing.T) {
	count := map[string]int{}
	p := NewProfile()
	p.Firmware = FirmwareSimple
	for i := range uint64(100) {
		count[New(Config{Number: i, Seed: 7, Profile: p}).Text(FirmwareVersion)]++
		if got := New(Config{Number: i, Seed: 7, Profile: p, FirmwareVersion: "9"}).Text(FirmwareVersion); got != "9" {
			t.Fatalf("version %q; want the given one", got)
		}
	}
	if len(count) != 2 || count["1.0"] < 25 || count["2.0"] < 25 {
		t.Errorf("versions of 100 devices: %v; want 1.0 and 2.0, about as many", count)
	}
	if a, b := New(Config{Number: 3, Seed: 7, Profile: p}), New(Config{Number: 3, Seed: 7, Profile: p}); a.Text(FirmwareVersion) != b.Text(FirmwareVersion) {
		t.Error("the same seed and number give different versions")
	}
}
