package hub_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// TestDurableTwin holds the queue of one device against a dumb one, whatever
// it does: commands come in their order, once on a connection, again on the
// next until they are taken, and not after a day nor an eleventh time.
func TestDurableTwin(t *testing.T) {
	type command struct {
		name  string
		ends  sim.Time
		tries int
		sent  uint64 // its number on the present connection
	}
	rapid.Check(t, func(rt *rapid.T) {
		d := newDesk(t, "a")
		var twin []*command
		var queued, delivered, expired uint64
		online, acks := false, false
		conn := uint32(0)
		drop := func(gone func(*command) bool) {
			twin = slices.DeleteFunc(twin, func(c *command) bool {
				if gone(c) {
					expired++
					return true
				}
				return false
			})
		}
		// deliver says what the device must have heard since, and gives numbers.
		deliver := func() {
			var want []string
			for _, c := range twin {
				if online && c.sent == 0 {
					want = append(want, c.name)
				}
			}
			var got []string
			for line := range strings.Lines(d.log.String()) {
				if _, m, ok := strings.Cut(line, " < cloud "); ok {
					f := strings.Fields(m)
					number := uint64(0)
					if strings.HasPrefix(f[1], "id=") {
						fmt.Sscanf(f[1], "id=%d", &number)
						f = f[1:]
					}
					if (number != 0) != acks {
						rt.Fatalf("number %d on a connection that acknowledges: %t", number, acks)
					}
					got = append(got, f[1])
					for _, c := range twin {
						if c.name == f[1] {
							c.sent = max(number, 1)
							c.tries++
						}
					}
				}
			}
			d.log.Reset()
			if !slices.Equal(got, want) {
				rt.Fatalf("at %s it hears %v; want %v", d.now, got, want)
			}
			if online && !acks {
				delivered += uint64(len(twin))
				twin = nil
			}
		}
		lose := func() {
			for _, c := range twin {
				c.sent = 0
			}
			drop(func(c *command) bool { return c.tries >= 10 })
		}
		for i := range rapid.IntRange(1, 60).Draw(rt, "steps") {
			switch rapid.IntRange(0, 5).Draw(rt, "what") {
			case 0, 1:
				name := fmt.Sprint("c", i)
				j := d.durable(name, name, "a")
				if full := len(twin) == 50; full != (j.Counts.Failed == 1) {
					rt.Fatalf("with %d waiting: %+v", len(twin), j.Counts)
				} else if !full {
					queued++
					twin = append(twin, &command{name: name, ends: d.now + day})
				}
				deliver()
			case 2:
				if online {
					lose()
				}
				acks = rapid.Bool().Draw(rt, "acknowledges")
				features := sim.AllFeatures | sim.FeatureC2D
				if acks {
					features |= sim.FeatureC2DAck
				}
				conn = d.connect("a", 1, features)
				online = true
				deliver()
			case 3:
				if online {
					d.say(sim.Message{Kind: sim.Close, Device: "a", Conn: conn, Status: int32(sim.ReasonLost)})
					online = false
					lose()
				}
			case 4:
				if online && acks && len(twin) > 0 {
					k := rapid.IntRange(0, len(twin)-1).Draw(rt, "taken")
					d.ack("a", conn, twin[k].sent)
					twin = slices.Delete(twin, k, k+1)
					delivered++
				}
			case 5:
				to := d.now + sim.Time(rapid.Int64Range(1, int64(day)/2).Draw(rt, "later"))
				if online { // a connection lasts an hour
					d.say(sim.Message{Kind: sim.Close, Device: "a", Conn: conn, Status: int32(sim.ReasonLost)})
					online = false
					lose()
				}
				d.to(to)
				drop(func(c *command) bool { return c.ends <= d.now })
			}
			if c := d.must(hub.GetCounters{}).Counters; c.CommandsQueued != queued || c.CommandsDelivered != delivered || c.CommandsExpired != expired {
				rt.Fatalf("%d queued, %d delivered, %d given up; want %d, %d, %d", c.CommandsQueued, c.CommandsDelivered, c.CommandsExpired, queued, delivered, expired)
			}
		}
	})
}
