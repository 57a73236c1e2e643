package device_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

// driver drives one device by hand: it plays the hub and the package server
// without any delay but a download's, and writes down what happens.
type driver struct {
	d     *device.Device
	now   sim.Time
	conn  uint32
	calls uint64
	twin  doc.Value
	queue []later
	out   sim.Outbox
	trace strings.Builder
	quiet bool // no trace

	// What the hub and the server do.

	refuse int32 // status of CONNACK
	deaf   bool  // dials are refused
	silent bool  // CONNECT is not answered
	mute   bool  // requests about the twin are not answered
	status int32 // of answers to reports, 0: 204
	pkg    pack.Package
	fail   sim.FetchFail // every download ends so at once
	code   int32         // its HTTP status
	cutAt  uint64        // downloads are cut there
	cuts   int           // so many of them, -1: all
	digest string
	takes  time.Duration // a download

	observed []sim.Observation
	reports  []string
}

type later struct {
	at sim.Time
	in sim.Input
}

func newDriver(c device.Config) *driver {
	if c.ID == "" {
		c.ID = "dev"
	}
	if c.Host == "" {
		c.Host = "hub.test"
	}
	if c.Epoch == 0 {
		c.Epoch = sim.DefaultEpoch
	}
	c.Key = []byte("0123456789abcdef0123456789abcdef")
	return &driver{d: device.New(c), takes: 100 * time.Millisecond, twin: doc.MustParse(`{"desired":{"$version":1},"reported":{"$version":1}}`)}
}

// step gives the device one input and carries out what it wants.
func (v *driver) step(in sim.Input) {
	v.out.Reset()
	before := v.d.Deadline()
	v.d.Step(v.now, in, &v.out)
	if at := v.d.Deadline(); at < v.now && before > v.now {
		panic(fmt.Sprintf("at %s the deadline is %s, in the past", v.now, at))
	}
	v.print(in)
	v.observed = append(v.observed, v.out.Observe...)
	// Carrying out makes further steps: what is to be done is kept apart.
	send, fetch, dial := slices.Clone(v.out.Send), slices.Clone(v.out.Fetch), v.out.Dial
	for _, f := range fetch {
		v.fetch(f)
	}
	for _, m := range send {
		v.said(m)
	}
	if dial {
		v.conn++
		kind := sim.Message{Kind: sim.Opened, Conn: v.conn}
		if v.deaf {
			kind = sim.Message{Kind: sim.Close, Conn: v.conn, Status: int32(sim.ReasonRefused)}
		}
		v.give(kind)
	}
}

// give puts a message into the device's mailbox.
func (v *driver) give(m sim.Message) { v.later(0, sim.Input{Kind: sim.Received, Msg: m}) }

func (v *driver) later(wait time.Duration, in sim.Input) {
	v.queue = append(v.queue, later{v.now.Add(wait), in})
}

func (v *driver) said(m sim.Message) {
	answer := sim.Message{Conn: m.Conn, Device: m.Device, Name: m.Name}
	switch m.Kind {
	case sim.Connect:
		answer.Kind, answer.Name, answer.Status = sim.Accept, "", v.refuse
		if v.silent {
			return
		}
	case sim.Subscribe:
		answer.Kind, answer.Status = sim.Subscribed, m.Status
	case sim.GetTwin:
		answer.Kind, answer.Status, answer.Body = sim.TwinAnswer, 200, v.twin.JSON()
		if v.mute {
			return
		}
	case sim.Report:
		v.reports = append(v.reports, string(m.Body))
		answer.Kind, answer.Status = sim.TwinAnswer, 204
		if v.status != 0 {
			answer.Status = v.status
		}
		if v.mute {
			return
		}
	case sim.Telemetry:
		answer.Kind, answer.Name, answer.ID = sim.TelemetryAck, "", m.ID
	case sim.Answer:
		return
	default:
		return
	}
	v.give(answer)
}

