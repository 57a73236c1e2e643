package hubd

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/harness/mqtt"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// pushed is a device's connection that pushes what comes in.
type pushed struct {
	*iothub.DeviceConn
	t    *testing.T
	in   chan sim.Message
	lost atomic.Int32
	gone chan struct{}
}

func (h *house) push(t *testing.T, id sim.DeviceID, connect mqtt.Connector) *pushed {
	t.Helper()
	d := iothub.Dialer{Link: h.link, Connect: connect, Agent: "test"}
	c, err := d.Dial(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	p := &pushed{DeviceConn: c, t: t, in: make(chan sim.Message, 1000), gone: make(chan struct{})}
	c.Push(func(m sim.Message, ended <-chan struct{}) {
		select {
		case p.in <- m:
		case <-ended:
		}
	}, func() {
		if p.lost.Add(1) == 1 {
			close(p.gone)
		}
	})
	return p
}

func (p *pushed) say(m sim.Message) {
	p.t.Helper()
	if err := p.Send(m); err != nil {
		p.t.Fatalf("%s: %v", m, err)
	}
}

func (p *pushed) hears(kind sim.Kind) sim.Message {
	p.t.Helper()
	m := <-p.in
	if m.Kind != kind {
		p.t.Fatalf("heard %q; want %s", m, kind)
	}
	return m
}

// ends closes the connection too and waits for it; its end was told once.
func (p *pushed) ends() {
	p.t.Helper()
	<-p.gone
	p.Close()
	p.Wait()
	if n := p.lost.Load(); n != 1 {
		p.t.Errorf("told of the end %d times; want once", n)
	}
}

// TestPush: what comes in is pushed, in order, and the end is told once, in
// whatever way it comes.
func TestPush(t *testing.T) {
	for _, c := range connectors {
		for _, transport := range []string{"mem", "tcp"} {
			t.Run(c.name+"/"+transport, func(t *testing.T) {
				h := open(t)
				defer h.close()
				h.over(transport)
				h.register("d")
				hello := sim.Message{Kind: sim.Connect, Device: "d", Name: host, Body: h.token("d", key), ID: 1, Status: 60}
				for name, end := range map[string]func(*pushed){ // any order: each has its own connection
					"hub":        func(*pushed) { h.do(hub.SetStatus{ID: "d", Disabled: true}); h.do(hub.SetStatus{ID: "d"}) },
					"DISCONNECT": func(p *pushed) { p.say(sim.Message{Kind: sim.Close, Device: "d", Status: int32(sim.ReasonNormal)}) },
					"reboot":     func(p *pushed) { p.say(sim.Message{Kind: sim.Close, Device: "d", Status: int32(sim.ReasonReboot)}) },
					"Close":      func(p *pushed) { p.Close() },
				} {
					p := h.push(t, "d", c.connect)
					p.say(hello)
					if m := p.hears(sim.Accept); m.Status != 0 {
						t.Fatalf("%s: %q", name, m)
					}
					p.say(sim.Message{Kind: sim.Subscribe, Device: "d", ID: uint64(sim.AllFeatures), Status: 3})
					p.hears(sim.Subscribed)
					for i := range 100 {
						p.say(sim.Message{Kind: sim.GetTwin, Device: "d", Name: fmt.Sprint(i)})
					}
					for i := range 100 {
						if m := p.hears(sim.TwinAnswer); m.Name != fmt.Sprint(i) {
							t.Fatalf("%s: answer %d is %q", name, i, m)
						}
					}
					select {
					case <-p.gone:
						t.Fatalf("%s: told of an end", name)
					default:
					}
					end(p)
					p.ends()
				}

				refused := h.push(t, "d", c.connect)
				hello.Body = []byte("nonsense")
				refused.say(hello)
				if m := refused.hears(sim.Accept); m.Status != 5 {
					t.Errorf("refused: %q", m)
				}
				select {
				case <-refused.gone:
					t.Error("told of an end beside the refusal")
				default:
				}
				refused.Close()
				refused.ends()

				never := h.push(t, "d", c.connect) // no CONNECT
				never.Close()
				never.ends()
			})
		}
	}
}
