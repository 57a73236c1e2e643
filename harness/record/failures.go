package record

import (
	"cmp"
	"slices"
)

// The bounds of Summary.Failures.
const (
	MaxFailures = 50 // reasons; the rarest beyond it are one row, OtherReasons
	MaxExamples = 5  // devices named for a reason
)

// OtherReasons is the reason of the row for what is beyond MaxFailures.
const OtherReasons = "other reasons"

// Failure is the devices of a job that failed for one reason.
type Failure struct {
	Job     string   `json:"jobId,omitempty"` // of the parent; empty for OtherReasons
	Reason  string   `json:"reason"`          // empty if none was given
	Count   int      `json:"count"`
	Devices []string `json:"devices"` // the first MaxExamples of them, in order of targets
}

// Failures groups the children that failed by job and reason, the most
// frequent first, equal ones in order of appearance.
func Failures(jobs []Job) []Failure {
	type key struct{ job, reason string }
	place := make(map[key]int)
	var list []Failure
	for i := range jobs {
		j := &jobs[i]
		if j.ParentID == "" || j.Status != "failed" {
			continue
		}
		k := key{j.ParentID, j.FailureReason}
		at, known := place[k]
		if !known {
			at = len(list)
			place[k] = at
			list = append(list, Failure{Job: k.job, Reason: k.reason})
		}
		list[at].add(1, j.DeviceID)
	}
	slices.SortStableFunc(list, func(a, b Failure) int { return cmp.Compare(b.Count, a.Count) })
	if len(list) <= MaxFailures {
		return list
	}
	other := Failure{Reason: OtherReasons}
	for _, f := range list[MaxFailures-1:] {
		other.add(f.Count, f.Devices...)
	}
	return append(list[:MaxFailures-1], other)
}

func (f *Failure) add(n int, devices ...string) {
	f.Count += n
	f.Devices = append(f.Devices, devices[:min(len(devices), MaxExamples-len(f.Devices))]...)
}
