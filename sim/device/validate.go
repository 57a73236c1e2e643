package device

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// Complaint is something wrong with a profile.
type Complaint struct {
	Path string // in the profile: `pmin`, `commands[2].name`
	Text string
}

// Error returns `path: text`.
func (c Complaint) Error() string { return c.Path + ": " + c.Text }

// Validate returns all complaints, joined; each is a Complaint.
func (p *Profile) Validate() error {
	var errs []error
	for _, c := range p.Complaints() {
		errs = append(errs, c)
	}
	return errors.Join(errs...)
}

// Complaints lists everything that is wrong with the profile, in the order of
// its fields.
func (p *Profile) Complaints() []Complaint {
	var list complaints
	switch p.Firmware {
	case FirmwareStandard, FirmwareSimple, FirmwareEdison, FirmwareNone:
	default:
		list.add("firmware", "%q is not known; write %s, %s, %s or %s", p.Firmware,
			FirmwareStandard, FirmwareSimple, FirmwareEdison, FirmwareNone)
	}
	list.most("start", p.Start)
	list.most("boot", p.Boot)
	list.most("flash", p.Flash)
	list.most("answer", p.Answer)
	list.within("backoffMin", p.BackoffMin, time.Millisecond, time.Hour)
	list.within("backoffMax", p.BackoffMax, max(time.Millisecond, p.BackoffMin), 24*time.Hour)
	list.within("connectTimeout", p.ConnectTimeout, time.Millisecond, time.Hour)
	list.within("keepAlive", p.KeepAlive, 0, maxKeepAlive)
	if p.KeepAlive%time.Second != 0 {
		list.add("keepAlive", "must be whole seconds, is %s", p.KeepAlive)
	}
	list.within("tokenLifetime", p.TokenLifetime, 10*time.Second, 10*365*24*time.Hour)
	if p.TelemetryPeriod != 0 {
		list.within("telemetryPeriod", p.TelemetryPeriod, time.Millisecond, maxWait)
	}
	if p.TelemetrySize < minTelemetry || p.TelemetrySize > maxTelemetry {
		list.add("telemetrySize", "must be %d to %d bytes, is %d", minTelemetry, maxTelemetry, p.TelemetrySize)
	}
	list.periods("pmin", p.PMin, "pmax", p.PMax)
	list.periods("firmwarePmin", p.FirmwarePMin, "firmwarePmax", p.FirmwarePMax)
	if p.StorageFree < 0 {
		list.add("storageFree", "must not be below 0, is %d", p.StorageFree)
	}
	if p.MemoryFree < 0 || p.MemoryFree > maxInteger>>10 {
		list.add("memoryFree", "must be 0 to %d KB, is %d", int64(maxInteger>>10), p.MemoryFree)
	}
	list = append(list, CheckValues("values", p.Values)...)
	for i, c := range p.Commands {
		list.command(fmt.Sprintf("commands[%d]", i), c, p.Commands[:i])
	}
	for i, w := range p.Writable {
		component, name, dotted := strings.Cut(w, ".")
		if component == "" || dotted && name == "" || strings.ContainsAny(w, "$ ") || strings.Contains(name, ".") {
			list.add(fmt.Sprintf("writable[%d]", i), "%q is not a property; write `name` or `component.name`", w)
		}
	}
	return list
}

// CheckValues lists what is wrong with initial values, of a profile or of one
// device, under the path given.
func CheckValues(path string, values []doc.Member) []Complaint {
	var list complaints
	for _, v := range values {
		at := path + "." + v.Name
		r, ok := Named(v.Name)
		switch info := r.Info(); {
		case !ok:
			list.add(at, "no resource of that name")
		case info.Access&sim.Readable == 0 && r != FirmwarePackageURI:
			list.add(at, "has no value")
		case r == CurrentTime:
			list.add(at, "is a function of time; write it while the device runs")
		default:
			if _, err := r.Parse(v.Value); err != nil {
				list.add(at, "%s", strings.TrimPrefix(err.Error(), info.Name+": "))
			}
		}
	}
	return list
}

// The longest durations a profile takes.
const (
	maxWait      = 10 * 365 * 24 * time.Hour
	maxKeepAlive = 65535 * time.Second // MQTT 3.1.1, section 3.1.2.10
)

type complaints []Complaint

func (l *complaints) add(path, format string, args ...any) {
	*l = append(*l, Complaint{path, fmt.Sprintf(format, args...)})
}

func (l *complaints) within(path string, d, low, high time.Duration) {
	if d < low || d > high {
		l.add(path, "must be %s to %s, is %s", low, high, d)
	}
}

func (l *complaints) most(path string, d sim.Dist) {
	if d.Max() > maxWait {
		l.add(path, "must be at most %s, is %s", maxWait, d)
	}
}

func (l *complaints) periods(minPath string, pmin time.Duration, maxPath string, pmax time.Duration) {
	l.within(minPath, pmin, 0, maxWait)
	l.within(maxPath, pmax, 0, maxWait)
	if pmax != 0 && pmax < max(pmin, time.Second) {
		l.add(maxPath, "must be 0 (never) or at least 1s and %s (%s), is %s", minPath, pmin, pmax)
	}
}

func (l *complaints) command(path string, c Command, before []Command) {
	if c.Name == "" || len(c.Name) > 100 || strings.ContainsAny(c.Name, "/#+ ") {
		l.add(path+".name", "must be 1 to 100 characters without `/`, `#`, `+` and blanks, is %q", c.Name)
	}
	for _, b := range before {
		if b.Name == c.Name {
			l.add(path+".name", "%q is there twice", c.Name)
		}
	}
	for _, b := range builtIn {
		if b == c.Name {
			l.add(path+".name", "%q is built in", c.Name)
		}
	}
	if c.Status != 0 && (c.Status < 100 || c.Status > 999) {
		l.add(path+".status", "must be 100 to 999, is %d", c.Status)
	}
	l.most(path+".takes", c.Takes)
}
