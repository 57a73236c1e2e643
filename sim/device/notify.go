package device

import (
	"math"
	"strconv"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// Observed resources are reported under the reported property `dm`, by
// service name: {"dm":{"FirmwareUpdateState":2}}.
//
// Two windows, one for the firmware job's resources and one for all others,
// hold reports back: after a report of its resources a window stays closed for
// its minimum period; what changes meanwhile is reported when it opens, with
// the last value. A minimum period of 0 holds nothing back: each change is a
// report of its own, in the order of the changes. After the maximum period
// without a report all resources of the window are reported, changed or not.
// [Azure IoT Hub device management preview: "Device twin", notification
// periods; LwM2M 1.0, section 5.1.2: pmin, pmax]

// Periods returns the notification periods of a resource; a pmax of 0 is
// never.
func (d *Device) Periods(r Resource) (pmin, pmax time.Duration) {
	if d.model.fast.has(r) {
		return d.periods(1)
	}
	return d.periods(0)
}

// window 0 is that of all resources, window 1 that of the firmware job's.
func (d *Device) periods(window int) (pmin, pmax time.Duration) {
	p := d.model.profile
	if window == 1 {
		return p.FirmwarePMin, p.FirmwarePMax
	}
	pmin, pmax = p.PMin, p.PMax
	if d.kept != nil {
		if s := &d.kept.settings; s.pmin >= 0 {
			pmin = s.pmin
		}
		if s := &d.kept.settings; s.pmax >= 0 {
			pmax = s.pmax
		}
	}
	return pmin, pmax
}

func (d *Device) members(window int) set {
	if window == 1 {
		return d.model.fast
	}
	return d.model.slow
}

// opens is when a window has something to report.
func (d *Device) opens(window int) sim.Time {
	pmin, pmax := d.periods(window)
	at := sim.Never
	if pmax > 0 {
		at = d.sent[window].Add(pmax)
	}
	if d.dirty&d.members(window) != 0 {
		at = min(at, d.sent[window].Add(pmin))
	}
	if window == 0 && d.draining() {
		at = min(at, max(d.sent[0].Add(pmin), d.drains(d.sent[0])))
	}
	return at
}

func (d *Device) notifyDue() sim.Time { return min(d.opens(0), d.opens(1)) }

// notify reports what the open windows have.
func (d *Device) notify() {
	var what set
	for w := range d.sent {
		at := d.opens(w)
		if at > d.now {
			continue
		}
		_, pmax := d.periods(w)
		if pmax > 0 && d.sent[w].Add(pmax) <= d.now {
			what |= d.members(w)
		}
		what |= d.dirty & d.members(w)
		if w == 0 && d.draining() && d.drained(d.at) != int(d.level) {
			what |= 1 << BatteryLevel
		}
		d.sent[w] = d.now
	}
	if what != 0 {
		d.reportSet(what)
	}
}

// report puts a changed resource into its window, or reports it at once.
func (d *Device) report(r Resource) {
	if !observed.has(r) || d.link != linkOnline {
		return // a new session begins with everything
	}
	pmin, _ := d.Periods(r)
	if pmin > 0 && !d.greeting {
		d.dirty |= 1 << r
		return
	}
	if d.model.fast.has(r) {
		d.sent[1] = d.now
	} else {
		d.sent[0] = d.now
	}
	d.reportSet(1 << r)
}

// reportAll is the report a session begins with.
func (d *Device) reportAll() {
	d.sent = [2]sim.Time{d.now, d.now}
	d.reportSet(observed)
}

// reportSet reports the values resources have now.
func (d *Device) reportSet(what set) {
	d.dirty &^= what
	size := 32
	if what == observed {
		size = 832
	}
	b := append(make([]byte, 0, size), `{"dm":{`...)
	for what != 0 {
		r := what.pop()
		v := d.Value(r)
		if r == BatteryLevel {
			d.level = int8(v.Int())
		}
		b = append(b, '"')
		b = append(b, table[r].Name...)
		b = append(b, '"', ':')
		b = v.appendJSON(b)
		b = append(b, ',')
	}
	b[len(b)-1] = '}'
	d.sendReport(append(b, '}'))
}

// maxUnsent bounds what a device reports of itself while it has no session,
// in bytes as a twin counts them: what its reported properties can hold.
const maxUnsent = 32 << 10

// Report reports a root property of its own; null deletes it, an object is
// merged into what is there. Without a session it is kept for the next one,
// unless the device reboots before, within 32 KiB; what is more is dropped and
// noted.
func (d *Device) Report(name string, v doc.Value) {
	patch := doc.Object(doc.Member{Name: name, Value: v})
	if d.link == linkOnline && !d.greeting {
		d.sendReport(patch.JSON())
		return
	}
	// An inner null must reach the hub: it is kept, not carried out.
	b := d.atWork()
	unsent := b.unsent
	if old := unsent.Get(name); old.Kind() == doc.KindObject && v.Kind() == doc.KindObject {
		for n, x := range v.Members() {
			old = old.With(n, x, 0)
		}
		v = old
	}
	if unsent.IsAbsent() {
		unsent = doc.Object()
	}
	unsent = unsent.With(name, v, 0)
	if doc.Size(unsent) > maxUnsent {
		d.Note(sim.EventDrop, "report: "+name)
		return
	}
	b.unsent = unsent
}

// reportUnsent reports what was kept for the session.
func (d *Device) reportUnsent() {
	if d.busy == nil || d.busy.unsent.IsAbsent() {
		return
	}
	d.sendReport(d.busy.unsent.JSON())
	d.busy.unsent = doc.Value{}
}

// A request's id says what must be remembered of it: its kind and the instant
// it was planned for, and a number that makes it unique on its connection. So
// nothing is kept for a request but that there is one.
const (
	askTwin   = 'g'
	askReport = 'r'
)

func (d *Device) request(kind byte) string {
	d.asked++
	if d.open < math.MaxUint16 {
		d.open++
	}
	b := append(make([]byte, 0, 24), kind)
	b = strconv.AppendInt(b, int64(d.at), 36)
	b = append(b, '-')
	return string(strconv.AppendUint(b, uint64(d.asked), 36))
}

func (d *Device) sendReport(body []byte) {
	d.send(sim.Message{Kind: sim.Report, Name: d.request(askReport), Body: body})
}
