package doc_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// twinText is a typical twin section: 20 leaves in two levels, about 600
// twinText is a typical twin: 22 leaves in two levels, about 610 bytes; i
// makes seven of them the device's own.
func twinText(i int) []byte {
	return fmt.Appendf(nil, `{"dm":{"Manufacturer":"Contoso","ModelNumber":"M-1000","DeviceDescription":"roof sensor","SerialNumber":"SN-%08d",`+
		`"FirmwareVersion":"%d.0","HardwareVersion":"1.2","FirmwareUpdateState":1,"FirmwareUpdateResult":0,"BatteryLevel":%d,"MemoryFree":65536,`+
		`"CurrentTime":1767225600,"UtcOffset":"+01:00","Timezone":"Europe/Berlin"},`+
		`"network":{"mac":"00:15:5d:%02x:%02x:%02x","ip":"10.%d.%d.%d","signal":-%d,"roaming":false},`+
		`"config":{"telemetryPeriod":30,"keepAlive":240,"endpoint":"mqtts://hub1.fleet.test:8883/devices",`+
		`"package":"http://packages.fleet.test/fw/M-1000/3.0.bin?channel=stable","label":"roof, north side, row 4"}}`,
		i, 2+i%3, i%101, i>>16&255, i>>8&255, i&255, i>>16&255, i>>8&255, i&255, 40+i%60)
}

// fleet makes n twins, each written in two goes, so that members have times
// of their own.
func fleet(n int) []doc.Value {
	twins := make([]doc.Value, n)
	patch := doc.MustParse(`{"dm":{"BatteryLevel":50,"CurrentTime":1767225999},"network":{"signal":-51}}`)
	for i := range twins {
		v, err := doc.Parse(twinText(i))
		if err != nil {
			panic(err)
		}
		twins[i] = doc.Merge(doc.Merge(doc.Value{}, v, sim.Time(i)*1e6), patch, sim.Time(3600e9)+sim.Time(i))
	}
	return twins
}

// BenchmarkTwins weighs 100,000 twins and times a full collection over them;
// its time for an operation means nothing.
func BenchmarkTwins(b *testing.B) {
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	profile := doc.Merge(doc.Value{}, doc.MustParse(string(twinText(0))), 0)
	for _, c := range []struct {
		name string
		make func() any
	}{
		{"unshared", func() any { return fleet(n) }},
		{"parts shared", func() any {
			twins := fleet(n)
			for i := range twins {
				twins[i] = doc.Share(profile, twins[i])
			}
			return twins
		}},
		{"as profile", func() any {
			twins := make([]doc.Value, n)
			for i := range twins {
				v, _ := doc.Parse(twinText(0))
				twins[i] = doc.Share(profile, doc.Merge(doc.Value{}, v, sim.Time(i)))
			}
			return twins
		}},
		{"map", func() any {
			twins := make([]any, n)
			for i := range twins {
				twins[i], _ = decode(twinText(i))
			}
			return twins
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				twins := c.make()
				runtime.GC()
				start := time.Now()
				runtime.GC()
				took := time.Since(start)
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "B/twin")
				b.ReportMetric(float64(took.Microseconds())/1e3, "gc-ms")
				runtime.KeepAlive(twins)
			}
		})
	}
}

// BenchmarkScan looks through 100,000 twins with two conditions.
func BenchmarkScan(b *testing.B) {
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	twins := fleet(n)
	version, level := doc.String("3.0"), doc.Int(49)
	for b.Loop() {
		found := 0
		for _, v := range twins {
			dm := v.Get("dm")
			if !doc.Equal(dm.Get("FirmwareVersion"), version) {
				continue
			}
			if c, ok := doc.Compare(dm.Get("BatteryLevel"), level); ok && c > 0 {
				found++
			}
		}
		if found != n/3 {
			b.Fatalf("found %d of %d", found, n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1e3/float64(b.N), "scan-ms")
}

func BenchmarkParse(b *testing.B) {
	in := twinText(7)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := doc.Parse(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMerge(b *testing.B) {
	v := fleet(8)[7]
	patch := doc.MustParse(`{"dm":{"FirmwareVersion":"3.0","FirmwareUpdateState":2}}`)
	b.ReportAllocs()
	for b.Loop() {
		doc.Merge(v, patch, 1e12)
	}
}

func BenchmarkGet(b *testing.B) {
	v := fleet(8)[7]
	b.ReportAllocs()
	for b.Loop() {
		if v.Get("dm").Get("FirmwareVersion").Text() != "3.0" {
			b.Fatal("not there")
		}
	}
}

func BenchmarkJSON(b *testing.B) {
	v := fleet(8)[7]
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = v.AppendJSON(buf[:0])
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkShare(b *testing.B) {
	v, profile := fleet(8)[7], fleet(1)[0]
	b.ReportAllocs()
	for b.Loop() {
		doc.Share(profile, v)
	}
}
