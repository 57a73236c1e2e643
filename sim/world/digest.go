package world

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// digest hashes one line an event:
//
//	<time in ns> <machine> <input>
//
// Message.Append says how a message and its body are written.
type digest struct {
	hash interface {
		Write([]byte) (int, error)
		Sum([]byte) []byte
	}
	line  []byte
	trace func([]byte)
}

func newDigest(trace func([]byte)) digest { return digest{hash: sha256.New(), trace: trace} }

func (d *digest) begin(now sim.Time, machine string) {
	d.line = strconv.AppendInt(d.line[:0], int64(now), 10)
	d.line = append(d.line, ' ')
	d.line = append(d.line, machine...)
	d.line = append(d.line, ' ')
}

func (d *digest) end() {
	d.line = append(d.line, '\n')
	d.hash.Write(d.line)
	if d.trace != nil {
		d.trace(d.line)
	}
}

func (d *digest) step(now sim.Time, machine string, in sim.Input) {
	d.begin(now, machine)
	switch in.Kind {
	case sim.Wake:
		d.line = append(d.line, "wake"...)
	case sim.Received:
		d.line = in.Msg.Append(d.line)
	case sim.Downloaded:
		d.fetched(in.Fetched)
	case sim.Afflicted:
		d.line = fmt.Appendf(d.line, "condition %+v", *in.Condition)
	}
	d.end()
}

func (d *digest) fetch(now sim.Time, dev sim.DeviceID, f sim.Fetch) {
	d.begin(now, "server")
	d.line = append(append(d.line, "fetch "...), dev...)
	d.line = append(d.line, " id="...)
	d.line = strconv.AppendUint(d.line, uint64(f.ID), 10)
	d.line = append(d.line, " from="...)
	d.line = strconv.AppendUint(d.line, f.From, 10)
	if f.Cancel {
		d.line = append(d.line, " cancel"...)
	}
	d.line = append(append(d.line, ' '), f.URL...)
	d.line = append(d.line, ' ')
	d.line = hex.AppendEncode(d.line, f.Check)
	d.end()
}

func (d *digest) fetched(f *sim.Fetched) {
	d.line = append(d.line, "fetched id="...)
	d.line = strconv.AppendUint(d.line, uint64(f.ID), 10)
	d.line = append(d.line, " have="...)
	d.line = strconv.AppendUint(d.line, f.Have, 10)
	d.line = append(d.line, " total="...)
	d.line = strconv.AppendUint(d.line, f.Total, 10)
	d.line = append(d.line, " status="...)
	d.line = strconv.AppendInt(d.line, int64(f.Status), 10)
	d.line = append(d.line, " fail="...)
	d.line = strconv.AppendInt(d.line, int64(f.Fail), 10)
	d.line = append(d.line, " done="...)
	d.line = strconv.AppendBool(d.line, f.Done)
	d.line = append(d.line, " sum="...)
	d.line = hex.AppendEncode(d.line, f.Sum[:])
}

func (d *digest) command(now sim.Time, c hub.Command) {
	d.begin(now, "hub")
	d.line = append(d.line, "do "...)
	d.line = hub.AppendCommand(d.line, c)
	d.end()
}

func (d *digest) afflict(now sim.Time, id sim.DeviceID, c fault.Conditions) {
	d.begin(now, "link")
	d.line = fmt.Appendf(d.line, "of %s %+v %+v", id, c.Link, c.Download)
	d.end()
}

func (d *digest) hush(now sim.Time, id sim.DeviceID, conn uint32) {
	d.begin(now, "link")
	d.line = fmt.Appendf(d.line, "of %s is silent #%d", id, conn)
	d.end()
}

func (d *digest) befall(now sim.Time, h fault.Hub) {
	d.begin(now, "hub")
	d.line = fmt.Appendf(d.line, "befallen %+v", h)
	d.end()
}

// Digest ends the run's digest with all rows as they stand, devices by
// number, then jobs and children by theirs, and returns it in hex. The world
// may go on afterwards; a second call covers what came in between and the rows
// again.
func (w *World) Digest() string {
	v := w.hub.View()
	d := &w.digest
	for i := range v.Len() {
		d.begin(w.now, "row")
		d.line = v.Device(i).Append(d.line)
		d.end()
	}
	for i := range v.Jobs.Len() {
		j, ok := v.Jobs.At(i)
		if !ok {
			continue
		}
		d.begin(w.now, "row")
		d.line = fmt.Appendf(d.line, "job %s %s %s %d %d %d %q %q %+v batch=%d/%d %+v", j.ID, j.Kind, j.Status,
			int64(j.Created), int64(j.Start), int64(j.End), j.FailureReason, j.StatusMessage, j.Counts, j.Batch, j.BatchSize, j.Batches)
		d.end()
		for from := 0; from < j.Counts.Total; from += sim.MaxSlice {
			for _, c := range v.Jobs.Children(i, from, sim.MaxSlice) {
				d.begin(w.now, "row")
				d.line = append(d.line, "child "...)
				d.line = append(d.line, c.ID...)
				d.line = append(append(d.line, ' '), c.Device...)
				d.line = append(append(d.line, ' '), c.Status.String()...)
				d.line = append(d.line, ' ')
				d.line = strconv.AppendInt(d.line, int64(c.Start), 10)
				d.line = append(d.line, ' ')
				d.line = strconv.AppendInt(d.line, int64(c.End), 10)
				d.line = append(append(d.line, ' '), c.FailureReason...)
				d.end()
			}
		}
	}
	return hex.EncodeToString(d.hash.Sum(nil))
}
