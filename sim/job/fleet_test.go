package job_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// fleet is a hub reduced to what the engine sees of it. What it is asked is
// written down; a test answers by hand.
type fleet struct {
	t       *testing.T
	engine  *job.Engine
	now     sim.Time
	out     sim.Outbox
	numbers map[sim.DeviceID]uint32
	online  map[uint32]bool
	gone    map[uint32]bool
	known   map[uint32]doc.Value
	at      sim.Time // when known was learned
	calls   []call
	log     strings.Builder
}

type call struct {
	dev    uint32
	ref    job.CallRef
	method string
	body   string
}

func newFleet(t *testing.T, devices int, strict bool) *fleet {
	f := &fleet{t: t, numbers: map[sim.DeviceID]uint32{}, online: map[uint32]bool{}, gone: map[uint32]bool{}, known: map[uint32]doc.Value{}}
	for i := range devices {
		f.numbers[id(i)] = uint32(i)
		f.online[uint32(i)] = true
	}
	gen, r := uint32(1), sim.NewRand(1, sim.ActorHub)
	f.engine = job.NewEngine(job.Config{Gen: &gen, Rand: &r, Fleet: f, Strict: strict})
	return f
}

func id(i int) sim.DeviceID { return sim.DeviceID(fmt.Sprintf("dev-%d", i)) }

func ids(n int) []sim.DeviceID {
	list := make([]sim.DeviceID, n)
	for i := range list {
		list[i] = id(i)
	}
	return list
}

func (f *fleet) Find(id sim.DeviceID) (uint32, bool) { n, ok := f.numbers[id]; return n, ok }
func (f *fleet) Online(dev uint32) bool              { return f.online[dev] }
func (f *fleet) Property(dev uint32, name string) (doc.Value, sim.Time) {
	if v := f.known[dev].Get(name); !v.IsAbsent() {
		return v, f.at
	}
	return doc.Value{}, -1
}
func (f *fleet) Call(_ sim.Time, dev uint32, c job.CallRef, method string, body []byte, _ time.Duration, _ *sim.Outbox) {
	f.calls = append(f.calls, call{dev, c, method, string(body)})
	fmt.Fprintf(&f.log, "%s  call dev-%d %s %s\n", f.now, dev, method, body)
}
func (f *fleet) Read(_ sim.Time, dev uint32, values doc.Value, _ *sim.Outbox) {
	fmt.Fprintf(&f.log, "%s  read dev-%d %s\n", f.now, dev, values)
}
func (f *fleet) Configured(dev uint32, value string, _ *sim.Outbox) {
	fmt.Fprintf(&f.log, "%s  configured dev-%d %q\n", f.now, dev, value)
}

func (f *fleet) Gather(group string, after sim.DeviceID, limit int, take func(sim.DeviceID, uint32)) (last sim.DeviceID, looked int, done bool, err error) {
	if group == "gone" {
		return "", 0, false, errors.New("the group is gone")
	}
	for i := range len(f.numbers) {
		if n := id(i); n > after && looked < limit {
			last = n
			looked++
			take(n, f.numbers[n])
		}
	}
	return last, looked, looked < limit, nil
}

func (f *fleet) Gone(dev uint32) bool { return f.gone[dev] }
func (f *fleet) Desire(_ sim.Time, dev uint32, patch doc.Value, _ *sim.Outbox) error {
	fmt.Fprintf(&f.log, "%s  desire dev-%d %s\n", f.now, dev, patch)
	return nil
}
func (f *fleet) Cloud(_ sim.Time, dev uint32, patch doc.Value, _ *sim.Outbox) error {
	fmt.Fprintf(&f.log, "%s  cloud dev-%d %s\n", f.now, dev, patch)
	return nil
}
func (f *fleet) Enqueue(_ sim.Time, dev uint32, command string, payload []byte, _ *sim.Outbox) error {
	fmt.Fprintf(&f.log, "%s  enqueue dev-%d %s %s\n", f.now, dev, command, payload)
	return nil
}

// drain writes down what the engine observed.
func (f *fleet) drain() {
	for _, o := range f.out.Observe {
		if o.Event == sim.EventJob || o.Event == sim.EventChild {
			fmt.Fprintf(&f.log, "%s  %s %s%s\n", f.now, strings.TrimSpace(o.Job+" "+string(o.Device)), o.Text, "")
		}
	}
	f.out.Reset()
}

// settle lets the engine do what is due now.
func (f *fleet) settle() {
	for range 1_000_000 {
		if f.engine.Deadline() > f.now {
			f.drain()
			return
		}
		f.engine.Step(f.now, &f.out)
	}
	f.t.Fatalf("engine never rests at %s", f.now)
}

// to lets time go on until t, waking the engine when it asks.
func (f *fleet) to(t sim.Time) {
	for f.engine.Deadline() <= t {
		f.now = max(f.now, f.engine.Deadline())
		f.settle()
	}
	f.now = t
}

func (f *fleet) submit(s job.Spec) {
	f.t.Helper()
	if err := job.Check(&s); err != nil {
		f.t.Fatal(err)
	}
	if _, err := f.engine.Submit(f.now, s, &f.out); err != nil {
		f.t.Fatal(err)
	}
	f.settle()
}

// answer answers the oldest open call to dev.
func (f *fleet) answer(dev uint32, status int32, body string) {
	f.t.Helper()
	f.ack(dev, job.Ack{Status: status, Body: []byte(body)})
}

// answerLast answers the newest call to dev.
func (f *fleet) answerLast(dev uint32, status int32, body string) {
	f.t.Helper()
	for i := len(f.calls) - 1; i >= 0; i-- {
		if c := f.calls[i]; c.dev == dev {
			f.calls = append(f.calls[:i:i], f.calls[i+1:]...)
			f.engine.Answered(f.now, c.ref, job.Ack{Status: status, Body: []byte(body)}, &f.out)
			f.settle()
			return
		}
	}
	f.t.Fatalf("no call to dev-%d is open", dev)
}

func (f *fleet) ack(dev uint32, a job.Ack) {
	f.t.Helper()
	for i, c := range f.calls {
		if c.dev == dev {
			f.calls = append(f.calls[:i:i], f.calls[i+1:]...)
			f.engine.Answered(f.now, c.ref, a, &f.out)
			f.settle()
			return
		}
	}
	f.t.Fatalf("no call to dev-%d is open", dev)
}

func (f *fleet) report(dev uint32, properties string) {
	v := doc.MustParse(properties)
	f.known[dev], f.at = doc.Merge(f.known[dev], v, f.now), f.now
	f.engine.Reported(f.now, dev, v, &f.out)
	f.settle()
}

func (f *fleet) goOffline(dev uint32) {
	f.online[dev] = false
	f.engine.Offline(f.now, dev, &f.out)
	f.settle()
}

func (f *fleet) goOnline(dev uint32) {
	f.online[dev] = true
	f.engine.Online(f.now, dev, &f.out)
	f.settle()
}
