package reports

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
)

// ReadTimeline reads the events of one device out of a timeline.csv, as
// Timeline writes it. Times come back in whole microseconds, and a line end
// within a text as \n.
func ReadTimeline(r io.Reader, device string) ([]sim.Observation, error) {
	return readTimeline(r, func(id string) bool { return id == device })
}

// ReadEvents reads the events of all devices and of the hub, in order.
func ReadEvents(r io.Reader) ([]sim.Observation, error) {
	return readTimeline(r, func(string) bool { return true })
}

func readTimeline(r io.Reader, wanted func(device string) bool) ([]sim.Observation, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord = len(timelineColumns)
	in.ReuseRecord = true
	head, err := in.Read()
	if err != nil || !slices.Equal(head, timelineColumns) {
		return nil, errors.Join(fmt.Errorf("not a timeline: its first line must be %s", strings.Join(timelineColumns, ",")), err)
	}
	var all []sim.Observation
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("timeline: %w", err)
		}
		if !wanted(row[1]) {
			continue
		}
		line, _ := in.FieldPos(0)
		bad := func(column int, err error) error {
			return fmt.Errorf("timeline: line %d: %s %q: %w", line, timelineColumns[column], row[column], err)
		}
		o := sim.Observation{Device: sim.DeviceID(strings.Clone(row[1])), Job: strings.Clone(row[3]), Text: strings.Clone(row[5])}
		if o.At, err = instant(row[0]); err != nil {
			return nil, bad(0, err)
		}
		event := slices.IndexFunc(sim.Events[:], func(e sim.EventInfo) bool { return e.Name == row[2] })
		if event < 1 {
			return nil, bad(2, errors.New("this build knows no such event"))
		}
		o.Event = sim.Event(event)
		if row[4] != "" {
			if o.Value, err = strconv.ParseInt(row[4], 10, 64); err != nil {
				return nil, bad(4, err)
			}
		}
		all = append(all, o)
	}
}

// instant reads what seconds writes.
func instant(s string) (sim.Time, error) {
	whole, micros, _ := strings.Cut(s, ".")
	sec, err1 := strconv.ParseUint(whole, 10, 64)
	us, err2 := strconv.ParseUint(micros, 10, 32)
	if err1 != nil || err2 != nil || len(micros) != 6 || sec >= math.MaxInt64/1_000_000_000 {
		return 0, errors.New("want seconds with six decimals")
	}
	return sim.Time(sec*1e9 + us*1e3), nil
}
