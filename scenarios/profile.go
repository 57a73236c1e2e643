package scenarios

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// change is one override of a profile.
type change func(*device.Profile)

// tune makes the row of an override.
func tune[V any](name, help string, k kind[V], put func(*device.Profile, V)) key[[]change] {
	return each(name, help, k, func(all *[]change, v V) {
		*all = append(*all, func(p *device.Profile) { put(p, v) })
	})
}

// lift makes the rows of a part of T the rows of T.
func lift[T, U any](keys []key[U], place func(*T) *U) []key[T] {
	lifted := make([]key[T], len(keys))
	for i, k := range keys {
		lifted[i] = key[T]{name: k.name, must: k.must, schema: k.schema, read: func(r *reader, n *node, into *T) { k.read(r, n, place(into)) }}
	}
	return lifted
}

// The bounds of profiles.
const (
	maxWait      = 24 * time.Hour
	maxTelemetry = 256 << 10 // bytes of one message: the hub takes no more
)

// changes are the rows that groups and single devices have in common: every
// property of a profile, with its unit.
var changes = []key[[]change]{
	tune("start", "from the device's creation to its first connect", distKind, func(p *device.Profile, d sim.Dist) { p.Start = d }),
	tune("boot", "how long a reboot keeps the device down before it connects again", distKind, func(p *device.Profile, d sim.Dist) { p.Boot = d }),
	tune("flash", "how long writing an image takes", distKind, func(p *device.Profile, d sim.Dist) { p.Flash = d }),
	tune("answer", "how long the device takes to answer a direct method", distKind, func(p *device.Profile, d sim.Dist) { p.Answer = d }),
	tune("backoff", "waits before a lost link is opened again, from the shortest, doubling, to the longest, with jitter; default 1s..60s", spanKind,
		func(p *device.Profile, s span) { p.BackoffMin, p.BackoffMax = s.low, s.high }),
	tune("connectTimeout", "how long CONNECT may go unanswered; default 30s", durationOf(time.Millisecond, time.Hour),
		func(p *device.Profile, d time.Duration) { p.ConnectTimeout = d }),
	tune("keepAlive", "MQTT keep-alive, in whole seconds, 0s: none; default 4m", durationOf(0, math.MaxUint16*time.Second),
		func(p *device.Profile, d time.Duration) { p.KeepAlive = d }),
	tune("tokenLifetime", "of the token in CONNECT, the device reconnects after 3/4 of it; default 24h", durationOf(10*time.Second, 10*365*24*time.Hour),
		func(p *device.Profile, d time.Duration) { p.TokenLifetime = d }),
	tune("telemetryPeriod", "from one telemetry message to the next; 0s, the default, is no telemetry", durationOf(0, 365*24*time.Hour),
		func(p *device.Profile, d time.Duration) { p.TelemetryPeriod = d }),
	tune("telemetrySize", "of one telemetry message's body; default 64B", sizeOf(16, maxTelemetry),
		func(p *device.Profile, n int64) { p.TelemetrySize = int(n) }),
	tune("pmin", "shortest time between notifications of a property; default 5m", durationOf(0, maxWait), func(p *device.Profile, d time.Duration) { p.PMin = d }),
	tune("pmax", "longest time between notifications of a property, 0s: never unasked; default 6h", durationOf(0, 365*24*time.Hour), func(p *device.Profile, d time.Duration) { p.PMax = d }),
	tune("firmwarePmin", "pmin of the firmware job's properties; default 30s", durationOf(0, maxWait), func(p *device.Profile, d time.Duration) { p.FirmwarePMin = d }),
	tune("firmwarePmax", "pmax of the firmware job's properties; default 6h", durationOf(0, 365*24*time.Hour), func(p *device.Profile, d time.Duration) { p.FirmwarePMax = d }),
	tune("storageFree", "free for a downloaded package; default 64MiB", sizeOf(0, 1<<50), func(p *device.Profile, n int64) { p.StorageFree = n }),
	tune("memoryFree", "free memory, the bound for a package; default 64MiB", sizeOf(0, 1<<50), func(p *device.Profile, n int64) { p.MemoryFree = n >> 10 }),
	tune("battery", "`drains` 1 % every 10 s from 100 to 0 and again, or is `steady`", wordOf("a way of the battery", "drains", "steady"),
		func(p *device.Profile, s string) { p.Battery = s == "drains" }),
	tune("commands", "direct methods beside the built-in ones, by name", mapOf("commands", commandTable.kind(), badMethod), addCommands),
	tune("writable", "root properties that are acknowledged when desired", listOf("writable", textOf("a property", 1, 128)),
		func(p *device.Profile, names []string) { p.Writable = names }),
}

// commandTable is how a declared direct method is written.
var commandTable = newTable("command", "a command", []key[device.Command]{
	each("status", "what it is answered with; default 200", integerOf("status", 100, 599), func(c *device.Command, n int64) { c.Status = int32(n) }),
	field("response", "the answer's payload, any JSON", jsonKind, func(c *device.Command) *doc.Value { return &c.Response }),
	field("takes", "how long it takes, instead of the profile's answer", distKind, func(c *device.Command) *sim.Dist { return &c.Takes }),
})

