package record

import (
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// MaxBuckets is how many equal parts of time a Campaign has at most.
const MaxBuckets = 240

// Campaign is how many devices were in which state over the time of a run: the
// run's time is cut into at most MaxBuckets parts of BucketNs each, and the
// i-th count is how things stood at the end of the i-th part, the last one at
// the end of the run. What is shorter than a part may not show.
type Campaign struct {
	BucketNs int64    `json:"bucketNs"` // width of a part, in nanoseconds
	EndNs    int64    `json:"endNs"`    // end of the run, in nanoseconds since its time 0
	Devices  []States `json:"devices"`  // every device is in one of these, in the order of DeviceStates
	Children []States `json:"children"` // every device's part of every job is in one of these, in the order of ChildStates
}

// States is one state over time. States that never occurred are left out.
type States struct {
	State  string `json:"state"`
	Counts []int  `json:"counts"`
}

// The states a device can be in, as campaigns count them, in the order of a
// firmware update. A device that is away for a reboot is rebooting, not
// offline; one without a link is offline, whatever else it is about.
var DeviceStates = [...]string{"offline", "connected", "downloading", "downloaded", "applying", "rebooting"}

const (
	offline phase = iota
	connected
	downloading
	downloaded
	applying
	rebooting
	phases
)

type phase uint8

// ChildStates are the states of a device's part of a job. Parts of a job are
// pending from the instant the job was submitted.
var ChildStates = [...]string{"pending", "running", "completed", "failed", "cancelled"}

// The rows of a track: the phases, then what children do.
const (
	rowRunning = int(phases) + iota
	rowCompleted
	rowFailed
	rowCancelled
	rows
)

// firstWidth is the width of a part while a run is short. It doubles as often
// as the run outgrows MaxBuckets, so at least half of them are in use.
const firstWidth = int64(time.Millisecond)

// track is changes of counts over time. It holds sums per part of time, which
// come out the same in whatever order changes are added and however they are
// spread over tracks. The zero value is empty.
type track struct {
	doublings uint8 // parts are firstWidth << doublings wide
	changes   *[rows][MaxBuckets]int32
}

func (t *track) width() int64 { return firstWidth << t.doublings }

// add notes that n more are in a row from an instant on.
func (t *track) add(row int, at sim.Time, n int32) {
	if t.changes == nil {
		t.changes = new([rows][MaxBuckets]int32)
	}
	at = max(at, 0)
	for int64(at)/t.width() >= MaxBuckets {
		t.double()
	}
	t.changes[row][int64(at)/t.width()] += n
}

// double makes parts twice as wide.
func (t *track) double() {
	t.doublings++
	if t.changes == nil {
		return
	}
	for r := range t.changes {
		row := &t.changes[r]
		for i := range row {
			if 2*i+1 < MaxBuckets {
				row[i] = row[2*i] + row[2*i+1]
			} else {
				row[i] = 0
			}
		}
	}
}

// merge adds the changes of u, which it may make wider.
func (t *track) merge(u *track) {
	if u.changes == nil {
		return
	}
	if t.changes == nil {
		t.changes = new([rows][MaxBuckets]int32)
	}
	for t.doublings < u.doublings {
		t.double()
	}
	for u.doublings < t.doublings {
		u.double()
	}
	for r := range t.changes {
		for i := range t.changes[r] {
			t.changes[r][i] += u.changes[r][i]
		}
	}
}

// campaign adds up what the shards know of a run that ended at end with so
// many devices; nil if nothing was seen. What devices did after the end, while
// they said goodbye, does not count, but for the rest of the last part of time.
func (r *Recorder) campaign(end sim.Time, devices int, jobs []Job) *Campaign {
	var all track
	began := make(map[string]sim.Time)
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		all.merge(&s.track)
		for id, at := range s.began { // any order: a map is made of it
			began[id] = at
		}
		s.mu.Unlock()
	}
	if all.changes == nil {
		return nil
	}
	for int64(end) > MaxBuckets*all.width() {
		all.double()
	}
	width := all.width()
	n := int((int64(end) + width - 1) / width)
	if end <= 0 { // not known: the last event is the end
		for _, row := range all.changes {
			for i, c := range row {
				if c != 0 {
					n = max(n, i+1)
				}
			}
		}
		n = max(n, 1)
		end = sim.Time(int64(n) * width)
	}
	c := &Campaign{BucketNs: width, EndNs: int64(end)}
	var counts [rows][]int
	for row := range counts {
		counts[row] = make([]int, n)
		sum := 0
		for i := range n {
			sum += int(all.changes[row][i])
			counts[row][i] = sum
		}
	}
	for i := range n {
		on := 0
		for p := connected; p < phases; p++ {
			on += counts[p][i]
		}
		counts[offline][i] = max(0, devices-on)
	}
	c.Devices = states(DeviceStates[:], counts[:phases])

	pending := make([]int, n)
	for i := range jobs {
		at, known := began[jobs[i].ID]
		if jobs[i].ParentID != "" || jobs[i].Devices == nil || !known {
			continue
		}
		for k := min(int(int64(max(at, 0))/width), n-1); k < n; k++ {
			pending[k] += jobs[i].Devices.Total
		}
	}
	for i := range n {
		for row := rowRunning; row < rows; row++ {
			pending[i] -= counts[row][i]
		}
		pending[i] = max(0, pending[i])
	}
	c.Children = states(ChildStates[:], append([][]int{pending}, counts[phases:]...))
	return c
}

func states(names []string, counts [][]int) []States {
	list := []States{}
	for i, name := range names {
		for _, n := range counts[i] {
			if n != 0 {
				list = append(list, States{name, counts[i]})
				break
			}
		}
	}
	return list
}