func (v *driver) fetch(f sim.Fetch) {
	v.queue = slices.DeleteFunc(v.queue, func(l later) bool { return l.in.Kind == sim.Downloaded })
	if f.Cancel {
		return
	}
	give := func(wait time.Duration, a sim.Fetched) {
		a.ID = f.ID
		v.later(wait, sim.Input{Kind: sim.Downloaded, Fetched: &a})
	}
	if v.fail != sim.FetchOK || v.pkg.IsZero() {
		fail, code := v.fail, v.code
		if fail == sim.FetchOK {
			fail, code = sim.FetchStatus, 404
		}
		give(0, sim.Fetched{Have: f.From, Fail: fail, Status: code, Done: true})
		return
	}
	if f.From > 0 { // the checkpoint of a real hash would be wrong without the first bytes
		if h, err := pack.Resume(f.Check); err != nil || h.Have() != f.From {
			panic("the checkpoint does not belong to its place")
		}
	}
	total := uint64(v.pkg.Len())
	a := sim.Fetched{Have: f.From, Total: total, Head: v.pkg.Head(), Digest: v.digest, Status: 200}
	if f.From == 0 && total > pack.HeadSize {
		a.Have = pack.HeadSize
		give(v.takes/10, a)
	}
	a.Have, a.Done, a.Sum = total, true, v.pkg.Served()
	if v.cuts != 0 && f.From <= v.cutAt {
		v.cuts--
		a.Have, a.Fail = v.cutAt, sim.FetchLink
		a.Sum, a.Check = v.pkg.Prefix(int64(v.cutAt))
	}
	give(v.takes, a)
}

// run lets time go on by a duration.
func (v *driver) run(for_ time.Duration) { v.until(v.now.Add(for_)) }

func (v *driver) until(end sim.Time) {
	for range 1_000_000 {
		at, i := v.d.Deadline(), -1
		for k := range v.queue {
			if i < 0 && v.queue[k].at <= at || i >= 0 && v.queue[k].at < v.queue[i].at {
				i = k
			}
		}
		if i >= 0 {
			at = v.queue[i].at
		}
		if at > end {
			v.now = end
			return
		}
		v.now = max(v.now, at)
		if i < 0 {
			v.step(sim.Input{})
			continue
		}
		in := v.queue[i].in
		v.queue = slices.Delete(v.queue, i, i+1)
		v.step(in)
	}
	panic("the device does not come to rest")
}

// call calls a direct method.
func (v *driver) call(name, payload string) {
	v.calls++
	v.give(sim.Message{Kind: sim.Call, Conn: v.conn, ID: v.calls, Name: name, Body: []byte(payload)})
	v.until(v.now)
}

// print writes down a step: < what came in, > what it sent, . what was noted.
func (v *driver) print(in sim.Input) {
	if v.quiet || in.Msg.Kind == sim.TwinAnswer && in.Msg.Status == 204 && len(v.out.Observe) == 1 && len(v.out.Send) == 0 {
		return // a report that was taken is no news
	}
	line := func(format string, args ...any) {
		fmt.Fprintf(&v.trace, "%-10s ", v.now)
		fmt.Fprintf(&v.trace, format, args...)
		v.trace.WriteByte('\n')
	}
	switch in.Kind {
	case sim.Received:
		line("< %s", short(in.Msg))
	case sim.Downloaded:
		f := in.Fetched
		line("< fetched %d have=%d total=%d fail=%d status=%d done=%t", f.ID, f.Have, f.Total, f.Fail, f.Status, f.Done)
	case sim.Afflicted:
		line("< condition %+v", *in.Condition)
	}
	for _, o := range v.out.Observe {
		switch {
		case o.Metric != sim.NoMetric:
			line(". %s = %s", sim.Metrics[o.Metric].Name, o.Latency())
		case o.Value != 0:
			line(". %s %s (%d)", sim.Events[o.Event].Name, o.Text, o.Value)
		default:
			line(". %s %s", sim.Events[o.Event].Name, o.Text)
		}
	}
	for _, m := range v.out.Send {
		line("> %s", short(m))
	}
	if v.out.Dial {
		line("> dial")
	}
	for _, f := range v.out.Fetch {
		check := ""
		if f.Check != nil {
			check = fmt.Sprintf(" check %d", binary.Size(f.Check))
		}
		if f.Cancel {
			line("> fetch %d cancel", f.ID)
			continue
		}
		line("> fetch %d %s from=%d%s", f.ID, f.URL, f.From, check)
	}
}

// short is a message's line without what is the same in every transcript.
func short(m sim.Message) string {
	m.Device = ""
	switch {
	case m.Kind == sim.Connect:
		m.Body = []byte("<token>")
	case m.Kind == sim.Report && strings.Count(string(m.Body), ":") > 20:
		m.Body = []byte("<all>")
	case m.Kind == sim.Telemetry:
		m.Name = ""
	}
	return m.String()
}