// addCommands gives a profile commands, in place of what it has of the same
// name.
func addCommands(p *device.Profile, all []named[device.Command]) {
	p.Commands = append([]device.Command(nil), p.Commands...)
	for _, c := range all {
		c.v.Name = c.name
		if i := slices.IndexFunc(p.Commands, func(o device.Command) bool { return o.Name == c.name }); i >= 0 {
			p.Commands[i] = c.v
			continue
		}
		p.Commands = append(p.Commands, c.v)
	}
}

// badMethod says what is wrong with the name of a direct method.
func badMethod(name string) string {
	if name == "" || len(name) > 100 {
		return "a command's name has 1 to 100 characters"
	}
	if strings.ContainsAny(name, "/#+ \t\n") {
		return "a command's name must not have / # + or blanks"
	}
	return ""
}

// valuesKind are properties of a device by their service names. [Azure IoT Hub
// device management preview: "Device twin", device properties]
var valuesKind = kind[[]doc.Member]{
	schema: &schema{types: []string{"object"}, named: &schema{types: []string{"string", "number", "integer"}}},
	read: func(r *reader, n *node) ([]doc.Member, bool) {
		if n.kind != mapNode {
			r.complain(n.at, "", "values must be a map of property names and values, is %s", n.describe())
			return nil, false
		}
		var all []doc.Member
		for _, m := range n.members {
			res, ok := propertyNamed(r, m.name, m.at)
			if !ok {
				continue
			}
			v, ok := propertyValue(r, res, m.value)
			if ok {
				all = append(all, doc.Member{Name: res.Name, Value: v})
			}
		}
		return all, true
	},
}

// writesKind are properties as a job writes them: scalars of any type, for a
// device has to refuse what does not fit.
var writesKind = kind[[]doc.Member]{
	schema: &schema{types: []string{"object"}, named: &schema{types: []string{"string", "number", "boolean"}}},
	read: func(r *reader, n *node) ([]doc.Member, bool) {
		if n.kind != mapNode {
			r.complain(n.at, "", "properties must be a map of names and values, is %s", n.describe())
			return nil, false
		}
		if len(n.members) == 0 {
			r.complain(n.at, "write `{Timezone: PST}`", "no property is named")
		}
		var all []doc.Member
		for _, m := range n.members {
			res, ok := propertyNamed(r, m.name, m.at)
			if !ok {
				continue
			}
			if _, ok = scalar(r, m.value, res.Name); !ok {
				continue
			}
			if v, ok := jsonValue(r, m.value); ok {
				all = append(all, doc.Member{Name: res.Name, Value: v})
			}
		}
		return all, true
	},
}

// propertyNamed finds a property of the twin, in any letter case.
func propertyNamed(r *reader, name string, at spot) (sim.Resource, bool) {
	res, ok := sim.ResourceByName(name)
	if ok && res.Access&sim.Executable == 0 {
		return res, true
	}
	r.complain(at, didYouMean(name, propertyNames()), "unknown device property %s", quote(name))
	return sim.Resource{}, false
}

// propertyNames are the service names that can be read or written.
func propertyNames() []string {
	var names []string
	for _, res := range sim.Resources {
		if res.Name != "" && res.Access&sim.Executable == 0 {
			names = append(names, res.Name)
		}
	}
	return names
}

// propertyValue reads a value a resource can have.
func propertyValue(r *reader, res sim.Resource, n *node) (doc.Value, bool) {
	s, ok := scalar(r, n, res.Name)
	if !ok {
		return doc.Value{}, false
	}
	if !res.Integer {
		return doc.String(s), true
	}
	if x, ok := decimal(s); ok && x.IsInt() && x.Num().IsInt64() {
		return doc.Int(x.Num().Int64()), true
	}
	r.complain(n.at, "", "%s must be a whole number, is %s", res.Name, n.describe())
	return doc.Value{}, false
}

// apply returns a profile with changes; the given one stays as it is.
func apply(base *device.Profile, all []change) *device.Profile {
	p := *base
	for _, c := range all {
		c(&p)
	}
	return &p
}

// judge shows what is wrong with a profile at the keys of n that made it, else
// at the place given.
func (r *reader) judge(what string, at spot, n *node, all []device.Complaint) {
	for _, w := range all {
		name := w.Path
		if i := strings.IndexAny(name, ".["); i > 0 {
			name = name[:i]
		}
		switch name {
		case "backoffMin", "backoffMax":
			name = "backoff"
		case "firmware":
			name = "profile"
		}
		place := at
		if n != nil && n.kind == mapNode {
			for _, m := range n.members {
				if m.name == name {
					place = m.value.at
				}
			}
		}
		r.complain(place, "", "%s: %s", what, w.Error())
	}
}
