package job

import "github.com/flotilla-sim/flotilla/sim"

// tallied is how many children in a row share a tally.
const tallied = sim.PageSize

// tally counts the states of some children in a row; of those that are
// pending, nothing is kept. It lets a search for children in one state pass
// over the others.
type tally [Cancelled + 1]uint16

// turned notes that child i has another state.
func (j *Job) turned(i int, from, to Status) {
	for j.tallies.Len() <= i/tallied {
		j.tallies.Append(tally{})
	}
	t := j.tallies.Mut(i / tallied)
	if from != Pending {
		t[from]--
	}
	if to != Pending {
		t[to]++
	}
}

// Run is children of a job in a row: places From to To-1.
type Run struct{ From, To int }

// Runs returns where the children of job n are that may have one of the states
// for which want is true: all that have it are there, and others near them.
func (s Jobs) Runs(n int, want func(Status) bool) []Run {
	j := s.jobs.At(n)
	total := len(j.spec.Targets)
	var runs []Run
	for from := 0; from < total; from += tallied {
		to := min(from+tallied, total)
		var t tally
		if i := from / tallied; i < j.tallies.Len() {
			t = *j.tallies.At(i)
		}
		left, found := to-from, false
		for state, count := range t {
			left -= int(count)
			found = found || count > 0 && want(Status(state))
		}
		switch {
		case !found && !(left > 0 && want(Pending)):
		case len(runs) > 0 && runs[len(runs)-1].To == from:
			runs[len(runs)-1].To = to
		default:
			runs = append(runs, Run{from, to})
		}
	}
	return runs
}
